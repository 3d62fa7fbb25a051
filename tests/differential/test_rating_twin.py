"""Rating of whole tables against a slow twin in Decimal, for random rows of every price model, and broken twins."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing.metering.meters import METER_CODES
from billing.months import month_period, run_period
from billing.rating.charges import charges_of
from billing.rating.models import fraction, total_of
from billing.rating.rate import LineItemTable, exact_amounts, rate
from billing.usage import Names
from billing_facts import JANUARY
from price_rows import HOURS, book_of, per_of, price_rows, usage_of
from reference import rating_twin as twin

ONE = Names(("acme",), ("bare.spot",), ("eu",), ("h100",), JANUARY)
Hours = list[tuple[int, int]]
HEAD = {"product": "*", "sku": "*", "from": "2025-01-01T00:00:00Z"}


def rated(price: dict[str, Any], hours: Hours) -> LineItemTable:
    return rate(ONE, usage_of(hours), book_of(price))


def exactly(price: dict[str, Any], hours: Hours, meter: int, scale: int) -> list[Fraction]:
    """The exact amount of each hour in units of the currency times `per`, as the twin says it."""
    book = book_of({**price, "meter": METER_CODES[meter]})
    found = exact_amounts(ONE, usage_of(hours, meter, scale), book)
    unit = Fraction(per_of(meter), found.denominator * 10**6)
    return [numerator * unit for numerator in found.numerator.tolist()]


def agrees(price: dict[str, Any], hours: Hours, rules: twin.Rules = twin.RULES, meter: int = 0, scale: int = 1) -> bool:
    scaled = [(quantity * scale, factor_bp) for quantity, factor_bp in hours]
    expected = twin.month(price, scaled, per_of(meter), rules)
    return exactly(price, hours, meter, scale) == [Fraction(amount) for amount in expected]


@settings(max_examples=150)
@given(price_rows(), HOURS, st.sampled_from((1, 1, 10**6)))
def test_hours_cost_what_the_twin_says(price: dict[str, Any], hours: Hours, scale: int) -> None:
    """A scale of 10^6 takes the numbers past int64, where Python's own take over."""
    assert agrees(price, hours, scale=scale)


@settings(max_examples=40)
@given(price_rows(), HOURS, st.integers(1, len(METER_CODES) - 1))
def test_other_meters_have_other_denominators(price: dict[str, Any], hours: Hours, meter: int) -> None:
    assert agrees(price, hours, meter=meter, scale=10**5)


@settings(max_examples=60)
@given(price_rows(), HOURS, st.integers(0, 8))
@example({**HEAD, "model": "standard", "unit_price": "1", "free_units": "5"}, [(3600, 10_000), (3600, 10_000)], 1)
def test_steps_add_up_to_the_charge_and_to_its_hours(price: dict[str, Any], hours: Hours, cut: int) -> None:
    lines = rated(price, hours)
    whole = charges_of(ONE, lines, book_of(price), run_period(9 * 3600))
    parts = [
        charge
        for from_h, until_h in ((0, cut), (cut, 9))
        for charge in charges_of(
            ONE,
            lines,
            book_of(price),
            month_period(JANUARY, 672)._replace(from_s=from_h * 3600, until_s=until_h * 3600),
        )
    ]
    for charges in (whole, parts):
        for charge in charges:
            rows = sum(lines.numerator[charge.rows].tolist())
            assert fraction(charge.exact) == total_of(charge.steps) == Fraction(rows, lines.denominator)
        assert sum(charge.quantity for charge in charges) == sum(quantity for quantity, _ in hours)
        assert sum(fraction(charge.exact) for charge in charges) == sum(
            Fraction(numerator, lines.denominator) for numerator in lines.numerator.tolist()
        )


@given(price_rows(), HOURS)
@settings(max_examples=40)
def test_rounded_amounts_add_up_to_the_rounded_month(price: dict[str, Any], hours: Hours) -> None:
    lines = rated(price, hours)
    exact = Fraction(sum(lines.numerator.tolist()), lines.denominator)
    assert abs(sum(lines.amount_micro_usd.tolist()) - exact) <= Fraction(1, 2)


def not_begun(units: Decimal, size: Decimal) -> Decimal:
    return units // size


def exclusive(units: Decimal, bound: Decimal) -> bool:
    return units < bound


def capped_then_discounted(amount: Decimal, share: Decimal, cap: Decimal | None) -> Decimal:
    amount = amount if cap is None else min(amount, cap)
    return amount - amount * share


def never_free(units: Decimal, free: Decimal) -> Decimal:
    return units


TIERS = [{"up_to": "1", "unit_price": "2", "flat": "3"}, {"unit_price": "1", "flat": "5"}]
CANARIES: dict[str, tuple[dict[str, Any], Hours, twin.Rules]] = {
    "packages that were begun are free": (
        {"model": "package", "package_size": "1", "package_price": "7"},
        [(1800, 10_000)],
        twin.Rules(begun=not_begun),
    ),
    "bounds are exclusive": ({"model": "graduated", "tiers": TIERS}, [(3600, 10_000)], twin.Rules(within=exclusive)),
    "the cap goes first": (
        {"model": "standard", "unit_price": "1", "discount_bp": 5_000, "maximum": "1"},
        [(3600 * 3, 10_000)],
        twin.Rules(bound=capped_then_discounted),
    ),
    "free units are charged": (
        {"model": "standard", "unit_price": "1", "free_units": "1"},
        [(7200, 10_000)],
        twin.Rules(free=never_free),
    ),
}


@pytest.mark.parametrize(("price", "hours", "broken"), CANARIES.values(), ids=CANARIES)
def test_canary_a_broken_twin_is_caught(price: dict[str, Any], hours: Hours, broken: twin.Rules) -> None:
    assert agrees({**HEAD, **price}, hours)
    assert not agrees({**HEAD, **price}, hours, broken)
