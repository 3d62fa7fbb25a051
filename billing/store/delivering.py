"""Deliveries as the worker sees them: which are to be made, and what came of each.

A notice is delivered to every webhook that asks for its type, in the order of notices: of each webhook the first
delivery that is pending is due, and the others wait for it to arrive or to die. Whoever was deleted is told nothing any
more, though the rows wait for their purge.
"""

from typing import NamedTuple

from sqlalchemy import Connection, and_, func, insert, select, update

from billing.store.tables_access import tombstone
from billing.store.tables_api import webhook
from billing.store.tables_rentals import delivery, notice

_LIVE = webhook.c.disabled_s.is_(None) & webhook.c.tenant.not_in(select(tombstone.c.tenant))
_BATCH_ROWS = 1_000  # of notices that are looked at for one webhook at a time
PENDING = "pending"


class Due(NamedTuple):
    """A message that is to be delivered now. Unix seconds. `body` is JSON."""

    tenant: str
    webhook: str
    position: int
    url: str
    generation: int
    rotated_s: int | None
    attempts: int
    type: str
    time_s: int
    object: str
    body: str


def fan_out(connection: Connection, now_s: int) -> int:
    """Make a delivery of each new notice for every webhook that wants its type, and return how many.

    Cost: one statement where nothing is new.
    """
    newest = select(notice.c.tenant, func.max(notice.c.position).label("last")).group_by(notice.c.tenant).subquery()
    behind = (webhook.c.tenant == newest.c.tenant) & (webhook.c.told < newest.c.last)
    columns = webhook.c
    wanted = select(columns.tenant, columns.id, columns.events, columns.told).join(newest, behind)
    made = 0
    for hook in connection.execute(wanted.where(_LIVE)).all():
        mine = and_(notice.c.tenant == hook.tenant, notice.c.position > hook.told)
        fresh = select(notice.c.position, notice.c.type).where(mine).order_by(notice.c.position).limit(_BATCH_ROWS)
        notices = connection.execute(fresh).all()
        types = hook.events.split(",")
        rows = [_row(hook.tenant, hook.id, each.position, now_s) for each in notices if each.type in types]
        if rows:
            connection.execute(insert(delivery), rows)
        told = {"told": notices[-1].position}
        connection.execute(update(webhook).where(columns.tenant == hook.tenant, columns.id == hook.id).values(told))
        made += len(rows)
    return made


def is_behind(connection: Connection) -> bool:
    """Whether there are notices that no webhook has been told of."""
    newest = select(func.max(notice.c.position)).where(notice.c.tenant == webhook.c.tenant).scalar_subquery()
    wanted = select(webhook.c.id).where(_LIVE, webhook.c.told < newest).limit(1)
    return connection.execute(wanted).first() is not None


def due_in(connection: Connection, now_s: int, only: tuple[str, str] | None = None) -> list[Due]:
    """Return what is due: of each webhook (or of `only` one, by tenant and id) the first that is pending."""
    first = select(delivery.c.tenant, delivery.c.webhook, func.min(delivery.c.position).label("position"))
    first = first.where(delivery.c.status == PENDING)
    if only is not None:
        first = first.where(delivery.c.tenant == only[0], delivery.c.webhook == only[1])
    head = first.group_by(delivery.c.tenant, delivery.c.webhook).subquery()
    at_head = and_(*(delivery.c[name] == head.c[name] for name in ("tenant", "webhook", "position")))
    of_hook = and_(webhook.c.tenant == delivery.c.tenant, webhook.c.id == delivery.c.webhook)
    of_notice = and_(notice.c.tenant == delivery.c.tenant, notice.c.position == delivery.c.position)
    found = select(
        *(delivery.c.tenant, delivery.c.webhook, delivery.c.position),
        *(webhook.c.url, webhook.c.generation, webhook.c.rotated_s, delivery.c.attempts),
        *(notice.c.type, notice.c.time_s, notice.c.object, notice.c.body),
    )
    found = found.select_from(delivery).join(head, at_head).join(webhook, of_hook).join(notice, of_notice)
    found = found.where(delivery.c.next_s <= now_s, _LIVE)
    ordered = found.order_by(delivery.c.next_s, delivery.c.tenant, delivery.c.webhook)
    return [Due._make(row) for row in connection.execute(ordered)]


def note_outcome(
    connection: Connection, due: Due, status: str, next_s: int, code: int | None, error: str, now_s: int
) -> None:
    """Write what came of an attempt. A delivery that went meanwhile, with its tenant, stays gone."""
    mine = and_(*(delivery.c[name] == getattr(due, name) for name in ("tenant", "webhook", "position")))
    told = {"status": status, "attempts": due.attempts + 1, "next_s": next_s, "last_code": code, "last_error": error}
    connection.execute(update(delivery).where(mine).values(told | {"updated_s": now_s}))


def counts(connection: Connection) -> dict[str, int]:
    """Return how many deliveries there are by status, of all tenants together."""
    found = select(delivery.c.status, func.count()).group_by(delivery.c.status)
    return {row[0]: row[1] for row in connection.execute(found)}


def _row(tenant: str, hook: str, position: int, now_s: int) -> dict[str, object]:
    return {
        "tenant": tenant,
        "webhook": hook,
        "position": position,
        "status": PENDING,
        "attempts": 0,
        "next_s": now_s,
        "last_code": None,
        "last_error": "",
        "updated_s": now_s,
    }
