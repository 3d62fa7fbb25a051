"""Exact amounts. The only module of the project's billing that rounds or prints money.

An exact amount is a pair of ints (numerator, denominator) in micro-USD: 1 GPU-second at 2.95 USD per GPU-hour is
(2_950_000, 3600). It is rounded once, where it reaches a document; parts of a rounded total are shared out by largest
remainder, so that they always add up to it. No binary fractions anywhere: int64 arrays with a guard, or Python ints.
"""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import gcd
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from billing.errors import MoneyError
from billing.sorting import stable_order
from billing.usage import IntArray

CURRENCY = "USD"
ROUNDING = "HALF_UP"  # ties away from zero
MICRO_PER_USD = 1_000_000
MICRO_PER_CENT = 10_000
SECONDS_PER_HOUR = 3600  # prices are per GPU-hour, quantities GPU-seconds
BP = 10_000  # basis points in the whole
INT64_MAX = 2**63 - 1

_LIMB_BITS = 32
_LIMB_MASK = (1 << _LIMB_BITS) - 1
_USD = re.compile(r"(-?)([0-9]{1,40})(?:\.([0-9]{1,40}))?")
_USD_ALLOWED = "decimal text such as '2.95' with at most 6 decimals, or a whole amount"
_UNITS_ALLOWED = "decimal text such as '0.5' with at most 6 decimals, or a whole number"
_PERCENT_ALLOWED = "decimal text such as '2.99' with at most 4 decimals, or a whole number"


class Exact(NamedTuple):
    """An amount in micro-USD before rounding: numerator / denominator, denominator > 0."""

    numerator: int
    denominator: int = 1


