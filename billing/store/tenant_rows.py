"""Tenants and their accounts as rows.

A tenant of terms or of an imported log becomes a row when it is first named here: nobody must register before there
are bills. Its id is a word of the contract; one made here is random. No id is ever used twice.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, union, update

from billing.log.event import OPERATOR
from billing.log.known import EVERYBODY
from billing.store.audit import record
from billing.store.tables_access import account, organisation, tenant, tombstone
from billing.store.tables_books import invoice
from billing.store.tables_log import event
from tenants.access.identity import TENANT_ROLES, Role
from tenants.access.keys import Entropy
from tenants.access.lifecycle import Status, moved, require_regions_free
from tenants.errors import TenantError, unknown_name
from tenants.model import require_names

_ID_BYTES = 10
_NOBODY = (OPERATOR, EVERYBODY)  # subjects of events that are no tenant


class TenantRow(NamedTuple):
    """A tenant. Unix seconds.

    Attributes:
        tenant:       its id.
        organisation: id of who owns it.
        regions:      where its data may lie; none = anywhere.
    """

    tenant: str
    name: str
    organisation: str
    regions: tuple[str, ...]
    status: Status
    created_s: int
    suspended_s: int | None
    deleted_s: int | None


class Account(NamedTuple):
    """A person or a service of a tenant, or of the operator's ("" for the tenant). Unix seconds."""

    tenant: str
    id: str
    kind: str
    name: str
    role: Role
    created_s: int
    disabled_s: int | None


def tenants_in(connection: Connection) -> list[TenantRow]:
    """Return the tenants that have a row, by id."""
    columns = [tenant.c[name] for name in TenantRow._fields]
    return [_row(row) for row in connection.execute(select(*columns).order_by(tenant.c.tenant)).mappings()]


def find_tenant(connection: Connection, id_: str) -> TenantRow | None:
    """Return a tenant by its id."""
    columns = [tenant.c[name] for name in TenantRow._fields]
    row = connection.execute(select(*columns).where(tenant.c.tenant == id_)).mappings().first()
    return None if row is None else _row(row)


def was_deleted(connection: Connection, id_: str) -> bool:
    """Whether a tenant of this id was deleted once."""
    return connection.execute(select(tombstone.c.tenant).where(tombstone.c.tenant == id_)).first() is not None


def has_data(connection: Connection, id_: str) -> bool:
    """Whether the log or the books name a tenant."""
    told = select(event.c.subject).where(event.c.subject == id_).limit(1)
    billed = select(invoice.c.tenant).where(invoice.c.tenant == id_).limit(1)
    return any(connection.execute(wanted).first() is not None for wanted in (told, billed))


def require_tenant(connection: Connection, actor: str, id_: str, now_s: int) -> TenantRow:
    """Return a tenant; one that the log or the books name and that has no row yet gets it.

    Raises:
        TenantError: nobody knows it (with the ids that are known), or it was deleted.
    """
    found = find_tenant(connection, id_)
    if found is not None and found.status is not Status.DELETED:
        return found
    if found is not None or was_deleted(connection, id_):
        raise TenantError(f"tenant {id_} was deleted", code="deleted", path="tenant")
    if id_ in _NOBODY or not has_data(connection, id_):
        raise _unknown(connection, id_)
    return _insert(connection, actor, TenantRow(id_, id_, "", (), Status.ACTIVE, now_s, None, None), "tenant.adopt")


def require_known(connection: Connection, id_: str) -> None:
    """Raise TenantError, with the ids that are known, for a tenant of whom nothing was ever heard here."""
    heard = find_tenant(connection, id_) is not None or was_deleted(connection, id_) or has_data(connection, id_)
    if not heard or id_ in _NOBODY:
        raise _unknown(connection, id_)


def _unknown(connection: Connection, id_: str) -> TenantError:
    named = union(select(tenant.c.tenant), select(event.c.subject), select(invoice.c.tenant))
    known = set(connection.execute(named).scalars()) - set(_NOBODY)
    return unknown_name("tenant", id_, sorted(known), "tenant")


def create_tenant(
    connection: Connection,
    actor: str,
    name: str,
    entropy: Entropy,
    now_s: int,
    *,
    id_: str | None = None,
    owner: str | None = None,
    regions: Sequence[str] = (),
) -> TenantRow:
    """Make a tenant and return it. Its id says nothing, not even its name, unless a contract has one already.

    Args:
        owner: the name of an organisation, which is made if there is none; None = one named as the tenant.

    Raises:
        TenantError: the id is taken, or was once; or it, or a name, is not what such a word may be.
    """
    chosen = _new_id(name, entropy) if id_ is None else id_
    require_names(chosen, name, owner or name, regions)
    if chosen in _NOBODY:
        raise TenantError("the log calls by it what no tenant causes", path="id", found=chosen, allowed="another id")
    if was_deleted(connection, chosen):
        raise _deleted(chosen)
    if find_tenant(connection, chosen) is not None or has_data(connection, chosen):
        raise TenantError(
            "tenant exists", code="duplicate", path="id", found=chosen, allowed="an id that was never used"
        )
    owned_by = _organisation(connection, owner or name, entropy, now_s)
    made = TenantRow(chosen, name, owned_by, tuple(sorted(set(regions))), Status.ACTIVE, now_s, None, None)
    return _insert(connection, actor, made, "tenant.create")


