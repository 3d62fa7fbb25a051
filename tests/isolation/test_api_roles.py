"""Who may do what through the API: every route, role and form of a bad key, and tenants that are smuggled in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from api_world import ApiWorld, api_world
from asking import Ask, body_of, fields_of, filled, send
from billing.api import guard, policy
from billing.api.policy import Policy, Whose
from billing.store.door import Door
from canary import logged
from isolation import BOTH, Case, attack, mutant
from matrix import ask_of, assert_same, cells, require_complete, require_problem, try_route
from tenants.access.errors import Unauthenticated
from tenants.access.identity import Role
from tenants.access.scope import Scope, make_scope
from who_may import TABLE, TENANTS

ADMIN = "tenant_admin"
ALWAYS = ("missing", "revoked", "mistyped")
FUZZING = os.environ.get("HYPOTHESIS_PROFILE") == "fuzz"
FORMS = 3  # more forms of bad keys for each route, in turn; all of them under `make fuzz`


@attack("A5", "A6", on=BOTH)
def test_every_cell_is_as_the_table_says(case: Case) -> None:
    with api_world(case.place, case.rng) as world, logged() as log:
        require_complete(world, TABLE)
        forms = list(world.bad_keys())
        reading_first = sorted(TABLE.items(), key=lambda entry: entry[0][0] != "GET")
        for number, (route, rule) in enumerate(reading_first):
            some = (forms[(number * FORMS + n) % len(forms)] for n in range(FORMS))
            mine = {*forms} if FUZZING else {*ALWAYS, *some}
            case.tried(try_route(world, route, rule, mine))
        for text, _ in world.bad_keys().values():
            assert not text or text[-40:] not in log.getvalue(), "a bad key stands in the log"


@mutant("A5", "a route without its role", of=test_every_cell_is_as_the_table_says)
@contextmanager
def no_role() -> Iterator[None]:
    with patch.dict(policy.POLICIES, {("GET", "/v1/keys"): Policy(Whose.OWN, "", tuple(Role))}):
        yield


@mutant("A5", "scope words are not asked for", of=test_every_cell_is_as_the_table_says)
@contextmanager
def no_scope() -> Iterator[None]:
    with patch.object(Scope, "require", lambda self, word: None):
        yield


@mutant("A6", "a key that is declared is not asked for", of=test_every_cell_is_as_the_table_says)
@contextmanager
def anybody() -> Iterator[None]:
    sign_in, last = Door.sign_in, []

    def open_to_all(*asked: Any) -> Any:
        try:
            last[:] = [sign_in(*asked)]
        except Unauthenticated:
            if not last:
                raise
        return last[0]

    with patch.object(Door, "sign_in", open_to_all):
        yield


# -- Q2: a quota of one's own ----------------------------------------------------------------------------------------
@attack("Q2", on=BOTH)
def test_nobody_sets_a_quota_of_their_own(case: Case) -> None:
    with api_world(case.place, case.rng) as world:
        for role in (*TENANTS, "agent", "auditor"):
            before, rows = world.database(), world.audit_rows()
            body = body_of(world.app, "PUT", "/v1/quota", {"tenant": world.own.tenant, "keys_max": 9_999})
            answer = send(world.client, Ask("PUT", "/v1/quota", world.key(role), body))
            assert answer.status == 403, f"{role}: {answer.status} {answer.body!r}"
            assert_same(before, world.database(), f"a quota set by {role}")
            # An auditor's role writes nothing anywhere, so its own refusals neither.
            assert role == "auditor" or world.audit_rows() > rows, f"{role} was refused, and nobody can read of it"
            case.tried()


@mutant("Q2", "tenant admins may set quotas", of=test_nobody_sets_a_quota_of_their_own)
@contextmanager
def admins_may() -> Iterator[None]:
    with patch.dict(policy.POLICIES, {("PUT", "/v1/quota"): Policy(Whose.OWN, "", tuple(Role), "quota.set")}):
        yield


# -- A2: a tenant that is named in the request -----------------------------------------------------------------------
HEADERS = (
    "X-Tenant",
    "X-Tenant-Id",
    "X-Forwarded-Tenant",
    "Tenant",
    "X-Original-URL",
    "X-Forwarded-User",
    "Cookie",
    "Forwarded",
)
FIELDS = ("tenant", "tenant_id", "subject", "organisation", "account_id", "owner")


@attack("A2", on=BOTH)
def test_a_tenant_that_is_named_changes_nothing(case: Case) -> None:
    with api_world(case.place, case.rng) as world:
        reads = [(route, rule) for route, rule in TABLE.items() if route[0] == "GET" and ADMIN in rule.roles]
        writes = [(route, rule) for route, rule in TABLE.items() if route[0] != "GET" and ADMIN in rule.roles]
        other = world.other.tenant

        def by_header(picked: tuple[Any, str, str]) -> None:
            (route, rule), header, form = picked
            ids = {name: world.object(kind, "own") for name, kind in rule.ids.items()}
            path = filled(route[1], ids) + rule.query
            answers = []
            for headers in ({}, {header: form.replace("{}", other)}):
                world.steady(0)
                answers.append(send(world.client, Ask("GET", path, world.key(ADMIN), headers=headers)))
            assert answers[0].seen == answers[1].seen, f"{header} changes what {path} answers"

        def by_query(picked: tuple[Any, str]) -> None:
            (route, rule), name = picked
            ids = {each: world.object(kind, "own") for each, kind in rule.ids.items()}
            sign = "&" if rule.query else "?"
            path = f"{filled(route[1], ids)}{rule.query}{sign}{name}={other}"
            answer = send(world.client, Ask("GET", path, world.key(ADMIN)))
            assert answer.status == 422, f"{path}: {answer.status}"
            require_problem(answer, path)
            world.canaries.require_absent(answer.seen, path)

        def by_body(picked: tuple[Any, str]) -> None:
            (route, rule), name = picked
            good = ask_of(world, next(iter(cells(route, rule, ()))), rule)
            if not isinstance(good.body, dict) or name in fields_of(world.app, *route):
                return
            before = world.database()
            answer = send(world.client, good._replace(key=world.key(ADMIN), body={**good.body, name: other}))
            assert answer.status == 422, f"{route} with {name} in its body: {answer.status}"
            assert_same(before, world.database(), f"{route} with {name} in its body")
            world.canaries.require_absent(answer.seen, str(route))

        forms = ("{}", "{}, {}", "tenant={}", "/v1/operator/tenants/{}")
        steadied = steadily(world)
        case.given(
            st.tuples(st.sampled_from(reads), st.sampled_from(HEADERS), st.sampled_from(forms)), steadied(by_header), 30
        )
        case.given(st.tuples(st.sampled_from(reads), st.sampled_from(FIELDS)), steadied(by_query), 12)
        case.given(st.tuples(st.sampled_from(writes), st.sampled_from(FIELDS)), steadied(by_body), 16)


def steadily(world: ApiWorld) -> Any:
    """Begin rate limits anew before each example: there are more of them than a key may ask in a minute."""

    def steadied(function: Any) -> Any:
        def run(value: Any) -> None:
            world.steady()
            function(value)

        return run

    return steadied


@mutant("A2", "a header overrides the tenant of the key", of=test_a_tenant_that_is_named_changes_nothing)
@contextmanager
def header_overrides() -> Iterator[None]:
    admit = guard.admitted

    def admitted(request: Any, asked: Policy) -> Any:
        call = admit(request, asked)
        named = request.headers.get("x-tenant-id")
        if named:
            who = call.scope.principal._replace(tenant=named)
            call.scope = make_scope(who)
        return call

    with patch.object(guard, "admitted", admitted):
        yield
