"""What holds for every price row and every history of usage: I4 (parts telescope) and I5 (more never costs less)."""

from fractions import Fraction
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from billing.rating.curves import shares
from billing.rating.models import Measure, rate_measure, total_of
from billing.rating.plan import falls
from billing.rating.rate import rate
from billing.usage import Names
from billing_facts import JANUARY
from price_rows import BY_TOTAL, HOURS, MODEL_KEYS, book_of, price_rows, usage_of

ONE = Names(("acme",), ("bare.spot",), ("eu",), ("h100",), JANUARY)
NOT_BY_TOTAL = tuple(model for model in MODEL_KEYS if model not in BY_TOTAL)
UNITS = st.fractions(0, 20_000, max_denominator=3600)
Hours = list[tuple[int, int]]

# The published case in which 100 units cost 210 and 101 units cost 101.
DROPS = {
    "product": "*",
    "sku": "*",
    "from": "2025-01-01T00:00:00Z",
    "model": "volume",
    "tiers": [{"up_to": "100", "unit_price": "2", "flat": "10"}, {"unit_price": "1"}],
}


def amounts(price: dict[str, Any], hours: Hours) -> list[Fraction]:
    lines = rate(ONE, usage_of(hours), book_of(price))
    return [Fraction(numerator, lines.denominator) for numerator in lines.numerator.tolist()]


def amount(price: dict[str, Any], units: Fraction) -> Fraction:
    return total_of(rate_measure(book_of(price).rows[0].plan, Measure(units)))


@given(price_rows(*NOT_BY_TOTAL), HOURS, st.integers(0, 8))
def test_what_was_billed_at_mid_month_stays_as_it_was(price: dict[str, Any], hours: Hours, cut: int) -> None:
    """I4: bill(0..c) = bill(0..b) + bill(b..c), and the hours up to b do not know of those after it."""
    assume("minimum" not in price)  # it falls on the last hour that there is
    assert amounts(price, hours[:cut]) == amounts(price, hours)[:cut]


@given(price_rows(), HOURS)
def test_hours_add_up_to_the_month(price: dict[str, Any], hours: Hours) -> None:
    """The month costs what all of its units cost at once, whatever the hours in which they came."""
    units = sum(Fraction(quantity * factor_bp, 3600 * 10_000) for quantity, factor_bp in hours)
    assert sum(amounts(price, hours)) == amount(price, Fraction(units))


@given(price_rows(), UNITS, UNITS)
@example(DROPS, Fraction(100), Fraction(1))
def test_more_usage_never_costs_less_or_the_row_says_so(price: dict[str, Any], units: Fraction, more: Fraction) -> None:
    """I5. A row whose amount falls past a bound is flagged with that bound."""
    if falls(book_of(price).rows[0].plan):
        assert price["model"] in BY_TOTAL
    else:
        assert amount(price, units + more) >= amount(price, units)


@given(price_rows(*BY_TOTAL))
@example(DROPS)
def test_a_flagged_bound_is_a_real_fall(price: dict[str, Any]) -> None:
    plain = {key: value for key, value in price.items() if key not in ("convert", "free_units", "discount_bp")}
    plain = {key: value for key, value in plain.items() if key not in ("minimum", "maximum")}
    for bound, at, above in falls(book_of(plain).rows[0].plan):
        assert amount(plain, bound) == at > above
        assert amount(plain, bound + Fraction(1, 10**9)) < at


@given(price_rows(), HOURS)
def test_no_hour_costs_less_than_nothing(price: dict[str, Any], hours: Hours) -> None:
    plan = book_of(price).rows[0].plan
    used = usage_of(hours)
    numerators, denominator = shares(plan, used.quantity * used.factor_bp, 3600 * 10_000)
    assert denominator > 0 and min(numerators.tolist()) >= 0


@given(price_rows(), HOURS, st.integers(0, 11))
def test_int64_is_used_only_where_every_number_fits(price: dict[str, Any], hours: Hours, zeros: int) -> None:
    """numpy wraps silently: the same hours in Python ints must come to the same."""
    plan, quantity = book_of(price).rows[0].plan, usage_of(hours, scale=10**zeros).quantity
    assert int(quantity.astype(object).sum()) < 2**63
    for per in (3600, 36_000_000, 2_654_208_000):
        fast, slow = shares(plan, quantity, per), shares(plan, quantity.astype(object), per)
        assert fast[0].tolist() == slow[0].tolist() and fast[1] == slow[1]


def test_nothing_times_a_huge_factor_is_nothing() -> None:
    row = {**DROPS, "convert": {"op": "multiply", "factor": "9000000000000"}, "free_units": "0.000001"}
    numerators, _ = shares(book_of(row).rows[0].plan, usage_of([(0, 10_000)]).quantity, 2_654_208_000)
    assert numerators.tolist()[0] > 0  # the flat fee


def test_the_published_fall_is_flagged() -> None:
    assert falls(book_of(DROPS).rows[0].plan) == [(100, 210_000_000, 100_000_000)]
