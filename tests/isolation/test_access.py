"""Keys, suspension, deletion and regions under attack (rows K1-K5, X1-X3, X5, R2 of the catalogue)."""

import contextlib
import hashlib
import hmac
import json
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any
from unittest.mock import patch

import pytest
from httpx2 import Response
from hypothesis import strategies as st

from billing.store import access, purge, tenant_rows, tombstones_file
from billing.store import door as store_door
from billing.store import engine as store_engine
from billing.store.access import save_key
from billing.store.break_glass import open_break_glass
from billing.store.engine import open_store, writing
from billing.store.secrets_file import load_secrets
from billing.store.tables_api import idempotency, webhook
from billing.store.tables_log import quarantine
from billing.store.tenant_keys import add_token
from isolation import BOTH, Case, attack, mutant
from log_events import chain
from signing_in import NOW_S, Desk, entropy_of
from some_secrets import SECRETS
from tenants.access import authenticate as authentication
from tenants.access import keys as key_functions
from tenants.access import lifecycle
from tenants.access import tokens as token_functions
from tenants.access.errors import AccessError
from tenants.access.identity import ROLE_SCOPES, SCOPES, Role
from tenants.access.keys import DAY_S, KeyRecord, mint
from tenants.access.ports import HeldKey, HeldToken
from tenants.access.scope import Scope, local_scope
from tenants.access.tokens import TOOLS, AgentToken, issue_token
from tenants.errors import TenantError

_DESKS: list[Desk] = []


def desk_of(case: Case) -> Desk:
    _DESKS.append(Desk(case.place, case.folder))
    return _DESKS[-1]


@pytest.fixture(autouse=True)
def desks_are_closed(case: Case) -> Iterator[None]:
    """Doors keep connections: they are closed before the case takes its database away."""
    yield
    for desk in _DESKS:
        desk.close()
    _DESKS.clear()


# -- K1: what a copy of the database is worth ------------------------------------------------------------------------


@attack("K1", on=BOTH)
def test_a_copy_of_the_database_signs_nobody_in(case: Case) -> None:
    desk = desk_of(case)
    tenant = desk.create_tenant("Acme")
    texts = [desk.create_key(tenant), desk.create_key(None, "--role", "operator")]
    texts.append(desk.call("keys", "rotate", desk.sign_in(texts[0]).principal.key).stdout.strip())
    assert [desk.answer_to(text) for text in texts] == ["in"] * 3
    peppers = load_secrets(case.folder / "secrets").peppers.values()
    hidden = [text[-49:-6] for text in texts] + [pepper.hex() for pepper in peppers]
    # What could be made of a key without the pepper: nothing of it may be what is stored.
    for text in texts:
        plain = text.encode()
        hidden += [hashlib.sha256(plain).hexdigest(), hmac.new(b"", plain, "sha256").hexdigest()]
    values = list(desk.texts())
    for table, value in values:
        case.tried()
        assert not any(each in value for each in hidden), f"{table} holds what makes a key"
    for name, content in desk.files():
        assert not any(each.encode() in content for each in hidden), f"{name} holds what makes a key"
    digests = desk.digests()
    assert len(digests) == 3 and {desk.answer_to(text) for text in digests} == {"Unauthenticated"}


@mutant("K1", "plain key stored", of=test_a_copy_of_the_database_signs_nobody_in)
@contextmanager
def plain_key() -> Iterator[None]:
    with patch.object(key_functions, "digest", lambda text, _pepper: text):
        yield


@mutant("K1", "hashed without the pepper", of=test_a_copy_of_the_database_signs_nobody_in)
@contextmanager
def no_pepper() -> Iterator[None]:
    with patch.object(key_functions, "digest", lambda text, _pepper: hashlib.sha256(text.encode()).hexdigest()):
        yield


# -- K2: what is said of a key ---------------------------------------------------------------------------------------


@contextmanager
def everything_logged() -> Iterator[list[tuple[str, str]]]:
    """What is logged meanwhile, by whom, at every level."""
    lines: list[tuple[str, str]] = []
    handler = logging.Handler(0)
    handler.emit = lambda record: lines.append((record.name, record.getMessage()))  # type: ignore[method-assign]
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(0)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def heard(response: Response) -> str:
    """All that a client is given."""
    return f"{response.status_code} {dict(response.headers)} {response.text}"


