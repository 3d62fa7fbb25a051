"""Accounts, keys and agents' tokens. A secret is told once, when it is made."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from billing.api.schemas.basic import Closed, Id, Name, maybe_moment, moment
from billing.store.tenant_keys import Account
from tenants.access.identity import SCOPES
from tenants.access.keys import KeyRecord
from tenants.access.tokens import LIFETIME_S_MAX, AgentToken

OVERLAP_S_MAX = 7 * 86_400
BULK_MAX = 100
Moment = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9TtZz:.+-]+$")]
ScopeWord = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^[a-z_]+:[a-z_]+$")]
Scopes = Annotated[list[ScopeWord], Field(min_length=1, max_length=len(SCOPES))]


class NewKey(Closed):
    """A key for an account of the tenant: no more than the key that makes it, and no later."""

    account: Id
    scopes: Scopes
    expires: Moment | None = None


class KeyOut(Closed):
    """A key, without what it opens."""

    id: str
    account: str
    role: str
    scopes: list[str]
    not_before: str
    expires: str | None
    revoked: str | None
    successor: str | None
    last_used: str | None


class KeyId(Closed):
    """A key, by its id alone."""

    id: str


class MadeKey(KeyOut):
    """A new key. `text` is told this once; a repeated request is answered without it."""

    text: str | None


class Rotation(Closed):
    """How long the old key lives beside the new one."""

    overlap_s: Annotated[int, Field(ge=0, le=OVERLAP_S_MAX)]


class KeyIds(Closed):
    """Keys by their ids: all of them, or none if one is not the tenant's."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=BULK_MAX)]


class NewAccount(Closed):
    """A person or a service of the tenant."""

    kind: Literal["person", "service"]
    name: Name
    role: Literal["member", "tenant_admin"]


class AccountOut(Closed):
    """A person or a service of the tenant."""

    id: str
    kind: str
    name: str
    role: str
    created: str
    disabled: str | None


class NewToken(Closed):
    """A token for an agent: the scopes and tools that a task needs, for as long as it takes."""

    scopes: Scopes
    tools: Annotated[list[Id], Field(max_length=50)]
    lifetime_s: Annotated[int, Field(ge=1, le=LIFETIME_S_MAX)]


class TokenOut(Closed):
    """A token, without what it opens."""

    id: str
    account: str
    scopes: list[str]
    tools: list[str]
    issued: str
    expires: str
    revoked: str | None


class MadeToken(TokenOut):
    """A new token. `text` is told this once; a repeated request is answered without it."""

    text: str | None


class ToolCall(Closed):
    """A call of a tool by an agent, and what it is charged as."""

    tool: Id
    product: Id
    sku: Id
    region: Id


class ToolAnswer(Closed):
    """That the call is allowed, and the event that it is metered by."""

    tool: str
    event: str


def account_out(account: Account) -> AccountOut:
    """Return an account."""
    return AccountOut(
        id=account.id,
        kind=account.kind,
        name=account.name,
        role=account.role.value,
        created=moment(account.created_s),
        disabled=maybe_moment(account.disabled_s),
    )


def key_out(record: KeyRecord) -> KeyOut:
    """Return a key."""
    return KeyOut(**_key(record))


def made_key(record: KeyRecord, text: str) -> MadeKey:
    """Return a new key with its text."""
    return MadeKey(**_key(record), text=text)


def token_out(token: AgentToken) -> TokenOut:
    """Return a token."""
    return TokenOut(**_token(token))


def made_token(token: AgentToken, text: str) -> MadeToken:
    """Return a new token with its text."""
    return MadeToken(**_token(token), text=text)


def _key(record: KeyRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "account": record.account,
        "role": record.role.value,
        "scopes": sorted(record.scopes),
        "not_before": moment(record.not_before_s),
        "expires": maybe_moment(record.expires_s),
        "revoked": maybe_moment(record.revoked_s),
        "successor": record.successor or None,
        "last_used": maybe_moment(record.last_used_s),
    }


def _token(token: AgentToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "account": token.account,
        "scopes": sorted(token.scopes),
        "tools": sorted(token.tools),
        "issued": moment(token.issued_s),
        "expires": moment(token.expires_s),
        "revoked": maybe_moment(token.revoked_s),
    }
