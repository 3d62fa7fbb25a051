"""Bad input of every kind through the API: always a short problem document, and nothing changes or is given away."""

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from api_world import ApiWorld, api_world
from asking import Ask, body_of, filled, request_schema, send
from billing.api import envelope, guard, paging, strict
from billing.api.schemas.keys import NewAccount
from billing.store.engine import open_store
from billing.store.migrate import init
from canary import logged
from isolation import BOTH, Case, attack, mutant
from matrix import TENANTS, Rule, assert_same, require_problem
from schema_values import HOSTILE, values
from who_may import TABLE

ADMIN = "tenant_admin"
FEW = settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def refused(world: ApiWorld, ask: Ask, *statuses: int) -> None:
    """Ask, and hold the answer to be a short problem of one of the statuses, without anything of others in it."""
    world.steady()
    answer = send(world.client, ask)
    what = f"{ask.method} {ask.path[:80]}"
    assert answer.status in statuses, f"{what}: {answer.status} {answer.body[:200]!r}"
    require_problem(answer, what)
    world.canaries.require_absent(answer.seen, what)


@attack("U6", on=BOTH)
def test_hostile_names_break_nothing(case: Case) -> None:
    """Control characters, newlines, templates, paths and long words, as ids, in queries and as names."""
    with api_world(case.place, case.rng) as world, logged() as log:
        before = world.database()
        for word in HOSTILE[:7]:
            for route, rule in TABLE.items():
                if rule.ids and ADMIN in rule.roles:
                    path = filled(route[1], {name: quote(word, safe="") for name in rule.ids})
                    body = body_of(world.app, *route, rule.hints)
                    refused(world, Ask(route[0], path, world.key(ADMIN), body), 404, 405, 422)
                    case.tried()
            for name in ("cursor", "limit", "period", "x"):
                refused(world, Ask("GET", f"/v1/invoices?{name}={quote(word)}", world.key(ADMIN)), 422)
            body = {"kind": "service", "name": word, "role": "member"}
            if not word.isprintable():
                refused(world, Ask("POST", "/v1/accounts", world.key(ADMIN), body), 422)
        assert_same(before, world.database(), "hostile names")
        assert all(sign.isprintable() or sign == "\n" for sign in log.getvalue()), "control characters in the log"


@mutant("U6", "a name may hold a line break", of=test_hostile_names_break_nothing)
@contextmanager
def any_name() -> Iterator[None]:
    class Loose(NewAccount):
        name: str

    with (
        patch.object(NewAccount, "__pydantic_core_schema__", Loose.__pydantic_core_schema__),
        patch.object(NewAccount, "__pydantic_validator__", Loose.__pydantic_validator__),
    ):
        yield


@mutant("U6", "an id with control characters is looked up", of=test_hostile_names_break_nothing, on=("postgresql",))
@contextmanager
def any_id() -> Iterator[None]:
    with patch.object(guard, "require_ids", lambda values: None):
        yield


@attack("C2", on=BOTH)
def test_a_cursor_opens_one_list_of_one_tenant(case: Case) -> None:
    lists = ("/v1/invoices", "/v1/events", "/v1/ledger", "/v1/audit", "/v1/keys")
    with api_world(case.place, case.rng) as world:
        before = world.database()
        cursors = {}
        for whose, side in (("own", world.own), ("other", world.other)):
            for path in lists:
                world.steady()
                told = json.loads(send(world.client, Ask("GET", f"{path}?limit=1", side.keys[ADMIN])).body)
                cursors[whose, path] = told["next"]
                assert told["next"], f"{path} of {whose} has one page"
        for (whose, made_for), cursor in cursors.items():
            for path in lists:
                if (whose, made_for) != ("own", path):
                    refused(world, Ask("GET", f"{path}?limit=1&cursor={cursor}", world.key(ADMIN)), 422)
                    case.tried()
            for broken in (cursor[:-1], cursor + "A", cursor[::-1], cursor.swapcase(), "A" * 2_000):
                refused(world, Ask("GET", f"{made_for}?cursor={broken}", world.key(ADMIN)), 422)
        assert_same(before, world.database(), "cursors that do not fit")


@mutant("C2", "cursors are not bound to a tenant and a list", of=test_a_cursor_opens_one_list_of_one_tenant)
@contextmanager
def unbound_cursors() -> Iterator[None]:
    with patch.object(paging, "_tag", lambda secret, binding, body: b"x" * paging._TAG_BYTES):
        yield


