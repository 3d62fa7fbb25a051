"""Who had to leave of late, as the log tells: for operators, who see who and when, and no bill.

The log is asked from its end, and no further back than `EVENTS_SEEN`: there is no index by type, and what a page shows
must not cost more the longer a house is open.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, select

from billing.log.shapes import PREEMPTED, STARTED
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
    guaranteed_until_s: int | None
    evicted_s: int
    begun: Mapping[str, Any]


def evictions_of_log(bound: Bound, before: int | None, limit: int) -> list[LiveEviction]:
    """Return the newest evictions before a position (None: the end), newest first.

    Cost: reads at most `EVENTS_SEEN` events; one look-up for each eviction.
    """
    columns = event.c
    last = int(bound.connection.execute(select(func.coalesce(func.max(columns.position), 0))).scalar_one())
    wanted = (
        select(columns.position, columns.source, columns.subject, columns.time_s, columns.data)
        .where(columns.type == PREEMPTED, columns.position > last - EVENTS_SEEN)
        .where(columns.position < (last + 1 if before is None else before))
        .order_by(columns.position.desc())
    )
    found = []
    for position, source, tenant, time_s, text in bound.connection.execute(wanted.limit(limit)).all():
        said = json.loads(text)
        allocation = str(said["allocation"])
        begun = _begun(bound, source, tenant, allocation)
        held = said.get("noticed_s", time_s), said.get("guaranteed_until_s")
        found.append(LiveEviction(position, tenant, allocation, *held, time_s, begun))
    return found


def _begun(bound: Bound, source: str, tenant: str, allocation: str) -> Mapping[str, Any]:
    columns = event.c
    same = (columns.source == source, columns.id == f"{allocation}.started", columns.type == STARTED)
    wanted = select(columns.data).where(*same, columns.subject == tenant)
    text = bound.connection.execute(wanted).scalar_one_or_none()
    begun: Mapping[str, Any] = {} if text is None else json.loads(text)
    return begun