@attack("K2", on=BOTH)
def test_no_output_holds_a_key(case: Case) -> None:
    desk = desk_of(case)
    tenant = desk.create_tenant("Acme")
    text = desk.create_key(tenant)
    secret = text[-49:-6]
    cut, typo = text[:-8], text[:-1] + ("a" if text[-1] != "a" else "b")
    calls = [
        ("keys", "revoke", text),
        ("keys", "rotate", text),
        ("keys", "revoke", cut),
        ("keys", "rotate", typo),
        ("keys", "create", "--tenant", text),
        ("keys", "create", "--tenant", tenant, "--scope", text),
        ("keys", "create", "--tenant", tenant, "--role", text),
        ("keys", "create", "--tenant", tenant, "--expires", text),
        ("keys", "list", "--db", text),
        ("keys", "list", "--at", text),
        ("keys", text),
    ]
    flags = (["--json"], ["-v"], [])
    said = [desk.call(*words, *flags[at % 3], now=False, ok=False).output for at, words in enumerate(calls)]
    said.append(desk.call("keys", "list", "--json", now=False).output)
    admin = desk.create_key(tenant, "--role", "tenant_admin")
    with everything_logged() as logged:
        paths = (f"/v1/keys/{text}", f"/v1/invoices?cursor={text}", f"/v1/invoices/{text}", f"/{text}")
        asked = [(key, path, method) for path in paths for method in ("GET", "DELETE") for key in (admin, typo)]
        said += [heard(desk.ask(*each)) for each in asked]
        for body in ({"ids": [text]}, {text: 1}, text):
            said.append(heard(desk.ask(admin, "/v1/keys/revoke", "POST", json=body)))
            said.append(heard(desk.ask(admin, "/v1/accounts", "POST", json=body)))
    # The client of the test logs what it asks for; what is looked for is what the product says.
    said += [line for name, line in logged if not name.startswith(("httpx", "httpcore"))]
    for wrong in (typo, cut, f"{text}\n", text.upper()):
        try:
            desk.sign_in(wrong)
        except AccessError as refused:
            said += [str(refused), repr(refused), repr(vars(refused))]
    scope = desk.sign_in(text)
    said += [
        repr(scope),
        repr(scope.principal),
        repr(key_functions.parse(text)),
        repr(load_secrets(case.folder / "secrets")),
    ]
    case.tried(len(said))
    for each in said:
        assert secret[:20] not in each, f"a key in: {each.replace(secret[:20], '*')[:300]}"


@mutant("K2", "key in a validation error", of=test_no_output_holds_a_key)
@contextmanager
def key_in_an_error() -> Iterator[None]:
    with patch("sim.cli.failure.redact", lambda text: text):
        yield


@mutant("K2", "key in the repr of its parts", of=test_no_output_holds_a_key)
@contextmanager
def key_in_a_repr() -> Iterator[None]:
    with patch.object(key_functions.KeyText, "__repr__", lambda key: f"KeyText({key.text})"):
        yield


# -- K3: keys that have ended ----------------------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.sampled_from(("create", "rotate", "revoke", "wait", "use")), st.integers(0, 5), st.integers(1, 40)),
    min_size=4,
    max_size=10,
)


