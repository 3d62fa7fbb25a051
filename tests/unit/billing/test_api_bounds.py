"""What the API bounds: how often it checks itself, how fast a suspended tenant may ask, how much a tenant may keep."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api_house import FAST, NOW_S, ApiHouse, api_house
from billing.api.readiness import FRESH_S, RETRY_S, Readiness
from billing.api.routes import tokens
from billing.errors import StoreError
from billing.store import tenant_settings
from tenants.access.limits import Limit, Limits


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path / "spillway.db")) as made:
        yield made


class Walls:
    """Walls that stand or not, and how often they were looked at."""

    def __init__(self) -> None:
        self.stand, self.looks = True, 0

    def check(self) -> None:
        self.looks += 1
        if not self.stand:
            raise StoreError("a wall does not stand")


def test_a_flood_of_probes_checks_the_walls_once_in_a_while() -> None:
    walls = Walls()
    readiness = Readiness(walls.check)
    assert [readiness.good(NOW_S) for _ in range(50)] == [True] * 50
    assert walls.looks == 1
    assert readiness.good(NOW_S + FRESH_S - 1) and walls.looks == 1
    assert readiness.good(NOW_S + FRESH_S) and walls.looks == 2
    assert readiness.good(NOW_S - 5) and walls.looks == 3, "a clock that went back makes no answer last for ever"


def test_a_failed_check_stays_until_one_is_good_again() -> None:
    walls = Walls()
    walls.stand = False
    readiness = Readiness(walls.check)
    assert [readiness.good(NOW_S) for _ in range(50)] == [False] * 50
    assert walls.looks == 1, "nor is a store that is down asked at each probe"
    walls.stand = True
    assert not readiness.good(NOW_S + RETRY_S - 1)
    assert readiness.good(NOW_S + RETRY_S)


def test_readiness_is_not_asked_of_the_store_at_each_probe(house: ApiHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    assert house.get("", "/readyz").status_code == 200

    def fails() -> None:
        raise StoreError("a wall does not stand")

    monkeypatch.setattr(house.door, "check", fails)
    assert house.get("", "/readyz").status_code == 200
    house.now_s += FRESH_S
    refused = house.get("", "/readyz")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, str(RETRY_S))
    monkeypatch.undo()
    assert house.get("", "/readyz").status_code == 503
    house.now_s += RETRY_S
    assert house.get("", "/readyz").status_code == 200


def test_a_suspended_tenant_is_counted_as_others_are(tmp_path: Path) -> None:
    slow = Limits(FAST, Limit(10, 60, 3), FAST)
    with api_house(str(tmp_path / "spillway.db"), limits=slow) as house:
        why = {"reason": "bills unpaid"}
        assert house.post("operator", "/v1/operator/tenants/bolt/suspend", why).status_code == 200
        assert [house.get("bolt", "/v1/me").status_code for _ in range(5)] == [403, 403, 403, 429, 429]
        assert house.get("bolt/member", "/v1/me").status_code == 403, "a key is not held to what another has asked"
        assert house.get("acme", "/v1/me").status_code == 200


def test_accounts_and_tokens_have_a_bound(house: ApiHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tenant_settings.MOST, "account", 3)
    monkeypatch.setitem(tenant_settings.MOST, "agent_token", 2)
    made = [
        house.post("acme", "/v1/accounts", {"kind": "service", "name": f"robot {n}", "role": "member"})
        for n in range(3)
    ]
    assert [each.status_code for each in made] == [201, 422, 422]  # the world has two
    assert house.ask("acme", "DELETE", f"/v1/accounts/{made[0].json()['id']}").status_code == 200
    assert made[1].json()["errors"] == [{"at": "body", "reason": "is one account more than the quota, 3"}]
    wish = {"scopes": ["bills:read"], "tools": [], "lifetime_s": 60}
    issued = [house.post("acme", "/v1/tokens", wish) for _ in range(3)]
    assert [each.status_code for each in issued] == [201, 201, 422]
    assert house.post("bolt", "/v1/tokens", wish).status_code == 201
    house.now_s += 60
    assert house.post("acme", "/v1/tokens", wish).status_code == 201, "tokens that have ended take no room"


def test_a_call_that_was_noted_and_not_metered_is_metered_when_it_is_asked_again(
    house: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = {"scopes": ["tools:call", "bills:read"], "tools": ["read_bill"], "lifetime_s": 600}
    house.keys["agent"] = house.post("acme", "/v1/tokens", wish).json()["text"]
    told: dict[str, Any] = {"tool": "read_bill", "product": "agents", "sku": "any", "region": "eu"}

    def dies(*_: object) -> None:
        raise StoreError("killed here")

    def metered() -> list[dict[str, Any]]:
        return [row for row in house.rows("all_event") if row["source"] == "api/acme"]

    once = {"Idempotency-Key": "call-1"}
    monkeypatch.setattr(tokens, "report", dies)
    assert house.post("agent", "/v1/tool-calls", told, headers=once).status_code == 500
    assert house.actions("acme")[-1] == "tool.call" and not metered()
    monkeypatch.undo()
    for later_s in (5, 9):
        house.now_s = NOW_S + later_s
        assert house.post("agent", "/v1/tool-calls", told, headers=once).status_code == 200
        assert len(metered()) == 1
    assert house.actions("acme").count("tool.call") == 1
