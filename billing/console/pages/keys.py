"""Keys and accounts of a tenant: who holds what, new ones, and an end to them. A secret is shown once."""

from typing import Any

from billing.console.asking import Answer, at
from billing.console.blocks import Act, Block, Cell, Column, Field, Form, Link, Mark, View, Words
from billing.console.pages.parts import kept, listed
from billing.console.visit import Go, Pages, Shown, Visit
from billing.months import utc_text
from tenants.access.identity import ROLE_SCOPES, Role

pages = Pages()
KEYS = "/console/keys"
_OVERLAP_S = 86_400
_WORDS = {"member": "member: uses and reads", "tenant_admin": "tenant admin: keys and webhooks too"}


@pages.get(KEYS)
async def show_keys(visit: Visit) -> Shown:
    """List keys and accounts, with what may be done with them."""
    keys = await visit.ask.get("/v1/keys", cursor=visit.query.get("cursor"), limit=100)
    accounts = await visit.ask.get("/v1/accounts", limit=200)
    names = {each["id"]: each["name"] for each in accounts.items}
    now = utc_text(visit.now_s)
    rows = [
        (
            each["id"],
            names.get(each["account"], each["account"]),
            each["role"].replace("_", " "),
            _state(each, now),
            each["expires"],
            each["last_used"],
            _scopes(each),
            _acts(each, now, visit),
        )
        for each in keys.items
    ]
    columns = [
        Column("Key", "code"),
        Column("Account"),
        Column("Role"),
        Column("State"),
        Column("Ends, UTC", "time"),
        Column("Last used", "time"),
        Column("Scopes"),
        Column("", "act"),
    ]
    blocks: list[Block] = [listed("keys", "Keys", keys, columns, rows)]
    if visit.may("keys:write"):
        blocks += [_new_key(visit, accounts.items), _accounts(accounts, visit), _new_account(visit)]
    else:
        blocks.append(_accounts(accounts, visit))
    return View("Keys", blocks, "What the tenant's people and services sign in with. Only a digest of a key is kept.")


@pages.post(KEYS, back=KEYS)
async def make_key(visit: Visit) -> Shown:
    """Make a key and show its text, this once."""
    ends = visit.text("expires")
    body = {"account": visit.text("account"), "scopes": list(visit.form.get("scopes", ()))}
    made = await visit.change("POST", "/v1/keys", body | ({"expires": f"{ends}T00:00:00Z"} if ends else {}))
    return _once(made.data, "The new key")


@pages.post(f"{KEYS}/{{id}}/rotate", back=KEYS)
async def rotate_key(visit: Visit) -> Shown:
    """Replace a key by a new one, and show its text, this once."""
    path = at("/v1/keys/{id}/rotate", id=visit.ids["id"])
    made = await visit.change("POST", path, {"overlap_s": _OVERLAP_S})
    return _once(made.data, "The key that takes over")


@pages.post(f"{KEYS}/{{id}}/revoke", back=KEYS)
async def revoke_key(visit: Visit) -> Shown:
    """End a key at once."""
    await visit.change("DELETE", at("/v1/keys/{id}", id=visit.ids["id"]))
    return Go(KEYS, "key-revoked")


@pages.post("/console/accounts", back=KEYS)
async def add_account(visit: Visit) -> Shown:
    """Add a person or a service."""
    await visit.change("POST", "/v1/accounts", {name: visit.text(name) for name in ("kind", "name", "role")})
    return Go(KEYS, "account-created")


@pages.post("/console/accounts/{id}/disable", back=KEYS)
async def disable_account(visit: Visit) -> Shown:
    """Disable an account; its keys end with it."""
    await visit.change("DELETE", at("/v1/accounts/{id}", id=visit.ids["id"]))
    return Go(KEYS, "account-disabled")


def _once(made: dict[str, str | None], caption: str) -> View:
    if made["text"] is None:
        words = "This form had been sent before: the key was made then, and its text was shown then. It is not kept."
        return View("Keys", [Words(caption, words, tone="bad")], crumbs=[Link("Keys", KEYS)])
    words = f"Copy it now: it is shown this once and not kept. Its id is {made['id']}; it ends {made['expires']}."
    return View("Keys", [Words(caption, words, made["text"], "good")], crumbs=[Link("Keys", KEYS)])


def _scopes(key: dict[str, Any]) -> str:
    whole = ROLE_SCOPES[Role(key["role"])]
    return f"all {len(whole)} of its role" if whole <= set(key["scopes"]) else ", ".join(key["scopes"])


def _state(key: dict[str, str | None], now: str) -> Cell:
    if key["revoked"]:
        return Mark("revoked", "quiet")
    if key["expires"] and key["expires"] <= now:
        return Mark("ended", "quiet")
    return Mark("being replaced") if key["successor"] else Mark("live", "good")


def _acts(key: dict[str, str | None], now: str, visit: Visit) -> Cell:
    if key["revoked"] or (key["expires"] or now) <= now or not visit.may("keys:write"):
        return None
    id_ = str(key["id"])
    revoke = Act("Revoke", at(f"{KEYS}/{{id}}/revoke", id=id_), danger=True)
    return (revoke,) if key["successor"] else (Act("Rotate", at(f"{KEYS}/{{id}}/rotate", id=id_)), revoke)


def _new_key(visit: Visit, accounts: list[dict[str, str]]) -> Form:
    mine = visit.scope.principal.scopes
    options = [
        (each["id"], f"{each['name']} ({each['role'].replace('_', ' ')})") for each in accounts if not each["disabled"]
    ]
    scopes = [(word, word) for word in sorted(ROLE_SCOPES[Role.TENANT_ADMIN] & mine)]
    fields = [
        Field("account", "Account", "select", kept(visit, "account"), options),
        Field("scopes", "Scopes", "checks", " ".join(visit.form.get("scopes", ("usage:read", "bills:read"))), scopes),
        Field("expires", "Ends on", "date", kept(visit, "expires"), hint="None: in 90 days.", required=False),
    ]
    note = "Never more than the key that you signed in with may do, and never for longer."
    return Form("Make a key", KEYS, fields, "Make the key", note)


def _accounts(answer: Answer, visit: Visit) -> Block:
    rows = [
        (
            each["name"],
            each["kind"],
            each["role"].replace("_", " "),
            Mark("disabled", "quiet") if each["disabled"] else Mark("active", "good"),
            each["created"],
            None
            if each["disabled"] or each["id"] == visit.scope.principal.id or not visit.may("keys:write")
            else Act("Disable", at("/console/accounts/{id}/disable", id=each["id"]), danger=True),
        )
        for each in answer.items
    ]
    columns = [
        Column("Account"),
        Column("Kind"),
        Column("Role"),
        Column("State"),
        Column("Added, UTC", "time"),
        Column("", "act"),
    ]
    return listed("accounts", "Accounts", answer, columns, rows)


def _new_account(visit: Visit) -> Form:
    fields = [
        Field("name", "Name", value=kept(visit, "name")),
        Field("kind", "Kind", "select", kept(visit, "kind"), [("person", "person"), ("service", "service")]),
        Field("role", "Role", "select", kept(visit, "role"), list(_WORDS.items())),
    ]
    return Form("Add an account", "/console/accounts", fields, "Add the account")
