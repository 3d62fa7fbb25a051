"""Another tenant's objects through the API: not to be had, not to be told from what nobody has, and nothing seeps."""

import json
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Table, literal, select

from api_world import ApiWorld, api_world
from asking import Answer, Ask, filled, send
from billing.api.call import Call
from billing.api.problems import Fault, Problem
from billing.invoices.document import read_invoice
from billing.store import audit, tables_access, tables_books, tenant_keys
from billing.store.engine import open_store, reading
from canary import logged
from isolation import BOTH, Case, attack, mutant
from matrix import assert_same, require_alike
from two_worlds import Step, compare_worlds
from who_may import TABLE, TENANTS

BY_ID = [(route, rule) for route, rule in TABLE.items() if rule.ids and set(rule.roles) & set(TENANTS)]
LISTS = [(route, rule) for route, rule in TABLE.items() if route[0] == "GET" and set(rule.roles) & set(TENANTS)]
ADMIN = "tenant_admin"


def rows_past_the_wall(case: Case, table: Table, **having: Any) -> list[Any]:
    """Rows of whatever tenant, as the owner of the database reads them: what planted faults are made of."""
    store = open_store(case.place)
    with reading(store) as connection:
        wanted = select(table).where(*(table.c[name] == value for name, value in having.items()))
        found = list(connection.execute(wanted).all())
    store.dispose()
    return found


# -- A1: another tenant's id -----------------------------------------------------------------------------------------
@attack("A1", on=BOTH)
def test_a_foreign_id_is_an_unknown_id(case: Case) -> None:
    with api_world(case.place, case.rng) as world, logged() as log:
        before = world.database()
        for route, rule in BY_ID:
            for role in rule.roles:
                answer = require_alike(world, route, rule, role)
                assert answer.status == rule.foreign, f"{route}: {answer.status}"
                world.canaries.require_absent(answer.seen, str(route))
                case.tried()
        assert_same(before, world.database(), "asking for what others have")
        case.note(f"{len(world.canaries.fields)} kinds of canaries in {len(BY_ID)} routes by id")
        world.canaries.require_absent(log.getvalue(), "the log")


@mutant("A1", "an invoice is looked up by its number alone, past the wall", of=test_a_foreign_id_is_an_unknown_id)
@contextmanager
def by_number_alone(case: Case) -> Iterator[None]:
    def invoice_of(_bound: object, _tenant: str, number: str) -> Any:
        rows = rows_past_the_wall(case, tables_books.invoice, number=number)
        return read_invoice(rows[0].document.encode(), rows[0].status) if rows else None

    with patch("billing.store.tenant_reads.invoice_of", invoice_of):
        yield


# -- A4: what is never shown -----------------------------------------------------------------------------------------
@attack("A4", on=BOTH)
def test_nothing_internal_is_shown(case: Case) -> None:
    with api_world(case.place, case.rng) as world, logged() as log:
        for what, answer in own_answers(world):
            assert answer.status == 200, f"{what}: {answer.status}"
            world.internal.require_absent(answer.seen, what)
            world.canaries.require_absent(answer.seen, what)
            case.tried()
        world.canaries.require_absent(log.getvalue(), "the log")
        world.internal.require_absent(log.getvalue(), "the log")


@mutant("A4", "keys are answered as they are stored", of=test_nothing_internal_is_shown)
@contextmanager
def keys_as_stored(case: Case) -> Iterator[None]:
    with patched_route(
        ("GET", "/v1/keys"),
        lambda: {"items": [dict(row._mapping) for row in rows_past_the_wall(case, tables_access.api_key)]},
    ):
        yield


@contextmanager
def patched_route(route: tuple[str, str], endpoint: Any) -> Iterator[None]:
    """A route without a model of its answer."""
    from billing.api import app

    entries = [
        entry._replace(endpoint=endpoint, answer=None) if (entry.method, entry.path) == route else entry
        for entry in app.every_route()
    ]
    with patch.object(app, "every_route", lambda: entries):
        yield


def own_answers(world: ApiWorld) -> Iterator[tuple[str, Answer]]:
    """All that a tenant can read: every list with all of its pages, every object, by every role that may."""
    for route, rule in LISTS:
        for role in rule.roles:
            ids = {name: world.object(kind, "own") for name, kind in rule.ids.items()}
            path = filled(route[1], ids) + rule.query
            for page in range(20):
                world.steady(page)
                answer = send(world.client, Ask("GET", path, world.key(role)))
                yield f"{path} by {role}, page {page + 1}", answer
                told = json.loads(answer.body) if answer.body.startswith(b"{") else {}
                if not told.get("next"):
                    break
                path = f"{route[1]}?limit=2&cursor={told['next']}"


