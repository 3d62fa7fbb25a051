"""Routes of keys and accounts: a tenant's admins make, rotate and end them, and never above themselves."""

from billing.api.call import Call, Calling, Done, Told
from billing.api.ids import IdOfPath, new_id
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Problem, invalid
from billing.api.room import require_room
from billing.api.schemas.basic import Empty, Page
from billing.api.schemas.keys import (
    AccountOut,
    KeyIds,
    KeyOut,
    MadeKey,
    NewAccount,
    NewKey,
    Rotation,
    account_out,
    key_out,
    made_key,
)
from billing.api.table import Routes
from billing.errors import BillingError
from billing.months import parse_utc
from billing.store import tenant_keys as store
from billing.store.door import Bound
from tenants.access.errors import Forbidden
from tenants.access.identity import Role
from tenants.access.keys import KeyRecord, mint, successor_of

routes = Routes()


@routes.get("/v1/accounts", Page[AccountOut])
def list_accounts(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[AccountOut]:
    """List the tenant's people and services."""
    after = call.after(cursor, str)
    with call.reading() as bound:
        found = store.accounts_of(bound, call.tenant, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.id,))
    return Page[AccountOut](items=[account_out(row) for row in rows], next=following)


@routes.post("/v1/accounts", AccountOut, status=201)
def create_account(call: Calling, body: NewAccount) -> AccountOut:
    """Add a person or a service to the tenant."""

    def work(bound: Bound) -> Done:
        require_room(bound, call.tenant, "account", call.now_s)
        made = store.Account(new_id(call, "acc"), body.kind, body.name, Role(body.role), call.now_s, None)
        store.add_account(bound, call.tenant, made)
        return Done(account_out(made), Told(made.id, {"kind": made.kind, "name": made.name, "role": body.role}))

    made: AccountOut = call.change(work)
    return made


@routes.delete("/v1/accounts/{id}", Empty)
def disable_account(call: Calling, id: IdOfPath) -> Empty:
    """Disable an account; its keys and tokens end with it."""

    def work(bound: Bound) -> Done:
        if store.account_of(bound, call.tenant, id) is None:
            raise Problem("not_found")
        store.disable_account(bound, call.tenant, id, call.now_s)
        return Done(Empty(), Told(id))

    done: Empty = call.change(work)
    return done


@routes.get("/v1/keys", Page[KeyOut])
def list_keys(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[KeyOut]:
    """List the tenant's keys, without what they open."""
    after = call.after(cursor, str)
    with call.reading() as bound:
        found = store.keys_of(bound, call.tenant, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.id,))
    return Page[KeyOut](items=[key_out(row) for row in rows], next=following)


@routes.post("/v1/keys", MadeKey, status=201)
def create_key(call: Calling, body: NewKey) -> MadeKey:
    """Mint a key for an account of the tenant: no more than one's own key may do, and no longer. Shown this once."""
    try:
        expires_s = None if body.expires is None else parse_utc(body.expires)
    except BillingError:
        raise invalid("body.expires", "is not RFC 3339 with an offset") from None

    def work(bound: Bound) -> Done:
        account = store.account_of(bound, call.tenant, body.account)
        if account is None:
            raise Problem("not_found")
        require_room(bound, call.tenant, "api_key", call.now_s)
        house = call.house
        minted = mint(
            call.scope,
            account.id,
            call.tenant,
            account.role,
            body.scopes,
            house.secrets,
            house.entropy,
            call.now_s,
            expires_s=expires_s,
        )
        store.add_key(bound, minted.record, call.now_s)
        details = {"account": account.id, "scopes": sorted(body.scopes), "expires_s": minted.record.expires_s}
        return Done(made_key(minted.record, minted.text), Told(minted.record.id, details))

    made: MadeKey = call.change(work)
    return made


@routes.post("/v1/keys/revoke", Empty)
def revoke_keys(call: Calling, body: KeyIds) -> Empty:
    """End keys at once: all of them, or none if one of them is not there."""

    def work(bound: Bound) -> Done:
        found = store.keys_by_id(bound, call.tenant, body.ids)
        if len(found) != len(set(body.ids)):
            raise Problem("not_found")
        for each in found:
            store.revoke_key(bound, each, call.now_s)
        ids = [each.id for each in found]
        return Done(Empty(), Told(ids[0] if len(ids) == 1 else f"{len(ids)} keys", {"keys": ids}))

    done: Empty = call.change(work)
    return done


@routes.post("/v1/keys/{id}/rotate", MadeKey, status=201)
def rotate_key(call: Calling, id: IdOfPath, body: Rotation) -> MadeKey:
    """Replace a key by a new one that may do the same; both hold for the overlap. Shown this once."""

    def work(bound: Bound) -> Done:
        old = _own_key(call, bound, id)
        # Whoever rotates a key holds the new one: it must not do more than the key that asks.
        if not old.scopes <= call.scope.principal.scopes:
            raise Forbidden("a key cannot be rotated by one that may do less")
        require_room(bound, call.tenant, "api_key", call.now_s)
        house = call.house
        ending, minted = successor_of(old, house.secrets, house.entropy, call.now_s, body.overlap_s)
        new, end_s = minted.record, call.scope.expires_s
        if old.id != call.scope.principal.key and end_s is not None:
            # As when a key is minted: one that ends leaves none behind that goes on.
            new = new._replace(expires_s=min(new.expires_s, end_s))
        store.add_key(bound, new, call.now_s)
        store.end_key(bound, ending)
        details = {"successor": new.id, "overlap_s": body.overlap_s, "expires_s": new.expires_s}
        return Done(made_key(new, minted.text), Told(old.id, details))

    made: MadeKey = call.change(work)
    return made


@routes.delete("/v1/keys/{id}", Empty)
def revoke_key(call: Calling, id: IdOfPath) -> Empty:
    """End a key at once, and the tokens made with it."""

    def work(bound: Bound) -> Done:
        store.revoke_key(bound, _own_key(call, bound, id), call.now_s)
        return Done(Empty(), Told(id))

    done: Empty = call.change(work)
    return done


def _own_key(call: Call, bound: Bound, id_: str) -> KeyRecord:
    found = store.keys_by_id(bound, call.tenant, [id_])
    if not found:
        raise Problem("not_found")
    return found[0]
