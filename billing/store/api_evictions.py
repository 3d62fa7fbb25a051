"""Who had to leave of late, as the log tells: for operators, who see who and when, and no bill.

The log is asked from its end, and no further back than `EVENTS_SEEN`: there is no index by type, and what a page shows
must not cost more the longer a house is open.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, select

from billing.log.authority import overreach
from billing.log.event import Event
from billing.log.shapes import PREEMPTED, STARTED, read
from billing.store.door import Bound
from billing.store.tables_log import event

EVENTS_SEEN = 100_000


class LiveEviction(NamedTuple):
    """An eviction of the log, at Unix second `evicted_s`. `begun` is what the event that began the allocation says of
    it; empty where the log does not hold one under the usual id."""

    position: int
    tenant: str
    allocation: str
    noticed_s: int
    guaranteed_until_s: int
    evicted_s: int
    begun: Mapping[str, Any]


def evictions_of_log(bound: Bound, before: int | None, limit: int) -> list[LiveEviction]:
    """Return the newest evictions before a position (None: the end), newest first.

    Cost: reads at most `EVENTS_SEEN` events; one look-up for each eviction.
    """
    columns = event.c
    last = int(bound.connection.execute(select(func.coalesce(func.max(columns.position), 0))).scalar_one())
    wanted = (
        select(columns.position, *(columns[name] for name in Event._fields))
        .where(columns.type == PREEMPTED, columns.position > last - EVENTS_SEEN)
        .order_by(columns.position.desc())
        .limit(limit)
    )
    found: list[LiveEviction] = []
    before = last + 1 if before is None else before
    while len(found) < limit and (rows := bound.connection.execute(wanted.where(columns.position < before)).all()):
        told = ((row[0], Event._make(row[1:])) for row in rows)
        found += [made for position, each in told if (made := _eviction(bound, position, each)) is not None]
        before = rows[-1][0]
    return found[:limit]


def _eviction(bound: Bound, position: int, told: Event) -> LiveEviction | None:
    """None for what a bill would set aside: then it tells of nobody who had to leave."""
    said = read(told)
    if isinstance(said, str) or overreach(told):
        return None
    allocation = str(said["allocation"])
    begun = _begun(bound, told.source, told.subject, allocation)
    held = said["noticed_s"], said["guaranteed_until_s"]
    return LiveEviction(position, told.subject, allocation, *held, told.time_s, begun)


def _begun(bound: Bound, source: str, tenant: str, allocation: str) -> Mapping[str, Any]:
    columns = event.c
    same = (columns.source == source, columns.id == f"{allocation}.started", columns.type == STARTED)
    wanted = select(*(columns[name] for name in Event._fields)).where(*same, columns.subject == tenant)
    row = bound.connection.execute(wanted).one_or_none()
    begun = {} if row is None else read(Event._make(row))
    return {} if isinstance(begun, str) else begun