@attack("K3", on=BOTH)
def test_a_key_that_ended_opens_nothing(case: Case) -> None:
    """Histories of minting, rotating, revoking and waiting: after each step exactly the live keys sign in."""
    desk = desk_of(case)
    tenant = desk.create_tenant("Acme")
    first = desk.create_key(tenant)
    engine, secrets, entropy = open_store(desk.place), load_secrets(case.folder / "secrets"), entropy_of(case.seed)
    account = desk.sign_in(first).principal.id

    def history(steps: list[tuple[str, int, int]]) -> None:
        held: dict[str, tuple[str, int, bool]] = {}  # text: id, end, revoked
        for action, which, days in (("create", 0, 20), *steps):
            with writing(engine) as connection:
                texts = list(held)
                text = texts[which % len(texts)] if texts else ""
                id_, ends_s, revoked = held.get(text, ("", 0, False))
                if action == "create":
                    new = mint(
                        local_scope(), account, tenant, Role.MEMBER, ["usage:read"], secrets, entropy, desk.now_s,
                        expires_s=desk.now_s + days * DAY_S,
                    )  # fmt: skip
                    save_key(connection, "local", new, desk.now_s)
                    held[new.text] = (new.record.id, new.record.expires_s, False)
                elif action == "rotate" and not revoked and desk.now_s < ends_s:
                    old = access.key_of(connection, id_)
                    if not old.successor:
                        _, new = access.rotate_key(connection, "local", old, secrets, entropy, desk.now_s, days * 3600)
                        held[text] = (id_, min(ends_s, desk.now_s + days * 3600), False)
                        held[new.text] = (new.record.id, desk.now_s + old.expires_s - old.not_before_s, False)
                elif action == "revoke":
                    access.revoke_key(connection, "local", access.key_of(connection, id_), "", desk.now_s)
                    held[text] = (id_, ends_s, True)
                elif action == "wait":
                    desk.now_s += days * 3600 * 6
            for text, (_, ends_s, revoked) in held.items():
                holds = not revoked and desk.now_s < ends_s
                assert (desk.answer_to(text) == "in") == holds, f"after {action}"

    case.given(STEPS, history, examples=5 if case.backend == "sqlite" else 3)


@mutant("K3", "cached verdict", of=test_a_key_that_ended_opens_nothing)
@contextmanager
def cached_verdict() -> Iterator[None]:
    known: dict[str, Scope] = {}
    real = authentication.authenticate

    def cached(text: str, *rest: Any) -> Scope:
        if text not in known:
            known[text] = real(text, *rest)
        return known[text]

    with patch.object(store_door, "authenticate", cached):
        yield


@mutant("K3", "the old key of a rotation keeps its end", of=test_a_key_that_ended_opens_nothing)
@contextmanager
def no_end_by_rotation() -> Iterator[None]:
    real = key_functions.successor_of

    def lasting(old: KeyRecord, *rest: Any) -> Any:
        ending, new = real(old, *rest)
        return ending._replace(expires_s=old.expires_s), new

    with patch.object(access, "successor_of", lasting):
        yield


# -- K4: more than one has -------------------------------------------------------------------------------------------

WISHES = st.tuples(
    st.sampled_from(tuple(Role)),
    st.sets(st.sampled_from(SCOPES), max_size=6),
    st.sampled_from(("acme", "globex", "")),
    st.sampled_from((None, 1, 20, 40, 400)),
)
CHAINS = st.tuples(
    st.sampled_from(tuple(Role)),
    st.sets(st.sampled_from(sorted(ROLE_SCOPES[Role.TENANT_ADMIN])), max_size=10),
    st.integers(1, 60),
    st.lists(WISHES, min_size=1, max_size=5),
    st.sets(st.sampled_from(sorted(TOOLS))),
)


class Kept:
    """Keys and tokens by id: the port that authentication asks."""

    def __init__(self) -> None:
        self.keys: dict[str, KeyRecord] = {}
        self.tokens: dict[str, AgentToken] = {}

    def key(self, id_: str) -> Any:
        record = self.keys.get(id_)
        return record and HeldKey(record, "service", None, lifecycle.Status.ACTIVE)

    def token(self, id_: str) -> Any:
        token = self.tokens.get(id_)
        return token and HeldToken(token, self.key(token.key))

    def used(self, *_: object) -> None:
        pass