def set_status(connection: Connection, actor: str, id_: str, action: str, reason: str, now_s: int) -> TenantRow:
    """Suspend or resume a tenant; every key and token follows at its next use. Raises TenantError."""
    found = require_tenant(connection, actor, id_, now_s)
    now = moved(found.status, action, id_, now_s)
    connection.execute(update(tenant).where(tenant.c.tenant == id_).values(now.row()))
    record(connection, id_, actor, f"tenant.{action}", id_, reason, {}, now_s)
    return found._replace(**now._asdict())


def set_regions(connection: Connection, actor: str, id_: str, regions: Sequence[str], now_s: int) -> TenantRow:
    """Say where a tenant's data may lie. Raises TenantError once it has data and the regions are others (row R2)."""
    found = require_tenant(connection, actor, id_, now_s)
    wished = tuple(sorted(set(regions)))
    require_regions_free(id_, found.regions, wished, has_data(connection, id_))
    connection.execute(update(tenant).where(tenant.c.tenant == id_).values(regions=",".join(wished)))
    record(connection, id_, actor, "tenant.regions", id_, "", {"regions": list(wished)}, now_s)
    return found._replace(regions=wished)


def require_account(
    connection: Connection, actor: str, tenant_id: str, name: str, kind: str, role: Role, entropy: Entropy, now_s: int
) -> Account:
    """Return the account of a name, made if there is none.

    Raises:
        TenantError: it is there as another kind or with another role, is disabled, or the role is not of this place.
    """
    if (role in TENANT_ROLES) != bool(tenant_id):
        allowed = "member or tenant_admin of a tenant, operator or auditor of none"
        raise TenantError("role does not fit", path="role", found=str(role), allowed=allowed)
    for found in accounts_in(connection, tenant_id):
        if found.name != name:
            continue
        if (found.kind, found.role) != (kind, role) or found.disabled_s is not None:
            is_ = f"a {found.kind}, {found.role}" + (", disabled" if found.disabled_s is not None else "")
            raise TenantError(f"account {name} is {is_}", code="duplicate", path="account", found=f"{kind}, {role}")
        return found
    made = Account(tenant_id, f"a-{entropy(_ID_BYTES).hex()}", kind, name, role, now_s, None)
    connection.execute(account.insert(), made._asdict() | {"role": str(role)})
    details = {"kind": kind, "name": name, "role": str(role)}
    record(connection, tenant_id, actor, "account.create", made.id, "", details, now_s)
    return made


def accounts_in(connection: Connection, tenant_id: str) -> list[Account]:
    """Return the accounts of a tenant ("" for operators and auditors), by name."""
    columns = [account.c[name] for name in Account._fields]
    wanted = select(*columns).where(account.c.tenant == tenant_id).order_by(account.c.name, account.c.id)
    return [Account._make(row)._replace(role=Role(row.role)) for row in connection.execute(wanted)]


def _new_id(_name: str, entropy: Entropy) -> str:
    """A word that was never used, and that nobody can guess from what the tenant is called."""
    return f"t-{entropy(_ID_BYTES).hex()}"


def _insert(connection: Connection, actor: str, made: TenantRow, action: str) -> TenantRow:
    row: dict[str, Any] = made._asdict() | {"status": str(made.status), "regions": ",".join(made.regions)}
    connection.execute(tenant.insert(), row)
    details = {"name": made.name, "organisation": made.organisation, "regions": list(made.regions)}
    record(connection, made.tenant, actor, action, made.tenant, "", details, made.created_s)
    return made


def _organisation(connection: Connection, name: str, entropy: Entropy, now_s: int) -> str:
    known = select(organisation.c.id).where(organisation.c.name == name).order_by(organisation.c.id).limit(1)
    found = connection.execute(known).scalar()
    if found is not None:
        return str(found)
    id_ = f"o-{entropy(_ID_BYTES).hex()}"
    connection.execute(organisation.insert(), {"id": id_, "name": name, "created_s": now_s})
    return id_


def _row(row: Any) -> TenantRow:
    regions = tuple(word for word in row["regions"].split(",") if word)
    return TenantRow(**{**row, "regions": regions, "status": Status(row["status"])})


def _deleted(id_: str) -> TenantError:
    allowed = "an id that was never used"
    return TenantError("tenant was deleted, and its id is not used again", code="deleted", found=id_, allowed=allowed)
