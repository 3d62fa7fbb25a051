"""Who may do what: roles and scopes as data, and the principal that a credential stands for.

What a principal may do is its role AND the scopes of its key: `effective_scopes`. The table is that of ISOLATION.md
section 10, one row a role; what a row does not hold is refused.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Literal, NamedTuple


class Role(StrEnum):
    """What somebody is here. Members and tenant admins belong to one tenant, operators and auditors to none."""

    MEMBER = "member"
    TENANT_ADMIN = "tenant_admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"


SCOPES = (
    "usage:read",
    "usage:write",
    "bills:read",
    "bills:write",
    "jobs:read",
    "jobs:write",
    "keys:read",
    "keys:write",
    "quota:read",
    "quota:write",
    "tenants:read",
    "tenants:write",
    "audit:read",
    "tokens:write",
    "tools:call",
    "webhooks:read",
    "webhooks:write",
    "budgets:write",
    "break_glass:write",
)
_MEMBER = frozenset(("usage:read", "bills:read", "jobs:read", "jobs:write", "quota:read", "tools:call"))
ROLE_SCOPES: Mapping[Role, frozenset[str]] = {
    Role.MEMBER: _MEMBER,
    Role.TENANT_ADMIN: _MEMBER
    | {"usage:write", "keys:read", "keys:write", "audit:read", "tokens:write", "webhooks:read", "webhooks:write"}
    | {"budgets:write"},
    # An operator writes the audit log by what it does and cannot read it; a tenant's data only through break-glass.
    Role.OPERATOR: frozenset(
        (
            "jobs:read",
            "jobs:write",
            "keys:read",
            "keys:write",
            "quota:read",
            "quota:write",
            "tenants:read",
            "tenants:write",
            "break_glass:write",
            "bills:write",  # the house's own act: to issue, to give back, to note what was paid
            "usage:write",  # for the house's own emitters: what a scheduler tells of all tenants
        )
    ),
    Role.AUDITOR: frozenset(
        ("usage:read", "bills:read", "jobs:read", "keys:read", "quota:read", "tenants:read", "audit:read")
    ),
}
# What a break-glass grant opens of one tenant, for reading.
BREAK_GLASS_SCOPES = frozenset(("usage:read", "bills:read", "jobs:read", "quota:read"))
TENANT_ROLES = (Role.MEMBER, Role.TENANT_ADMIN)
# Whose keys a role may mint. Keys of operators and auditors are minted at the machine alone.
MINTS: Mapping[Role, frozenset[Role]] = {
    Role.MEMBER: frozenset(),
    Role.TENANT_ADMIN: frozenset(TENANT_ROLES),
    Role.OPERATOR: frozenset(),
    Role.AUDITOR: frozenset(),
}

Kind = Literal["person", "service", "agent", "local"]


class Principal(NamedTuple):
    """Who asks: an account behind a key, an agent with a token, or the person at the machine.

    Attributes:
        id:     the account.
        tenant: None for operators and auditors.
        scopes: effective ones.
        key:    id of the key or token; "" for the person at the machine.
    """

    id: str
    kind: Kind
    tenant: str | None
    role: Role
    scopes: frozenset[str]
    key: str


def effective_scopes(role: Role, scopes: Iterable[str]) -> frozenset[str]:
    """Return what a key of a role may do: no scope beyond its role's, none that it was not given."""
    return ROLE_SCOPES[role] & frozenset(scopes)
