"""Sums of money in requests."""

from billing.api.problems import invalid
from billing.api.schemas.basic import MoneyIn
from billing.currency import CURRENCIES
from billing.money import parse_usd


def micro_of(given: MoneyIn, at: str) -> int:
    """Return a sum in micro-units of its currency. `at`: where in the request it stands, for the problem.

    Raises:
        Problem: another currency than there are, nothing, parts of a minor unit, or minor units that are another sum.
    """
    currency = CURRENCIES.get(given.currency)
    if currency is None:
        raise invalid(f"{at}.currency", f"must be one of {', '.join(CURRENCIES)}")
    micro = parse_usd(given.amount)
    if micro <= 0 or micro % currency.minor_micro:
        raise invalid(f"{at}.amount", f"must be above 0, with at most {currency.decimals} decimals")
    if given.minor is not None and int(given.minor) != micro // currency.minor_micro:
        raise invalid(f"{at}.minor", f"must be the amount, with its last {currency.decimals} decimals, or left out")
    return micro