@attack("K4")
def test_nobody_mints_more_than_he_is(case: Case) -> None:
    """Chains of keys minted with keys, and of tokens issued with them, against the order of what they may do."""
    entropy = entropy_of(case.seed)
    rank = {Role.MEMBER: 0, Role.TENANT_ADMIN: 1, Role.OPERATOR: 2, Role.AUDITOR: 3}

    def climb(chain_of: tuple[Role, set[str], int, list[Any], set[str]]) -> None:
        role, scopes, days, wishes, tools = chain_of
        kept = Kept()
        mine = role in (Role.MEMBER, Role.TENANT_ADMIN)
        granted = (scopes | {"keys:write", "tokens:write"}) & ROLE_SCOPES[role]
        key = mint(
            local_scope(),
            "a",
            "acme" if mine else "",
            role,
            granted,
            SECRETS,
            entropy,
            NOW_S,
            expires_s=NOW_S + days * DAY_S,
        )
        kept.keys[key.record.id] = key.record
        scope = authentication.authenticate(key.text, kept, SECRETS, NOW_S)
        for wished, words, tenant, for_days in wishes:
            ends_s = None if for_days is None else NOW_S + for_days * DAY_S
            try:
                key = mint(scope, "b", tenant, wished, words, SECRETS, entropy, NOW_S, expires_s=ends_s)
            except TenantError:
                continue
            kept.keys[key.record.id] = key.record
            new = authentication.authenticate(key.text, kept, SECRETS, NOW_S)
            assert new.tenant == scope.tenant and new.principal.scopes <= scope.principal.scopes
            assert rank[new.principal.role] <= rank[scope.principal.role]
            assert new.expires_s is not None and scope.expires_s is not None and new.expires_s <= scope.expires_s
            scope = new
        for word in SCOPES:
            try:
                token = issue_token(scope, {word, "tools:call"}, tools, 3600, SECRETS, entropy, NOW_S)
            except TenantError:
                continue
            kept.tokens[token.record.id] = token.record
            agent = authentication.authenticate(token.text, kept, SECRETS, NOW_S)
            assert agent.principal.scopes <= scope.principal.scopes - token_functions.NEVER_IN_A_TOKEN
            assert {TOOLS[tool] for tool in agent.tools} <= agent.principal.scopes
            # The key loses a scope: what was issued with it loses it too.
            held = kept.keys[token.record.key]
            kept.keys[held.id] = held._replace(scopes=held.scopes - {word})
            assert word not in authentication.authenticate(token.text, kept, SECRETS, NOW_S).principal.scopes
            kept.keys[held.id] = held

    case.given(CHAINS, climb, examples=60)


@mutant("K4", "scopes not intersected", of=test_nobody_mints_more_than_he_is)
@contextmanager
def scopes_not_intersected() -> Iterator[None]:
    with patch.object(key_functions, "_require_below", lambda *_: None):
        yield


@mutant("K4", "a minted key outlives its minter", of=test_nobody_mints_more_than_he_is)
@contextmanager
def outlives() -> Iterator[None]:
    with patch.object(key_functions, "_no_later", lambda _minter, ends_s, now_s: ends_s or now_s + 400 * DAY_S):
        yield


@mutant("K4", "a token may hold any scope", of=test_nobody_mints_more_than_he_is)
@contextmanager
def any_token() -> Iterator[None]:
    with patch.object(token_functions, "_require_below", lambda *_: None):
        yield


@mutant("K4", "a token keeps what its key has lost", of=test_nobody_mints_more_than_he_is)
@contextmanager
def token_keeps() -> Iterator[None]:
    with patch.object(authentication, "effective_scopes", lambda role, scopes: frozenset(SCOPES)):
        yield


# -- K5: a tenant that is suspended ----------------------------------------------------------------------------------


STATUSES = {"in": 200, "Suspended": 403, "Unauthenticated": 401}


@attack("K5", on=BOTH)
def test_no_key_of_a_suspended_tenant_holds(case: Case) -> None:
    """Suspended, resumed and deleted in turn, beside a tenant that goes on: every key and token follows at once."""
    desk = desk_of(case)
    tenant, other = desk.create_tenant("Acme"), desk.create_tenant("Globex")
    texts = [desk.create_key(tenant, "--role", "tenant_admin"), desk.create_key(tenant)]
    bystander = desk.create_key(other)
    secrets = load_secrets(case.folder / "secrets")
    admin = desk.sign_in(texts[0])
    token = issue_token(admin, ["usage:read"], [], 3600, secrets, entropy_of(case.seed), desk.now_s)
    with desk.door.writing(admin) as bound:
        add_token(bound, token.record)
    texts.append(token.text)

    def all_are(answer: str) -> None:
        for text in texts:
            case.tried()
            assert desk.answer_to(text) == answer
            assert desk.ask(text).status_code == STATUSES[answer]
        assert desk.answer_to(bystander) == "in"

    all_are("in")
    for _ in range(2):
        desk.now_s += 60
        desk.tenants("suspend", tenant, "--reason", "unpaid")
        all_are("Suspended")
        desk.tenants("resume", tenant)
        all_are("in")
    desk.tenants("delete", tenant)
    all_are("Unauthenticated")


