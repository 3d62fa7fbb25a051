"""Prices over the API: every published case of the price models, quotes, and terms that change from a future time."""

import json
from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import insert

import billing_kinds
from api_house import ApiHouse, api_house
from billing.api.schemas.unexplained import WHY_NOT
from billing.invoices.invoice import KINDS
from billing.money import floor_decimal
from billing.store.api_terms import TermsSource
from billing.store.engine import open_store, writing
from billing.store.tables_settled import month_paper
from billing.terms import terms_from
from billing.terms_change import faults_of_change
from published_cases import cases, wrong
from settled_house import settled_house
from told_events import terms

MODELS = (
    *("standard", "graduated", "volume", "package", "percentage", "graduated_percentage", "block_all_tiers"),
    *("block_top_tier", "percentage_minmax", "volume_prorated", "graduated_delta", "package_delta", "block_remaining"),
    *("unit_conversion", "convert_round_discount", "min_spend", "usage_discount"),
)
TERMS = """
currency = "EUR"
[[tenant]]
id = "acme"
name = "Acme"
kind = "external"
[[tenant]]
id = "bolt"
name = "Bolt"
kind = "external"
[[price]]
product = "bare.ondemand"
sku = "*"
from = 2026-01-01T00:00:00Z
model = "graduated"
tiers = [{ up_to = "100", unit_price = "2.95", flat = "10" }, { unit_price = "2.10" }]
[[price]]
product = "*"
sku = "*"
meter = "tokens_out"
from = 2026-01-01T00:00:00Z
unit_price = "15"
[[tax]]
name = "VAT"
tax_bp = 1900
"""
LATER = '\n[[price]]\nproduct = "bare.spot"\nsku = "*"\nfrom = 2027-02-01T00:00:00Z\nunit_price = "1.00"\n'
BOOK = "/v1/operator/price-book"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path_factory.mktemp("prices") / "prices.db")) as made:
        yield made


def of(exact: dict[str, str]) -> Fraction:
    return Fraction(int(exact["numerator"]), int(exact["denominator"]))


def decimal(value: Fraction) -> str:
    return floor_decimal(value.numerator, value.denominator, 6)


