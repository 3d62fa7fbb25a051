"""What operators do to tenants through the door: read who they are, suspend, resume and delete them, and look inside
with a reason. Each change is written into the log of the tenant that it is done to.
"""

from typing import NamedTuple

from sqlalchemy import insert, select, update

from billing.store.break_glass import read_under
from billing.store.door import Bound
from billing.store.pages import Key, page
from billing.store.walls.views import new_view, view
from tenants.access.errors import Forbidden
from tenants.access.lifecycle import Status, moved
from tenants.access.scope import Grant, Scope


class TenantHead(NamedTuple):
    """A tenant as the house sees it. Unix seconds."""

    tenant: str
    name: str
    status: Status
    created_s: int
    suspended_s: int | None
    deleted_s: int | None


def tenants_of(bound: Bound, after: Key | None, limit: int) -> list[TenantHead]:
    """Return a page of the tenants by id, those that are deleted too."""
    wanted = page(view("tenant"), TenantHead._fields, ("tenant",), after, limit)
    rows = bound.connection.execute(wanted)
    return [TenantHead._make(row)._replace(status=Status(row.status)) for row in rows]


def tenant_of(bound: Bound, id_: str) -> TenantHead | None:
    """Return one tenant, None if there is none."""
    columns = view("tenant").c
    wanted = select(*(columns[name] for name in TenantHead._fields)).where(columns.tenant == id_)
    row = bound.connection.execute(wanted).one_or_none()
    return None if row is None else TenantHead._make(row)._replace(status=Status(row.status))


def move_tenant(bound: Bound, found: TenantHead, action: str, now_s: int) -> TenantHead:
    """Suspend, resume or delete a tenant; every key and token of it follows at its next use.

    What a deleted one leaves goes as its deadlines come, with `spillway tenants purge`.

    Raises:
        TenantError: that is no move of its status.
    """
    now = moved(found.status, action, found.tenant, now_s)
    if now.status is Status.DELETED:
        bound.connection.execute(insert(new_view("tombstone")), {"tenant": found.tenant, "deleted_s": now_s})
    columns = view("tenant").c
    bound.connection.execute(update(view("tenant")).where(columns.tenant == found.tenant).values(now.row()))
    return found._replace(**now._asdict())


def grants_of(bound: Bound, operator: str, after: Key | None, limit: int) -> list[Grant]:
    """Return a page of an operator's break-glass grants by id."""
    grants = view("break_glass")
    wanted = page(grants, Grant._fields, ("id",), after, limit).where(grants.c.operator == operator)
    return [Grant._make(row) for row in bound.connection.execute(wanted)]


def grant_by_id(bound: Bound, operator: str, id_: str) -> Grant | None:
    """Return a grant of an operator, None if it has none of that id."""
    columns = view("break_glass").c
    wanted = select(*(columns[name] for name in Grant._fields))
    row = bound.connection.execute(wanted.where(columns.operator == operator, columns.id == id_)).one_or_none()
    return None if row is None else Grant._make(row)


def opened_scope(bound: Bound, tenant: str, what: str, now_s: int) -> Scope:
    """Return the scope for one read of a tenant's data under the operator's open grant, noted in the tenant's log.

    Raises:
        Forbidden: no grant of this operator for this tenant is open.
    """
    columns = view("break_glass").c
    mine = (columns.operator == bound.scope.principal.id) & (columns.tenant == tenant)
    open_now = columns.closed_s.is_(None) & (columns.opened_s <= now_s) & (columns.expires_s > now_s)
    wanted = select(columns.id).where(mine, open_now).order_by(columns.expires_s.desc(), columns.id).limit(1)
    id_ = bound.connection.execute(wanted).scalar_one_or_none()
    if id_ is None:
        raise Forbidden("needs an open break-glass grant for this tenant")
    return read_under(bound.connection, bound.scope, id_, tenant, what, now_s)
