"""What a price row means: integers and fractions, ready to be applied to a quantity."""

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple


class Rung(NamedTuple):
    """One tier. It reaches up to and with `up_to` units (None: for ever) from where the one before it ends.

    `price_micro` is per unit, or per started block of `block` units where that is above 0; `flat_micro` is due once,
    as soon as the tier is reached (the first one always is).
    """

    up_to: Fraction | None
    price_micro: int
    flat_micro: Fraction
    block: Fraction = Fraction(0)


class Plan(NamedTuple):
    """A price row, read. Units are converted and rounded, then free units go, then the model prices the rest; then come
    the percentage discount, the maximum and the minimum, in this order.
    """

    model: str
    rungs: tuple[Rung, ...]
    factor: Fraction = Fraction(1)
    rounding: str = "none"
    free_units: Fraction = Fraction(0)
    fixed_per_event_micro: int = 0
    free_events: int = 0
    min_per_event_micro: Fraction | None = None
    max_per_event_micro: Fraction | None = None
    discount_bp: int = 0
    minimum_micro: Fraction | None = None
    maximum_micro: Fraction | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing but the model touches the amount."""
        plain = Plan(self.model, self.rungs)
        return self == plain

    @property
    def bounded_events(self) -> bool:
        """Whether each event has a least or a most of its own."""
        return (self.min_per_event_micro, self.max_per_event_micro) != (None, None)

    @property
    def asks_for_events(self) -> bool:
        """Whether the amount depends on single events, not on their sum alone."""
        return self.fixed_per_event_micro > 0 or self.bounded_events

    @property
    def by_total(self) -> bool:
        """Whether one tier, that of the whole quantity, prices all of it."""
        return self.model in ("volume", "block_top_tier")


def prorated(plan: Plan, share: Fraction) -> Plan:
    """Return a plan whose flat fees, minimum and maximum are those of a part of a month."""
    return plan._replace(
        rungs=tuple(rung._replace(flat_micro=rung.flat_micro * share) for rung in plan.rungs),
        minimum_micro=None if plan.minimum_micro is None else plan.minimum_micro * share,
        maximum_micro=None if plan.maximum_micro is None else plan.maximum_micro * share,
    )


def rung_of(plan: Plan, units: Fraction) -> int:
    """Return the row of the tier that holds `units`: the first whose bound is not below it. The last has no bound."""
    bounds = [rung.up_to for rung in plan.rungs]
    return next(row for row, bound in enumerate(bounds) if bound is None or units <= bound)


def falls(plan: Plan) -> list[tuple[Fraction, Fraction, Fraction]]:
    """Return (bound, amount at it, amount just above it) of each bound past which more usage costs less.

    Only models that price by the total have any: in a published case 100 units cost 210 and 101 units cost 101.
    """
    found = []
    for rung, after in pairwise(plan.rungs) if plan.by_total else ():
        bound = rung.up_to or Fraction(0)
        at = _of_total(rung, bound, started=False)
        above = _of_total(after, bound, started=True)
        if above < at:
            found.append((bound, at, above))
    return found


def _of_total(rung: Rung, units: Fraction, *, started: bool) -> Fraction:
    """Return what a tier charges for all of `units`, or for a little more if a block more has been `started`."""
    if not rung.block:
        return rung.flat_micro + rung.price_micro * units
    blocks = units // rung.block + 1 if started else -(-units // rung.block)
    return Fraction(rung.price_micro * blocks)


def ladder(plan: Plan, total: Fraction) -> list[tuple[int, Fraction, Rung]]:
    """Return (row, lower bound, tier) of the tiers that price a month in which `total` units are used.

    Of a model that prices by the total it is the one tier that holds the total, over all units.
    """
    if plan.by_total:
        row = rung_of(plan, total)
        return [(row, Fraction(0), plan.rungs[row]._replace(up_to=None))]
    lower = [Fraction(0), *(rung.up_to or Fraction(0) for rung in plan.rungs[:-1])]
    return list(zip(range(len(plan.rungs)), lower, plan.rungs, strict=True))
