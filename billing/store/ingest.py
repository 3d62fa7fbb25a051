"""Bringing many events into the log, batch by batch: each batch is durable before the next begins.

A process that is killed has lost nothing of what was confirmed, and the same events once more change nothing, so going
on is the same as beginning again.
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

from sqlalchemy import Connection, Engine, insert, select

from billing.errors import EventError, StoreError
from billing.log.event import Event
from billing.store.audit import record
from billing.store.engine import kept_open, writing
from billing.store.tables_log import event_terms
from billing.store.writer import Appended, Aside, BrokenLink, Conflict, append, put_aside
from tenants.audit.entry import HOUSE, LOCAL

BATCH = 5_000
_SHOWN_MAX = 20  # of the records at fault; all are in quarantine


class Ingested(NamedTuple):
    """What became of events that were brought in. `conflicts`, `broken` and `refused` hold the first few."""

    new: int = 0
    duplicates: int = 0
    conflict_count: int = 0
    broken_count: int = 0
    refused_count: int = 0
    conflicts: tuple[Conflict, ...] = ()
    broken: tuple[BrokenLink, ...] = ()
    refused: tuple[EventError, ...] = ()

    @property
    def seen(self) -> int:
        """How many records have been seen."""
        return self.new + self.duplicates + self.conflict_count + self.refused_count


def ingest(
    engine: Engine,
    records: Iterable[Event | EventError],
    *,
    origin: str = "",
    at_s: int | None = None,
    batch: int = BATCH,
    on_batch: Callable[[Ingested], None] | None = None,
) -> Ingested:
    """Append events, a transaction per batch; records that are no events go into quarantine.

    Args:
        origin:   where records come from, for the quarantine and the audit log.
        at_s:     Unix seconds, for the audit log; None: no clock is asked, the events' last second stands for it.
        on_batch: told the totals after each batch.

    Raises:
        StoreError: the database refuses; what was confirmed before stays.
    """
    total = Ingested()
    with kept_open(engine):
        for chunk in _batched(records, batch):
            total = _taken_in(engine, chunk, origin, at_s, total)
            if on_batch is not None:
                on_batch(total)
    return total


def _taken_in(
    engine: Engine, chunk: list[Event | EventError], origin: str, at_s: int | None, total: Ingested
) -> Ingested:
    events = [record for record in chunk if isinstance(record, Event)]
    refused = [record for record in chunk if isinstance(record, EventError)]
    with writing(engine) as connection:
        done = append(connection, events)
        put_aside(connection, [_refusal(origin, error) for error in refused])
        if done.new or done.conflicts or refused:
            _note_batch(connection, events, done, len(refused), origin, at_s)
    return Ingested(
        total.new + done.new,
        total.duplicates + done.duplicates,
        total.conflict_count + len(done.conflicts),
        total.broken_count + len(done.broken),
        total.refused_count + len(refused),
        (*total.conflicts, *done.conflicts)[:_SHOWN_MAX],
        (*total.broken, *done.broken)[:_SHOWN_MAX],
        (*total.refused, *refused)[:_SHOWN_MAX],
    )


def _note_batch(
    connection: Connection, events: list[Event], done: Appended, refused: int, origin: str, at_s: int | None
) -> None:
    """One entry a batch, in the house's own log: a batch is of many tenants, and each event names its own."""
    sources: dict[str, list[int]] = {}
    for event in events:
        span = sources.setdefault(event.source, [event.seq, event.seq])
        span[:] = min(span[0], event.seq), max(span[1], event.seq)
    told = {"new": done.new, "conflicts": len(done.conflicts), "refused": refused, "sources": sources}
    when_s = max((event.time_s for event in events), default=0) if at_s is None else at_s
    what = next(iter(sources)) if len(sources) == 1 else origin
    record(connection, HOUSE, LOCAL, "events.import", what, "", told, when_s)


def note_terms(
    connection: Connection, source: str, terms: str, events: int | None = None, at_s: int = 0, actor: str = LOCAL
) -> None:
    """Note by which terms a source is billed (the text of a scenario or a terms file), and how many events it has, at
    Unix second `at_s`. `actor` is who says so, for the audit log.

    Raises:
        StoreError: the source is billed by other terms already.
    """
    hash_ = sha256(terms.encode()).hexdigest()
    known = connection.execute(select(event_terms.c.hash).where(event_terms.c.source == source)).scalar_one_or_none()
    if known is None:
        row = {"source": source, "hash": hash_, "terms": terms, "events": events}
        connection.execute(insert(event_terms), row)
        record(connection, HOUSE, actor, "terms.note", source, "", {"hash": hash_, "events": events}, at_s)
    elif known != hash_:
        message = f"source {source} has other terms already"
        raise StoreError(message, code="conflict", path="terms", found=hash_, allowed=known)


def _refusal(origin: str, error: EventError) -> Aside:
    content = str(error)
    return Aside(origin, error.path or "", sha256(content.encode()).hexdigest(), "malformed", None, content)


def _batched(records: Iterable[Event | EventError], size: int) -> Iterator[list[Event | EventError]]:
    left = iter(records)
    while chunk := list(islice(left, size)):
        yield chunk
