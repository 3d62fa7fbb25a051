"""Attacks on the API: what may be set, where it may be made to send, what it does not show, what it keeps for others,
how much one may ask, and what its cursors and ids give away."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from httpx2 import Response
from hypothesis import strategies as st

from api_house import ApiHouse, api_house
from billing.api import envelope, ids, paging
from billing.api.policy import POLICIES, Whose
from billing.api.routes.every import every_route
from billing.api.schemas.basic import Closed
from billing.api.schemas.keys import NewAccount
from billing.api.schemas.webhooks import NewWebhook
from billing.store import tenant_keys
from billing.webhooks import target
from isolation import BOTH, Case, attack, mutant
from tenants.access.limits import Limit, Limiter, Limits

# What nobody sets by himself, whatever it is called.
SMUGGLED = ("tenant", "tenant_id", "organisation", "role", "status", "price", "scopes", "created", "id", "quota")
FREE = "data"  # of an event: what it says is judged by the meter's own rules
LISTS = tuple(
    entry.path
    for entry in every_route()
    if POLICIES[entry.method, entry.path].whose is Whose.OWN and "limit" in signature(entry.endpoint).parameters
    if "{" not in entry.path
)
HOOK = {"url": "https://hooks.example.com/x", "events": ["invoice.issued"]}
HIDDEN = (
    "/redoc",
    "/docs/oauth2-redirect",
    "/metrics",
    "/debug",
    "/admin",
    "/v1",
    "/v0/invoices",
    "/v2/invoices",
    "/.env",
    "/console",
)


def bodies(house: ApiHouse) -> dict[str, dict[str, Any]]:
    """A good body for each route of a tenant that makes something."""
    account = house.accounts["acme"]
    return {
        "/v1/accounts": {"kind": "person", "name": "Zoe", "role": "member"},
        "/v1/keys": {"account": account, "scopes": ["usage:read"]},
        "/v1/tokens": {"scopes": ["tools:call"], "tools": [], "lifetime_s": 60},
        "/v1/webhooks": HOOK,
    }


def closed(schema: dict[str, Any], at: str) -> Iterator[str]:
    """The places in the schemas of requests and answers at which a field that is not declared would pass."""
    for name, node in schema["components"]["schemas"].items():
        if node.get("type") == "object" and node.get("additionalProperties") is not False and name != "OpenApi":
            yield f"{at}{name}"


# -- A3: mass assignment ---------------------------------------------------------------------------------------------


@attack("A3", on=BOTH)
def test_nothing_is_set_that_is_not_declared(case: Case) -> None:
    with api_house(case.place, seed=case.seed) as house:
        assert list(closed(house.get("", "/openapi.json").json(), "")) == []
        before = kept(house)
        for path, body in bodies(house).items():
            for name in set(SMUGGLED) - set(body):
                case.tried()
                answer = house.post("acme", path, body | {name: "bolt"})
                assert answer.status_code == 422, f"{path} took {name}"
        assert kept(house) == before, "something changed"


def kept(house: ApiHouse) -> dict[str, list[str]]:
    """What a tenant can make, but for when a key was last used."""
    tables = ("all_account", "all_api_key", "all_agent_token", "all_webhook")
    return {table: sorted(str({**row, "last_used_s": None}) for row in house.rows(table)) for table in tables}


@contextmanager
def opened(model: type[Closed]) -> Iterator[None]:
    """A model that lets other fields pass."""
    kept = model.model_config
    model.model_config = {**kept, "extra": "allow"}
    model.model_rebuild(force=True)
    try:
        yield
    finally:
        model.model_config = kept
        model.model_rebuild(force=True)


@mutant("A3", "one model without extra=forbid", of=test_nothing_is_set_that_is_not_declared)
@contextmanager
def one_open_model() -> Iterator[None]:
    with opened(NewWebhook):
        yield


@mutant("A3", "unknown fields are ignored, not refused", of=test_nothing_is_set_that_is_not_declared, on=("sqlite",))
@contextmanager
def ignoring_model() -> Iterator[None]:
    kept = NewAccount.model_config
    NewAccount.model_config = {**kept, "extra": "ignore"}
    NewAccount.model_rebuild(force=True)
    try:
        yield
    finally:
        NewAccount.model_config = kept
        NewAccount.model_rebuild(force=True)


# -- A10: where a webhook may go -------------------------------------------------------------------------------------

INSIDE = (
    *(
        "127.0.0.1",
        "10.0.0.7",
        "172.16.3.4",
        "192.168.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
    ),
    *("::1", "fe80::1", "fd00:ec2::254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "ff02::1"),
)


@attack("A10")
def test_no_webhook_goes_inside(case: Case) -> None:
    place = str(case.folder / "a10.db")
    with api_house(place, seed=case.seed) as house:
        urls = [f"https://[{each}]/" if ":" in each else f"https://{each}/x" for each in INSIDE]
        urls += ["http://hooks.example.com/", "https://a:b@hooks.example.com/", "https://2130706433/", "https://127.1/"]
        for number, address in enumerate(INSIDE):
            house.hosts[f"h{number}.example.com"] = ("93.184.215.14", address)
            urls.append(f"https://h{number}.example.com/")
        for url in urls:
            case.tried()
            answer = house.post("acme", "/v1/webhooks", {**HOOK, "url": url})
            assert answer.status_code == 422, f"{url} was taken"
        assert house.rows("all_webhook") == []
        assert house.post("acme", "/v1/webhooks", HOOK).status_code == 201
        # A target that was good when it was registered, and sends a delivery on to the inside.
        resolve = house.app.state.house.resolve
        for url in urls:
            case.tried()
            try:
                target.require_redirects(HOOK["url"], [url], resolve)
            except target.TargetError:
                continue
            raise AssertionError(f"a redirect to {url} was followed")


@mutant("A10", "the check is made before a redirect only", of=test_no_webhook_goes_inside)
@contextmanager
def first_step_only() -> Iterator[None]:
    real = target.require_target
    with patch.object(target, "require_redirects", lambda url, _locations, resolve: real(url, resolve)):
        yield


@mutant("A10", "only the first address of a name is looked at", of=test_no_webhook_goes_inside)
@contextmanager
def first_address_only() -> Iterator[None]:
    with patch.object(target, "all", lambda verdicts: next(iter(verdicts)), create=True):
        yield


# -- A11: the inventory ----------------------------------------------------------------------------------------------


@attack("A11")
def test_every_route_is_in_the_inventory(case: Case) -> None:
    place = str(case.folder / "a11.db")
    with api_house(place, seed=case.seed) as house:
        described = house.get("", "/openapi.json").json()["paths"]
        told = {(method.upper(), path) for path, methods in described.items() for method in methods}
        there = {
            (method, str(getattr(route, "path", route))) for route in house.app.routes for method in methods_of(route)
        }
        assert told == there == set(POLICIES), "routes, inventory and policies differ"
        for method, path in sorted(there):
            case.tried()
            if POLICIES[method, path].whose is not Whose.NOBODY:
                answer = house.ask("", method, path.replace("{tenant}", "acme").replace("{", "").replace("}", ""))
                assert answer.status_code == 401, f"{method} {path} answers without a key"
        for path in HIDDEN:
            case.tried()
            for who in ("", "acme", "operator"):
                answer = house.get(who, path)
                assert answer.status_code == 404 and "acme" not in answer.text, path


def methods_of(route: Any) -> set[str]:
    return set(getattr(route, "methods", None) or {"ANY"})


@contextmanager
def with_route(path: str, **more: Any) -> Iterator[None]:
    """The application with one more route, which no table knows."""
    import api_house as support

    real = support.create_app

    def made(*arguments: Any, **named: Any) -> Any:
        app = real(*arguments, **named)
        app.add_api_route(path, lambda: {"tenants": ["acme", "bolt"]}, **more)
        return app

    with patch.object(support, "create_app", made):
        yield


@mutant("A11", "a hidden debug route", of=test_every_route_is_in_the_inventory)
@contextmanager
def hidden_route() -> Iterator[None]:
    with with_route("/v1/debug/tenants", include_in_schema=False, methods=["GET"]):
        yield


# -- A12: caches -----------------------------------------------------------------------------------------------------


class SharedCache:
    """A cache before the API, as good as the headers tell it to be: it knows `no-store`, `private` and `Vary`."""

    def __init__(self, house: ApiHouse) -> None:
        self.house = house
        self.kept: dict[tuple[str, str], Response] = {}

    def get(self, who: str, path: str) -> Response:
        for key in ((path, ""), (path, who)):
            if key in self.kept:
                return self.kept[key]
        answer = self.house.get(who, path)
        said = answer.headers.get("Cache-Control", "")
        if "no-store" not in said and "private" not in said:
            varies = "authorization" in answer.headers.get("Vary", "").lower()
            self.kept[path, who if varies else ""] = answer
        return answer


@attack("A12", on=BOTH)
def test_no_cache_answers_another_tenant(case: Case) -> None:
    with api_house(case.place, seed=case.seed) as house:
        cache = SharedCache(house)
        for path in ("/v1/me", *LISTS, "/v1/quota", "/v1/invoices/acme-000001", "/v1/nowhere", "/v1/audit/checkpoint"):
            mine = cache.get("acme", path)
            for who in ("bolt", "", "operator"):
                case.tried()
                theirs = cache.get(who, path)
                assert theirs.headers.get("Cache-Control") == "private, no-store", f"{path} may be kept"
                assert theirs.text == house.get(who, path).text, f"{who} was answered what acme was at {path}"
                assert "acme" in who or "acme-0" not in theirs.text, path
            assert mine.headers["Cache-Control"] == "private, no-store"


@mutant("A12", "cache key = path", of=test_no_cache_answers_another_tenant)
@contextmanager
def cached_by_path() -> Iterator[None]:
    with patch.object(envelope, "HEADERS", ((b"cache-control", b"public, max-age=60"),)):
        yield


# -- Q6: floods ------------------------------------------------------------------------------------------------------

SLOW = Limits(Limit(60, 60, 12), Limit(60, 60, 8), Limit(60, 60, 8))


@attack("Q6")
def test_a_flood_slows_its_own_tenant_alone(case: Case) -> None:
    with api_house(str(case.folder / "q6.db"), seed=case.seed, limits=SLOW) as house:
        mine, theirs, tried = [], [], []
        for turn in range(8):
            theirs += [house.get("bolt", "/v1/me") for _ in range(3)]
            theirs += [house.get("bolt/member", "/v1/me") for _ in range(3)]
            tried += [house.get("spw_live_no", "/v1/me") for _ in range(3)]
            mine.append(house.get("acme", "/v1/invoices"))
            case.tried(10)
            assert mine[-1].status_code == 200, f"turn {turn}: acme is refused for what bolt does"
        let_in = [answer for answer in theirs if answer.status_code == 200]
        refused = [answer for answer in theirs if answer.status_code == 429]
        assert len(let_in) == SLOW.tenant.burst and len(let_in) + len(refused) == len(theirs)
        assert {answer.status_code for answer in tried} == {401, 429}
        waits = {int(answer.headers["Retry-After"]) for answer in refused}
        assert waits and min(waits) >= 1
        house.now_s += max(waits)
        assert house.get("bolt", "/v1/me").status_code == 200


@mutant("Q6", "one global bucket", of=test_a_flood_slows_its_own_tenant_alone)
@contextmanager
def one_bucket() -> Iterator[None]:
    real = Limiter._take

    def shared(self: Limiter, wanted: list[tuple[tuple[str, str], Limit]], now_us: int) -> None:
        real(self, [((kind, "everybody"), limit) for (kind, _), limit in wanted], now_us)

    with patch.object(Limiter, "_take", shared):
        yield


@mutant("Q6", "no limit on a tenant's keys together", of=test_a_flood_slows_its_own_tenant_alone)
@contextmanager
def keys_alone() -> Iterator[None]:
    real = Limiter._take

    def some(self: Limiter, wanted: list[tuple[tuple[str, str], Limit]], now_us: int) -> None:
        real(self, [each for each in wanted if each[0][0] != "tenant"], now_us)

    with patch.object(Limiter, "_take", some):
        yield


# -- Q7: pages -------------------------------------------------------------------------------------------------------

TOO_MUCH = st.one_of(st.integers(max_value=0), st.integers(min_value=paging.LIMIT_MAX + 1)).map(str)
NO_NUMBER = st.sampled_from(("", "1e3", "0x10", "200.5", "NaN", "+", "1,2", "null"))


@attack("Q7", on=BOTH)
def test_no_page_is_larger_than_the_limit(case: Case) -> None:
    with api_house(case.place, seed=case.seed) as house:
        asked: list[int] = []
        real = tenant_keys._page

        def counted(*arguments: Any) -> Any:
            asked.append(arguments[-1])
            return real(*arguments)

        def ask(drawn: tuple[str, str]) -> None:
            path, limit = drawn
            answer = house.client.get(path, params={"limit": limit}, headers=bearer(house, "acme"))
            assert answer.status_code == 422, f"{path} takes a limit of {limit}"
            said = answer.json()["errors"][0]
            assert said["at"] == "query.limit"
            if limit.isdecimal() and int(limit) in range(paging.LIMIT_MAX + 1, 2**31):
                assert str(paging.LIMIT_MAX) in said["reason"]

        with patch.object(tenant_keys, "_page", counted):
            case.given(st.tuples(st.sampled_from(LISTS), TOO_MUCH | NO_NUMBER), ask, examples=20)
            assert asked == [], "the database was asked"
            for path in LISTS:
                case.tried()
                assert len(house.get("acme", f"{path}?limit={paging.LIMIT_MAX}").json()["items"]) <= paging.LIMIT_MAX
            assert set(asked) == {paging.LIMIT_MAX + 1}


def bearer(house: ApiHouse, who: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.keys[who]}"}


@mutant("Q7", "limit not clamped", of=test_no_page_is_larger_than_the_limit)
@contextmanager
def no_limit() -> Iterator[None]:
    bounds = paging.Limit.__metadata__[0].metadata  # type: ignore[attr-defined]
    kept = list(bounds)
    del bounds[:]
    try:
        yield
    finally:
        bounds[:] = kept


# -- C2: cursors -----------------------------------------------------------------------------------------------------


@attack("C2", on=BOTH)
def test_a_cursor_opens_nothing_to_others(case: Case) -> None:
    with api_house(case.place, seed=case.seed) as house:
        for who in ("acme", "bolt"):
            assert house.post(who, "/v1/accounts", {"kind": "person", "name": "Zoe", "role": "member"}).is_success
        cursors = {
            (who, path): house.get(who, f"{path}?limit=1").json()["next"]
            for who in ("acme", "bolt")
            for path in ("/v1/invoices", "/v1/ledger", "/v1/keys", "/v1/accounts", "/v1/audit")
        }
        assert all(cursors.values())
        garbage = house.get("acme", "/v1/invoices?limit=1&cursor=AAAA")
        for (who, path), cursor in cursors.items():
            mine = house.get(who, f"{path}?limit=1&cursor={cursor}")
            assert mine.status_code == 200, f"{who} cannot go on at {path}"
            for reader, list_ in cursors:
                if (reader, list_) != (who, path):
                    refused(case, house.get(reader, f"{list_}?limit=1&cursor={cursor}"), garbage, f"{who}'s {path}")
        cursor = cursors["bolt", "/v1/invoices"]
        refused(case, house.get("bolt", f"/v1/invoices?cursor={cursor}&period=2026-01"), garbage, "another filter's")
        inside = "/v1/auditor/tenants/{}/invoices?limit=1"
        mine = house.get("auditor", inside.format("acme")).json()["next"]
        refused(case, house.get("auditor", f"{inside.format('bolt')}&cursor={mine}"), garbage, "another tenant's")

        def forged(text: str) -> None:
            answer = house.client.get("/v1/invoices", params={"cursor": text}, headers=bearer(house, "acme"))
            assert answer.status_code == 422, "a made-up cursor was taken"

        plain = st.binary(min_size=16, max_size=16).map(lambda tag: paging.urlsafe_b64encode(tag + b'[0,""]').decode())
        case.given(plain | st.text("abcXYZ019_-", min_size=1, max_size=40), forged, examples=12)


def refused(case: Case, answer: Response, garbage: Response, whose: str) -> None:
    """A cursor of somebody else is answered as one that never was."""
    case.tried()
    assert (answer.status_code, answer.text) == (422, garbage.text), f"{whose} cursor was taken"


@mutant("C2", "unsigned cursor", of=test_a_cursor_opens_nothing_to_others)
@contextmanager
def unsigned() -> Iterator[None]:
    with patch.object(paging.hmac, "compare_digest", lambda _a, _b: True):
        yield


@mutant("C2", "the tenant is not in the signature", of=test_a_cursor_opens_nothing_to_others, on=("sqlite",))
@contextmanager
def without_tenant() -> Iterator[None]:
    real = paging._tag
    with patch.object(paging, "_tag", lambda key, to, body: real(key, to._replace(tenant=""), body)):
        yield


# -- C4: ids ---------------------------------------------------------------------------------------------------------

MADE = 30


@attack("C4")
def test_ids_count_nothing_and_tell_no_time(case: Case) -> None:
    place = str(case.folder / "c4.db")
    with api_house(place, seed=case.seed) as house:
        found: dict[str, list[str]] = {}
        for number in range(MADE):
            house.now_s += 1
            for path, body in bodies(house).items():
                if path == "/v1/webhooks" and number >= 15:
                    continue
                answer = house.post("acme", path, body)
                found.setdefault(path, []).append(answer.json()["id"])
                found.setdefault("request", []).append(answer.headers["X-Request-Id"])
            house.post("bolt", "/v1/accounts", bodies(house)["/v1/accounts"])
        for kind, made in found.items():
            case.tried(len(made))
            assert len(set(made)) == len(made), f"{kind}: an id twice"
            bare = [each.rpartition("_")[2] for each in made]
            ups = sum(later > earlier for earlier, later in pairwise(bare))
            # Of n ids in no order n/2 follow a smaller one, give or take sqrt(n/12): this is 6 of those off.
            spread = 6 * (len(bare) / 12) ** 0.5
            assert abs(ups - (len(bare) - 1) / 2) < spread, f"{kind}: {ups} of {len(bare)} ids follow a smaller one"
            starts = len({each[:6] for each in bare})
            assert starts > len(bare) * 0.8, f"{kind}: {len(bare)} ids begin in {starts} ways"
        numbers = [row["number"] for row in house.get("bolt", "/v1/invoices").json()["items"]]
        assert numbers == [f"bolt-{number:06d}" for number in (1, 2, 3)], "numbers of documents count another's"


@mutant("C4", "UUIDv7 exposed", of=test_ids_count_nothing_and_tell_no_time)
@contextmanager
def time_ordered() -> Iterator[None]:
    from billing.api.routes import keys

    def ordered(call: Any, prefix: str) -> str:
        return f"{prefix}_{call.now_s:012x}{call.house.entropy(10).hex()}"

    with patch.object(ids, "new_id", ordered), patch.object(keys, "new_id", ordered):
        yield


@mutant("C4", "sequential ids", of=test_ids_count_nothing_and_tell_no_time)
@contextmanager
def sequential() -> Iterator[None]:
    from billing.api.routes import keys

    with patch.object(keys, "new_id", lambda _call, prefix: f"{prefix}_{time.perf_counter_ns():032x}"):
        yield
