"""Break-glass in the database: an operator opens a tenant's data for a while, with a reason, and the tenant sees it.

Opening, every read and closing leave an entry in the tenant's own tree, in the transaction that does them: no read
without its entry, and no entry that the tenant cannot see.
"""

from sqlalchemy import Connection, insert, select, update

from billing.store.audit import record
from billing.store.walls.views import new_rows, table_of
from tenants.access.scope import Grant, Scope, break_glass, open_grant
from tenants.audit.checkpoint import AuditError


def open_break_glass(
    connection: Connection, scope: Scope, id_: str, tenant: str, reason: str, now_s: int, lifetime_s: int
) -> Grant:
    """Keep a grant for an operator to read a tenant's data, note it in the tenant's log, and return it.

    Raises:
        Forbidden, TenantError: as `tenants.access.scope.open_grant`.
    """
    grant = open_grant(scope, id_, tenant, reason, now_s, lifetime_s)
    connection.execute(insert(new_rows(connection, "break_glass")), grant._asdict())
    details = {"expires_s": grant.expires_s}
    record(connection, tenant, grant.operator, "break_glass.open", id_, grant.reason, details, now_s)
    return grant


def read_under(connection: Connection, scope: Scope, id_: str, tenant: str, what: str, now_s: int) -> Scope:
    """Return the scope for one read under a grant, after noting the read in the tenant's log.

    Args:
        what: what is read, such as `invoices`.

    Raises:
        AuditError: no such grant.
        Forbidden, Unauthenticated: as `tenants.access.scope.break_glass`.
    """
    grant = grant_of(connection, tenant, id_)
    opened = break_glass(scope, grant, now_s)
    details = {"grant": grant.id}
    record(connection, tenant, grant.operator, "break_glass.read", what, grant.reason, details, now_s)
    return opened


def close_break_glass(connection: Connection, scope: Scope, id_: str, tenant: str, now_s: int) -> None:
    """End a grant before its time, and note it. Raises as `read_under`."""
    grant = grant_of(connection, tenant, id_)
    break_glass(scope, grant, now_s)
    grants = table_of(connection, "break_glass")
    columns = grants.c
    mine = update(grants).where(columns.tenant == tenant, columns.id == id_)
    connection.execute(mine.values(closed_s=now_s))
    record(connection, tenant, grant.operator, "break_glass.close", id_, grant.reason, {}, now_s)


def grant_of(connection: Connection, tenant: str, id_: str) -> Grant:
    """Return a grant on a tenant's data. Raises AuditError if there is none."""
    columns = table_of(connection, "break_glass").c
    wanted = select(*(columns[name] for name in Grant._fields))
    row = connection.execute(wanted.where(columns.tenant == tenant, columns.id == id_)).one_or_none()
    if row is None:
        raise AuditError("no such grant", code="unknown_grant", path="grant", found=id_)
    return Grant._make(row)