@mutant("K5", "suspension checked at login only", of=test_no_key_of_a_suspended_tenant_holds)
@contextmanager
def checked_once() -> Iterator[None]:
    seen: set[str] = set()
    real = authentication._require_standing

    def once(held: Any, now_s: int, id_: str) -> None:
        if held.record.id not in seen:
            real(held, now_s, id_)
            seen.add(held.record.id)

    with patch.object(authentication, "_require_standing", once):
        yield


# -- X1: what deletion leaves ----------------------------------------------------------------------------------------


def words_of(case: Case, *fields: str) -> dict[str, str]:
    return {each: "zq" + "".join(case.rng.choices("abcdefghijklmnopqrstuvwxyz", k=14)) for each in fields}


def planted(desk: Desk, case: Case, name: str, words: Mapping[str, str]) -> str:
    """Make a tenant and put a word of each category into its fields; return its id."""
    tenant = desk.create_tenant(name, "--organisation", words["people"], "--region", words["people"])
    account = ("--role", "tenant_admin", "--account", words["people"], "--kind", "person")
    admin = desk.sign_in(desk.create_key(tenant, *account))
    operator = desk.sign_in(desk.create_key(None, "--role", "operator"))
    entropy, secrets = entropy_of(case.seed), load_secrets(case.folder / "secrets")
    token = issue_token(admin, ["usage:read"], [], 3600, secrets, entropy, desk.now_s)
    with desk.door.writing(admin) as bound:
        add_token(bound, token.record)
    word, at_s = words["settings"], {"created_s": desk.now_s}
    with writing(open_store(desk.place)) as connection:
        open_break_glass(connection, operator, "g1", tenant, f"{words['audit']} was asked for", desk.now_s, 3600)
        hook = {"id": word, "url": f"https://{word}.example", "events": word, "disabled_s": None}
        connection.execute(webhook.insert(), {"tenant": tenant, **hook, **at_s})
        answer = {"key": word, "path": word, "body": word, "body_hash": word, "method": "POST", "status": 200}
        connection.execute(idempotency.insert(), {"tenant": tenant, **answer, **at_s})
        aside = {"origin": "x", "record": "1", "hash": "h", "reason": "malformed", "known_hash": None}
        told = json.dumps({"subject": tenant, "note": word})
        connection.execute(quarantine.insert(), {**aside, "content": told})
    desk.ingest(chain(words["bills"], subject=tenant))
    return tenant


@attack("X1", on=BOTH)
def test_nothing_of_a_deleted_tenant_is_left_in_any_table_or_file(case: Case) -> None:
    desk = desk_of(case)
    words = words_of(case, "people", "settings", "audit", "bills")
    tenant = planted(desk, case, words["people"], words)
    digests = desk.digests()
    assert len(digests) == 3 and all(desk.find(word) for word in (*digests, *words.values()))
    with contextlib.ExitStack() as open_all_the_time:
        if case.backend == "sqlite":
            # A server has the file open: SQLite does not write its log back by itself then.
            server = open_all_the_time.enter_context(contextlib.closing(sqlite3.connect(desk.place)))
            server.execute("SELECT count(*) FROM all_tenant").fetchall()
        desk.tenants("delete", tenant, "--reason", "contract ended")
        left = [digest for digest in digests if desk.find(digest)]
        assert len(left) == 1, "a key outlived its tenant"  # the operator's own
        desk.now_s += 730 * DAY_S
        desk.tenants("purge")
        for field in ("people", "settings"):
            case.tried()
            assert desk.find(words[field]) == set(), f"{field} are left"
    assert "all_audit_entry" in desk.find(words["audit"]) and "all_event" in desk.find(words["bills"])


@mutant("X1", "no WAL checkpoint", of=test_nothing_of_a_deleted_tenant_is_left_in_any_table_or_file, on=("sqlite",))
@contextmanager
def no_checkpoint() -> Iterator[None]:
    with patch.object(purge, "SCRUB", purge.SCRUB[:-1]):
        yield


