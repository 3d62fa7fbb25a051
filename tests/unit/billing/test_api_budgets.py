"""Budgets over the API: made, watched by the worker, told once, and ended; on each engine."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import insert

from api_house import NOW_S, ApiHouse
from billing.store.budget_check import BudgetCheck
from billing.store.engine import open_store, writing
from billing.store.tables_settled import month_paper
from model_papers import month_papers
from settled_house import LIFE, settle, settled_house
from tenants.access.scope import local_scope
from told_events import EPOCH_S, ended, started, told

BUDGET = {"name": "the lab", "limit": {"currency": "USD", "amount": "40.00"}, "thresholds_percent": [100, 50]}
AT_S = NOW_S - NOW_S % 3600 - EPOCH_S
NOW = told([started(AT_S, "a8"), ended(AT_S + 3600, "a8")], "a")
MORE = told([started(AT_S, "a9", gpus=64), ended(AT_S + 3600, "a9")], "b")


@pytest.fixture
def house(store_place: str) -> Iterator[ApiHouse]:
    with settled_house(store_place, [*LIFE, *NOW]) as made:
        yield made


def test_a_budget_is_watched_and_told_once(house: ApiHouse) -> None:
    check = BudgetCheck(house.door, local_scope(), lambda: house.now_s)
    assert check.check() == 0
    made = house.post("acme", "/v1/budgets", BUDGET).json()
    assert made["limit"] == {**BUDGET["limit"], "minor": "4000"} and made["thresholds_percent"] == [50, 100]
    # What came in months that were over when the budget was made is not told.
    assert check.check() == 1 and check.check() == 0
    (alert,) = house.get("acme", "/v1/alerts").json()["items"]
    assert (alert["budget"], alert["period"], alert["threshold_percent"]) == (made["id"], "2027-01", "50.00")
    assert not alert["agreed"] and alert["expected"] is None
    settle(house.place, MORE)
    house.now_s += 3600
    assert check.check() == 1 and BudgetCheck(house.door, local_scope(), lambda: 0).check() == 0
    alerts = house.get("acme", "/v1/alerts?period=2027-01").json()["items"]
    assert [each["threshold_percent"] for each in alerts] == ["50.00", "100.00"]
    assert house.get("acme", "/v1/alerts?period=2026-01").json()["items"] == []
    (first, second) = [json.loads(row["body"]) for row in house.rows("all_notice")]
    assert (first["threshold_bp"], second["threshold_bp"], second["period"]) == (5_000, 10_000, "2027-01")
    assert house.get("bolt", "/v1/alerts").json()["items"] == house.get("bolt", "/v1/budgets").json()["items"] == []
    assert house.ask("bolt", "DELETE", f"/v1/budgets/{made['id']}").status_code == 404
    assert house.ask("acme", "DELETE", f"/v1/budgets/{made['id']}").status_code == 200
    assert house.ask("acme", "DELETE", f"/v1/budgets/{made['id']}").status_code == 404
    assert house.get("acme", "/v1/budgets").json()["items"][0]["disabled"] == "2027-01-15T09:00:00Z"
    assert len(house.get("acme", "/v1/alerts").json()["items"]) == 2
    assert house.actions("acme")[-2:] == ["budget.create", "budget.disable"]


def test_what_was_agreed_stands_in_the_same_list(house: ApiHouse) -> None:
    store = open_store(house.place)
    paper = month_papers("bolt", lambda field: field, lambda _: 12_345_678)["spend"]
    body = json.dumps([paper[0] | {"at": f"2026-02-0{day}T00:00:00Z"} for day in (3, 2, 1)])
    row = {"tenant": "bolt", "period": "2026-02", "kind": "spend", "body": body, "hash": "", "made_s": 0}
    with writing(store) as connection:
        connection.execute(insert(month_paper), row)
    store.dispose()
    found, cursor = [], ""
    while cursor is not None:
        page = house.get("bolt", f"/v1/alerts?limit=2{cursor and '&cursor='}{cursor}").json()
        found, cursor = found + page["items"], page["next"]
    assert [each["time"][:10] for each in found] == ["2026-02-01", "2026-02-02", "2026-02-03"]
    assert {(each["agreed"], each["kind"], each["amount"]["amount"]) for each in found} == {(True, "spent", "12.35")}


@pytest.fixture(scope="module")
def no_use(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """For what is refused, and so leaves nothing to the next test."""
    with settled_house(str(tmp_path_factory.mktemp("budgets") / "spillway.db"), ()) as made:
        yield made


@pytest.mark.parametrize(
    ("bad", "at"),
    [
        ({"limit": {"currency": "ABC", "amount": "5.00"}}, "body.limit.currency"),
        ({"limit": {"currency": "USD", "amount": "0"}}, "body.limit.amount"),
        ({"limit": {"currency": "USD", "amount": "0.001"}}, "body.limit.amount"),
        ({"limit": {"currency": "JPY", "amount": "0.5"}}, "body.limit.amount"),
        ({"limit": {"currency": "USD", "amount": "-5.00"}}, "body.limit.amount"),
        ({"limit": {"currency": "USD", "amount": "5.00", "minor": "5"}}, "body.limit.minor"),
        ({"limit": {"currency": "USD", "amount": "5.00", "minor": 500}}, "body.limit.minor"),
        ({"limit": {"currency": "USD", "amount": 5}}, "body.limit.amount"),
        ({"thresholds_percent": []}, "body.thresholds_percent"),
        ({"thresholds_percent": [50, 50]}, "body.thresholds_percent"),
        ({"thresholds_percent": [0]}, "body.thresholds_percent[0]"),
        ({"thresholds_percent": [1_001]}, "body.thresholds_percent[0]"),
        ({"name": "a\nb"}, "body.name"),
        ({"tenant": "bolt"}, "body.tenant"),
    ],
)
def test_budgets_that_make_no_sense_are_refused(no_use: ApiHouse, bad: dict[str, object], at: str) -> None:
    refused = no_use.post("acme", "/v1/budgets", BUDGET | bad)
    assert refused.status_code == 422 and refused.json()["errors"][0]["at"] == at
    assert no_use.rows("all_budget") == []
