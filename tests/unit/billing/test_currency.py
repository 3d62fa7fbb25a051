"""Currencies: minor units, roundings, shares that add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.currency import CURRENCIES, currency_of, round_minor, share_minor
from billing.errors import MoneyError
from billing.money import Exact


@pytest.mark.parametrize(
    ("code", "rounding", "minor"),
    [("USD", None, 147), ("USD", "HALF_EVEN", 146), ("JPY", None, 1), ("BHD", None, 1465), ("BHD", "HALF_EVEN", 1465)],
)
def test_half_an_hour_at_2_93_in_the_coins_of_a_currency(code: str, rounding: str | None, minor: int) -> None:
    assert round_minor(Exact(1800 * 2_930_000, 3600), currency_of(code, rounding)) == minor


@given(
    st.lists(st.builds(Exact, st.integers(-(10**12), 10**12), st.integers(1, 10**6)), max_size=6),
    st.sampled_from(sorted(CURRENCIES)),
)
def test_shares_are_whole_and_near_their_exact_amounts(amounts: list[Exact], code: str) -> None:
    unit = CURRENCIES[code].minor_micro
    for share, amount in zip(share_minor(amounts, CURRENCIES[code]), amounts, strict=True):
        assert abs(share * unit * amount.denominator - amount.numerator) < unit * amount.denominator


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("EURO",), "unknown currency .*found 'EURO'"), ((5,), "unknown currency"), (("EUR", "UP"), "unknown rounding")],
)
def test_unknown_words_are_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(MoneyError, match=message):
        currency_of(*arguments)
