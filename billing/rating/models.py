"""The price models, one short function each: units in, steps out. Exact fractions, one quantity at a time.

This is how a charge is explained, and what the fast path over whole tables (`billing.rating.curves`) must agree with.
Formulas: BILLING.md 9.7; figures that hold each of them: the published billing cases.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from billing.errors import PriceError
from billing.money import BP, Exact, round_half_up
from billing.rating.charge import Step, Units
from billing.rating.plan import Plan, ladder

ZERO = Fraction(0)


class Measure(NamedTuple):
    """What was used, in priced units before any conversion.

    `events` is how many single events it came in, `values` the units of each of them. `tier_units` is the quantity that
    picks the tier where that is another one than `units`: that of the whole month, for a part of it.
    """

    units: Fraction
    events: int = 0
    values: tuple[Fraction, ...] = ()
    tier_units: Fraction | None = None


def rate_measure(plan: Plan, measure: Measure) -> tuple[Step, ...]:
    """Return how the amount of a measure comes about; the amounts of the steps add up to it. Cost: O(tiers + events).

    In this order: conversion and rounding, free units, the model, percentage discount, maximum, minimum.

    Raises:
        PriceError: events have a least or a most each, and their units are not given, or are not those of the measure.
    """
    units = convert(plan, measure.units)
    tier_units = units if measure.tier_units is None else convert(plan, measure.tier_units)
    free = min(units, plan.free_units)
    steps = [_step("free units", free, 0, ZERO)] if free else []
    left = measure._replace(units=units - free, tier_units=max(ZERO, tier_units - plan.free_units))
    steps += MODELS[plan.model](plan, left)
    amount = sum((fraction(step.amount) for step in steps), ZERO)
    if plan.discount_bp:
        steps.append(_step("discount", ZERO, None, -amount * Fraction(plan.discount_bp, BP)))
        amount += fraction(steps[-1].amount)
    if plan.maximum_micro is not None and amount > plan.maximum_micro:
        steps.append(_step("maximum", ZERO, None, plan.maximum_micro - amount))
        amount = plan.maximum_micro
    if plan.minimum_micro is not None and amount < plan.minimum_micro:
        steps.append(_step("minimum", ZERO, None, plan.minimum_micro - amount))
    return tuple(steps)


def convert(plan: Plan, units: Fraction) -> Fraction:
    """Return units converted and rounded as the row says."""
    return ROUND_UNITS[plan.rounding](units * plan.factor)


def unit_price(plan: Plan, measure: Measure) -> list[Step]:
    """Units times the price."""
    price = plan.rungs[0].price_micro
    return [_step("unit price", measure.units, price, measure.units * price)]


def tiers(plan: Plan, measure: Measure) -> list[Step]:
    """Each tier prices the units inside it; a model by total has one tier over all of them. Blocks count when begun."""
    total = measure.units if measure.tier_units is None else measure.tier_units
    steps: list[Step] = []
    for row, lower, rung in ladder(plan, total):
        if steps and measure.units <= lower:
            break
        upper = measure.units if rung.up_to is None else min(measure.units, rung.up_to)
        inside = max(ZERO, upper - lower)
        counted = Fraction(-(-inside // rung.block)) if rung.block else inside
        steps.append(_step(f"tier {row + 1}", counted, rung.price_micro, counted * rung.price_micro))
        if rung.flat_micro:
            steps.append(_step(f"tier {row + 1} flat fee", ZERO, None, rung.flat_micro))
    return steps


def package(plan: Plan, measure: Measure) -> list[Step]:
    """Every package that was begun, at the price of a whole one."""
    rung = plan.rungs[0]
    begun = Fraction(-(-measure.units // rung.block))
    return [_step("package", begun, rung.price_micro, begun * rung.price_micro)]


def percentage(plan: Plan, measure: Measure) -> list[Step]:
    """A share of the units, which are money that moved, and a fee per event; an event may have bounds of its own."""
    rate_micro = plan.rungs[0].price_micro
    if not plan.bounded_events:
        charged = max(0, measure.events - plan.free_events)
        steps = [_step("share", measure.units, rate_micro, measure.units * rate_micro)]
        if plan.fixed_per_event_micro:
            fee = Fraction(charged * plan.fixed_per_event_micro)
            steps.append(_step("fee per event", Fraction(charged), plan.fixed_per_event_micro, fee))
        return steps
    if len(measure.values) != measure.events or sum(measure.values, ZERO) != measure.units:
        message = "the price has a least or a most per event: the units of each event are needed"
        raise PriceError(message, code="needs_events", path="events", found=measure.events)
    steps = []
    for number, value in enumerate(measure.values[plan.free_events :], start=plan.free_events + 1):
        amount = value * rate_micro + plan.fixed_per_event_micro
        amount = max(amount, plan.min_per_event_micro or ZERO)
        if plan.max_per_event_micro is not None:
            amount = min(amount, plan.max_per_event_micro)
        steps.append(_step(f"event {number}", value, None, amount))
    return steps


MODELS: dict[str, Callable[[Plan, Measure], list[Step]]] = {
    "standard": unit_price,
    "dynamic": unit_price,
    "graduated": tiers,
    "graduated_percentage": tiers,
    "volume": tiers,
    "package": package,
    "percentage": percentage,
    "block_all_tiers": tiers,
    "block_top_tier": tiers,
}

ROUND_UNITS: dict[str, Callable[[Fraction], Fraction]] = {
    "none": lambda units: units,
    "ceiling": lambda units: Fraction(-(-units // 1)),
    "floor": lambda units: Fraction(units // 1),
    "half_up": lambda units: Fraction(round_half_up(units.numerator, units.denominator)),
}


def total_of(steps: tuple[Step, ...]) -> Fraction:
    """Return the amount that steps add up to."""
    return sum((fraction(step.amount) for step in steps), ZERO)


def less(after: tuple[Step, ...], before: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps from one calculation to a later one of the same row: what a part of a month, or a correction,
    adds to what was charged before. Steps that did not change are left out.
    """
    old = {(step.what, step.price_micro): step for step in before}
    changed = []
    for key in dict.fromkeys([(step.what, step.price_micro) for step in (*after, *before)]):
        new = [step for step in after if (step.what, step.price_micro) == key]
        units = sum((fraction(step.units) for step in new), ZERO)
        amount = total_of(tuple(new))
        if key in old:
            units, amount = units - fraction(old[key].units), amount - fraction(old[key].amount)
        if units or amount:
            changed.append(_step(key[0], units, key[1], amount))
    return tuple(changed)


def fraction(pair: Exact | Units) -> Fraction:
    """Return numerator / denominator."""
    return Fraction(pair.numerator, pair.denominator)


def exact(amount: Fraction) -> Exact:
    """Return a fraction of micro-units in the form that documents store."""
    return Exact(amount.numerator, amount.denominator)


def _step(what: str, units: Fraction, price_micro: int | None, amount: Fraction) -> Step:
    return Step(what, Units(units.numerator, units.denominator), price_micro, exact(amount))
