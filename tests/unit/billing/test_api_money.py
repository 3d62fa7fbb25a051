"""Money in answers and in requests: a decimal and its minor units, which always say the same sum."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import billing.api
from billing.api.problems import Problem
from billing.api.schemas.basic import MoneyIn, money, money_told
from billing.api.sums import micro_of
from billing.currency import CURRENCIES, Currency

SUMS = st.integers(-(10**11), 10**11)


@given(st.sampled_from(list(CURRENCIES.values())), SUMS)
def test_amount_and_minor_units_are_one_sum(currency: Currency, minor: int) -> None:
    micro = minor * currency.minor_micro
    told = money(currency.code, micro)
    assert int(told.minor) == minor and told == money_told(currency.code, told.amount)
    if minor > 0:
        for given_minor in (None, told.minor):
            asked = MoneyIn(currency=currency.code, amount=told.amount, minor=given_minor)
            assert micro_of(asked, "body.limit") == micro
        with pytest.raises(Problem):
            micro_of(MoneyIn(currency=currency.code, amount=told.amount, minor=str(minor + 1)), "body.limit")


def test_one_place_makes_money() -> None:
    """No route and no schema spells it out: what a reader may rely on is decided once."""
    made = [path.name for path in Path(*billing.api.__path__).rglob("*.py") if " Money(" in path.read_text()]
    assert made == ["basic.py"]
