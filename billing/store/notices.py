"""What happened to a tenant, in order: a feed that it can poll, and what its webhooks are told.

Positions count from 1 for each tenant on its own, without a gap, in the order in which things were committed: whoever
has seen one has seen all before it.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, insert, select

from billing.log.event import canonical
from billing.store.door import Bound
from billing.store.pages import page
from billing.store.walls.views import table_of, view


class Notice(NamedTuple):
    """Something that happened to a tenant at Unix second `time_s`. `object` is the id of what it happened to, `body`
    canonical JSON of what is told of it."""

    position: int
    type: str
    time_s: int
    object: str
    body: str


def notify(bound: Bound, tenant: str, type_: str, object_: str, body: Mapping[str, Any], now_s: int) -> int:
    """Tell a tenant of something, in the transaction that does it, and return the position of the notice.

    Args:
        type_: a row of `billing.api.notice_types`.

    Raises:
        EventError: the body holds a float or anything else that is no plain JSON.
    """
    notice = table_of(bound.connection, "notice")
    last = select(func.coalesce(func.max(notice.c.position), 0)).where(notice.c.tenant == tenant)
    position = int(bound.connection.execute(last).scalar_one()) + 1
    made = Notice(position, type_, now_s, object_, canonical(body))
    bound.connection.execute(insert(notice), made._asdict() | {"tenant": tenant})
    return position


def notices_of(bound: Bound, tenant: str, types: Collection[str], after: int, limit: int) -> list[Notice]:
    """Return a tenant's notices of some types behind a position, oldest first."""
    seen = view("notice")
    wanted = page(seen, Notice._fields, ("position",), (after,), limit)
    mine = wanted.where(seen.c.tenant == tenant, seen.c.type.in_(sorted(types)))
    return [Notice._make(row) for row in bound.connection.execute(mine)]
