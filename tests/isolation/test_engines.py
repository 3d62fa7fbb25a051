"""The engines themselves: each passes a sound application, and finds the bugs that are planted in a small one."""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from sqlalchemy import update

from asking import Ask, send
from billing.store.engine import open_store, writing
from billing.store.migrate import init
from billing.store.schema import METADATA
from canary import Canaries, logged
from matrix import ROLES, TENANTS, Rule, require_alike, require_complete, try_route
from tenant_world import Seeding, require_canaries_everywhere, watch_documents
from toy_api import BUGS, ToyWorld
from two_worlds import Channel, Step, compare_worlds

VOID = ("POST", "/v1/invoices/void")
QUOTA = ("PUT", "/v1/quota")
INVOICE = ("GET", "/v1/invoices/{number}")
EVERYBODY = ROLES
TABLE = {
    ("GET", "/openapi.json"): Rule(),
    ("GET", "/v1/invoices"): Rule(EVERYBODY),
    INVOICE: Rule(TENANTS, {"number": "invoice"}),
    VOID: Rule(("tenant_admin",), hints={"numbers": ["n-0000-own"]}),
    QUOTA: Rule(("operator",), changes=True),
}


def matrix(world: ToyWorld) -> int:
    require_complete(world, TABLE)
    return sum(try_route(world, route, rule) for route, rule in TABLE.items())


def canaries(world: ToyWorld) -> None:
    with logged() as log:
        asks = [Ask("GET", "/v1/invoices", "a-member"), Ask("GET", "/v1/invoices/n-0000-oth", "a-member")]
        asks += [Ask("GET", "/v1/invoices", "a-member", headers={"X-Tenant": "b"})]
        for ask in asks:
            world.canaries.require_absent(send(world.client, ask).seen, ask.path)
    world.canaries.require_absent(log.getvalue(), "the log")


def oracle(world: ToyWorld) -> None:
    require_alike(world, INVOICE, TABLE[INVOICE], "member")
    answers = [
        send(world.client, Ask(*VOID, "a-tenant_admin", {"numbers": ["n-0000-own", other]})).seen
        for other in (world.object("invoice", "other"), world.object("invoice", "missing"))
    ]
    assert answers[0] == answers[1], "a bulk request tells which id is another tenant's"


def worlds(bug: str) -> None:
    def run(secrets: Mapping[str, Any]) -> Iterator[Step]:
        world = ToyWorld(bug, secrets)
        for path in ("/v1/invoices", "/v1/invoices/n-0000-own", "/v1/invoices/n-0003-oth"):
            yield path, send(world.client, Ask("GET", path, "a-member")).seen

    told = compare_worlds(run, {"note": "x", "invoices": 2}, {"note": "y", "invoices": 5})
    assert "note" in str(told) and told.bytes > 100


ENGINES: Mapping[str, Callable[[str], object]] = {
    "matrix": lambda bug: matrix(ToyWorld(bug)),
    "canaries": lambda bug: canaries(ToyWorld(bug)),
    "oracle": lambda bug: oracle(ToyWorld(bug)),
    "two worlds": worlds,
}
CAUGHT_BY = {
    "looks up by id alone": ("matrix", "canaries", "oracle", "two worlds"),
    "asks no key": ("matrix",),
    "a header overrides the key": ("canaries",),
    "members may set quotas": ("matrix",),
    "names the foreign id in a bulk error": ("oracle",),
    "counts over all tenants": ("two worlds",),
    "works more for foreign ids": ("oracle",),
    "tells foreign ids by a header": ("oracle", "two worlds"),
    "logs what others own": ("canaries",),
    "a change without an audit row": ("matrix",),
    "a route that nobody knows": ("matrix",),
    "a refusal writes": ("matrix",),
    "echoes what it refuses": ("oracle",),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_sound_application_passes(engine: str) -> None:
    ENGINES[engine]("")


@pytest.mark.parametrize(("bug", "engine"), [(bug, engine) for bug in BUGS for engine in CAUGHT_BY[bug]])
def test_a_planted_bug_is_found(bug: str, engine: str) -> None:
    with pytest.raises(AssertionError):
        ENGINES[engine](bug)


def test_a_canary_is_found_in_every_form() -> None:
    import base64
    from urllib.parse import quote

    watched = Canaries(random.Random(1))
    word, number = watched.word("name"), watched.number("amount")
    shown = [word, word.upper(), word.encode().hex(), f"<b>{word}</b>", "".join(f"%{ord(each):02x}" for each in word)]
    shown += [base64.b64encode(f"{'-' * n}{word}\n".encode()).decode() for n in range(3)]
    shown += [quote(base64.urlsafe_b64encode(f"{word}/?>".encode())), "".join(f"\\u{ord(each):04x}" for each in word)]
    shown += ["".join(f"&#{ord(each)};" for each in word)]
    assert [watched.found(each) for each in shown] == [["name"]] * len(shown)
    assert watched.found(f"{number // 10**6}.{number % 10**6:06}") == ["amount"] == watched.found(f"{number:,}")
    assert watched.found(word[:-1] + str(number)[:-1]) == []


def test_worlds_that_do_not_differ_show_nothing() -> None:
    with pytest.raises(AssertionError, match="same secrets"):
        compare_worlds(lambda _: [("a", b"x")], {"n": 1}, {"n": 1})
    with pytest.raises(AssertionError, match="no byte"):
        compare_worlds(lambda _: [], {"n": 1}, {"n": 2})
    with pytest.raises(AssertionError, match="ends at b"):
        compare_worlds(lambda its: [("a", b"x"), ("b", b"")][: its["n"]], {"n": 1}, {"n": 2})


def test_a_channel_is_measured_against_its_bound() -> None:
    def run(its: Mapping[str, Any]) -> list[Step]:
        return [("bill", b"same"), ("eta", str(its["wait_s"]).encode())]

    def channel(bound: int) -> Channel:
        return Channel("eta", "eta", bound, lambda left, right: abs(int(left) - int(right)))

    assert compare_worlds(run, {"wait_s": 60}, {"wait_s": 90}, [channel(30)]).channels == {"eta": 30}
    with pytest.raises(AssertionError, match="above its bound"):
        compare_worlds(run, {"wait_s": 60}, {"wait_s": 90}, [channel(29)])


def test_every_column_of_a_tenants_data_holds_a_canary(store_place: str) -> None:
    """A new table or column of tenants' data is seeded by its shape, or fails here."""
    watched, rng = Canaries(random.Random(3)), random.Random(4)
    engine = open_store(store_place, create=True)
    init(engine)
    with writing(engine) as connection:
        seed, tenant = Seeding(connection, rng.randbytes), watched.word("tenant")
        seed.tenant(tenant, watched.word)
        account = seed.account(tenant, watched.word, "tenant_admin")
        for text in seed.key(tenant, account, "tenant_admin"):
            watched.watch("key", text)
        seed.books(tenant, watched.word, watched.number)
        seed.events(tenant, watched.word)
        seed.audit(tenant, watched.word, 2)
        seed.rest(tenant, watched.word)
        watch_documents(connection, tenant, watched)
        assert require_canaries_everywhere(connection, tenant, watched) > 30
        connection.execute(update(METADATA.tables["all_webhook"]).values(url="https://plain.example/"))
        with pytest.raises(AssertionError, match=r"all_webhook\.url"):
            require_canaries_everywhere(connection, tenant, watched)
    engine.dispose()
