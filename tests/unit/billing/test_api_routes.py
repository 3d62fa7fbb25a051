"""The API on a real store: what tenants, agents, operators and auditors do with it in a day."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from api_house import NOW_S, ApiHouse, api_house
from billing.api import policy
from billing.errors import BillingError
from tenants.access.limits import Limit, Limits

EVENT = {
    "id": "e1",
    "type": "usage.metered",
    "time": "2027-01-15T08:00:00.5Z",
    "data": {
        "meter": "tool_calls",
        "quantity": 3,
        "product": "api",
        "region": "eu-1",
        "sku": "llm",
        "from_s": NOW_S - 100,
        "until_s": NOW_S,
    },
}
ACME = "/v1/auditor/tenants/acme"
HOOK = {"url": "https://hooks.example.com/x", "events": ["invoice.issued"]}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path / "spillway.db")) as made:
        yield made


@pytest.fixture
def either(store_place: str) -> Iterator[ApiHouse]:
    """On each engine: for what writes as every role."""
    with api_house(store_place) as made:
        yield made


def test_a_tenant_reads_its_bills_in_pages(house: ApiHouse) -> None:
    first = house.get("acme", "/v1/invoices?limit=2").json()
    assert [row["number"] for row in first["items"]] == ["acme-000001", "acme-000002"]
    assert first["items"][0]["total"] == {"currency": "USD", "amount": "1.00", "minor": "100"}
    rest = house.get("acme", f"/v1/invoices?limit=2&cursor={first['next']}").json()
    assert [row["number"] for row in rest["items"]] == ["acme-000003"] and rest["next"] is None
    assert [row["number"] for row in house.get("acme", "/v1/invoices?period=2026-02").json()["items"]] == [
        "acme-000002"
    ]
    whole = house.get("acme/member", "/v1/invoices/acme-000001").json()
    assert whole["total"] == whole["lines"][0]["net"] == {"currency": "USD", "amount": "1.00", "minor": "100"}
    assert [row["invoice"] for row in house.get("acme", "/v1/credit-notes").json()["items"]] == ["acme-000001"]
    ledger, cursor = [], ""
    while cursor is not None:
        page = house.get("acme", f"/v1/ledger?limit=3{cursor and '&cursor='}{cursor}").json()
        ledger, cursor = ledger + page["items"], page["next"]
    assert len(ledger) == len([row for row in house.rows("all_ledger_entry") if row["tenant"] == "acme"])


def test_keys_are_made_rotated_and_ended(house: ApiHouse) -> None:
    account = house.post("acme", "/v1/accounts", {"kind": "person", "name": "Zoe", "role": "member"}).json()["id"]
    wish = {"account": account, "scopes": ["usage:read"], "expires": "2027-02-01T00:00:00Z"}
    key = house.post("acme", "/v1/keys", wish).json()
    assert house.get(key["text"], "/v1/me").json()["scopes"] == ["usage:read"]
    assert house.get(key["text"], "/v1/invoices").status_code == 403
    new = house.post("acme", f"/v1/keys/{key['id']}/rotate", {"overlap_s": 60}).json()
    assert house.post("acme", f"/v1/keys/{key['id']}/rotate", {"overlap_s": 60}).status_code == 409
    assert {house.get(text, "/v1/me").status_code for text in (key["text"], new["text"])} == {200}
    house.now_s += 61
    assert [house.get(text, "/v1/me").status_code for text in (key["text"], new["text"])] == [401, 200]
    assert house.post("acme", "/v1/keys/revoke", {"ids": [new["id"], "nowhere"]}).status_code == 404
    assert house.get(new["text"], "/v1/me").status_code == 200
    assert house.post("acme", "/v1/keys/revoke", {"ids": [new["id"], key["id"]]}).status_code == 200
    assert house.get(new["text"], "/v1/me").status_code == 401
    assert house.ask("acme", "DELETE", f"/v1/accounts/{account}").status_code == 200
    assert house.post("acme", "/v1/keys", wish).status_code == 404
    assert house.actions("acme").count("key.revoke") == 1


def test_nobody_rotates_a_key_that_may_do_more(house: ApiHouse) -> None:
    me = house.get("acme", "/v1/me").json()
    wish = {"account": me["account"], "scopes": ["keys:read", "keys:write"]}
    narrow = house.post("acme", "/v1/keys", wish).json()["text"]
    assert house.post(narrow, f"/v1/keys/{me['key']}/rotate", {"overlap_s": 0}).status_code == 403
    assert house.post(narrow, "/v1/keys", wish | {"scopes": ["bills:read"]}).status_code == 403
    assert house.actions("acme")[-2:] == ["key.rotate.refused", "key.create.refused"]


def test_no_key_leaves_behind_one_that_goes_on(house: ApiHouse) -> None:
    """Whoever rotates a key holds the new one, as if it had been minted."""
    me = house.get("acme", "/v1/me").json()
    wish = {"account": me["account"], "scopes": me["scopes"], "expires": "2027-01-16T00:00:00Z"}
    brief = house.post("acme", "/v1/keys", wish).json()
    taken = house.post(brief["text"], f"/v1/keys/{me['key']}/rotate", {"overlap_s": 60}).json()
    assert taken["expires"] == brief["expires"]


def test_use_is_taken_in_once(house: ApiHouse) -> None:
    assert house.post("acme", "/v1/events", EVENT).json()["results"] == [{"id": "e1", "status": "new", "reason": None}]
    later = EVENT | {"id": "e2", "time": "2027-01-15T07:00:00+00:00"}
    wrong = {
        "ahead": {"time": "2027-01-15T08:05:01Z"},
        "no time": {"time": "2027-01-15"},
        "a fraction": {"data": EVENT["data"] | {"quantity": 0.5}},
        "another meter": {"data": EVENT["data"] | {"meter": "gpu_s"}},
        "more": {"data": EVENT["data"] | {"tenant": "bolt"}},
        "turned round": {"data": EVENT["data"] | {"until_s": NOW_S - 200}},
        "until ahead": {"data": EVENT["data"] | {"until_s": NOW_S + 301}},
    }
    batch = [EVENT, later, later | {"time": EVENT["time"]}, *(EVENT | {"id": why} | bad for why, bad in wrong.items())]
    found = house.post("acme", "/v1/events", {"events": batch}).json()["results"]
    assert [each["status"] for each in found] == ["duplicate", "new", "conflict", *["refused"] * len(wrong)]
    assert house.post("bolt", "/v1/events", EVENT).json()["results"][0]["status"] == "new"
    kept = sorted((row["source"], row["seq"], row["subject"]) for row in house.rows("all_event"))
    assert kept == [("api/acme", 1, "acme"), ("api/acme", 2, "acme"), ("api/bolt", 1, "bolt")]
    assert [row["id"] for row in house.get("acme", "/v1/events").json()["items"]] == ["e2", "e1"]


def test_no_tenant_reports_sums_that_stop_the_bills_of_all(house: ApiHouse) -> None:
    """An hour that overflows is refused when it is added up, for every tenant: 17 full requests would do."""
    big = [EVENT | {"id": f"b{more}", "data": EVENT["data"] | {"quantity": (1 << 32) + more}} for more in (0, 1)]
    found = house.post("acme", "/v1/events", {"events": big}).json()["results"]
    assert [each["status"] for each in found] == ["new", "refused"]


def test_many_at_once_change_what_one_would(either: ApiHouse) -> None:
    def ask(number: int) -> tuple[int, int]:
        who = ("acme", "bolt")[number % 2]
        key = {"Idempotency-Key": f"k{number % 4}"}
        told = either.post(who, "/v1/events", EVENT | {"id": f"e{number % 6}"})
        return told.status_code, either.post(who, "/v1/webhooks", HOOK, headers=key).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(ask, range(36))) == {(200, 201)}
    assert len(either.rows("all_event")) == 6 and len(either.rows("all_webhook")) == 4
    assert either.actions("acme").count("webhook.create") == 2


def test_an_agent_calls_what_its_token_names(either: ApiHouse) -> None:
    house = either
    wish = {"scopes": ["tools:call", "bills:read"], "tools": ["read_bill"], "lifetime_s": 600}
    token = house.post("acme", "/v1/tokens", wish).json()
    called = {"tool": "read_bill", "product": "api", "sku": "llm", "region": "eu-1"}
    assert house.post(token["text"], "/v1/tool-calls", called, headers={"Idempotency-Key": "a"}).status_code == 200
    assert house.post(token["text"], "/v1/tool-calls", called, headers={"Idempotency-Key": "a"}).status_code == 200
    assert house.post(token["text"], "/v1/tool-calls", called | {"tool": "submit_job"}).status_code == 403
    assert house.post(token["text"], "/v1/tokens", wish).status_code == 403
    assert [row["source"] for row in house.rows("all_event")] == ["api/acme"]
    log = house.get("acme", "/v1/audit?limit=200").json()["items"]
    assert [(row["action"], row["object"]) for row in log[-3:-1]] == [
        ("tool.call", "read_bill"),
        ("tool.call.refused", "submit_job"),
    ]
    house.now_s += 600
    assert house.get(token["text"], "/v1/me").status_code == 401


def test_a_request_that_is_repeated_changes_nothing(house: ApiHouse) -> None:
    me = house.get("acme", "/v1/me").json()["account"]
    wish = {"account": me, "scopes": ["usage:read"]}
    first, again = (house.post("acme", "/v1/keys", wish, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert again.json() == first.json() | {"text": None} and "Idempotency-Replayed" in again.headers
    other = wish | {"scopes": ["bills:read"]}
    assert house.post("acme", "/v1/keys", other, headers={"Idempotency-Key": "k"}).status_code == 422
    assert house.post("acme", "/v1/webhooks", HOOK, headers={"Idempotency-Key": "k"}).status_code == 422
    assert house.post("bolt", "/v1/webhooks", HOOK, headers={"Idempotency-Key": "k"}).status_code == 201
    assert not any(first.json()["text"] in row["body"] for row in house.rows("all_idempotency"))
    house.now_s += 86_400
    assert house.post("acme", "/v1/webhooks", HOOK, headers={"Idempotency-Key": "k"}).status_code == 201


def test_an_operator_sees_tenants_and_breaks_the_glass_for_more(either: ApiHouse) -> None:
    house = either
    assert [row["id"] for row in house.get("operator", "/v1/operator/tenants").json()["items"]] == ["acme", "bolt"]
    inside = "/v1/operator/tenants/acme/invoices"
    assert house.get("operator", inside).status_code == 403
    wish = {"tenant": "acme", "reason": "ticket 12: a wrong bill", "lifetime_s": 600}
    grant = house.post("operator", "/v1/operator/break-glass", wish).json()
    assert len(house.get("operator", inside).json()["items"]) == 3
    assert house.get("operator", inside.replace("acme", "bolt")).status_code == 403
    seen = house.get("acme", "/v1/audit?limit=200").json()["items"][-2:]
    assert [(row["action"], row["reason"]) for row in seen] == [
        ("break_glass.open", wish["reason"]),
        ("break_glass.read", wish["reason"]),
    ]
    assert house.ask("operator", "DELETE", f"/v1/operator/break-glass/{grant['id']}").status_code == 200
    assert house.get("operator", inside).status_code == 403
    house.post("operator", "/v1/operator/break-glass", wish)
    house.now_s += 601
    assert house.get("operator", inside).status_code == 403


def test_an_operator_sets_quotas_and_ends_what_must_end(house: ApiHouse) -> None:
    quota = {"tenant": "acme", "keys_max": 2, "webhooks_max": 1}
    assert house.ask("acme", "PUT", "/v1/quota", json=quota).status_code == 403
    assert house.ask("operator", "PUT", "/v1/quota", json=quota).status_code == 200
    assert house.get("acme", "/v1/quota").json() == {"keys_max": 2, "webhooks_max": 1, "gpus_max": 1_024}
    assert [house.post("acme", "/v1/webhooks", HOOK).status_code for _ in range(2)] == [201, 422]
    why = {"reason": "bills unpaid"}
    assert house.post("operator", "/v1/operator/tenants/bolt/suspend", why).status_code == 200
    assert house.post("operator", "/v1/operator/tenants/bolt/suspend", why).status_code == 409
    assert house.get("bolt", "/v1/me").json()["type"].endswith("suspended")
    assert house.post("operator", "/v1/operator/tenants/bolt/resume", why).status_code == 200
    key = house.get("bolt", "/v1/me").json()["key"]
    assert house.ask("operator", "DELETE", f"/v1/operator/keys/{key}").status_code == 200
    assert house.get("bolt", "/v1/me").status_code == 401
    assert house.post("operator", "/v1/operator/tenants/bolt/delete", why).status_code == 200
    assert house.get("bolt/member", "/v1/me").status_code == 401
    assert house.post("operator", "/v1/operator/tenants/nowhere/delete", why).status_code == 404
    assert house.actions("bolt")[-4:] == ["tenant.suspend", "tenant.resume", "key.revoke", "tenant.delete"]


def test_an_auditor_reads_and_a_tenant_proves(house: ApiHouse) -> None:
    log = house.get("auditor", "/v1/auditor/tenants/acme/audit").json()["items"]
    assert log == house.get("acme", "/v1/audit").json()["items"]
    assert (log[-1]["action"], log[-1]["object"]) == ("auditor.read", "audit")
    assert len(house.get("auditor", "/v1/auditor/tenants/bolt/invoices").json()["items"]) == 3
    assert house.actions("bolt")[-1] == "auditor.read"
    assert house.get("auditor", "/v1/auditor/tenants/nowhere/invoices").status_code == 404
    assert [row["id"] for row in house.get("auditor", "/v1/auditor/tenants").json()["items"]] == ["acme", "bolt"]
    house.post("acme", "/v1/events", EVENT)
    told = [house.get(*asked).json() for asked in (("acme", "/v1/events"), ("auditor", f"{ACME}/events"))]
    assert told[0]["items"] and told[0] == told[1]
    keys = house.get("auditor", f"{ACME}/keys").json()["items"]
    assert keys == [{"id": row["id"]} for row in house.get("acme", "/v1/keys").json()["items"]] and len(keys) == 2
    assert house.get("auditor", f"{ACME}/quota").json() == house.get("acme", "/v1/quota").json()
    head = house.get("acme", "/v1/audit/checkpoint").json()
    proof = house.get("acme", "/v1/audit/2/proof").json()
    assert (proof["root"], proof["size"]) == (head["root"], head["size"])
    assert house.get("acme", "/v1/audit/consistency?first=2&second=5").json()["second"]["size"] == 5
    assert house.get("acme", "/v1/audit/consistency?first=2&second=500").status_code == 404


def test_health_and_the_description_need_no_key(house: ApiHouse) -> None:
    assert [house.get("", path).status_code for path in ("/healthz", "/readyz", "/openapi.json")] == [200, 200, 200]


def test_who_tries_keys_is_slowed_down_and_nobody_else(tmp_path: Path) -> None:
    slow = Limit(10, 60, 3)
    with api_house(str(tmp_path / "spillway.db"), limits=Limits(failures=slow)) as house:
        assert [house.get("spw_no", "/v1/me").status_code for _ in range(5)] == [401, 401, 401, 429, 429]
        assert house.get("spw_no", "/v1/me").headers["Retry-After"] == "6"
        assert house.get("acme", "/v1/me").status_code == 200


def test_an_application_with_a_route_without_a_policy_does_not_start() -> None:
    routes = set(policy.POLICIES)
    policy.require_policies(routes)
    for known in (routes | {("GET", "/v1/secret")}, routes - {("GET", "/v1/me")}):
        with pytest.raises(BillingError):
            policy.require_policies(known)
    nameless = {**policy.POLICIES, ("POST", "/v1/keys"): policy.POLICIES["GET", "/v1/keys"]}
    with pytest.raises(BillingError):
        policy.require_policies(routes, nameless)
