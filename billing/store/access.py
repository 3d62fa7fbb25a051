"""Keys and tokens as rows, for signing in and for the command line.

These functions are the platform's own: they are handed a connection that sees every tenant's keys, after a scope has
been asked. Each change writes its entry of the audit log in the caller's transaction.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, select, update

from billing.store.audit import record
from billing.store.key_rows import key_of as key_of_row
from billing.store.key_rows import key_row
from billing.store.key_rows import token_of as token_of_row
from billing.store.quick import Quick
from billing.store.tables_access import account, agent_token, api_key, tenant
from tenants.access.identity import ROLE_SCOPES, Role
from tenants.access.keys import Entropy, KeyRecord, Minted, successor_of
from tenants.access.lifecycle import Status
from tenants.access.ports import HeldKey, HeldToken
from tenants.access.secrets import Secrets
from tenants.errors import TenantError


class Use(NamedTuple):
    """That a key was used: what to write behind. Unix seconds."""

    record: KeyRecord
    digest: str
    pepper: int
    at_s: int


class SqlKeys:
    """The keys and tokens of a store, one statement a look-up (the port `KeyStore`).

    What is to be written behind is collected in `uses`: signing in reads alone.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.uses: list[Use] = []

    def key(self, id_: str) -> HeldKey | None:
        """Return a key by its id."""
        rows = _key_by_id().rows(self._connection, wanted=id_)
        return _held_key(dict(zip(_HELD_NAMES, rows[0], strict=True))) if rows else None

    def token(self, id_: str) -> HeldToken | None:
        """Return a token by its id, with the key that it was made with."""
        of_key = and_(api_key.c.tenant == agent_token.c.tenant, api_key.c.id == agent_token.c.key)
        columns = (column.label(f"token_{column.name}") for column in agent_token.c)
        wanted = _held_keys().add_columns(*columns).join(agent_token, of_key).where(agent_token.c.id == id_)
        row = self._connection.execute(wanted).mappings().first()
        if row is None:
            return None
        token = {column.name: row[f"token_{column.name}"] for column in agent_token.c}
        return HeldToken(token_of_row(token), _held_key(row))

    def used(self, record: KeyRecord, digest: str, pepper: int, now_s: int) -> None:
        """Remember a use for `note_uses`."""
        self.uses.append(Use(record, digest, pepper, now_s))


def note_uses(connection: Connection, uses: Iterable[Use]) -> None:
    """Write that keys were used, and their digests under today's pepper. A key revoked since stays as it is."""
    for use in uses:
        same = (api_key.c.id == use.record.id) & (api_key.c.digest == use.record.digest)
        values = {"digest": use.digest, "pepper": use.pepper, "last_used_s": use.at_s}
        connection.execute(update(api_key).where(same, api_key.c.revoked_s.is_(None)).values(values))


def save_key(connection: Connection, actor: str, minted: Minted, now_s: int) -> None:
    """Keep a new key. Its account must be there."""
    made = minted.record
    connection.execute(api_key.insert(), key_row(made) | {"created_s": now_s})
    details = {
        "account": made.account,
        "role": str(made.role),
        "scopes": sorted(made.scopes),
        "expires_s": made.expires_s,
    }
    record(connection, made.tenant, actor, "key.create", made.id, "", details, now_s)


def keys_in(connection: Connection, tenant_id: str | None = None) -> list[KeyRecord]:
    """Return the keys of a tenant ("" for those of operators and auditors), or of all, by tenant and id."""
    wanted = select(api_key).order_by(api_key.c.tenant, api_key.c.id)
    if tenant_id is not None:
        wanted = wanted.where(api_key.c.tenant == tenant_id)
    return [key_of_row(row) for row in connection.execute(wanted).mappings()]


def key_of(connection: Connection, id_: str, tenant_id: str | None = None) -> KeyRecord:
    """Return one key, of one tenant where that is given. Raises TenantError: a foreign id is an unknown one."""
    wanted = select(api_key).where(api_key.c.id == id_)
    if tenant_id is not None:
        wanted = wanted.where(api_key.c.tenant == tenant_id)
    row = connection.execute(wanted).mappings().first()
    if row is None:
        raise TenantError("unknown key", code="unknown_name", found=id_)
    return key_of_row(row)


def rotate_key(
    connection: Connection,
    actor: str,
    old: KeyRecord,
    secrets: Secrets,
    entropy: Entropy,
    now_s: int,
    overlap_s: int,
) -> tuple[KeyRecord, Minted]:
    """Replace a key by a new one; both hold for the overlap. Raises TenantError for one that holds no longer."""
    ending, new = successor_of(old, secrets, entropy, now_s, overlap_s)
    save_key(connection, actor, new, now_s)
    values = {"expires_s": ending.expires_s, "successor": ending.successor}
    connection.execute(_at(old.tenant, old.id).values(values))
    details = {"successor": ending.successor, "expires_s": ending.expires_s}
    record(connection, old.tenant, actor, "key.rotate", old.id, "", details, now_s)
    return ending, new


def revoke_key(connection: Connection, actor: str, old: KeyRecord, reason: str, now_s: int) -> bool:
    """End a key at once; False where it had been revoked. Tokens made with it end with it."""
    if old.revoked_s is not None:
        return False
    connection.execute(_at(old.tenant, old.id).values(revoked_s=now_s))
    record(connection, old.tenant, actor, "key.revoke", old.id, reason, {}, now_s)
    return True


def _at(tenant_id: str, id_: str) -> Any:
    return update(api_key).where(api_key.c.tenant == tenant_id, api_key.c.id == id_)


@cache
def _key_by_id() -> Quick:
    return Quick(_held_keys().where(api_key.c.id == bindparam("wanted")))


_HELD_NAMES = (*api_key.c.keys(), "kind", "disabled_s", "account_role", "status")


def _held_keys() -> Select[Any]:
    """Keys, each with what decides beside it whether it holds. A tenant that is not there is a deleted one."""
    of_account = and_(account.c.tenant == api_key.c.tenant, account.c.id == api_key.c.account)
    beside = (account.c.kind, account.c.disabled_s, account.c.role.label("account_role"), tenant.c.status)
    joined = api_key.join(account, of_account).outerjoin(tenant, tenant.c.tenant == api_key.c.tenant)
    return select(api_key, *beside).select_from(joined)


def _held_key(row: Any) -> HeldKey:
    found = key_of_row(row)
    status = Status(row["status"]) if row["status"] else Status.DELETED if found.tenant else Status.ACTIVE
    if row["account_role"] != found.role:
        # An account that was made less since: its keys are as well.
        lesser = min(found.role, Role(row["account_role"]), key=lambda role: len(ROLE_SCOPES[role]))
        found = found._replace(role=lesser)
    return HeldKey(found, row["kind"], row["disabled_s"], status)