def reduced(exact: Exact) -> Exact:
    """Return the same amount in lowest terms: what it was once added up with must not show on a document."""
    common = gcd(exact.numerator, exact.denominator)
    return Exact(exact.numerator // common, exact.denominator // common)


def round_half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator as the nearest int, ties away from zero. `denominator` > 0."""
    rounded = (2 * abs(numerator) + denominator) // (2 * denominator)
    return rounded if numerator >= 0 else -rounded


def round_half_even(numerator: int, denominator: int) -> int:
    """Return numerator / denominator as the nearest int, ties to the even neighbour. `denominator` > 0."""
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole % 2))


ROUNDINGS: dict[str, Callable[[int, int], int]] = {"HALF_UP": round_half_up, "HALF_EVEN": round_half_even}


def largest_remainder(numerators: Sequence[int], denominator: int, rounding: str = ROUNDING) -> list[int]:
    """Share out the rounded sum of `numerators` / `denominator` so that the parts are whole and add up to it.

    Each part is the floor of its exact value, or one more: the units that are missing go to the largest remainders,
    ties to the earlier row. So |part - exact| < 1 for every part.
    """
    parts = [numerator // denominator for numerator in numerators]
    missing = ROUNDINGS[rounding](sum(numerators), denominator) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda row: (-(numerators[row] % denominator), row))
    for row in by_remainder[:missing]:
        parts[row] += 1
    return parts


def largest_remainder_by_group(numerators: NDArray[Any], denominator: int, group: IntArray) -> IntArray:
    """As `largest_remainder`, inside each group of rows at once.

    Args:
        numerators:  (n,) non-negative, int64 or Python ints.
        group:       (n,) int64, any labels.

    Returns:
        (n,) int64 parts; in each group they add up to its exact sum rounded once.

    Raises:
        MoneyError: a part has no room in an int64 (9.2e12 USD).
    """
    if len(numerators) == 0:
        return np.zeros(0, dtype=np.int64)
    if int(numerators.max()) // denominator >= INT64_MAX:
        raise MoneyError("amount too large", allowed=f"below {format_usd(INT64_MAX)} USD a line")
    if 2 * denominator * (len(group) + 1) > INT64_MAX:  # sums of remainders would not fit an int64
        return _largest_remainder_in_python(numerators, denominator, group)
    parts = (numerators // denominator).astype(np.int64)
    remainder = (numerators % denominator).astype(np.int64)
    order = _by_group_and_remainder(group, denominator - 1 - remainder, denominator)
    first = np.flatnonzero(np.diff(group[order], prepend=group[order[0]] - 1))
    missing = (2 * np.add.reduceat(remainder[order], first) + denominator) // (2 * denominator)
    size = np.diff(first, append=len(order))
    rank = np.arange(len(order)) - np.repeat(first, size)
    parts[order] += rank < np.repeat(missing, size)
    return parts


def _by_group_and_remainder(group: IntArray, short: IntArray, denominator: int) -> IntArray:
    """Return the rows by group, then by what they are short of the next unit; ties in their own order."""
    low, high = int(group.min()), int(group.max())
    if (high - low + 1) * denominator > INT64_MAX:
        return np.lexsort((short, group))
    return stable_order((group - low) * denominator + short)[0]


def _largest_remainder_in_python(numerators: NDArray[Any], denominator: int, group: IntArray) -> IntArray:
    rows_of: dict[int, list[int]] = {}
    for row, label in enumerate(group.tolist()):
        rows_of.setdefault(label, []).append(row)
    values, parts = numerators.tolist(), np.zeros(len(group), dtype=np.int64)
    for rows in rows_of.values():
        parts[rows] = largest_remainder([values[row] for row in rows], denominator)
    return parts


def product(quantity: IntArray, price: IntArray) -> NDArray[Any]:
    """Return quantity x price, exact: int64 where every product fits, else Python ints (dtype object).

    numpy wraps silently (3.6e9 x 3e9 comes out negative), so the guard is computed in Python ints first.
    """
    if len(quantity) == 0:
        return np.zeros(0, dtype=np.int64)
    if _magnitude(quantity) * _magnitude(price) <= INT64_MAX:
        return quantity * price
    return np.asarray(quantity.astype(object) * price.astype(object))


def exact_sum(values: NDArray[Any]) -> int:
    """Return the sum of int64 values (or Python ints) as a Python int that cannot overflow.

    int64 is added in two 32-bit limbs: sums of the upper and the lower halves have room for 2**31 rows.
    """
    if values.dtype == object:
        return int(sum(values.tolist()))
    return (int((values >> _LIMB_BITS).sum()) << _LIMB_BITS) + int((values & _LIMB_MASK).sum())


def exact_sums(values: NDArray[Any], first: IntArray) -> list[int]:
    """Return the exact sum of each run of rows; run i starts at row first[i] (as for `np.add.reduceat`)."""
    if len(first) == 0:
        return []
    if values.dtype == object:
        return [int(total) for total in np.add.reduceat(values, first)]
    upper = np.add.reduceat(values >> _LIMB_BITS, first)
    lower = np.add.reduceat(values & _LIMB_MASK, first)
    return [(high << _LIMB_BITS) + low for high, low in zip(upper.tolist(), lower.tolist(), strict=True)]


def parse_usd(value: object) -> int:
    """Return an amount in USD (or any other currency), given as a decimal string or an int, in micro-units.

    Raises:
        MoneyError: negative, more than 6 decimals, more than an int64 holds, or not a plain decimal. A number with a
            binary fraction is refused too, since 2.95 has none that is exact.
    """
    return _parse_decimal(value, 6, "amount", "a micro-USD", _USD_ALLOWED)


def parse_signed(text: str) -> int:
    """Return decimal text in micro-units, as `parse_usd`; documents have amounts below 0, too."""
    return -parse_usd(text[1:]) if text.startswith("-") else parse_usd(text)


def parse_units(value: object) -> Fraction:
    """Return a number of priced units (GPU-hours, packages, a factor). Raises MoneyError, as `parse_usd`."""
    return Fraction(_parse_decimal(value, 6, "number", "a millionth", _UNITS_ALLOWED), MICRO_PER_USD)


def parse_percent(value: object) -> int:
    """Return per cent as the price of one unit in micro-units: 1.3 % of 1 is 13,000. Raises as `parse_usd`."""
    return _parse_decimal(value, 4, "percentage", "a millionth of the amount", _PERCENT_ALLOWED)


def _parse_decimal(value: object, decimals_max: int, noun: str, finest: str, allowed: str) -> int:
    """Return a decimal as a whole number of units of its last place: 2.95 with 6 decimals is 2,950,000."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MoneyError(f"{str(value)[:40]} is not exact", found=value, allowed=allowed)
    if isinstance(value, int):
        whole, decimals, negative = abs(value), "", value < 0
    else:
        match = _USD.fullmatch(value)
        if match is None:
            raise MoneyError(f"not an exact {noun}", found=value, allowed=allowed)
        whole, decimals, negative = int(match[2]), match[3] or "", bool(match[1])
    if negative:
        raise MoneyError(f"negative {noun}", found=value, allowed=allowed)
    if len(decimals) > decimals_max:
        raise MoneyError(f"finer than {finest}", found=value, allowed=allowed)
    unit = 10**decimals_max
    if whole >= INT64_MAX // unit:
        raise MoneyError(f"{noun} too large", allowed=f"below {INT64_MAX // unit}")
    return int(whole * unit + int(decimals.ljust(decimals_max, "0")))


def format_usd(micro_usd: int, decimals: int = 6) -> str:
    """Return "-23.60" for (-23_600_000, 2). The amount must be a multiple of the last decimal: this never rounds."""
    unit = 10 ** (6 - decimals)
    assert micro_usd % unit == 0, f"{micro_usd} micro-USD has more than {decimals} decimals"
    whole, part = divmod(abs(micro_usd) // unit, 10**decimals)
    return f"{'-' if micro_usd < 0 else ''}{whole}" + (f".{part:0{decimals}d}" if decimals else "")


def format_scaled(units: int, decimals: int) -> str:
    """Return `units` of 10**-decimals as decimal text: "-0.0450" for (-450, 4). 1 decimal or more."""
    whole, part = divmod(abs(units), 10**decimals)
    return f"{'-' if units < 0 else ''}{whole}.{part:0{decimals}d}"


def format_price(micro_usd: int) -> str:
    """Return a unit price with at least 2 decimals and no idle zeros: 2.95, 0.000001, 12.00."""
    whole, part = format_usd(micro_usd).split(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"


def money_json(micro: int, code: str = CURRENCY, decimals: int = 2) -> dict[str, str]:
    """Return whole minor units as all our JSON writes them: {"currency": "USD", "amount": "23.60", "minor": "2360"}."""
    return {"currency": code, "amount": format_usd(micro, decimals), "minor": str(micro // 10 ** (6 - decimals))}


def format_exact(amount: Exact) -> str:
    """Return "84960000000/3600": the exact micro-USD, for those who want to check."""
    return f"{amount.numerator}/{amount.denominator}"


def floor_share(amount: int, part: int, whole: int) -> int:
    """Return amount x part / whole, cut to a whole unit: shares of one amount never come to more than the amount."""
    return amount * part // whole


def floor_decimal(numerator: int, denominator: int, decimals: int) -> str:
    """Return numerator / denominator (neither negative) cut to `decimals`, never rounded up: 99.8611 for 99.86111."""
    whole, part = divmod(numerator * 10**decimals // denominator, 10**decimals)
    return f"{whole}.{part:0{decimals}d}"


def _magnitude(values: IntArray) -> int:
    return max(int(values.max()), -int(values.min()))
