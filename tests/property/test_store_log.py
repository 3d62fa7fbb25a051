"""The log keeps a set of events, however they come: any order, repetition, batching and crash give the same content."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from billing.log.books import books_of
from billing.log.event import Answer, Event, Known, admit
from billing.log.fold import facts_of
from billing.store.check import check
from billing.store.engine import open_store, reading, writing
from billing.store.migrate import init
from billing.store.reader import events_in, sources_in
from billing.store.writer import append
from log_events import arrivals, chain, histories
from told_events import as_bytes, random_log, terms

TERMS = terms()


# Where files live in memory a commit costs nothing, and there is no power cut to be tested here.
FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None


class Crash(Exception):
    """Stands for a kill inside a transaction."""


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with nothing in it, to be copied: making one takes longer than filling it."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    engine = open_store(str(path), create=True)
    init(engine)
    with writing(engine) as connection:
        connection.execute(text("SELECT 1"))
    return path


def copied(empty: Path, folder: str) -> Engine:
    place = Path(folder) / "log.db"
    shutil.copyfile(empty, place)
    return open_store(str(place))


def deliver(engine: Engine, batch: Sequence[Event], crashes: bool) -> None:
    """Append a batch; one that crashes is undone, and sent again, as a source would that had no answer."""
    if crashes:
        with pytest.raises(Crash), writing(engine) as connection:
            append(connection, batch)
            raise Crash
    with writing(engine) as connection:
        append(connection, batch)


@settings(max_examples=max(20, settings.default.max_examples // 5))  # each makes a database
@given(data=st.data())
def test_order_repetition_batches_and_crashes_do_not_matter(empty_store: Path, data: st.DataObject) -> None:
    history = data.draw(histories())
    batches = data.draw(arrivals(history))
    crashed = data.draw(st.lists(st.booleans(), min_size=len(batches), max_size=len(batches)))
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        engine = copied(empty_store, folder)
        come: set[Event] = set()
        for batch, crashes in zip(batches, crashed, strict=True):
            deliver(engine, batch, crashes)
            come |= set(batch)
            with reading(engine) as connection:
                states = {state.source: state for state in sources_in(connection)}
            assert {source: state.missing for source, state in states.items()} == dict(missing(come))
        with reading(engine) as connection:
            held = list(events_in(connection))
            assert {name: found for name, found in check(connection).items() if found} == {}
    assert sorted(held) == sorted(history)


@settings(max_examples=max(20, settings.default.max_examples // 5))  # each makes a database
@given(seed=st.integers(0, 10**6), data=st.data())
def test_a_log_gives_the_same_hours_however_it_came_into_the_store(
    empty_store: Path, seed: int, data: st.DataObject
) -> None:
    """I3, end to end: what is billed depends on the set of events, not on how they arrived."""
    log = random_log(seed)
    crashes = data.draw(st.booleans())
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        engine = copied(empty_store, folder)
        for batch in data.draw(arrivals(log)):
            deliver(engine, batch, crashes)
        with reading(engine) as connection:
            facts = facts_of(events_in(connection), TERMS)
    straight = facts_of(log, TERMS)
    assert as_bytes(facts) == as_bytes(straight)
    assert as_bytes(books_of(facts, TERMS).lines) == as_bytes(books_of(straight, TERMS).lines)


def missing(come: set[Event]) -> Iterator[tuple[str, int]]:
    """How many events are missing below the highest that has come, counted one by one."""
    for source in {event.source for event in come}:
        seqs = {event.seq for event in come if event.source == source}
        yield source, len(set(range(1, max(seqs))) - seqs)


TAMPERING = {
    "chain": [
        "UPDATE all_event SET data = '{}' WHERE seq = 2",
        "UPDATE all_event SET subject = 'birch' WHERE seq = 3",
        "UPDATE all_event SET hash = prevhash WHERE seq = 3",
        "UPDATE all_event SET prevhash = hash WHERE seq = 3",
        "UPDATE all_event SET seq = 9 WHERE seq = 4",
    ],
    "gaps": [
        "DELETE FROM all_event WHERE seq = 2",
        "DELETE FROM all_event WHERE seq = 4",
        "DELETE FROM event_source",
        "UPDATE event_source SET events = 3",
        "INSERT INTO event_gap VALUES ('sim', 2, 3)",
        "UPDATE all_event SET source = 'other' WHERE seq = 1",
        "INSERT INTO event_gap VALUES ('ghost', 2, 3)",
        "UPDATE all_event SET position = 99 WHERE seq = 4",
        "INSERT INTO event_terms VALUES ('sim', '', '', 9)",
        "INSERT INTO all_invoice VALUES ('t', 'i', 'n', 's', 1, 'p', 'USD', 'issued', 1, 0, 0, 'h', '{}', 99)",
    ],
    "kept": [
        "INSERT INTO event_terms VALUES ('sim', 'not its hash', 'terms', 4)",
        "INSERT INTO quarantine VALUES ('sim', 'line 1', 'not its hash', 'malformed', NULL, 'content')",
        "INSERT INTO quarantine SELECT 'sim', 'e', hash, 'conflict', 'no event', 'what' FROM all_event WHERE seq = 1",
        # SHA-256 of "content": whole, but in conflict with nothing that is there
        "INSERT INTO quarantine VALUES ('sim', 'e', "
        "'ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73', 'conflict', 'no event', 'content')",
    ],
    "schema": [
        "CREATE TRIGGER t AFTER INSERT ON all_event BEGIN DELETE FROM quarantine; END",
        "DROP TABLE event_gap",
        "ALTER TABLE all_event ADD COLUMN cents INTEGER",
    ],
}


@pytest.mark.parametrize(("name", "sql"), [(name, sql) for name, each in TAMPERING.items() for sql in each])
def test_canary_a_store_that_was_tampered_with_is_found_out(empty_store: Path, name: str, sql: str) -> None:
    with tempfile.TemporaryDirectory(dir=FAST) as folder:
        engine = copied(empty_store, folder)
        deliver(engine, chain(count=4), crashes=False)
        with writing(engine) as connection:
            connection.execute(text(sql))
        with reading(engine) as connection:
            assert check(connection)[name] != []


class ClaimsFirst:
    """A log as some are: ids are claimed in a store of their own before the events are written."""

    def __init__(self) -> None:
        self.claimed, self.written = Known(), list[Event]()

    def append(self, batch: Sequence[Event], crashes: bool) -> None:
        new = []
        for event in batch:
            answer, hash_, _ = admit(self.claimed, event)
            if answer is Answer.NEW:
                self.claimed.add(event, hash_)
                new.append(event)
        if not crashes:
            self.written += new


def test_canary_claiming_ids_before_writing_loses_events() -> None:
    log = ClaimsFirst()
    log.append(chain(count=2), crashes=True)
    log.append(chain(count=2), crashes=False)
    assert log.written == []  # and every one of them was answered as a duplicate