# -- A8: a bulk request ----------------------------------------------------------------------------------------------
@attack("A8", on=BOTH)
def test_a_bulk_request_is_all_or_nothing(case: Case) -> None:
    with api_world(case.place, case.rng) as world:
        mine = [world.object("key", "own", fresh=True) for _ in range(2)]
        before, answers = world.database(), []
        for stranger in (world.object("key", "missing"), world.object("key", "other")):
            for ids in ([*mine, stranger], [stranger, *mine], [mine[0], stranger, mine[1]]):
                world.steady(0)
                answers.append(send(world.client, Ask("POST", "/v1/keys/revoke", world.key(ADMIN), {"ids": ids})))
                assert_same(before, world.database(), "a bulk request with a foreign id")
                case.tried()
        assert {answer.status for answer in answers} == {404}, answers[0]
        assert len({answer.seen for answer in answers}) == 1, "the answers tell which id is foreign, or where it stands"
        done = send(world.client, Ask("POST", "/v1/keys/revoke", world.key(ADMIN), {"ids": mine}))
        assert done.status == 200, done.body


@mutant("A8", "an item that is not there is named", of=test_a_bulk_request_is_all_or_nothing)
@contextmanager
def items_are_named(case: Case) -> Iterator[None]:
    find = tenant_keys.keys_by_id

    def naming(bound: Any, tenant: str, ids: list[str]) -> Any:
        found = find(bound, tenant, ids)
        known = {row.id for row in rows_past_the_wall(case, tables_access.api_key)}
        if len(found) < len(ids):
            raise Problem(
                "not_found", [Fault(f"body.ids[{n}]", "is not yours") for n, id_ in enumerate(ids) if id_ in known]
            )
        return found

    with patch.object(tenant_keys, "keys_by_id", naming):
        yield


# -- C1: how much work an answer takes -------------------------------------------------------------------------------
@attack("C1", on=BOTH)
def test_unknown_and_foreign_cost_the_same(case: Case) -> None:
    import hmac

    from work_count import counted

    with api_world(case.place, case.rng) as world:
        for route, rule in BY_ID:
            require_alike(world, route, rule, ADMIN if ADMIN in rule.roles else rule.roles[0])
            case.tried()
        seen = {}
        for form in ("unknown", "of another secret", "unknown", "of another secret"):
            world.steady(0)
            with counted() as work, patch("tenants.access.keys.hmac", wraps=hmac) as hashed:
                answer = send(world.client, Ask("GET", "/v1/me", world.bad_keys()[form][0]))
            asked = (hashed.digest.call_count, hashed.compare_digest.call_count)
            seen[form] = (answer.seen, work.statements, asked)  # a row that is there is visited: ids are no secret
            case.tried()
        assert seen["unknown"] == seen["of another secret"], f"an unknown key can be told from a wrong one: {seen}"


@mutant("C1", "an unknown key's id returns early", of=test_unknown_and_foreign_cost_the_same)
@contextmanager
def early_return() -> Iterator[None]:
    from tenants.access import authenticate

    compare = authenticate._matches
    with patch.object(authenticate, "_matches", lambda sent, held, its: held is not None and compare(sent, held, its)):
        yield


@mutant("C1", "a foreign id is looked at once more", of=test_unknown_and_foreign_cost_the_same)
@contextmanager
def one_more_look(case: Case) -> Iterator[None]:
    from billing.store import tenant_reads

    find = tenant_reads.invoice_of

    def twice(bound: Any, tenant: str, number: str) -> Any:
        if rows_past_the_wall(case, tables_books.invoice, number=number):
            find(bound, tenant, number)
        return find(bound, tenant, number)

    with patch.object(tenant_reads, "invoice_of", twice):
        yield


# -- C3: totals, empty pages, rates, words ---------------------------------------------------------------------------
@attack("C3", on=BOTH)
def test_how_much_others_have_is_not_told(case: Case) -> None:
    places = iter((case.place, case.make_place(True)))
    seed = case.rng.random()

    def run(secrets: Mapping[str, Any]) -> Iterator[Step]:
        other = random.Random(secrets["texts, numbers and keys"])
        with api_world(next(places), random.Random(seed), secret=other, volume=secrets["volume"]) as world:
            for _ in range(secrets["requests"]):
                send(world.client, Ask("GET", "/v1/invoices", world.other.keys["member"]))
            for what, answer in own_answers(world):
                yield what, answer.seen
                case.tried()
            for path in ("/v1/invoices?period=1999-01", "/v1/invoices/none", "/v1/nothing", "/v1/ledger?limit=0"):
                yield path, send(world.client, Ask("GET", path, world.key(ADMIN))).seen

    # Salts of the audit log are drawn by the database: the one thing in a world that no seed decides.
    salts = {engine: literal("5a" * 32) for engine in audit._SALTS}
    left = {"texts, numbers and keys": 1, "volume": 1, "requests": 0}
    with patch.dict(audit._SALTS, salts):
        case.note(compare_worlds(run, left, {"texts, numbers and keys": 2, "volume": 2, "requests": 40}))


@mutant("C3", "a page tells the total of all tenants", of=test_how_much_others_have_is_not_told)
@contextmanager
def global_total() -> Iterator[None]:
    page = Call.page

    def counted(self: Call, *args: Any) -> Any:
        with reading(self.house.door._store) as connection:
            everybody = connection.execute(select(tables_books.invoice.c.id)).all()
        self.headers["X-Total-Count"] = str(len(everybody))
        return page(self, *args)

    with patch.object(Call, "page", counted):
        yield
