"""Use that a tenant reports itself: events of the source `api/TENANT`, exactly once by id.

The tenant says what happened and when; the place in the chain of its source is given here, under the lock of the one
writer. An id that comes again with the same content is a duplicate, with other content a conflict: the first stays.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select

from billing.log.event import Answer, Event, event_hash
from billing.log.watermark import OF_TENANTS
from billing.store.door import Bound
from billing.store.tables_log import event as event_table
from billing.store.writer import append


class Reported(NamedTuple):
    """What a tenant reports: an event without its place. `time_s` is Unix seconds, `data` canonical JSON text."""

    id: str
    type: str
    time_s: int
    data: str


def source_of(tenant: str) -> str:
    """Return the source of what a tenant reports itself."""
    return f"{OF_TENANTS}{tenant}"


def report(bound: Bound, tenant: str, items: Sequence[Reported]) -> list[Answer]:
    """Append what a tenant reports to the log, and return what became of each item.

    Raises:
        EventError: an item makes no event; nothing of the batch is written.
    """
    source = source_of(tenant)
    known = _known(bound, source, {item.id for item in items})
    seq, prevhash = _last(bound, source)
    answers, new = [], []
    for item in items:
        if item.id in known:
            # What a tenant's event says is not read here: its hash tells whether it is the same.
            at = known[item.id]
            same = Event(item.id, source, item.type, item.time_s, tenant, at.seq, at.prevhash, item.data)
            answers.append(Answer.DUPLICATE if event_hash(same) == at.hash else Answer.CONFLICT)
            continue
        seq += 1
        made = Event(item.id, source, item.type, item.time_s, tenant, seq, prevhash, item.data)
        known[item.id] = _Known(seq, prevhash, event_hash(made))
        prevhash = known[item.id].hash
        new.append(made)
        answers.append(Answer.NEW)
    appended = append(bound.connection, new)
    assert appended.new == len(new), "the only writer has been overtaken"
    return answers


class _Known(NamedTuple):
    seq: int
    prevhash: str
    hash: str


def _known(bound: Bound, source: str, ids: set[str]) -> dict[str, _Known]:
    columns = event_table.c
    wanted = select(columns.id, columns.seq, columns.prevhash, columns.hash)
    wanted = wanted.where(columns.source == source, columns.id.in_(sorted(ids)))
    return {row[0]: _Known._make(row[1:]) for row in bound.connection.execute(wanted)}


def _last(bound: Bound, source: str) -> tuple[int, str]:
    """The seq and hash of the last event of a source; 0 and "" before the first."""
    wanted = select(event_table.c.seq, event_table.c.hash).where(event_table.c.source == source)
    row = bound.connection.execute(wanted.order_by(event_table.c.seq.desc()).limit(1)).one_or_none()
    return (0, "") if row is None else (int(row.seq), row.hash)