@mutant(
    "X1",
    "freed pages keep what they held",
    of=test_nothing_of_a_deleted_tenant_is_left_in_any_table_or_file,
    on=("sqlite",),
)
@contextmanager
def freed_pages() -> Iterator[None]:
    real = store_engine.prepare

    def careless(connection: Any, record: object) -> None:
        real(connection, record)
        connection.execute("PRAGMA secure_delete=OFF")

    with (
        patch.object(purge, "SCRUB", (purge.SCRUB[0], purge.SCRUB[2])),
        patch.object(store_engine, "prepare", careless),
    ):
        yield


@mutant("X1", "a table is forgotten", of=test_nothing_of_a_deleted_tenant_is_left_in_any_table_or_file)
@contextmanager
def forgotten_table() -> Iterator[None]:
    with patch.object(purge, "CATEGORIES", {**purge.CATEGORIES, "all_webhook": "bills"}):
        yield


# -- X2: the same name again -----------------------------------------------------------------------------------------


@attack("X2", on=BOTH)
def test_the_same_name_again_is_another_tenant(case: Case) -> None:
    desk = desk_of(case)
    first, twin = desk.create_tenant("Acme"), desk.create_tenant("Acme")
    assert first != twin and "acme" not in f"{first}{twin}".lower()
    key = desk.create_key(first)
    desk.tenants("delete", first)
    for later_s in (0, 60, 31 * DAY_S, 800 * DAY_S):
        case.tried()
        desk.now_s = NOW_S + later_s
        desk.tenants("purge")
        again = desk.create_tenant("Acme")
        assert again not in (first, twin) and desk.answer_to(key) == "Unauthenticated"
        assert json.loads(desk.call("keys", "list", "--tenant", again, "--json").stdout) == {"keys": []}
        refused = desk.tenants("create", "Acme", "--id", first, ok=False)
        assert refused.exit_code == 2 and "deleted" in refused.output
        assert desk.call("keys", "create", "--tenant", first, ok=False).exit_code == 2


@mutant("X2", "id derived from the name", of=test_the_same_name_again_is_another_tenant)
@contextmanager
def id_of_name() -> Iterator[None]:
    made = count()
    with patch.object(tenant_rows, "_new_id", lambda name, _entropy: f"t-{name}-{next(made)}"):
        yield


@mutant("X2", "an id may be used again", of=test_the_same_name_again_is_another_tenant)
@contextmanager
def id_used_again() -> Iterator[None]:
    with patch.object(tenant_rows, "was_deleted", lambda *_: False):
        yield


# -- X3: deadlines ---------------------------------------------------------------------------------------------------

# Kept apart from the product's own numbers: what was promised, in days.
PROMISED = {"all_api_key": 0, "all_agent_token": 0, "all_webhook": 4, "all_idempotency": 4, "quarantine": 4}
PROMISED |= {"all_account": 30, "all_tenant": 30, "platform_organisation": 30, "all_break_glass": 730}
KEPT = ("all_audit_entry", "all_tombstone", "all_event")


@attack("X3", on=BOTH)
def test_deadlines_are_met_whoever_looks_in_between(case: Case) -> None:
    """Purged and read at moments around each deadline: before it all is there, from it on nothing."""
    desk = desk_of(case)
    words = words_of(case, "people", "settings", "audit", "bills")
    tenant = planted(desk, case, words["people"], words)
    desk.tenants("delete", tenant)
    start_s = desk.now_s
    moments = {start_s} | {start_s + days * DAY_S + step for days in (4, 30, 730) for step in (-1, 0)}
    moments |= {start_s + case.rng.randrange(800 * DAY_S) for _ in range(2)}
    for desk.now_s in sorted(moments):
        case.tried()
        desk.tenants("purge")
        rows = desk.backup()
        for table, days in PROMISED.items():
            due = desk.now_s >= start_s + days * DAY_S
            mine = [row for row in rows[table] if tenant in row.values() or set(words.values()) & set(row.values())]
            mine = mine or [row for row in rows[table] if tenant in str(row.values())]
            assert (not mine) == due, f"{table}, {(desk.now_s - start_s) // DAY_S} days after"
        assert all(any(tenant in row.values() for row in rows[table]) for table in KEPT)
        details = [row for row in rows["all_audit_details"] if row["tenant"] == tenant and row["details"] != "{}"]
        assert (not details) == (desk.now_s >= start_s + 730 * DAY_S)


