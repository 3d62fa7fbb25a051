"""What was set for a tenant: its quota of the API."""

from typing import NamedTuple

from sqlalchemy import func, insert, or_, select, update

from billing.store.door import Bound
from billing.store.walls.views import view


class Quota(NamedTuple):
    """How many of each a tenant may have at a time."""

    keys_max: int = 100
    webhooks_max: int = 20
    gpus_max: int = 1_024


# How many of each a tenant may have at a time where its quota has no word for it.
MOST = {"account": 1_000, "agent_token": 1_000, "budget": 100}
_ENDED = {"api_key": ("revoked_s", "expires_s"), "agent_token": ("revoked_s", "expires_s")}
_DISABLED = ("disabled_s",)
_QUOTA = view("quota")


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