@pytest.mark.parametrize(
    "case", [each for each in cases() if each["kind"] in MODELS] or [None], ids=lambda each: each["id"] if each else "-"
)
def test_every_published_case_of_a_model_is_the_same_over_http(
    house: ApiHouse, case: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case is None:
        pytest.skip("missing cases/billing_cases.json beside the checkout")

    def asked(row: dict[str, Any], quantity: dict[str, Any]) -> dict[str, Any]:
        price = {key: str(value) if key in ("free_units",) else value for key, value in row.items() if key != "meter"}
        told = house.post("acme/member", "/v1/rate-preview", {"price": price, "quantities": [quantity]})
        assert told.status_code == 200, told.text
        (line,) = told.json()["lines"]
        assert of(line["exact"]) == sum(of(step["exact"]) for step in line["steps"])
        return dict(line)

    def hourly(row: dict[str, Any], *quantities: str) -> Any:
        sums = [sum(map(Fraction, quantities[: n + 1]), Fraction(0)) for n in range(len(quantities))]
        lines = [asked(row, {"units": decimal(each)}) for each in sums]
        whole = [of(line["exact"]) / 10**6 for line in lines]
        amounts = [each - before for each, before in zip(whole, [Fraction(0), *whole], strict=False)]
        steps = [SimpleNamespace(what=step["what"], amount=of(step["exact"])) for step in lines[-1]["steps"]]
        return amounts, [SimpleNamespace(steps=steps)]

    def measured(row: dict[str, Any], measure: Any) -> Any:
        given = {"units": decimal(measure.units), "events": measure.events}
        given["values"] = [decimal(each) for each in measure.values]
        if measure.tier_units is not None:
            given["tier_units"] = decimal(measure.tier_units)
        return [SimpleNamespace(amount=of(step["exact"])) for step in asked(row, given)["steps"]]

    monkeypatch.setattr(billing_kinds, "hourly", hourly)
    monkeypatch.setattr(billing_kinds, "measured", measured)
    monkeypatch.setattr(billing_kinds, "total_of", lambda steps: sum((each.amount for each in steps), Fraction(0)))
    assert list(wrong(billing_kinds.KINDS[case["kind"]](case["input"]), case["expect"])) == []


def test_a_series_has_the_price_of_its_time_and_lines_add_up(house: ApiHouse) -> None:
    series = [{"since": f"2026-01-0{day}T00:00:00Z", "unit_price": f"0.{day}"} for day in (1, 2)]
    uses = [{"units": "0.333333", "at": f"2026-01-0{day}T12:00:00Z"} for day in (1, 2, 3)]
    body = {"price": {"model": "dynamic", "series": series}, "quantities": uses}
    answer = house.post("operator", "/v1/rate-preview", body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert [line["steps"][0]["price"] for line in told["lines"]] == ["0.10", "0.20", "0.20"]
    total = sum(Fraction(line["amount"]["amount"]) for line in told["lines"])
    assert total == Fraction(told["total"]["amount"]) == Fraction("0.17")


@pytest.mark.parametrize(
    ("price", "quantity", "at"),
    [
        ({"model": "package", "package_size": "1"}, {"units": "1"}, "body.price.package_price"),
        ({"model": "standard", "unit_price": "1", "tiers": [{"unit_price": "1"}]}, {"units": "1"}, "body.price.tiers"),
        ({"unit_price": "1.0000001"}, {"units": "1"}, "body.price.unit_price"),
        ({"unit_price": "1"}, {}, "body.quantities"),
        ({"model": "percentage", "rate_percent": "1", "min_per_event": "1"}, {"units": "1"}, "body.quantities"),
    ],
)
def test_prices_that_cannot_be_are_refused(house: ApiHouse, price: Any, quantity: Any, at: str) -> None:
    refused = house.post("acme", "/v1/rate-preview", {"price": price, "quantities": [quantity]})
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["at"] == at, refused.text


def test_terms_come_by_versions_and_quotes_follow(tmp_path: Any) -> None:
    with api_house(str(tmp_path / "a.db")) as house:
        want = {"product": "bare.ondemand", "sku": "h100", "gpus": 8, "hours": 20}
        assert house.post("acme", "/v1/quotes", want).status_code == 409
        assert house.get("operator", BOOK).status_code == 404
        assert house.ask("operator", "PUT", BOOK, json={"terms": TERMS}).status_code == 428
        made = house.ask("operator", "PUT", BOOK, json={"terms": TERMS}, headers={"If-Match": "*"})
        assert made.status_code == 200 and made.json()["version"] == 1, made.text
        told = house.post("acme", "/v1/quotes", {**want, "meters": [{"meter": "tokens_out", "units": "0.001"}]}).json()
        # 100 x 2.95 + 10 + 60 x 2.10 = 431, and 0.015 of tokens; tax of 19 %.
        assert told["net"] == {"currency": "EUR", "amount": "431.02", "minor": "43102"}
        assert told["tax"]["amount"] == "81.89"
        assert [line["meter"] for line in told["lines"]] == ["gpu_s", "tokens_out"] and told["valid_until"] is None
        tag = house.get("operator", BOOK).headers["ETag"]
        assert tag == made.headers["ETag"]
        later = {"json": {"terms": TERMS + LATER}, "headers": {"If-Match": tag}}
        assert house.ask("operator", "PUT", BOOK, **later).json()["version"] == 2
        assert house.ask("operator", "PUT", BOOK, **later).status_code == 412
        assert house.post("acme", "/v1/quotes", want).json()["valid_until"] == "2027-02-01T00:00:00Z"
        heads = house.get("acme/member", "/v1/price-books").json()["items"]
        assert [(each["version"], each["current"]) for each in heads] == [(1, False), (2, True)]
        book = house.get("acme", "/v1/price-books/current")
        assert len(book.json()["prices"]) == 3 and book.headers["ETag"]
        assert len(house.get("acme", "/v1/price-books/1").json()["prices"]) == 2
        assert house.get("acme", "/v1/price-books/01").status_code == 404
        tag = house.get("operator", BOOK).headers["ETag"]
        for text in (
            TERMS.replace("2.95", "2.96") + LATER,
            "= 1",
            "nothing = 1",
            TERMS + LATER.replace("2027", "2026"),
        ):
            refused = house.ask("operator", "PUT", BOOK, json={"terms": text}, headers={"If-Match": tag})
            assert refused.status_code == 422 and "2.96" not in refused.text, refused.text
        assert house.actions("")[-1] == "terms.set.refused" or "terms.set" in house.actions("")


def test_a_quote_does_not_tell_when_the_prices_of_others_change(tmp_path: Any) -> None:
    agreed = """
[[product]]
code = "bare.ondemand"
[[product]]
code = "bare.reserved"
[[contract]]
id = "acme-day"
tenant = "acme"
product = "bare.reserved"
region = "eu"
sku = "h100"
nodes = 1
gpus_per_node = 8
from_s = 0
until_s = 86400
charge = "term"
"""
    price = '[[price]]\nproduct = "bare.reserved"\nsku = "*"\nunit_price = "{}"\nfrom = {}-01-01T00:00:00Z\n'
    text = TERMS + agreed + price.format(2, 2026) + price.format(1, 2028)
    want = {"product": "bare.ondemand", "sku": "h100", "gpus": 8, "hours": 20}
    with api_house(str(tmp_path / "a.db")) as house:
        made = house.ask("operator", "PUT", BOOK, json={"terms": text}, headers={"If-Match": "*"})
        assert made.status_code == 200, made.text
        assert house.post("acme", "/v1/quotes", want).json()["valid_until"] == "2028-01-01T00:00:00Z"
        assert house.post("bolt", "/v1/quotes", want).json()["valid_until"] is None


def test_nothing_of_the_past_changes() -> None:
    rows = [
        {"product": "bare.spot", "sku": "*", "from": "2026-01-01T00:00:00Z", "unit_price": "1"},
        {"product": "*", "sku": "*", "from": "2026-06-01T00:00:00Z", "unit_price": "2"},
    ]
    tenant = {"id": "acme", "name": "Acme", "kind": "external"}
    now_s = 1_775_001_600  # 2026-04-01

    def faults(change: dict[str, Any], **more: Any) -> list[str]:
        old = terms_from({"tenant": [tenant], "price": rows, "tax": [{"name": "VAT", "tax_bp": 1900}]})
        new = {"tenant": [tenant], "price": rows, "tax": [{"name": "VAT", "tax_bp": 1900}]} | change
        return list(faults_of_change(old, terms_from(new), now_s, **more))

    assert faults({}) == []
    assert faults({"price": [{**rows[0], "until": "2026-05-01T00:00:00Z"}, {**rows[1], "unit_price": "3"}]}) == []
    assert faults({"tenant": [tenant, {**tenant, "id": "bolt"}]}) == []
    bad: list[dict[str, Any]] = [
        {"price": [{**rows[0], "unit_price": "3"}, rows[1]]},
        {"price": [{**rows[0], "until": "2026-03-01T00:00:00Z"}, rows[1]]},
        {"price": rows[:1]},
        {"price": [*rows, {**rows[0], "sku": "h100", "from": "2026-03-01T00:00:00Z"}]},
        {"price": [rows[0], {**rows[1], "from": "2026-03-01T00:00:00Z"}]},
        {"tenant": [{**tenant, "name": "Other"}]},
        {"tenant": []},
        {"currency": "EUR"},
        {"tax": []},
        {"tax": [{"name": "VAT", "tax_bp": 700}]},
    ]
    for change in bad:
        assert faults(change), change


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with settled_house(str(tmp_path_factory.mktemp("explained") / "explained.db")) as made:
        inner = made.app.state.house
        made.app.state.house = inner._replace(terms=TermsSource(given=terms()))
        yield made


def test_a_draft_has_a_forecast_and_each_line_is_explained_as_at_the_machine(settled: ApiHouse) -> None:
    from billing.closing.explain import explain
    from billing.closing.month import month_draft, month_parts
    from billing.closing.of_log import basis_of
    from billing.documents.explanation import explanation_json
    from billing.months import parse_month
    from settled_house import LIFE, SLOW

    basis, _, held = basis_of([*LIFE, *SLOW], terms())
    assert not isinstance(basis, Exception)
    seen = 0
    for period in ("2026-01", "2026-02"):
        draft = settled.get("acme", f"/v1/invoices/draft?period={period}").json()
        who = basis.books.names.tenants.index("acme")
        parts = month_parts(basis, who, parse_month(period))
        invoice = month_draft(basis, who, parse_month(period), parts)
        assert [line["number"] for line in draft["lines"]] == [line.number for line in invoice.lines]
        for line in invoice.lines:
            told = settled.get("acme", f"/v1/invoices/draft/lines/{line.number}/explain?period={period}").json()
            machine = explanation_json(explain(basis, invoice, parts, line.number, held))
            seen += told["explained"]
            if line.kind == "usage":
                assert told["explained"] and told["adds_up"], told
                assert len(told["hours"]) == len(machine["hours"])
                for ours, theirs in zip(told["hours"], machine["hours"], strict=True):
                    exact = f"{ours['exact']['numerator']}/{ours['exact']['denominator']}"
                    assert (ours["quantity"], exact) == (str(theirs["quantity"]), theirs["exact"])
                    assert [each["allocation"] for each in ours["holdings"]] == [
                        each["allocation"] for each in theirs["holdings"]
                    ]
                if told["hours"][0]["holdings"]:
                    assert {each["type"] for each in told["events"]} >= {"allocation.started", "allocation.ended"}
    assert seen >= 3
    february = settled.get("acme", "/v1/invoices/draft?period=2026-02").json()
    hours = february["forecast"]
    whole = Fraction(february["total"]["amount"]) * hours["hours"] / hours["closed_hours"]
    assert (hours["hours"], hours["closed_hours"]) == (672, 3)
    assert abs(Fraction(hours["total"]["amount"]) - whole) <= Fraction(1, 200)
    january = settled.get("acme", "/v1/invoices/draft?period=2026-01").json()
    assert january["forecast"]["total"] == january["total"]
    assert settled.get("bolt", "/v1/invoices/draft").status_code == 404
    assert settled.get("acme", "/v1/invoices/draft/lines/99/explain?period=2026-02").status_code == 404


def test_what_use_would_be_invoiced_as(settled: ApiHouse) -> None:
    use = {"id": "j1", "product": "bare.ondemand", "region": "eu", "sku": "h100", "gpus": 8}
    use |= {"since": "2026-02-01T00:00:00Z", "until": "2026-02-01T02:30:00Z"}
    told = settled.post("acme/member", "/v1/invoice-preview", {"uses": [use, {**use, "id": "j2", "product": "no"}]})
    assert told.status_code == 200, told.text
    (draft,) = told.json()["drafts"]
    (line,) = draft["lines"]
    assert line["quantity"] == str(8 * 9000) and draft["period"] == "2026-02" and draft["forecast"] is None
    assert [each["id"] for each in told.json()["rejected"]] == ["j2"]
    bad = settled.post("acme", "/v1/invoice-preview", {"uses": [{**use, "until": "soon"}]})
    assert bad.status_code == 422


def test_an_invoice_that_was_issued_is_explained(settled: ApiHouse) -> None:
    done = settled.post("operator", "/v1/operator/invoices/finalise", {"period": "2026-02", "tenant": "birch"}).json()
    assert done["tenants"][0]["outcome"] == "issued"
    lines = settled.get("acme", "/v1/invoices/acme-000001/lines?limit=1").json()
    assert [line["number"] for line in lines["items"]] == [1] and lines["next"] is None
    told = settled.get("acme", "/v1/invoices/acme-000001/lines/1/explain").json()
    assert told["explained"] is False and told["hours"] == [] and told["faults"]  # made by hand, from no log
    assert told["why_not"] == WHY_NOT["usage"] and set(WHY_NOT) == set(KINDS)
    assert settled.get("acme", "/v1/invoices/acme-000001/lines/2/explain").status_code == 404
    assert settled.get("bolt", "/v1/invoices/acme-000001/lines").status_code == 404
    path = "/v1/invoices/acme-000001/document"
    assert settled.get("acme", path).status_code == 503  # until the worker has come round
    id_ = next(row["id"] for row in settled.rows("all_invoice") if row["number"] == "acme-000001")
    paper = json.dumps({"issuer": "us", "tenant_name": "Acme", "bands": {}, "hours": {}})
    row = {"tenant": "acme", "period": "2026-01", "kind": f"hours/{id_}", "body": paper, "hash": "", "made_s": 0}
    store = open_store(settled.place)
    with writing(store) as connection:
        connection.execute(insert(month_paper), row)
    store.dispose()
    kinds = {"text/html": b"<!doctype html>", "text/csv": b"invoice,", "application/json": b'{\n  "kind":'}
    for accept, begin in kinds.items():
        answer = settled.get("acme", path, headers={"Accept": accept})
        assert answer.status_code == 200 and answer.content.lower().startswith(begin), answer.text[:80]
        assert answer.headers["Content-Type"].startswith(accept) and b"acme-000001" in answer.content
    assert settled.get("acme", path, headers={"Accept": "image/png"}).status_code == 406
    paid = settled.get("acme", "/v1/invoices?status=paid").json()["items"]
    issued = settled.get("acme", "/v1/invoices?status=issued").json()["items"]
    assert paid == [] and issued and issued[0]["lines_at"] == "/v1/invoices/acme-000001/lines"
    assert settled.get("acme", "/v1/invoices?status=lost").status_code == 422
