"""Take-or-pay: what a floor on spending comes to, hour by hour, month by month, or over a term.

    covered    the part of what was charged that draws the floor down
    unused     what is left of the floor at the end of the period: due, used or not
    on demand  what was charged past the floor

covered + unused == floor and covered + on demand == charged, in every period; so what is owed, charged + unused, is the
larger of the two: never less than the floor, and never both. A floor in money compares micro-units, one in GPU-hours
GPU-seconds; both are exact, over one denominator. A floor is prorated to the seconds in force, which makes the floors
of two parts of a period add up to that of the whole. Only the floor of a term is not: it is due as a whole, at its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from billing.contracts.hours import add_level, hour_count
from billing.money import BP, SECONDS_PER_HOUR, Exact, parse_usd
from billing.months import month_bounds, month_of
from billing.usage import IntArray, Names
from tenants.capacity import terms
from tenants.contract import Contract, TakeOrPay


class Drawdown(NamedTuple):
    """One period of a floor: numerators over one denominator, micro-units or GPU-seconds."""

    covered: int
    unused: int
    on_demand: int


@dataclass(frozen=True, slots=True)
class Due:
    """What a floor came to over [from_s, until_s), a month or the part of it in force.

    `covered`, `unused` and `on_demand` are Exact, in micro-units, or in GPU-seconds if the floor is. `owed` is the
    money that is due for `unused`. `closed` is False while a term goes on: then nothing is due yet.
    """

    from_s: int
    until_s: int
    covered: Exact
    unused: Exact
    on_demand: Exact
    owed: Exact
    closed: bool = True


def draw_down(floor: int, charged: int) -> Drawdown:
    """Return how `charged` draws down `floor` in one period; both are numerators over one denominator, 0 or more.

    Source: FOCUS 1.2 commitment discount scenarios (cases focus-commit-usage_*).
    """
    covered = min(floor, charged)
    return Drawdown(covered, floor - covered, charged - covered)


def purchase(per_hour: int, hours: int, upfront_bp: int) -> tuple[int, int]:
    """Return (what is paid when the term begins, what is left to pay in each hour), both times 10,000.

    Source: FOCUS 1.2 commitment discount purchase scenarios (case focus-commit-purchase-1).
    """
    return per_hour * hours * upfront_bp, per_hour * (BP - upfront_bp)


def dues(
    names: Names, contract: Contract, floor: TakeOrPay, charged: Sequence[int], denominator: int, horizon_s: int
) -> list[Due]:
    """Return what a contract's floor comes to, in order of time: a row for each month, or for each term.

    Args:
        charged:  for each hour, what draws the floor down: numerators over `denominator`, micro-units or GPU-seconds.

    Cost: O(hours).
    """
    make = {"hour": _hourly, "month": _monthly, "term": _termly}[floor.per]
    return make(names, contract, floor, charged, denominator, horizon_s)


def months_in_force(names: Names, contract: Contract, horizon_s: int) -> list[tuple[int, int, int]]:
    """Return (month, from_s, until_s) of every calendar month of the contract before the horizon."""
    from_s, until_s = contract.from_s, min(contract.end_s, horizon_s)
    found = []
    while from_s < until_s:
        month = month_of(names.epoch_s, from_s)
        ends_s = min(until_s, month_bounds(names.epoch_s, month)[1])
        found.append((month, from_s, ends_s))
        from_s = ends_s
    return found


def _hourly(
    names: Names, contract: Contract, floor: TakeOrPay, charged: Sequence[int], denominator: int, horizon_s: int
) -> list[Due]:
    in_force_s: IntArray = _in_force(contract, horizon_s)
    per_hour, scale = _floor_of(floor), SECONDS_PER_HOUR * denominator
    found = []
    for _, from_s, until_s in months_in_force(names, contract, horizon_s):
        # An hour belongs to the month that it starts in, and months begin on full hours.
        hours = range(from_s // SECONDS_PER_HOUR, hour_count(until_s))
        parts = [
            draw_down(per_hour * int(in_force_s[hour]) * denominator, charged[hour] * SECONDS_PER_HOUR)
            for hour in hours
        ]
        whole = Drawdown(*(sum(each) for each in zip(*parts, strict=True)))
        found.append(_due(from_s, until_s, whole, scale, floor))
    return found


def _monthly(
    names: Names, contract: Contract, floor: TakeOrPay, charged: Sequence[int], denominator: int, horizon_s: int
) -> list[Due]:
    found = []
    for month, from_s, until_s in months_in_force(names, contract, horizon_s):
        begins_s, ends_s = month_bounds(names.epoch_s, month)
        whole_s = ends_s - begins_s
        drawn = sum(charged[from_s // SECONDS_PER_HOUR : hour_count(until_s)])
        part = draw_down(_floor_of(floor) * (until_s - from_s) * denominator, drawn * whole_s)
        found.append(_due(from_s, until_s, part, whole_s * denominator, floor))
    return found


def _termly(
    names: Names, contract: Contract, floor: TakeOrPay, charged: Sequence[int], denominator: int, horizon_s: int
) -> list[Due]:
    del names
    found = []
    for from_s, until_s in terms(contract, horizon_s):
        if from_s >= horizon_s:
            break
        seen_s = min(until_s, horizon_s)
        drawn = sum(charged[from_s // SECONDS_PER_HOUR : hour_count(seen_s)])
        part = draw_down(_floor_of(floor) * denominator, drawn)
        found.append(_due(from_s, seen_s, part, denominator, floor, closed=until_s <= horizon_s))
    return found


def _in_force(contract: Contract, horizon_s: int) -> IntArray:
    column = np.zeros(hour_count(horizon_s), dtype=np.int64)
    add_level(column, 1, contract.from_s, min(contract.end_s, horizon_s))
    return column


def _floor_of(floor: TakeOrPay) -> int:
    """The floor of one period in micro-units, or in GPU-seconds."""
    return parse_usd(floor.amount) if floor.gpu_hours is None else floor.gpu_hours * SECONDS_PER_HOUR


def _due(from_s: int, until_s: int, part: Drawdown, scale: int, floor: TakeOrPay, *, closed: bool = True) -> Due:
    covered, unused, on_demand = (Exact(numerator, scale) for numerator in part)
    owed = unused
    if floor.price_per_gpu_hour is not None:
        owed = Exact(part.unused * parse_usd(floor.price_per_gpu_hour), scale * SECONDS_PER_HOUR)
    return Due(from_s, until_s, covered, unused, on_demand, owed if closed else Exact(0), closed)
