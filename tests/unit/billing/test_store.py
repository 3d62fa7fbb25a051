"""The store on both engines: migrations, exactly-once appends, gaps, links, and files that are no store."""

from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from billing.errors import EventError, StoreError
from billing.log.event import canonical, event_hash
from billing.store.engine import open_store, reading, writing
from billing.store.migrate import differences, downgrade, head, init, require_current, revision_of, upgrade
from billing.store.reader import events_in, last_position, quarantined
from billing.store.schema import all_tables
from billing.store.writer import append, arrived_of
from log_events import chain


def test_migrations_go_up_and_down_and_agree_with_the_declared_tables(store_place: str) -> None:
    engine = open_store(store_place, create=True)
    assert init(engine) == head()
    with reading(engine) as connection:
        assert revision_of(connection) == head()
        assert differences(connection) == []
    downgrade(engine)
    with reading(engine) as connection:
        assert revision_of(connection) is None
        assert differences(connection) != []
    with pytest.raises(StoreError, match="no store in this database"):
        require_current(engine)
    assert upgrade(engine) == init(engine) == head()
    require_current(engine)


def test_in_sqlite_migrations_write_the_very_tables_that_are_declared(tmp_path: Path) -> None:
    """Alembic does not compare everything: STRICT, for one."""
    migrated, declared = (open_store(str(tmp_path / name), create=True) for name in ("migrated.db", "declared.db"))
    init(migrated)
    with writing(declared) as connection:
        all_tables().create_all(connection)
    assert written(migrated) == written(declared)


def written(engine: Engine) -> dict[str, list[str]]:
    """The columns and constraints of each table, in no particular order; every table must be STRICT."""
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name <> 'alembic_version'"
    with reading(engine) as connection:
        found = {name: " ".join(sql.replace('"', "").split()) for name, sql in connection.execute(text(query))}
    assert all(sql.endswith(" ) STRICT") for sql in found.values())
    lists = {name: sql.removesuffix(" ) STRICT").partition("(")[2].split(", ") for name, sql in found.items()}
    return {name: sorted(each.strip() for each in parts) for name, parts in lists.items()}


def test_events_come_back_as_they_went_in(store_place: str) -> None:
    engine = open_store(store_place, create=True)
    init(engine)
    events = [*chain("b", 3), *chain("a", 2)]
    with writing(engine) as connection:
        assert append(connection, events)[:2] == (5, 0)
    with reading(engine) as connection:
        assert list(events_in(connection)) == events
        assert list(events_in(connection, source="a")) == chain("a", 2)
        assert list(events_in(connection, after=3)) == chain("a", 2)
        assert list(events_in(connection, until=3)) == chain("b", 3)
        assert last_position(connection) == 5


def test_duplicates_write_nothing_and_conflicts_are_put_aside_with_both_hashes(store_place: str) -> None:
    engine = open_store(store_place, create=True)
    init(engine)
    first, second, third = chain(count=3)
    other = first._replace(data=canonical({"gpus": 9}))
    fork = second._replace(id="fork")
    with writing(engine) as connection:
        append(connection, [first])
    for _ in range(2):  # a repeated conflict is put aside once
        with writing(engine) as connection:
            done = append(connection, [first, second, second, other, fork])
    assert (done.new, done.duplicates) == (0, 3)
    assert [(c.hash, c.known_hash) for c in done.conflicts] == [
        (event_hash(other), event_hash(first)),
        (event_hash(fork), event_hash(second)),
    ]
    with reading(engine) as connection:
        assert list(events_in(connection)) == [first, second]
        aside = quarantined(connection)
    assert [(row.origin, row.record, row.reason) for row in aside] == [
        ("sim", "fork", "conflict"),
        ("sim", "sim-1", "conflict"),
    ]
    with writing(engine) as connection:
        assert append(connection, [third]).new == 1


def test_a_gap_is_recorded_until_it_is_filled(store_place: str) -> None:
    engine = open_store(store_place, create=True)
    init(engine)
    events = chain(count=6)
    gaps = []
    for batch in ([events[5], events[0]], [events[2]], [events[1], events[3], events[4]]):
        with writing(engine) as connection:
            append(connection, batch)
            gaps.append(arrived_of(connection, "sim")[1].gaps)
    assert gaps == [((2, 6),), ((2, 3), (4, 6)), ()]


def test_a_broken_link_is_told_once_with_source_and_seq(store_place: str) -> None:
    """The event stays: what is wrong with it is for a person to find out."""
    engine = open_store(store_place, create=True)
    init(engine)
    first, second, third = chain(count=3)
    changed = second._replace(data=canonical({"gpus": 7}))
    told = []
    for batch in ([first, third], [changed], [changed]):
        with writing(engine) as connection:
            told.append([(link.source, link.seq) for link in append(connection, batch).broken])
    assert told == [[], [("sim", 3)], []]


def test_a_malformed_event_takes_nothing_of_its_batch_in(store_place: str) -> None:
    engine = open_store(store_place, create=True)
    init(engine)
    with pytest.raises(EventError), writing(engine) as connection:
        append(connection, [chain(count=1)[0], chain(count=2)[1]._replace(prevhash="")])
    with reading(engine) as connection:
        assert list(events_in(connection)) == []


def test_a_reader_sees_one_state_and_writes_nothing(store_place: str) -> None:
    engine = open_store(store_place, create=True)
    init(engine)
    with reading(engine) as connection:
        assert last_position(connection) == 0
        with writing(engine) as other:
            append(other, chain(count=3))
        assert last_position(connection) == 0
    with reading(engine) as connection:
        assert last_position(connection) == 3
    with pytest.raises(StoreError, match=r"read.?only"), reading(engine) as connection:
        connection.execute(text("DELETE FROM all_event"))


def test_a_store_is_never_made_by_opening_it(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such database"):
        open_store(str(tmp_path / "absent.db"))
    with pytest.raises(StoreError, match="no such folder"):
        open_store(str(tmp_path / "absent" / "x.db"), create=True)
    with pytest.raises(StoreError, match="not a database file"):
        open_store(str(tmp_path), create=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["mysql://x", "postgresql://[", "postgresql+asyncpg://u@h/x://"])
def test_a_url_that_leads_nowhere_is_one_line(place: str) -> None:
    with pytest.raises(StoreError) as refused:
        require_current(open_store(place))
    assert "\n" not in str(refused.value)


def test_another_programs_database_is_left_as_it_is(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "theirs.db"
    with closing(sqlite3.connect(path)) as theirs:
        theirs.execute("CREATE TABLE t (x)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="database holds other tables"):
        init(open_store(str(path), create=True))
    assert path.read_bytes() == before
