"""Tokens for agents: one hour at most, the scopes and tools that a task needs, and no more than the key they come from.

A token dies with its key. It mints nothing: no scope of minting can be put into one.
"""

from collections.abc import Iterable
from typing import NamedTuple

from tenants.access.errors import Forbidden
from tenants.access.identity import Role
from tenants.access.keys import Entropy, digest, new_text
from tenants.access.scope import Scope
from tenants.access.secrets import Secrets
from tenants.errors import TenantError, unknown_name

LIFETIME_S_MAX = 3_600
NEVER_IN_A_TOKEN = frozenset(("keys:write", "tokens:write", "tenants:write", "quota:write", "break_glass:write"))
# What an agent can be let call, and the scope that each tool needs beside `tools:call`.
TOOLS = {
    "read_usage": "usage:read",
    "read_bill": "bills:read",
    "read_quota": "quota:read",
    "read_job": "jobs:read",
    "submit_job": "jobs:write",
    "cancel_job": "jobs:write",
}


class AgentToken(NamedTuple):
    """What is kept of a token. Unix seconds.

    Attributes:
        key: id of the key that it was made with.
    """

    id: str
    tenant: str
    account: str
    key: str
    role: Role
    scopes: frozenset[str]
    tools: frozenset[str]
    digest: str
    pepper: int
    issued_s: int
    expires_s: int
    revoked_s: int | None

    def __repr__(self) -> str:
        return f"AgentToken(id={self.id!r}, tenant={self.tenant!r})"

    def live(self, now_s: int) -> bool:
        """Whether the token holds at an instant."""
        return self.issued_s <= now_s < self.expires_s and self.revoked_s is None


class IssuedToken(NamedTuple):
    """A new token: its text, shown once, and the record that is kept."""

    text: str
    record: AgentToken

    def __repr__(self) -> str:
        return f"IssuedToken({self.record!r})"


def _require_below(held: frozenset[str], wished: frozenset[str], called: frozenset[str]) -> None:
    """Refuse scopes that the key does not hold or that no token may, and tools whose scopes are not among them."""
    if not wished <= held - NEVER_IN_A_TOKEN:
        raise Forbidden("a token cannot be given more scopes than its key has, nor any that mints or governs")
    for tool in sorted(called):
        if tool not in TOOLS:
            raise unknown_name("tool", tool, TOOLS, "tools")
        if not {"tools:call", TOOLS[tool]} <= wished:
            raise Forbidden(f"the tool {tool} needs the scopes tools:call and {TOOLS[tool]}")


def issue_token(
    minter: Scope,
    scopes: Iterable[str],
    tools: Iterable[str],
    lifetime_s: int,
    secrets: Secrets,
    entropy: Entropy,
    now_s: int,
) -> IssuedToken:
    """Return a token for an agent that acts for the minter's account.

    Args:
        lifetime_s: 1 to 3,600; cut to the end of the minter's key.

    Raises:
        Forbidden:   a scope that the minter lacks, or that no token may hold; a tool whose scope is not among them.
        TenantError: no such tool, or a lifetime out of range.
    """
    minter.require("tokens:write")
    who, wished, called = minter.principal, frozenset(scopes), frozenset(tools)
    if who.tenant is None or not who.key:
        raise Forbidden("a token is issued with a key of a tenant")
    _require_below(who.scopes, wished, called)
    if not 0 < lifetime_s <= LIFETIME_S_MAX:
        raise TenantError(
            "lifetime out of range", path="lifetime_s", found=lifetime_s, allowed=f"1 to {LIFETIME_S_MAX} seconds"
        )
    ends_s = now_s + lifetime_s if minter.expires_s is None else min(now_s + lifetime_s, minter.expires_s)
    text = new_text("spt", "live", entropy)
    made = digest(text.text, secrets.peppers[secrets.pepper])
    record = AgentToken(
        text.id,
        who.tenant,
        who.id,
        who.key,
        who.role,
        wished,
        called,
        made,
        secrets.pepper,
        now_s,
        ends_s,
        None,
    )
    return IssuedToken(text.text, record)
