"""Currencies: how many decimals their smallest coin has, and how their documents round.

Inside, every amount is in micro-units of its currency (1 USD = 1 EUR = 1 JPY = 1,000,000), whatever its coins are. A
document is in whole minor units: cents of a dollar, yen, fils of a dinar. Rounding itself lives in `billing.money`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import lcm

from billing.errors import MoneyError
from billing.money import ROUNDING, ROUNDINGS, Exact, largest_remainder

MICRO_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Currency:
    """ISO 4217 code, decimals of the minor unit (0 to 6), and the name of a rounding in `billing.money.ROUNDINGS`."""

    code: str
    decimals: int = 2
    rounding: str = ROUNDING

    @property
    def minor_micro(self) -> int:
        """Micro-units in one minor unit: 10,000 for USD, 1,000,000 for JPY, 1,000 for BHD."""
        return int(10 ** (MICRO_DECIMALS - self.decimals))


# Decimals as in ISO 4217 (list one, 2024).
CURRENCIES = {
    currency.code: currency
    for currency in (
        *(Currency(code) for code in ("USD", "EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CAD", "AUD", "SGD")),
        *(Currency(code) for code in ("INR", "CNY", "ILS", "AED", "SAR", "BRL")),
        *(Currency(code, 0) for code in ("JPY", "KRW", "ISK", "CLP", "VND")),
        *(Currency(code, 3) for code in ("BHD", "KWD", "JOD", "OMR", "TND")),
    )
}
DEFAULT = CURRENCIES["USD"]


def currency_of(code: object, rounding: object = None) -> Currency:
    """Return a currency by its code, with another rounding than its own if one is named.

    Raises:
        MoneyError: a code or a rounding that is not known.
    """
    if not isinstance(code, str) or code not in CURRENCIES:
        raise MoneyError("unknown currency", path="currency", found=code, allowed=", ".join(CURRENCIES))
    if rounding is None:
        return CURRENCIES[code]
    if not isinstance(rounding, str) or rounding not in ROUNDINGS:
        raise MoneyError("unknown rounding", path="rounding", found=rounding, allowed=", ".join(ROUNDINGS))
    return replace(CURRENCIES[code], rounding=rounding)


def round_minor(amount: Exact, currency: Currency) -> int:
    """Return an exact amount in micro-units as whole minor units of the currency: 23,595,000 micro-USD are 2360."""
    return ROUNDINGS[currency.rounding](amount.numerator, amount.denominator * currency.minor_micro)


def share_minor(amounts: Sequence[Exact], currency: Currency) -> list[int]:
    """Return whole minor units per amount that add up to their exact sum, rounded once (largest remainder)."""
    whole = lcm(*(amount.denominator for amount in amounts)) if amounts else 1
    numerators = [amount.numerator * (whole // amount.denominator) for amount in amounts]
    return largest_remainder(numerators, whole * currency.minor_micro, currency.rounding)
