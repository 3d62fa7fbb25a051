"""What a month costs after each of its hours, for price models in which the hours share tiers: whole columns at once.

The hours of a month are added up; the amount after each of them is that of the model for the sum so far. An hour's own
share is what it adds, so that shares telescope: they are never negative, and add up exactly to the month (I4). Models
that price by the total (volume, top tier) use the tier of the whole month for every hour: otherwise an hour that
reaches a cheaper tier would have to cost less than nothing.

The formulas are those of `billing.rating.models`, over a common denominator; a test compares both with a third one.
"""

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from billing.money import BP, INT64_MAX
from billing.rating.models import convert
from billing.rating.plan import Plan, Rung, ladder
from billing.usage import IntArray

Ladder = list[tuple[int, Fraction, Rung]]


def shares(plan: Plan, quantity: IntArray, per: int) -> tuple[NDArray[Any], int]:
    """Return (numerators, denominator) of what each hour of a month adds, in micro-units before rounding.

    Args:
        quantity:  (n,) what counts in each hour, in the order of time, in units of 1 / `per` of a priced unit.

    The numerators are int64 where everything on the way fits, else Python ints (dtype object). Cost: O(n x tiers).
    """
    total = Fraction(sum(quantity.tolist()), per)
    rungs = ladder(plan, max(Fraction(0), convert(plan, total) - plan.free_units))
    unit = _unit(plan, rungs, per)
    scale = _scale(plan, rungs, unit)
    so_far = quantity if _fits(plan, rungs, total, per, unit, scale) else quantity.astype(object)
    units = _billable(plan, np.cumsum(so_far), per, unit)
    amount = np.zeros_like(units)
    for number, (_, lower, rung) in enumerate(rungs):
        inside = np.maximum(units - int(lower * unit), 0)
        if rung.up_to is not None:
            inside = np.minimum(inside, int((rung.up_to - lower) * unit))
        if rung.block:
            amount += -(-inside // int(rung.block * unit)) * (rung.price_micro * scale)
        else:
            amount += inside * (rung.price_micro * (scale // unit))
        if rung.flat_micro:
            reached = np.ones_like(units) if number == 0 else (units > int(lower * unit)).astype(units.dtype)
            amount += reached * int(rung.flat_micro * scale)
    return _bounded(plan, amount, scale)


def _bounded(plan: Plan, amount: NDArray[Any], scale: int) -> tuple[NDArray[Any], int]:
    """Return what each hour adds after discount, maximum and minimum; what the minimum lacks falls on the last hour."""
    if plan.discount_bp:
        amount, scale = amount * (BP - plan.discount_bp), scale * BP
    if plan.maximum_micro is not None:
        amount = np.minimum(amount, int(plan.maximum_micro * scale))
    if plan.minimum_micro is not None and len(amount):
        amount[-1] = max(int(amount[-1]), int(plan.minimum_micro * scale))
    return np.diff(amount, prepend=np.zeros(1, dtype=amount.dtype)), scale


def _billable(plan: Plan, so_far: NDArray[Any], per: int, unit: int) -> NDArray[Any]:
    """Return converted units less the free ones, in 1 / `unit`."""
    factor = plan.factor
    up, down = factor.numerator, per * factor.denominator
    if plan.rounding == "none":
        units = so_far * (up * (unit // down))
    elif plan.rounding == "ceiling":
        units = -(-(so_far * up) // down) * unit
    elif plan.rounding == "floor":
        units = so_far * up // down * unit
    else:
        units = (2 * up * so_far + down) // (2 * down) * unit
    return np.asarray(np.maximum(units - int(plan.free_units * unit), 0))


def _unit(plan: Plan, rungs: Ladder, per: int) -> int:
    """Return the parts that one priced unit is counted in, such that every bound and quantity is a whole number."""
    parts = [plan.free_units.denominator, 1 if plan.rounding != "none" else per * plan.factor.denominator]
    for _, lower, rung in rungs:
        parts += [lower.denominator, (rung.up_to or lower).denominator, rung.block.denominator]
    return lcm(*parts)


def _scale(plan: Plan, rungs: Ladder, unit: int) -> int:
    """Return the denominator of amounts: of prices times units, flat fees, minimum and maximum."""
    fees = [plan.minimum_micro or Fraction(0), plan.maximum_micro or Fraction(0)]
    fees += [rung.flat_micro for _, _, rung in rungs]
    return lcm(unit, *(fee.denominator for fee in fees))


def _fits(plan: Plan, rungs: Ladder, total: Fraction, per: int, unit: int, scale: int) -> bool:
    """Return whether an int64 holds every number on the way, computed in Python ints: numpy would wrap silently."""
    units = (convert(plan, total) + 1) * unit
    raw = total * per * max(1, plan.factor.numerator) * 2 + 2 * per * plan.factor.denominator
    bounds = [bound * unit for _, lower, rung in rungs for bound in (lower, rung.up_to or lower, rung.block)]
    most = Fraction(0)
    for _, _, rung in rungs:
        blocks = units * rung.block.denominator // (rung.block.numerator * unit) + 2 if rung.block else Fraction(0)
        most += rung.flat_micro * scale + rung.price_micro * (blocks * scale + units * (scale // unit))
    fees = ((plan.minimum_micro or Fraction(0)) + (plan.maximum_micro or Fraction(0))) * scale
    numbers = [raw, units, plan.factor * unit, plan.free_units * unit, *bounds, most * BP, fees * BP]
    return all(number <= INT64_MAX for number in numbers)
