"""The life of a tenant: active, suspended, deleted; and what deletion leaves for how long.

Deadlines are numbers from the instant of deletion alone. Nothing that happens later, such as somebody reading, moves
them. Source: ISOLATION.md rows K5, X1-X3.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, NamedTuple

from tenants.errors import TenantError

DAY_S = 86_400


class Status(StrEnum):
    """What a tenant is. Suspended and deleted ones can do nothing; a deleted one never comes back."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


class Standing(NamedTuple):
    """What a tenant is, and since when it is that. Unix seconds."""

    status: Status
    suspended_s: int | None
    deleted_s: int | None

    def row(self) -> dict[str, str | int | None]:
        """As columns of the tenant's row."""
        return self._asdict() | {"status": str(self.status)}


MOVES: Mapping[str, tuple[frozenset[Status], Status]] = {
    "suspend": (frozenset((Status.ACTIVE,)), Status.SUSPENDED),
    "resume": (frozenset((Status.SUSPENDED,)), Status.ACTIVE),
    "delete": (frozenset((Status.ACTIVE, Status.SUSPENDED)), Status.DELETED),
}

# credentials: keys and tokens. settings: webhooks, stored answers. people: names and accounts. security_log: who opened
# what and why. bills and audit: documents, what they were made of, and the hashes of the audit log.
Category = Literal["credentials", "settings", "people", "security_log", "bills", "audit"]
RETENTION_S: Mapping[Category, int | None] = {
    "credentials": 0,
    "settings": 4 * DAY_S,
    "people": 30 * DAY_S,
    "security_log": 730 * DAY_S,
    "bills": None,
    "audit": None,
}


def moved(status: Status, action: str, tenant: str, now_s: int) -> Standing:
    """Return what a tenant becomes by an action of `MOVES` at `now_s`, Unix seconds.

    Raises:
        TenantError: that is no move of its status.
    """
    before, after = MOVES[action]
    if status is after:
        raise TenantError(f"tenant {tenant} is {status} already", code="wrong_status", found=action)
    if status not in before:
        allowed = " or ".join(sorted(before))
        raise TenantError(
            f"tenant {tenant} is {status}", code="wrong_status", found=action, allowed=f"a tenant that is {allowed}"
        )
    return Standing(after, now_s if after is Status.SUSPENDED else None, now_s if after is Status.DELETED else None)


def purge_at_s(category: Category, deleted_s: int) -> int | None:
    """Return from when on nothing of a category may be left of a tenant, Unix seconds; None = it is kept."""
    kept_s = RETENTION_S[category]
    return None if kept_s is None else deleted_s + kept_s


def due(deleted_s: int, now_s: int) -> tuple[Category, ...]:
    """Return the categories whose deadline has come."""
    return tuple(
        category for category in RETENTION_S if (at_s := purge_at_s(category, deleted_s)) is not None and at_s <= now_s
    )


def require_regions_free(tenant: str, regions: tuple[str, ...], wished: tuple[str, ...], has_data: bool) -> None:
    """Refuse other regions for a tenant that has data: they would lie where they may not. Raises TenantError.

    Source: ISOLATION.md row R2. The way is a new tenant there, and deletion here.
    """
    if has_data and regions != wished:
        allowed = "its regions as they are; for others make a new tenant and delete this one"
        raise TenantError(
            f"tenant {tenant} has data", code="has_data", path="region", found=list(wished), allowed=allowed
        )
