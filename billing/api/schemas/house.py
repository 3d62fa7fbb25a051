"""Tenants as operators see them, and the grants under which they look inside."""

from typing import Annotated

from pydantic import Field

from billing.api.schemas.basic import Closed, Id, Reason, maybe_moment, moment
from billing.store.tenant_admin import TenantHead
from tenants.access.scope import GRANT_S_MAX, Grant


class TenantOut(Closed):
    """A tenant, without any data of its own."""

    id: str
    name: str
    status: str = Field(description="active, suspended, deleted; unregistered: known from the log alone.")
    created: str | None = Field(description="RFC 3339 in UTC; null where nobody made it.")
    suspended: str | None
    deleted: str | None


class Why(Closed):
    """Why something is done to a tenant, in words that the tenant reads."""

    reason: Reason


class NewGrant(Closed):
    """Leave to read one tenant's data for a while, for a reason that the tenant reads."""

    tenant: Id
    reason: Reason
    lifetime_s: Annotated[int, Field(ge=1, le=GRANT_S_MAX)]


class GrantOut(Closed):
    """A grant."""

    id: str
    tenant: str
    reason: str
    opened: str
    expires: str
    closed: str | None


def tenant_out(head: TenantHead) -> TenantOut:
    """Return a tenant."""
    return TenantOut(
        id=head.tenant,
        name=head.name,
        status=head.status.value,
        created=moment(head.created_s),
        suspended=maybe_moment(head.suspended_s),
        deleted=maybe_moment(head.deleted_s),
    )


def unregistered(tenant: str) -> TenantOut:
    """Return a tenant that only the log knows."""
    return TenantOut(id=tenant, name=tenant, status="unregistered", created=None, suspended=None, deleted=None)


def grant_out(grant: Grant) -> GrantOut:
    """Return a grant."""
    return GrantOut(
        id=grant.id,
        tenant=grant.tenant,
        reason=grant.reason,
        opened=moment(grant.opened_s),
        expires=moment(grant.expires_s),
        closed=maybe_moment(grant.closed_s),
    )
