"""Quotes: the price row, the steps, the tax and the total of a purchase, before it is made."""

from fractions import Fraction
from typing import Any

import pytest

from billing.documents.quote import quote_json, quote_table
from billing.errors import PriceError
from billing.quote import Quote, Want, measure_of, quote
from billing.rating.models import Measure
from billing.terms import terms_from
from billing_facts import JANUARY
from tenants.errors import TenantError

ALWAYS = {"sku": "*", "from": "2026-01-01T00:00:00Z"}
TERMS: dict[str, Any] = {
    "currency": "JPY",
    "price": [
        {**ALWAYS, "product": "bare.spot", "unit_price": "150", "discount_bp": 500},
        {
            **ALWAYS,
            "product": "bare.spot",
            "meter": "tool_calls",
            "model": "percentage",
            "rate_percent": "2.99",
            "min_per_event": "1.75",
            "max_per_event": "12",
        },
        {
            **ALWAYS,
            "product": "bare.ondemand",
            "model": "dynamic",
            "series": [
                {"from": "2026-01-01T00:00:00Z", "unit_price": "200"},
                {"from": "2026-01-01T06:00:00Z", "unit_price": "300"},
            ],
        },
        {
            **ALWAYS,
            "product": "bare.spot",
            "meter": "tokens_in",
            "model": "percentage",
            "rate_percent": 1,
            "fixed_per_event": 2,
        },
    ],
    "tax": [{"name": "consumption tax", "tax_bp": 1_000, "tenant": "acme"}],
}


def ask(measure: Measure, meter: str = "gpu_s", product: str = "bare.spot", hour: int = 0, tenant: str = "") -> Quote:
    want = Want(product, "h100", "eu", JANUARY + hour * 3600, measure, meter, tenant)
    return quote(terms_from(TERMS), want)


def test_a_quote_is_in_the_coins_of_the_terms_with_the_tax_of_the_buyer() -> None:
    told = ask(Measure(Fraction(31, 2)), tenant="acme")
    assert quote_table(told)[1:] == [
        ["unit price", "15.500000", "150.00", "2325.000000"],
        ["discount", "", "", "-116.250000"],
        ["net, rounded once", "", "", "2209"],
        ["tax, 10.00 %", "", "", "221"],
        ["total", "", "", "2430"],
    ]
    assert quote_json(told)["total"] == {"currency": "JPY", "amount": "2430", "minor": "2430"}
    assert quote_json(told)["price"]["id"] == "price[0]"
    assert ask(Measure(Fraction(31, 2)), tenant="birch").tax_micro == 0


def test_a_series_is_quoted_at_its_time() -> None:
    assert [ask(Measure(Fraction(1)), product="bare.ondemand", hour=hour).net_micro for hour in (5, 6)] == [
        200_000_000,
        300_000_000,
    ]


def test_events_are_priced_one_by_one() -> None:
    """Case lago-percentage-minmax-1: 10, 80 and 10,000 at 2.99 %, each at least 1.75 and at most 12."""
    told = ask(measure_of(None, [Fraction(10), Fraction(80), Fraction(10_000)], None), "tool_calls")
    assert told.exact == (16_142_000, 1)
    assert [step.what for step in told.steps] == ["event 1", "event 2", "event 3"]
    assert ask(measure_of(Fraction(100), (), 3), "tokens_in").net_micro == 7_000_000


@pytest.mark.parametrize(
    ("measure", "meter", "message"),
    [
        (measure_of(Fraction(90), (), 2), "tool_calls", "the units of each event are needed"),
        (measure_of(Fraction(90), [Fraction(10)], None), "tool_calls", "the units of each event are needed"),
        (measure_of(Fraction(90), (), None), "tool_calls", "say how many"),
        (measure_of(Fraction(90), (), None), "tokens_in", "say how many"),
        (measure_of(Fraction(90), (), None), "egress_bytes", "no price for product bare.spot.*meter egress_bytes"),
    ],
)
def test_what_cannot_be_priced_is_refused(measure: Measure, meter: str, message: str) -> None:
    with pytest.raises(PriceError, match=message):
        ask(measure, meter)


def test_an_unknown_product_is_refused() -> None:
    with pytest.raises(TenantError, match=r"bare\.spott"):
        ask(Measure(Fraction(1)), product="bare.spott")