@mutant("X3", "timer restarted by a read", of=test_deadlines_are_met_whoever_looks_in_between)
@contextmanager
def timer_restarted() -> Iterator[None]:
    read_s: dict[str, int] = {}

    def since_read(deleted_s: int, now_s: int) -> Any:
        return lifecycle.due(read_s.get("last", deleted_s), read_s.setdefault("last", now_s) and now_s)

    def purge_and_note(connection: Any, now_s: int) -> Any:
        done = real(connection, now_s)
        read_s["last"] = now_s
        return done

    real = purge.purge
    with patch.object(purge, "due", since_read), patch.object(purge, "purge", purge_and_note):
        yield


@mutant("X3", "a day too late", of=test_deadlines_are_met_whoever_looks_in_between)
@contextmanager
def day_late() -> Iterator[None]:
    with patch.object(purge, "due", lambda deleted_s, now_s: lifecycle.due(deleted_s + DAY_S, now_s)):
        yield


# -- X5: a backup from before ----------------------------------------------------------------------------------------


@attack("X5", on=BOTH)
def test_a_restored_backup_forgets_no_deletion(case: Case) -> None:
    desk = desk_of(case)
    words = words_of(case, "people", "settings", "audit", "bills")
    tenant, other = planted(desk, case, words["people"], words), desk.create_tenant("Globex")
    keys = {each: desk.create_key(each) for each in (tenant, other)}
    backup = desk.backup()
    desk.tenants("delete", tenant)
    desk.now_s += 40 * DAY_S
    desk.tenants("purge")
    desk.restore(backup)
    assert desk.answer_to(keys[tenant]) == "in"  # the danger
    desk.tenants("purge")
    assert desk.answer_to(keys[tenant]) == "Unauthenticated" and desk.answer_to(keys[other]) == "in"
    for field in ("people", "settings"):
        case.tried()
        assert desk.find(words[field]) <= {"all_audit_details", *desk.file_names}, f"{field} came back"
    assert desk.tenants("create", "x", "--id", tenant, ok=False).exit_code == 2
    assert json.loads(desk.tenants("purge", "--json").stdout) == {"again": [], "purged": []}


@mutant("X5", "restore without tombstones", of=test_a_restored_backup_forgets_no_deletion)
@contextmanager
def without_tombstones() -> Iterator[None]:
    with patch.object(tombstones_file, "read_tombstones", lambda _path: []):
        yield


@mutant("X5", "tombstones are kept in the database alone", of=test_a_restored_backup_forgets_no_deletion)
@contextmanager
def inside_alone() -> Iterator[None]:
    with patch.object(tombstones_file, "add_tombstones", lambda *_: None):
        yield


# -- R2: another region ----------------------------------------------------------------------------------------------


@attack("R2", on=BOTH)
def test_a_region_does_not_change_under_data(case: Case) -> None:
    desk = desk_of(case)
    tenant = desk.create_tenant("Acme", "--region", "eu-1")
    desk.tenants("regions", tenant, "--region", "eu-2")
    desk.ingest(chain("node", subject=tenant))
    for regions in (["us-1"], ["eu-2", "us-1"], []):
        case.tried()
        flags = [word for region in regions for word in ("--region", region)]
        refused = desk.tenants("regions", tenant, *flags, ok=False)
        assert refused.exit_code == 2 and "has data" in refused.output
        listed = json.loads(desk.call("tenants", "list", "--json", now=False).stdout)["tenants"]
        assert [each["regions"] for each in listed] == [["eu-2"]]
    desk.tenants("regions", tenant, "--region", "eu-2")


@mutant("R2", "in-place update", of=test_a_region_does_not_change_under_data)
@contextmanager
def in_place() -> Iterator[None]:
    with patch.object(tenant_rows, "require_regions_free", lambda *_, **__: None):
        yield
