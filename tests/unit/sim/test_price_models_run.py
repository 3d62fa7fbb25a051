"""A run whose prices have tiers, packages, series and limits: settled, written, read back, billed."""

from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from billing.closing.month import Basis, month_draft, months_with_lines
from billing.documents.bill import bill_json
from billing.errors import PriceError
from billing.money import exact_sum
from billing.months import run_period
from billing.rating.charges import charges_of
from billing.rating.models import fraction, total_of
from billing.rating.rate import NO_UNIT_PRICE
from run_folders import Finished, same
from sim.engine.run import run
from sim.folder import run_folder
from sim.folder.books import read_books
from sim.scenario.any_terms import load_any_terms
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load
from sim.scenario.model import Scenario
from sim.scenario.terms import terms_of
from sim.settle import settle
from sim.summary import summarise

ALWAYS = {"sku": "h100", "from": "2026-01-01T00:00:00Z"}
PRICES: dict[str, dict[str, Any]] = {
    "bare.ondemand": {
        "model": "graduated",
        "tiers": [{"up_to": "100", "unit_price": "2.95", "flat": "10"}, {"unit_price": "2.10"}],
        "minimum": "50",
        "proration": "days",
    },
    "bare.spot": {
        "model": "dynamic",
        "series": [
            {"from": "2026-01-01T00:00:00Z", "unit_price": "1.25"},
            {"from": "2026-01-01T12:00:00Z", "unit_price": "1.6"},
        ],
    },
    "int.frontier": {"usd_per_gpu_hour": "2.6", "discount_bp": 1_000, "maximum": "100000"},
    "bare.reserved": {"usd_per_gpu_hour": "2.95"},
    "int.research": {"model": "package", "package_size": "100", "package_price": "260"},
    "*": {"model": "volume", "tiers": [{"up_to": "1000", "unit_price": "2.6"}, {"unit_price": "2.0"}]},
}


def scenario(prices: dict[str, dict[str, Any]] = PRICES) -> Scenario:
    rows = [{"product": product, **ALWAYS, **row} for product, row in prices.items()]
    return from_mapping({**load("small")._mapping, "price": rows, "tax": [{"name": "VAT", "tax_bp": 1_900}]})


@cache
def finished() -> Finished:
    result = run(build(scenario(), days=2), seed=1, tape=False)
    return Finished(result, settle(result))


def test_everything_adds_up_and_comes_back_from_the_folder(tmp_path: Path) -> None:
    result, books = finished()
    assert books.findings == []
    assert NO_UNIT_PRICE in books.lines.unit_price_micro_usd and books.lines.amount_micro_usd.min() >= 0
    folder = run_folder.write(tmp_path / "run", result, books, "small", scenario().text, summarise(result, books))
    again = read_books(run_folder.read(folder))
    assert same(again.lines, books.lines)
    assert [bill.total_micro_usd for bill in again.month_bills()] == [
        bill.total_micro_usd for bill in books.month_bills()
    ]
    lines = [line for bill in again.month_bills() for line in bill_json(bill)["lines"]]
    assert any(line["product"] == "bare.ondemand" and line["usd_per_gpu_hour"] is None for line in lines)


def test_each_model_makes_charges_that_their_steps_explain() -> None:
    books = finished().books
    terms = terms_of(scenario())
    charges = charges_of(
        books.names, books.lines, terms.book, run_period(books.horizon_s), terms.plans(books.names.products)
    )
    models = {charge.product: charge.model for charge in charges}
    assert models["bare.ondemand"] == "graduated" and models["bare.spot"] == "dynamic"
    assert models["int.research"] == "package" and models["int.inference"] == "volume"
    for charge in charges:
        assert fraction(charge.exact) == total_of(charge.steps)
    hours = Fraction(exact_sum(books.lines.numerator), books.lines.denominator)
    assert sum(fraction(charge.exact) for charge in charges) == hours


def test_invoices_show_no_unit_price_where_hours_share_tiers_and_are_taxed() -> None:
    books = finished().books
    basis = Basis(books, terms_of(scenario()))
    invoices = [month_draft(basis, tenant, month) for month, tenant in months_with_lines(basis)]
    assert any(line.unit_price_micro is None for invoice in invoices for line in invoice.lines)
    assert all(
        line.tax_bp == 1_900
        for invoice in invoices
        if not invoice.showback
        for line in invoice.lines
        if line.kind == "usage"
    )


def test_a_price_that_ends_before_the_run_does_is_refused_before_it_starts() -> None:
    ending = {**PRICES, "*": {"usd_per_gpu_hour": 1, "until": "2026-01-02T00:00:00Z"}}
    with pytest.raises(PriceError, match=r"scenario: no price for product int\..*price\[5\] ended at 2026-01-02"):
        build(scenario(ending), days=2)


def test_a_price_that_falls_is_a_finding() -> None:
    falling = {**PRICES, "*": {"model": "volume", "tiers": [{"up_to": "10", "unit_price": "2"}, {"unit_price": "1"}]}}
    found = [finding.what for finding in build(scenario(falling), days=1).jobs.findings]
    assert "price[5]: above 10 units the month costs less than at that bound" in found


def test_terms_come_from_a_terms_file_or_from_a_scenario(tmp_path: Path) -> None:
    assert load_any_terms("small").epoch_s == load("small").epoch_s
    path = tmp_path / "terms.toml"
    path.write_text('[[tax]]\nname = "VAT"\ntax_bp = 700\n')
    assert load_any_terms(path).taxes[0].tax_bp == 700
