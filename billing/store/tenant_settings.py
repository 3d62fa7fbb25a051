"""What a tenant has set, and what was set for it: webhooks, and its quota of the API."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, insert, or_, select, update

from billing.store.door import Bound
from billing.store.pages import Key, page
from billing.store.walls.views import view


class Webhook(NamedTuple):
    """Where a tenant wants to be told of events, by their type. Unix seconds."""

    id: str
    url: str
    events: tuple[str, ...]
    created_s: int
    disabled_s: int | None


class Quota(NamedTuple):
    """How many of each a tenant may have at a time."""

    keys_max: int = 100
    webhooks_max: int = 20
    gpus_max: int = 1_024


# How many of each a tenant may have at a time where its quota has no word for it.
MOST = {"account": 1_000, "agent_token": 1_000, "budget": 100}
_ENDED = {"api_key": ("revoked_s", "expires_s"), "agent_token": ("revoked_s", "expires_s")}
_DISABLED = ("disabled_s",)
_WEBHOOK = view("webhook")
_QUOTA = view("quota")


def webhooks_of(bound: Bound, tenant: str, after: Key | None, limit: int) -> list[Webhook]:
    """Return a page of a tenant's webhooks by id, those that are disabled too."""
    wanted = page(_WEBHOOK, Webhook._fields, ("id",), after, limit).where(_WEBHOOK.c.tenant == tenant)
    rows = bound.connection.execute(wanted)
    return [Webhook(row.id, row.url, tuple(row.events.split(",")), row.created_s, row.disabled_s) for row in rows]


def add_webhook(bound: Bound, tenant: str, id_: str, url: str, events: Sequence[str], now_s: int) -> Webhook:
    """Keep a webhook whose target has been checked, and return it."""
    made = Webhook(id_, url, tuple(events), now_s, None)
    row = made._asdict() | {"tenant": tenant, "events": ",".join(made.events)}
    bound.connection.execute(insert(_WEBHOOK), row)
    return made


def disable_webhook(bound: Bound, tenant: str, id_: str, now_s: int) -> bool:
    """Disable a webhook; False if the tenant has none of that id that is not disabled."""
    mine = (_WEBHOOK.c.tenant == tenant) & (_WEBHOOK.c.id == id_) & _WEBHOOK.c.disabled_s.is_(None)
    # Asked first: rows that are changed through a view of the wall are not counted.
    if bound.connection.execute(select(_WEBHOOK.c.id).where(mine)).first() is None:
        return False
    bound.connection.execute(update(_WEBHOOK).where(mine).values(disabled_s=now_s))
    return True


def quota_of(bound: Bound, tenant: str) -> Quota:
    """Return a tenant's quota: what an operator has set, or the usual."""
    wanted = select(*(_QUOTA.c[name] for name in Quota._fields)).where(_QUOTA.c.tenant == tenant)
    row = bound.connection.execute(wanted).one_or_none()
    return Quota() if row is None else Quota(*(each for each in row if each is not None))


def room_of(bound: Bound, tenant: str, noun: str, now_s: int) -> tuple[int, int]:
    """Return how many of a tenant's rows of a noun (a key of `MOST`, `api_key`, `webhook`) have not ended at
    `now_s`, Unix seconds, and how many it may have."""
    columns = view(noun).c
    ends = [columns[name] for name in _ENDED.get(noun, _DISABLED)]
    ended = or_(*(func.coalesce(end, now_s + 1) <= now_s for end in ends))
    wanted = select(func.count()).select_from(view(noun)).where(columns.tenant == tenant, ~ended)
    quota = quota_of(bound, tenant)
    most = MOST | {"api_key": quota.keys_max, "webhook": quota.webhooks_max}
    return int(bound.connection.execute(wanted).scalar_one()), most[noun]


def set_quota(bound: Bound, tenant: str, quota: Quota) -> None:
    """Set a tenant's quota."""
    mine = _QUOTA.c.tenant == tenant
    if bound.connection.execute(select(_QUOTA.c.tenant).where(mine)).first() is None:
        bound.connection.execute(insert(_QUOTA), quota._asdict() | {"tenant": tenant})
    else:
        bound.connection.execute(update(_QUOTA).where(mine).values(**quota._asdict()))
