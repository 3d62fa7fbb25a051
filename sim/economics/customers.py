"""A book of tenants that leave and are replaced: what is booked, and what of it a surplus can serve.

A tenant breaks off by default, at once, or by an exit with notice. Sales need an exponential time to fill his place
again, and begin with the notice. What is left of that time after the notice is exponential again, or there is none, so
that a place is a chain of two states: it breaks at `default + exit e^(-notice / lag)` and is filled at `1 / lag`.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim.economics.units import Floats


class Group(NamedTuple):
    """Tenants of one size."""

    tenants: int
    weight: float  # of each, of all that is lent


class Churn(NamedTuple):
    """How tenants come and go; rates and lengths in years."""

    defaults: float  # a year
    exits: float  # a year
    notice_years: float
    lag_years: float  # mean time to fill a place

    @property
    def breaks(self) -> float:
        """Places that fall empty, a year and booked place."""
        return self.defaults + self.exits * math.exp(-self.notice_years / self.lag_years)

    def booked(self, years: float, from_booked: bool) -> float:
        """Return the chance that a place is booked after so long: exact, from either state."""
        fills = 1 / self.lag_years
        steady = fills / (fills + self.breaks)
        fade = math.exp(-(fills + self.breaks) * years)
        return steady + (1 - steady) * fade if from_booked else steady * (1 - fade)


class Played(NamedTuple):
    """Booked shares after each step, paths x steps, and the share that each path lost to defaults in each."""

    booked: Floats
    defaulted: Floats


def play(
    groups: Sequence[Group], churn: Churn, steps: int, step_years: float, paths: int,
    rng: np.random.Generator, first_gone: bool = False,
) -> Played:  # fmt: skip
    """Return what is booked after each step; `first_gone`: the first tenant of the first group has just left.

    Steps are exact, but for a place that breaks and is filled within one. Cost: O(paths x steps x groups).
    """
    stays, comes = churn.booked(step_years, True), churn.booked(step_years, False)
    booked, defaulted = np.zeros((paths, steps)), np.zeros((paths, steps))
    for place, group in enumerate(groups):
        here = np.full(paths, group.tenants - (first_gone and not place))
        for step in range(steps):
            kept = rng.binomial(here, stays)
            failed = rng.binomial(here - kept, churn.defaults / churn.breaks)
            here = kept + rng.binomial(group.tenants - here, comes)
            booked[:, step] += group.weight * here
            defaulted[:, step] += group.weight * failed
    return Played(booked, defaulted)


def mean_served(groups: Sequence[Group], chance: float, surplus: float) -> float:
    """Return the exact mean of min(surplus, booked), where each place is booked with this chance.

    Cost: the product of the sizes of the groups.
    """
    values, weights = np.zeros(1), np.ones(1)
    for group in groups:
        counts = np.arange(group.tenants + 1)
        chances = np.array([_binomial(group.tenants, int(count), chance) for count in counts])
        values = np.add.outer(values, counts * group.weight).ravel()
        weights = np.multiply.outer(weights, chances).ravel()
    return float((np.minimum(values, surplus) * weights).sum())


def _binomial(count: int, chosen: int, chance: float) -> float:
    if chance >= 1:
        return float(chosen == count)
    return math.comb(count, chosen) * chance**chosen * (1 - chance) ** (count - chosen)


def sold_share(gap: float, lag: float) -> float:
    """Return how much of a gap is sold when a sale takes an exponential time from its opening.

    1 - l/G (1 - e^(-G/l)), l the mean time of a sale, G the gap.
    """
    return 1 + lag / gap * math.expm1(-gap / lag) if lag else 1.0


def remaining(terms: Sequence[tuple[float, float]], now: float) -> float:
    """Return what is still committed (RPO): weight times the time that is left, over contracts of (weight, end)."""
    return math.fsum(weight * max(0.0, end - now) for weight, end in terms)
