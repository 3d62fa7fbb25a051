"""A tenant's accounts, keys and tokens, through the views of the wall: what may be seen of them, and how they change.

No digest is ever read here; a new one goes in through a view that nobody reads. Each function takes what the door has
bound, and the tenant that is meant.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update

from billing.store.door import Bound
from billing.store.key_rows import SECRETS, key_of, key_row, token_row
from billing.store.key_rows import token_of as token_of_row
from billing.store.notices import notify
from billing.store.pages import Key, page
from billing.store.walls.views import new_view, view
from tenants.access.identity import Role
from tenants.access.keys import KeyRecord
from tenants.access.tokens import AgentToken

_KEY = tuple(name for name in KeyRecord._fields if name not in SECRETS)
_TOKEN = tuple(name for name in AgentToken._fields if name not in SECRETS)


class Account(NamedTuple):
    """A person or a service of a tenant. Unix seconds."""

    id: str
    kind: str
    name: str
    role: Role
    created_s: int
    disabled_s: int | None


def accounts_of(bound: Bound, tenant: str, after: Key | None, limit: int) -> list[Account]:
    """Return a page of a tenant's accounts by id, those that are disabled too."""
    rows = _page(bound, "account", Account._fields, tenant, after, limit)
    return [Account._make(row)._replace(role=Role(row.role)) for row in rows]


def account_of(bound: Bound, tenant: str, id_: str) -> Account | None:
    """Return one account of a tenant that is not disabled, None if there is none."""
    row = _one(bound, "account", Account._fields, tenant, id_)
    if row is None or row.disabled_s is not None:
        return None
    return Account._make(row)._replace(role=Role(row.role))


def add_account(bound: Bound, tenant: str, account: Account) -> None:
    """Keep a new account."""
    row = account._asdict() | {"tenant": tenant, "role": account.role.value}
    bound.connection.execute(insert(new_view("account")), row)


def disable_account(bound: Bound, tenant: str, id_: str, now_s: int) -> None:
    """Disable an account that is there; its keys and tokens end with it."""
    _change(bound, "account", tenant, id_, {"disabled_s": now_s})


def keys_of(bound: Bound, tenant: str, after: Key | None, limit: int) -> list[KeyRecord]:
    """Return a page of a tenant's keys by id, those that have ended too. Digests are left out."""
    return [key_of(row._mapping) for row in _page(bound, "api_key", _KEY, tenant, after, limit)]


def keys_by_id(bound: Bound, tenant: str, ids: Sequence[str]) -> list[KeyRecord]:
    """Return those of some keys that are the tenant's, in one statement whoever the others belong to."""
    keys = view("api_key").c
    wanted = select(*(keys[name] for name in _KEY)).where(keys.tenant == tenant, keys.id.in_(sorted(set(ids))))
    return [key_of(row._mapping) for row in bound.connection.execute(wanted.order_by(keys.id))]


def key_of_anyone(bound: Bound, id_: str) -> KeyRecord | None:
    """Return a key whoever's it is: for operators, who may end any."""
    keys = view("api_key").c
    row = bound.connection.execute(select(*(keys[name] for name in _KEY)).where(keys.id == id_)).one_or_none()
    return None if row is None else key_of(row._mapping)


def add_key(bound: Bound, record: KeyRecord, now_s: int) -> None:
    """Keep a new key. Its account must be there."""
    bound.connection.execute(insert(new_view("api_key")), key_row(record) | {"created_s": now_s})


def end_key(bound: Bound, record: KeyRecord) -> None:
    """Write when a key ends, whether it is revoked, and what succeeds it."""
    values = {"expires_s": record.expires_s, "revoked_s": record.revoked_s, "successor": record.successor}
    _change(bound, "api_key", record.tenant, record.id, values)


def revoke_key(bound: Bound, record: KeyRecord, now_s: int) -> None:
    """End a key at once, and the tokens made with it; one that was revoked stays as it is. Where its tenant does it,
    the tenant is told."""
    if record.revoked_s is None:
        end_key(bound, record._replace(revoked_s=now_s))
        if bound.scope.tenant is not None:
            notify(bound, record.tenant, "key.revoked", record.id, {"key": record.id}, now_s)


def tokens_of(bound: Bound, tenant: str, after: Key | None, limit: int) -> list[AgentToken]:
    """Return a page of a tenant's tokens by id, those that have ended too. Digests are left out."""
    return [token_of_row(row._mapping) for row in _page(bound, "agent_token", _TOKEN, tenant, after, limit)]


def token_of(bound: Bound, tenant: str, id_: str) -> AgentToken | None:
    """Return one token of a tenant, None if there is none."""
    row = _one(bound, "agent_token", _TOKEN, tenant, id_)
    return None if row is None else token_of_row(row._mapping)


def add_token(bound: Bound, token: AgentToken) -> None:
    """Keep a new token."""
    bound.connection.execute(insert(new_view("agent_token")), token_row(token))


def revoke_token(bound: Bound, tenant: str, id_: str, now_s: int) -> None:
    """End a token that is there at once."""
    _change(bound, "agent_token", tenant, id_, {"revoked_s": now_s})


def _page(bound: Bound, noun: str, fields: Sequence[str], tenant: str, after: Key | None, limit: int) -> Sequence[Any]:
    wanted = page(view(noun), fields, ("id",), after, limit).where(view(noun).c.tenant == tenant)
    return bound.connection.execute(wanted).all()


def _one(bound: Bound, noun: str, fields: Sequence[str], tenant: str, id_: str) -> Any:
    columns = view(noun).c
    wanted = select(*(columns[name] for name in fields)).where(columns.tenant == tenant, columns.id == id_)
    return bound.connection.execute(wanted).one_or_none()


def _change(bound: Bound, noun: str, tenant: str, id_: str, values: dict[str, Any]) -> None:
    columns = view(noun).c
    bound.connection.execute(update(view(noun)).where(columns.tenant == tenant, columns.id == id_).values(values))
