"""Use and the bill of an hour over the API: exact sums, windows that are snapped, pages, and words that are refused."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from api_house import NOW_S, ApiHouse
from billing.store.engine import open_store, writing
from billing.store.tables_settled import month_paper, settled
from model_papers import month_papers
from settled_house import settled_house

WINDOW = "from=2026-01-31T00:00:00Z&until=2026-02-02T00:00:00Z"
EMPTY = "from=2025-01-31T00:00:00Z&until=2025-02-02T00:00:00Z"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with settled_house(str(tmp_path_factory.mktemp("usage") / "spillway.db")) as made:
        yield made


def exact(row: dict[str, Any]) -> Fraction:
    return Fraction(int(row["exact"]["numerator"]), int(row["exact"]["denominator"]))


def pages(house: ApiHouse, path: str, who: str = "acme") -> list[dict[str, Any]]:
    found, cursor = [], ""
    while cursor is not None:
        page = house.get(who, path + (f"&cursor={cursor}" if cursor else "")).json()
        found, cursor = [*found, page], page["next"]
    return found


def test_use_is_added_up_by_day_and_reason(house: ApiHouse) -> None:
    told = house.get("acme", f"/v1/usage?{WINDOW}&group_by=product").json()
    assert [(each["since"], each["until"], each["closed"]) for each in told["items"]] == [
        ("2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z", True),
        ("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z", False),
    ]
    assert told["closed_until"] == "2026-02-01T03:00:00Z" and told["next"] is None
    both = {group["product"]: group for group in told["totals"]}
    assert set(both) == {"bare.ondemand", "bare.spot"} and both["bare.spot"]["region"] is None
    (gpus,) = both["bare.ondemand"]["meters"]
    assert (gpus["meter"], gpus["unit"], gpus["measured"]) == ("gpu_s", "gpu_s", str(8 * 12_600))
    assert int(gpus["billable"]) + sum(int(each["quantity"]) for each in gpus["excluded"]) == 8 * 12_600
    (tokens,) = both["bare.spot"]["meters"]
    assert (tokens["unit"], tokens["billable"]) == ("token", "5000001")
    days = [group for each in told["items"] for group in each["groups"]]
    assert sum(map(exact, days)) == sum(map(exact, told["totals"]))


@pytest.mark.parametrize("bucket", ["hour", "day", "week", "month"])
def test_every_length_comes_to_the_same_over_all_pages(house: ApiHouse, bucket: str) -> None:
    rows = [row for page in pages(house, f"/v1/usage/hours?{WINDOW}&limit=3") for row in page["items"]]
    assert len(rows) >= 6 and rows == sorted(rows, key=lambda row: row["since"])
    whole = pages(house, f"/v1/usage?{WINDOW}&bucket={bucket}&limit=5&time_zone=Asia/Kolkata&group_by=meter,sku")
    groups = [group for page in whole for each in page["items"] for group in each["groups"]]
    assert sum(map(exact, groups)) == sum(map(exact, rows)) == sum(map(exact, whole[0]["totals"]))
    assert all(page["totals"] == whole[0]["totals"] for page in whole)
    since = [each["since"] for page in whole for each in page["items"]]
    assert since == sorted(set(since)) and since[0] == whole[0]["snapped_since"]
    assert all(each["since"].endswith("18:30:00Z") for page in whole for each in page["items"]) or bucket == "hour"


def test_without_a_window_it_is_the_last_month_that_is_known(house: ApiHouse) -> None:
    """Now is a year later; while a log goes on it is the month so far, open hours and all."""
    told = house.get("acme", "/v1/usage").json()
    assert (told["snapped_since"], told["snapped_until"]) == ("2026-02-01T00:00:00Z", "2026-02-02T00:00:00Z")
    rows = house.get("acme", "/v1/usage/hours").json()["items"]
    assert rows and rows[0]["since"] == "2026-02-01T00:00:00Z"
    assert house.get("acme", "/v1/usage?from=2026-02-01T06:00:00Z").json()["snapped_until"] == "2027-01-16T00:00:00Z"
    assert house.get("acme", "/v1/usage?from=2027-01-15T00:00:00Z").json()["totals"] == []
    assert house.get("bolt", "/v1/usage").json()["snapped_since"] == "2026-02-01T00:00:00Z"
    with closed_until(house, NOW_S - 7_200):
        told = house.get("acme", "/v1/usage").json()
    assert (told["snapped_since"], told["snapped_until"]) == ("2027-01-01T00:00:00Z", "2027-01-16T00:00:00Z")


@contextmanager
def closed_until(house: ApiHouse, until_s: int) -> Iterator[None]:
    store = open_store(house.place)
    with writing(store) as connection:
        before = connection.execute(select(settled.c.until_s)).scalar_one()
        connection.execute(update(settled).values(until_s=until_s))
    yield
    with writing(store) as connection:
        connection.execute(update(settled).values(until_s=before))


def test_rows_are_found_by_their_words(house: ApiHouse) -> None:
    some = house.get("acme", f"/v1/usage/hours?{WINDOW}&meter=tokens_out").json()["items"]
    assert [row["product"] for row in some] == ["bare.spot"] and some[0]["unit_price"] is not None
    assert house.get("acme", f"/v1/usage/hours?{WINDOW}&charge_class=degraded").json()["items"][0][
        "factor_percent"
    ] == ("60.00")
    assert house.get("acme", f"/v1/usage/hours?{WINDOW}&sku=none").json()["items"] == []


def test_the_bill_of_an_hour_adds_up(house: ApiHouse) -> None:
    told = house.get("acme", "/v1/bill/hour?at=2026-01-31T23:59:59Z").json()
    assert (told["since"], told["until"], told["closed"]) == ("2026-01-31T23:00:00Z", "2026-02-01T00:00:00Z", True)
    assert sum(map(exact, told["lines"])) == exact(told)
    assert Fraction(told["total"]["amount"]) == sum(Fraction(line["amount"]["amount"]) for line in told["lines"])
    assert abs(Fraction(told["total"]["amount"]) * 10**6 - exact(told)) <= 5_000
    last = house.get("acme", "/v1/bill/hour").json()
    assert (last["since"], last["closed"], last["lines"]) == ("2026-02-01T02:00:00Z", True, [])
    nothing = house.get("acme", "/v1/bill/hour?at=2025-01-01T00:00:00Z").json()
    assert nothing["total"] is None and nothing["lines"] == [] and exact(nothing) == 0


def test_nothing_of_others_and_nothing_at_all(house: ApiHouse) -> None:
    for path in ("/v1/usage?group_by=product&", "/v1/usage/hours?", "/v1/usage?bucket=hour&"):
        told = house.get("bolt", f"{path}{WINDOW}").json()
        assert not told.get("totals") and not any(each.get("groups", True) for each in told["items"])
    assert house.get("acme", f"/v1/usage?{EMPTY}").json()["totals"] == []


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("from=2026-01-01", "query.from"),
        ("from=2026-01-01T00:00:00.5Z", "query.from"),
        ("from=0001-01-01T00:00:00Z", "query.from"),
        ("until=9999-12-31T23:59:59-14:00", "query.until"),
        ("from=2026-02-01T00:00:00Z&until=2026-02-01T00:00:00Z", "query.from"),
        ("from=2024-02-01T00:00:00Z&until=2026-02-01T00:00:00Z", "query.from"),
        ("group_by=product,product", "query.group_by"),
        ("group_by=tenant", "query.group_by"),
        ("bucket=year", "query.bucket"),
        ("time_zone=Mars/Base", "query.time_zone"),
        ("time_zone=../../etc/passwd", "query.time_zone"),
        ("cursor=abc", "query.cursor"),
        ("tenant=bolt", "query"),
    ],
)
def test_bad_words_are_refused(house: ApiHouse, query: str, at: str) -> None:
    refused = house.get("acme", f"/v1/usage?{query}")
    assert refused.status_code == 422 and refused.json()["errors"][0]["at"] == at
    assert house.get("acme", "/v1/bill/hour?at=noon").status_code == 422


def test_papers_are_listed_row_by_row(house: ApiHouse) -> None:
    store = open_store(house.place)
    with writing(store) as connection:
        for month in ("2025-11", "2025-12"):
            for kind in ("sla", "wallets"):
                paper = month_papers("bolt", lambda field: field.replace(" ", "-"), lambda _: 1_000_000)[kind]
                body = json.dumps(paper | {"month": month} if kind == "sla" else [*paper, paper[0] | {"kind": "drawn"}])
                row = {"tenant": "bolt", "period": month, "kind": kind, "body": body, "hash": "", "made_s": 0}
                connection.execute(insert(month_paper), row)
    store.dispose()
    moves = [row for page in pages(house, "/v1/wallets?limit=3", "bolt") for row in page["items"]]
    assert [(row["period"], row["kind"]) for row in moves] == [
        (month, kind) for month in ("2025-11", "2025-12") for kind in ("bought", "drawn")
    ]
    left = house.get("bolt", "/v1/wallets?period=2025-11").json()
    balance = {"currency": "USD", "amount": "10000.00", "minor": "1000000"}
    assert left["balances"] == [{"wallet": "wallet", "balance": balance}]
    found = [row for page in pages(house, "/v1/sla/incidents?limit=1", "bolt") for row in page["items"]]
    assert [(row["period"], row["kind"]) for row in found] == [
        (month, kind) for month in ("2025-11", "2025-12") for kind in ("credited", "excluded")
    ]
    assert [row["period"] for row in house.get("bolt", "/v1/sla").json()["items"]] == ["2025-11", "2025-12"]
    assert house.get("acme", "/v1/wallets").json()["items"] == []


def test_a_month_that_is_none_says_how_one_is_written(house: ApiHouse) -> None:
    for path in ("/v1/invoices?period=2026-13", "/v1/exports/lines?period=January"):
        (error,) = house.get("acme", path).json()["errors"]
        assert error == {"at": "query.period", "reason": "must be a month as 2026-11"}


def test_the_ledger_is_found_by_month_and_account(house: ApiHouse) -> None:
    every = house.get("acme", "/v1/ledger?limit=200").json()["items"]
    account = every[0]["account"]
    some = house.get("acme", f"/v1/ledger?account={account}").json()["items"]
    assert some == [row for row in every if row["account"] == account]
    assert house.get("acme", f"/v1/ledger?period={every[0]['time'][:7]}").json()["items"]
    assert house.get("acme", "/v1/ledger?period=2001-01").json()["items"] == []
    assert house.get("acme", "/v1/ledger?period=2001-13").status_code == 422
