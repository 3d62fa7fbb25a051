"""The proof of who asks. Everything that reads or writes a tenant's data takes one, and only this room makes them.

The seal is a promise among ourselves, as all in-process walls are: `tests/support/house_rules.py` finds whoever makes a
Scope elsewhere. Behind it stands the wall in the database.
"""

from typing import Final, NamedTuple, NoReturn

from tenants.access.errors import Forbidden, Unauthenticated
from tenants.access.identity import BREAK_GLASS_SCOPES, SCOPES, Principal, Role
from tenants.errors import TenantError

_SEAL: Final = object()
REASON_CHARS_MIN = 10
GRANT_S_MAX = 14_400


class Scope:
    """Who asks, whose data are meant, and what may be done with them. Cannot be changed, copied into another, or made
    outside this package.

    Attributes:
        principal: who asks.
        tenant:    whose data; None = no tenant's.
        reason:    of break-glass, else "".
        tools:     what an agent may call; empty for everybody else.
        expires_s: when the credential behind it ends, Unix seconds; None = it does not.
    """

    __slots__ = ("expires_s", "principal", "reason", "tenant", "tools")

    principal: Principal
    tenant: str | None
    reason: str
    tools: frozenset[str]
    expires_s: int | None

    def __init__(
        self,
        seal: object,
        principal: Principal,
        tenant: str | None,
        reason: str = "",
        tools: frozenset[str] = frozenset(),
        expires_s: int | None = None,
    ) -> None:
        if seal is not _SEAL:
            raise TypeError("a Scope comes from authentication alone")
        for name, value in (
            ("principal", principal),
            ("tenant", tenant),
            ("reason", reason),
            ("tools", tools),
            ("expires_s", expires_s),
        ):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a Scope does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("a Scope does not change")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Scope is neither copied nor stored")

    def __repr__(self) -> str:
        return f"Scope({self.principal.role} {self.principal.id!r} of {self.tenant!r})"

    def require(self, scope: str) -> None:
        """Refuse whoever lacks a scope word. Raises Forbidden."""
        assert scope in SCOPES, scope
        if scope not in self.principal.scopes:
            raise Forbidden(f"needs the scope {scope}")

    def require_tool(self, tool: str) -> None:
        """Refuse an agent a tool that its token does not name; people and services hold none. Raises Forbidden."""
        self.require("tools:call")
        if tool not in self.tools:
            raise Forbidden("needs a token for this tool")


class Grant(NamedTuple):
    """An operator's leave to read one tenant's data for a while, for a reason that it can read. Unix seconds."""

    id: str
    tenant: str
    operator: str
    reason: str
    opened_s: int
    expires_s: int
    closed_s: int | None


def make_scope(principal: Principal, tools: frozenset[str] = frozenset(), expires_s: int | None = None) -> Scope:
    """Return the scope of a principal that has been authenticated. Whose data: its own tenant's, and no other's."""
    return Scope(_SEAL, principal, principal.tenant, "", tools, expires_s)


def local_scope(tenant: str | None = None) -> Scope:
    """Return the scope of the person at the machine, who owns the file and may do everything with it."""
    return Scope(_SEAL, Principal("local", "local", None, Role.OPERATOR, frozenset(SCOPES), ""), tenant)


def open_grant(scope: Scope, id_: str, tenant: str, reason: str, now_s: int, lifetime_s: int) -> Grant:
    """Return a grant for an operator to read a tenant's data for `lifetime_s`, 1 to 14,400 seconds.

    Raises:
        Forbidden:   no operator, or no reason.
        TenantError: a lifetime out of range.
    """
    scope.require("break_glass:write")
    if not 0 < lifetime_s <= GRANT_S_MAX:
        allowed = f"1 to {GRANT_S_MAX} seconds"
        raise TenantError("lifetime out of range", path="lifetime_s", found=lifetime_s, allowed=allowed)
    return Grant(id_, tenant, scope.principal.id, require_reason(reason), now_s, now_s + lifetime_s, None)


def require_reason(reason: str) -> str:
    """Return a reason in one line. Raises Forbidden for one that tells nobody anything."""
    words = " ".join(reason.split())
    if len(words) < REASON_CHARS_MIN or not words.isprintable():
        raise Forbidden(f"needs a reason that the tenant can read, of {REASON_CHARS_MIN} characters or more")
    return words


def break_glass(scope: Scope, grant: Grant, now_s: int) -> Scope:
    """Return an operator's scope for reading the data of the one tenant that `grant` names.

    Raises:
        Forbidden:       not an operator, not this operator's grant, or a grant without a reason.
        Unauthenticated: the grant is not open at `now_s`, Unix seconds.

    Source: ISOLATION.md, row U5.
    """
    who = scope.principal
    scope.require("break_glass:write")
    if who.role is not Role.OPERATOR or grant.operator != who.id:
        raise Forbidden("needs a break-glass grant of one's own")
    require_reason(grant.reason)
    if grant.closed_s is not None or not grant.opened_s <= now_s < grant.expires_s:
        raise Unauthenticated
    opened = who._replace(scopes=BREAK_GLASS_SCOPES)
    return Scope(_SEAL, opened, grant.tenant, grant.reason, expires_s=grant.expires_s)


def audited(scope: Scope, tenant: str) -> Scope:
    """Return an auditor's scope for reading one tenant's bills, usage and audit log. Raises Forbidden for others."""
    if scope.principal.role is not Role.AUDITOR:
        raise Forbidden("needs an auditor")
    return Scope(_SEAL, scope.principal, tenant, scope.reason, expires_s=scope.expires_s)
