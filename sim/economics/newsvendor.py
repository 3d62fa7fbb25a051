"""How much of a surplus that nobody knows to sell firm, and how much only while it is there.

Shares of the fleet. Firm capacity earns its price whether it is there or not; what is not there has to be taken from
internal work, which costs its value and a remedy. What is there and not sold firm is sold flexibly.
"""

import math
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from sim.economics.units import Floats


class Terms(NamedTuple):
    """Prices per GPU-hour, USD. A shortfall costs `value + remedy` and still earns the firm price."""

    firm: float
    flexible: float
    value: float  # of internal work that has to stop
    remedy: float

    @property
    def fractile(self) -> float:
        """The chance of too little surplus at which the next firm hour is worth nothing: P(S < Q*)."""
        more = self.firm - self.flexible
        return more / (more + self.value + self.remedy - self.firm)


class Surplus(NamedTuple):
    """A surplus as a share of the fleet whose log-odds are normal."""

    median: float
    spread: float  # standard deviation of the log-odds

    def of(self, normal: Floats) -> Floats:
        """Return the surplus that belongs to standard normal numbers."""
        odds = np.log(self.median / (1 - self.median)) + self.spread * normal
        return np.asarray(1 / (1 + np.exp(-odds)))

    def quantile(self, chance: float) -> float:
        """Return the surplus that is not reached with this chance."""
        return float(self.of(np.array(NormalDist().inv_cdf(chance))))

    def chance(self, share: float) -> float:
        """Return the chance of less surplus than this share; 0 and 1 at the ends."""
        if not 0 < share < 1:
            return float(share >= 1)
        odds = math.log(share / (1 - share)) - math.log(self.median / (1 - self.median))
        return NormalDist().cdf(odds / self.spread)


def earned(terms: Terms, firm: Floats, surplus: Floats) -> Floats:
    """Return what an hour of the fleet earns, USD per GPU: firm share sold, surplus that is there."""
    short = np.maximum(firm - surplus, 0)
    return terms.firm * firm + terms.flexible * np.maximum(surplus - firm, 0) - (terms.value + terms.remedy) * short


def next_hour_cost(terms: Terms, firm: float, surplus: Floats) -> float:
    """Return what one more firm hour costs, USD: the flexible price while there is surplus, the shortfall else.

    The shadow price of capacity: a bid is taken when it is higher.
    """
    short = float((surplus < firm).mean())
    return terms.flexible * (1 - short) + (terms.value + terms.remedy) * short


def tail_mean(values: Floats, share: float = 0.05) -> float:
    """Return the mean of the worst share of the values (CVaR). Cost: O(n)."""
    count = max(1, round(share * values.size))
    return float(np.partition(values, count - 1)[:count].mean())
