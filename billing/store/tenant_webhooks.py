"""A tenant's webhooks, and what became of each delivery to them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, func, insert, select, update

from billing.store.door import Bound
from billing.store.pages import Key, page
from billing.store.walls.views import view


class Webhook(NamedTuple):
    """Where a tenant wants to be told of events, by their type. Unix seconds. `generation` counts its secrets; `told`
    is the position of the last notice that it was told of, or passed over."""

    id: str
    url: str
    events: tuple[str, ...]
    created_s: int
    disabled_s: int | None = None
    generation: int = 1
    rotated_s: int | None = None
    told: int = 0


class Delivery(NamedTuple):
    """What became of a notice on its way to a webhook. Unix seconds."""

    position: int
    type: str
    status: str
    attempts: int
    next_s: int
    last_code: int | None
    last_error: str
    updated_s: int


_WEBHOOK, _DELIVERY, _NOTICE = view("webhook"), view("delivery"), view("notice")


def webhooks_of(bound: Bound, tenant: str, after: Key | None, limit: int) -> list[Webhook]:
    """Return a page of a tenant's webhooks by id, those that are disabled too."""
    wanted = page(_WEBHOOK, Webhook._fields, ("id",), after, limit).where(_WEBHOOK.c.tenant == tenant)
    return [_webhook(row) for row in bound.connection.execute(wanted)]


def webhook_of(bound: Bound, tenant: str, id_: str) -> Webhook | None:
    """Return one webhook of a tenant."""
    columns = [_WEBHOOK.c[name] for name in Webhook._fields]
    row = bound.connection.execute(select(*columns).where(_mine(tenant, id_))).one_or_none()
    return None if row is None else _webhook(row)


def add_webhook(bound: Bound, tenant: str, id_: str, url: str, events: Sequence[str], now_s: int) -> Webhook:
    """Keep a webhook whose target has been checked, and return it. It is told of what happens from now on."""
    newest = select(func.max(_NOTICE.c.position)).where(_NOTICE.c.tenant == tenant)
    told = bound.connection.execute(newest).scalar() or 0
    made = Webhook(id_, url, tuple(events), now_s, told=told)
    bound.connection.execute(insert(_WEBHOOK), made._asdict() | {"tenant": tenant, "events": ",".join(made.events)})
    return made


def disable_webhook(bound: Bound, tenant: str, id_: str, now_s: int) -> bool:
    """Disable a webhook; False if the tenant has none of that id that is not disabled."""
    if not _is_live(bound, tenant, id_):
        return False
    bound.connection.execute(update(_WEBHOOK).where(_mine(tenant, id_)).values(disabled_s=now_s))
    return True


def rotate_secret(bound: Bound, tenant: str, id_: str, now_s: int) -> Webhook | None:
    """Give a webhook its next secret and return it; None if the tenant has none of that id that is not disabled."""
    found = webhook_of(bound, tenant, id_)
    if found is None or found.disabled_s is not None:
        return None
    rotated = found._replace(generation=found.generation + 1, rotated_s=now_s)
    changed = {"generation": rotated.generation, "rotated_s": now_s}
    bound.connection.execute(update(_WEBHOOK).where(_mine(tenant, id_)).values(changed))
    return rotated


def deliveries_of(
    bound: Bound, tenant: str, id_: str, status: str | None, after: Key | None, limit: int
) -> list[Delivery]:
    """Return a page of the deliveries to a webhook, in the order of their notices."""
    fields = [name for name in Delivery._fields if name != "type"]
    wanted = page(_DELIVERY, fields, ("position",), after, limit).add_columns(_NOTICE.c.type)
    same = and_(_NOTICE.c.tenant == _DELIVERY.c.tenant, _NOTICE.c.position == _DELIVERY.c.position)
    wanted = wanted.join_from(_DELIVERY, _NOTICE, same)
    wanted = wanted.where(_DELIVERY.c.tenant == tenant, _DELIVERY.c.webhook == id_)
    if status is not None:
        wanted = wanted.where(_DELIVERY.c.status == status)
    return [Delivery(**row._mapping) for row in bound.connection.execute(wanted)]


def delivery_of(bound: Bound, tenant: str, id_: str, position: int) -> Delivery | None:
    """Return one delivery."""
    found = deliveries_of(bound, tenant, id_, None, (position - 1,), 1)
    return found[0] if found and found[0].position == position else None


def add_delivery(bound: Bound, tenant: str, id_: str, position: int, now_s: int) -> None:
    """Have a notice delivered to a webhook, whatever it asks for."""
    row = {"tenant": tenant, "webhook": id_, "position": position, "status": "pending", "attempts": 0}
    told = {"next_s": now_s, "last_code": None, "last_error": "", "updated_s": now_s}
    bound.connection.execute(insert(_DELIVERY), row | told)


def redeliver(bound: Bound, tenant: str, id_: str, position: int, now_s: int) -> Delivery | None:
    """Have a delivery made anew, with all its attempts before it; None if there is none of a live webhook."""
    if not _is_live(bound, tenant, id_) or delivery_of(bound, tenant, id_, position) is None:
        return None
    columns = _DELIVERY.c
    mine = and_(columns.tenant == tenant, columns.webhook == id_, columns.position == position)
    told = {"status": "pending", "attempts": 0, "next_s": now_s, "updated_s": now_s}
    bound.connection.execute(update(_DELIVERY).where(mine).values(told))
    return delivery_of(bound, tenant, id_, position)


def _mine(tenant: str, id_: str) -> ColumnElement[bool]:
    return and_(_WEBHOOK.c.tenant == tenant, _WEBHOOK.c.id == id_)


def _is_live(bound: Bound, tenant: str, id_: str) -> bool:
    # Asked first: rows that are changed through a view of the wall are not counted.
    wanted = select(_WEBHOOK.c.id).where(_mine(tenant, id_), _WEBHOOK.c.disabled_s.is_(None))
    return bound.connection.execute(wanted).first() is not None


def _webhook(row: Row[Any]) -> Webhook:
    return Webhook(**{**row._mapping, "events": tuple(row.events.split(","))})
