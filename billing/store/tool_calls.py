"""Calls of tools: each that an agent was let make is an event, also where the process was killed before it was one.

A call is noted by one role and metered by another, in a transaction each. The entry in the audit log holds all that the
event is made of, so whoever reads the log later makes the same event, and its id lets it in once.
"""

import json
from collections.abc import Iterator

from sqlalchemy import select

from billing.log.event import Answer, canonical
from billing.log.shapes import METERED
from billing.log.tool_call import tool_call
from billing.store.api_events import Reported, report, source_of
from billing.store.audit import heads_in
from billing.store.door import Bound, Door
from billing.store.tables_access import tombstone
from billing.store.tables_audit import details, entry
from billing.store.tables_log import event
from tenants.access.scope import Scope

NOTED = "tool.call"  # the action of the entry
_AT_ONCE = 500


class LostCalls:
    """Meters calls that were noted and never metered. What it has seen of a log it does not read again.

    Args:
        scope: of the worker.
    """

    def __init__(self, door: Door, scope: Scope) -> None:
        self._door, self._scope = door, scope
        self._seen: dict[str, int] = {}

    def meter(self) -> int:
        """Meter what was lost, and return how many calls. Raises Forbidden, StoreError."""
        with self._door.working(self._scope, write=False) as bound:
            sizes = {head.tenant: head.size for head in heads_in(bound.connection)}
            gone = set(bound.connection.execute(select(tombstone.c.tenant)).scalars())
            grown = [each for each in sizes if sizes[each] > self._seen.get(each, 0) and each not in gone]
            lost = {tenant: list(_lost(bound, tenant, self._seen.get(tenant, 0))) for tenant in grown}
        count = 0
        for tenant, calls in lost.items():
            if calls:
                with self._door.working_for(self._scope, tenant) as bound:
                    count += report(bound, tenant, calls).count(Answer.NEW)
        self._seen = sizes
        return count


def _lost(bound: Bound, tenant: str, seen: int) -> Iterator[Reported]:
    """The calls in the entries of a tenant from some position on that are in no event of its."""
    joined = entry.join(details, (entry.c.tenant == details.c.tenant) & (entry.c.position == details.c.position))
    wanted = select(entry.c.time_s, details.c.details).select_from(joined)
    wanted = wanted.where(entry.c.tenant == tenant, entry.c.position > seen, entry.c.action == NOTED)
    rows = bound.connection.execute(wanted.order_by(entry.c.position)).all()
    for first in range(0, len(rows), _AT_ONCE):
        noted = [(json.loads(told), at_s) for at_s, told in rows[first : first + _AT_ONCE]]
        calls = [Reported(told["event"], METERED, at_s, canonical(tool_call(told, at_s))) for told, at_s in noted]
        ids = [call.id for call in calls]
        known = select(event.c.id).where(event.c.source == source_of(tenant), event.c.id.in_(ids))
        there = set(bound.connection.execute(known).scalars())
        yield from (call for call in calls if call.id not in there)
