"""A tenant's own events as the log has them, through the wall: what its lines are explained by."""

from sqlalchemy import select

from billing.log.event import Event
from billing.store.door import Bound
from billing.store.walls.views import view

_EVENT = view("event")


def own_events(bound: Bound, tenant: str) -> list[Event]:
    """Return a tenant's events by source and seq. Cost: O(its events)."""
    columns = [_EVENT.c[name] for name in Event._fields]
    wanted = select(*columns).where(_EVENT.c.subject == tenant).order_by(_EVENT.c.source, _EVENT.c.seq)
    return [Event._make(row) for row in bound.connection.execute(wanted)]
