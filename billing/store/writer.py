"""Writing the log: events in, exactly once, whatever order they come in and wherever the process is killed.

An event and its keys (source, id) and (source, seq) are one row, written in one transaction: there is no moment at
which an id is taken and its event is not there. What `billing.log.event.admit` answers is what happens: a duplicate
writes nothing, a conflict is put into quarantine with both hashes, and the first event stays as it is.

A batch is tried as if all of it were new, which is the common case and needs no look-up; if a key is known, the batch
is rolled back to where it began and admitted against what the log holds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from billing.log.event import Answer, Event, Known, admit, event_hash, require_event
from billing.log.gaps import Arrived, arrive
from billing.store.tables_log import event as event_table
from billing.store.tables_log import event_gap, event_source, quarantine

Key = TypeVar("Key", str, int)  # an id or a seq, within one source
_LOOKUP_CHUNK = 500
_COLUMNS = ("position", *Event._fields, "hash")


class Conflict(NamedTuple):
    """An event that was put aside, and the hash of the one that stands in its way."""

    event: Event
    hash: str
    known_hash: str


class BrokenLink(NamedTuple):
    """An event whose `prevhash` is not the hash of the event before it."""

    source: str
    seq: int
    prevhash: str
    hash_before: str


class Appended(NamedTuple):
    """What became of a batch: new + duplicates + conflicts = its events."""

    new: int
    duplicates: int
    conflicts: tuple[Conflict, ...]
    broken: tuple[BrokenLink, ...]


def append(connection: Connection, events: Sequence[Event]) -> Appended:
    """Append a batch of events to the log, within the caller's transaction (`engine.writing`).

    Raises:
        EventError: an event of the batch is malformed; nothing of the batch is written.
        StoreError: the database refuses.
    """
    for event in events:
        require_event(event)
    conflicts: list[Conflict] = []
    taken = _all_new(events)
    if taken is None:
        taken, conflicts = _admitted(Known(), events)
    attempt = connection.begin_nested()
    if _inserted(connection, taken) == len(taken):
        attempt.commit()
    else:
        attempt.rollback()
        taken, conflicts = _admitted(known_of(connection, events), events)
        count = _inserted(connection, taken)
        assert count == len(taken), "the only writer has been overtaken"
    put_aside(connection, [_aside(conflict) for conflict in conflicts])
    broken = _broken_links(connection, taken)
    _note_arrivals(connection, taken)
    duplicates = len(events) - len(taken) - len(conflicts)
    return Appended(len(taken), duplicates, tuple(conflicts), broken)


Taken = list[tuple[Event, str]]  # events that were let in, with their hashes


def _all_new(events: Sequence[Event]) -> Taken | None:
    """Return a batch with its hashes if no key stands in it twice, as `_admitted` would; None if one does."""
    ids = {(event.source, event.id) for event in events}
    seqs = {(event.source, event.seq) for event in events}
    if len(ids) == len(seqs) == len(events):
        return [(event, event_hash(event)) for event in events]
    return None


def _admitted(known: Known, events: Sequence[Event]) -> tuple[Taken, list[Conflict]]:
    """Admit a batch event by event, so that a batch answers as its events one by one would."""
    taken: Taken = []
    conflicts = []
    for event in events:
        answer, hash_, known_hash = admit(known, event)
        if answer is Answer.NEW:
            known.add(event, hash_)
            taken.append((event, hash_))
        elif answer is Answer.CONFLICT:
            conflicts.append(Conflict(event, hash_, known_hash or ""))
    return taken, conflicts


def known_of(connection: Connection, events: Iterable[Event]) -> Known:
    """Return what the log knows under the ids and sequence numbers of some events."""
    known = Known()
    by_id = select(event_table.c.id, event_table.c.hash).where(
        event_table.c.source == bindparam("source"), event_table.c.id.in_(bindparam("keys", expanding=True))
    )
    for source, ids in _by_source((event.source, event.id) for event in events):
        for chunk in _chunks(ids):
            rows = connection.execute(by_id, {"source": source, "keys": chunk})
            known.by_id.update(((source, id_), hash_) for id_, hash_ in rows)
    known.by_seq = {key: hash_ for key, (hash_, _) in _at(connection, ((e.source, e.seq) for e in events)).items()}
    return known


def _at(connection: Connection, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], tuple[str, str]]:
    """Return (hash, prevhash) of the events at some (source, seq), as far as the log holds them."""
    columns = event_table.c
    by_seq = select(columns.seq, columns.hash, columns.prevhash).where(
        columns.source == bindparam("source"), columns.seq.in_(bindparam("keys", expanding=True))
    )
    found = {}
    for source, seqs in _by_source(keys):
        for chunk in _chunks(seqs):
            rows = connection.execute(by_seq, {"source": source, "keys": chunk})
            found.update({(source, seq): (hash_, prevhash) for seq, hash_, prevhash in rows})
    return found


def _inserted(connection: Connection, taken: Taken) -> int:
    """Insert events in the order in which they were let in, and return for how many no key was taken.

    The driver is asked directly: rows are many.
    """
    if not taken:
        return 0
    last = connection.execute(select(func.coalesce(func.max(event_table.c.position), 0))).scalar_one()
    into = f"INSERT INTO {event_table.name} ({', '.join(_COLUMNS)})"
    rows = ((position, *event, hash_) for position, (event, hash_) in enumerate(taken, last + 1))
    if connection.dialect.name != "sqlite":  # a journey for all rows, where each would be one of its own
        kinds = (event_table.c[name].type.compile(connection.dialect) for name in _COLUMNS)
        lists = ", ".join(f"%s::{kind}[]" for kind in kinds)
        sql = f"{into} SELECT * FROM unnest({lists}) ON CONFLICT DO NOTHING"
        return connection.exec_driver_sql(sql, tuple(map(list, zip(*rows, strict=True)))).rowcount
    cursor = connection.connection.cursor()
    sql = f"{into} VALUES ({', '.join('?' * len(_COLUMNS))}) ON CONFLICT DO NOTHING"
    cursor.executemany(sql, rows)  # type: ignore[arg-type]  # any iterable: row by row, none of them kept
    return cursor.rowcount


def _broken_links(connection: Connection, taken: Taken) -> tuple[BrokenLink, ...]:
    """Return the links between new events and their neighbours that do not hold, by source and seq."""
    broken = []
    ends = {}  # events whose neighbour is not the one beside them in the batch
    before: tuple[Event, str] | None = None
    for entry in taken:
        event, hash_ = entry
        if before is not None and before[0].seq + 1 == event.seq and before[0].source == event.source:
            if event.prevhash != before[1]:
                broken.append(BrokenLink(event.source, event.seq, event.prevhash, before[1]))
        else:
            ends[event.source, event.seq] = (hash_, event.prevhash)
            if before is not None:
                ends[before[0].source, before[0].seq] = (before[1], before[0].prevhash)
        before = entry
    if before is not None:
        ends[before[0].source, before[0].seq] = (before[1], before[0].prevhash)
    return tuple(sorted({*broken, *_broken_ends(connection, ends)}))


def _broken_ends(connection: Connection, ends: Mapping[tuple[str, int], tuple[str, str]]) -> Iterator[BrokenLink]:
    """Yield the links between some new events and whatever stands beside them in the log that do not hold."""
    held = _at(connection, {(source, seq + step) for source, seq in ends for step in (-1, 0, 1)})
    for (source, seq), (_, prevhash) in held.items():
        if (source, seq) in ends or (source, seq - 1) in ends:
            before = held.get((source, seq - 1))
            if before is not None and before[0] != prevhash:
                yield BrokenLink(source, seq, prevhash, before[0])


def _note_arrivals(connection: Connection, taken: Taken) -> None:
    """Bring the count, the highest seq and the gaps of each source up to date, in the same transaction."""
    for source, seqs in _by_source((event.source, event.seq) for event, _ in taken):
        count, before = arrived_of(connection, source)
        after = arrive(before, seqs)
        state = {"source": source, "events": count + len(seqs), "last_seq": after.last_seq}
        connection.execute(delete(event_source).where(event_source.c.source == source))
        connection.execute(insert(event_source), state)
        if after.gaps != before.gaps:
            connection.execute(delete(event_gap).where(event_gap.c.source == source))
            rows = [{"source": source, "from_seq": first, "until_seq": end} for first, end in after.gaps]
            if rows:
                connection.execute(insert(event_gap), rows)


def arrived_of(connection: Connection, source: str) -> tuple[int, Arrived]:
    """Return how many events of a source the log holds, and which have arrived."""
    state = connection.execute(
        select(event_source.c.events, event_source.c.last_seq).where(event_source.c.source == source)
    ).one_or_none()
    if state is None:
        return 0, Arrived()
    gaps = connection.execute(
        select(event_gap.c.from_seq, event_gap.c.until_seq)
        .where(event_gap.c.source == source)
        .order_by(event_gap.c.from_seq)
    )
    return state.events, Arrived(state.last_seq, tuple((first, end) for first, end in gaps))


class Aside(NamedTuple):
    """A record that could not be let in: where it came from, which it is, and why."""

    origin: str
    record: str
    hash: str
    reason: str
    known_hash: str | None
    content: str


def put_aside(connection: Connection, records: Sequence[Aside]) -> None:
    """Put records into quarantine; one that is there already is not written again."""
    for record in records:
        key = (quarantine.c.origin == record.origin) & (quarantine.c.record == record.record)
        there = select(quarantine.c.hash).where(key, quarantine.c.hash == record.hash)
        if connection.execute(there).first() is None:
            connection.execute(insert(quarantine), record._asdict())


def _aside(conflict: Conflict) -> Aside:
    event = conflict.event
    return Aside(event.source, event.id, conflict.hash, "conflict", conflict.known_hash, "\n".join(map(str, event)))


def _by_source(keys: Iterable[tuple[str, Key]]) -> Iterator[tuple[str, list[Key]]]:
    found: dict[str, list[Key]] = {}
    for source, key in keys:
        found.setdefault(source, []).append(key)
    yield from sorted(found.items())


def _chunks(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for at in range(0, len(keys), _LOOKUP_CHUNK):
        yield keys[at : at + _LOOKUP_CHUNK]