@attack("Q7", on=BOTH)
def test_what_is_too_much_is_refused(case: Case) -> None:
    deep, twice = b"[" * 10_000, b'{"kind": "service", "kind": "person", "name": "a", "role": "member"}'
    with api_world(case.place, case.rng) as world:
        before = world.database()
        for path in ("/v1/invoices", "/v1/events", "/v1/ledger", "/v1/audit", "/v1/keys"):
            for limit in ("0", "-1", "201", "999999999999999999999", "1e3", "\u0661", "1&limit=2"):
                refused(world, Ask("GET", f"{path}?limit={quote(limit, safe='&=')}", world.key(ADMIN)), 422)
                case.tried()
        for body, status in (
            (b"x" * (strict.BODY_BYTES_MAX + 1), 413),
            (deep, 422),
            (b"\xff\xfe", 422),
            (twice, 422),
            (b"NaN", 422),
            (b"", 422),
        ):
            refused(world, Ask("POST", "/v1/accounts", world.key(ADMIN), body), status)
            case.tried()
        other_type = {"Content-Type": "text/plain"}
        refused(world, Ask("POST", "/v1/accounts", world.key(ADMIN), b"{}", other_type), 415)
        refused(world, Ask("PATCH", "/v1/accounts", world.key(ADMIN), {}), 405)
        assert_same(before, world.database(), "what is too much")


@mutant("Q7", "a body may be of any size", of=test_what_is_too_much_is_refused)
@contextmanager
def any_size() -> Iterator[None]:
    with patch.object(envelope, "BODY_BYTES_MAX", 1 << 40):
        yield


@attack("A9", on=BOTH)
def test_an_idempotency_key_is_its_owners(case: Case) -> None:
    body = {"kind": "service", "name": "a robot", "role": "member"}
    with api_world(case.place, case.rng) as world:
        named = {"Idempotency-Key": "the-same-for-all"}
        theirs = send(world.client, Ask("POST", "/v1/accounts", world.other.keys[ADMIN], body, named))
        made = json.loads(theirs.body)
        for key in ("id",):
            world.canaries.watch("answer under an idempotency key", made[key])
        before = world.database()
        mine = send(world.client, Ask("POST", "/v1/accounts", world.key(ADMIN), body, named))
        world.canaries.require_absent(mine.seen, "an idempotency key of another tenant")
        assert 200 <= mine.status < 300 and before != world.database(), "the change was taken for another tenant's"
        again = send(world.client, Ask("POST", "/v1/accounts", world.key(ADMIN), body, named))
        assert again.body == mine.body, "the same request under the same key was answered in another way"
        before = world.database()
        refused(world, Ask("POST", "/v1/accounts", world.key(ADMIN), {**body, "name": "another"}, named), 409, 422)
        for bad in ("", "a b", "a" * 300, "\x01"):
            refused(world, Ask("POST", "/v1/accounts", world.key(ADMIN), body, {"Idempotency-Key": bad}), 422)
            case.tried()
        assert_same(before, world.database(), "idempotency keys that do not fit")


@mutant("A9", "answers are kept under the key alone", of=test_an_idempotency_key_is_its_owners)
@contextmanager
def one_name_space() -> Iterator[None]:
    from billing.api import call

    kept: dict[str, Any] = {}
    with (
        patch.object(call, "kept_answer", lambda bound, key, now_s: kept.get(key)),
        patch.object(call, "keep_answer", lambda bound, answer: kept.update({answer.key: answer})),
    ):
        yield


def test_no_request_is_answered_with_a_fault_of_ours(store_place: str) -> None:
    """Every route, from openapi.json, with values of every shape: a success or a short problem, never a 5xx."""
    init(open_store(store_place, create=True))
    bodies: dict[tuple[str, str], st.SearchStrategy[Any]] = {}
    with api_world(store_place, random.Random(5)) as world, logged() as log:
        for route, rule in TABLE.items():
            schema = request_schema(world.app, *route)
            bodies[route] = st.none() if schema is None else values(schema, world.app.openapi(), rule.hints)
        ids = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=20), st.integers(-2, 2**64).map(str))

        @settings(
            max_examples=150,
            deadline=None,
            database=None,
            phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )
        @seed(11)
        @given(st.sampled_from(sorted(TABLE.items())), ids, st.data())
        def asked(entry: tuple[tuple[str, str], Rule], id_: str, data: st.DataObject) -> None:
            route, rule = entry
            body = data.draw(bodies[route])
            path = filled(route[1], {name: quote(id_, safe="") or "x" for name in rule.ids})
            world.steady()
            role = rule.roles[-1] if rule.roles else ADMIN
            answer = send(world.client, Ask(route[0], path + rule.query, world.key(role), body))
            assert answer.status < 500, f"{route}: {answer.status} for {body!r}: {log.getvalue()[-300:]}"
            if answer.status >= 400:
                require_problem(answer, str(route))
            if role in TENANTS:
                world.canaries.require_absent(answer.seen, str(route))

        asked()
