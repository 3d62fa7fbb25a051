"""Means, quantiles and counts with their intervals, from independent replications.

Floats, for the reader: they decide no money. Exact sums of money and GPU-seconds have no interval. A confidence level
is in basis points: 9,500 is 95 %.
"""

import math
from collections.abc import Sequence
from functools import cache
from statistics import NormalDist
from typing import NamedTuple

LEVEL_BP = 9_500
_BP = 10_000
_NEARLY_NORMAL = 1_000  # from here on the expansion is exact to nine digits, and the sum would be long


class Estimate(NamedTuple):
    """A mean, the half-width of its interval, how many replications it rests on, and the level of the interval."""

    mean: float
    half_width: float
    n: int
    level_bp: int

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.mean - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.mean + self.half_width

    def holds(self, value: float) -> bool:
        """Whether the interval holds `value`; its ends belong to it."""
        return self.low <= value <= self.high


class QuantileEstimate(NamedTuple):
    """A quantile of a sample and its interval; an end is None where the sample is too small to have one."""

    value: float
    low: float | None
    high: float | None
    n: int
    level_bp: int


def mean_interval(values: Sequence[float], level_bp: int = LEVEL_BP) -> Estimate:
    """Return the mean of independent replications and its interval by Student's t. ValueError for fewer than two."""
    count = len(values)
    if count < 2:
        raise ValueError("an interval needs 2 replications")
    mean = math.fsum(values) / count
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (count - 1))
    return Estimate(mean, t_quantile(count - 1, level_bp) * spread / math.sqrt(count), count, level_bp)


@cache
def t_quantile(freedom: int, level_bp: int = LEVEL_BP) -> float:
    """Return the t below which |T| of Student's law lies with chance `level_bp`: for 9,500 the 97.5 % quantile.

    The finite sums for whole degrees of freedom are solved for the angle by bisection, so that one and two degrees are
    as right as thirty. Sources: Abramowitz and Stegun 26.7.3 and 26.7.4; from 1,000 degrees on the expansion 26.7.5.
    """
    if not (freedom >= 1 and 0 < level_bp < _BP):
        raise ValueError("at least 1 degree of freedom, and a level between 0 and 10,000 bp")
    if freedom >= _NEARLY_NORMAL:
        z = normal_quantile(level_bp)
        return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        angle = (low + high) / 2
        low, high = (angle, high) if _inside(angle, freedom) * _BP < level_bp else (low, angle)
    return math.tan(low) * math.sqrt(freedom)


def normal_quantile(level_bp: int = LEVEL_BP) -> float:
    """Return the z below which |Z| of the standard normal law lies with chance `level_bp`: 1.959964 for 9,500."""
    return NormalDist().inv_cdf((_BP + level_bp) / (2 * _BP))


def quantile_interval(values: Sequence[float], quantile_bp: int, level_bp: int = LEVEL_BP) -> QuantileEstimate:
    """Return the quantile by nearest rank and an interval between two order statistics, whatever the law is.

    How many values lie below the true quantile is binomial; each end leaves out at most half of what the level leaves.
    Source: David and Nagaraja, Order Statistics, 7.1. ValueError for no values. Cost: O(n log n), with long integers.
    """
    if not (values and 0 < quantile_bp < _BP):
        raise ValueError("values, and a quantile between 0 and 10,000 bp")
    ordered, count = sorted(values), len(values)
    rank = -(-quantile_bp * count // _BP)
    low = _rank_below(count, quantile_bp, level_bp)
    high = count + 1 - _rank_below(count, _BP - quantile_bp, level_bp)
    return QuantileEstimate(
        value=ordered[rank - 1],
        low=ordered[low - 1] if low else None,
        high=ordered[high - 1] if high <= count else None,
        n=count,
        level_bp=level_bp,
    )


def poisson_band(expected: float, level_bp: int = LEVEL_BP) -> tuple[float, float]:
    """Return where a Poisson count with this mean lies with chance `level_bp`: m -+ z sqrt(m), for m of ten or more."""
    half = normal_quantile(level_bp) * math.sqrt(expected)
    return expected - half, expected + half


def _inside(angle: float, freedom: int) -> float:
    """The chance that |T| <= tan(angle) sqrt(freedom)."""
    cosine = math.cos(angle)
    odd = freedom % 2
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for power in range(2 + odd, freedom + 1, 2):  # the term before it is that of `power - 2`
        total += term
        term *= cosine * cosine * (power - 1) / power
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total


def _rank_below(count: int, quantile_bp: int, level_bp: int) -> int:
    """The highest rank whose order statistic lies above the quantile with at most half the chance that is left.

    0 where even the smallest value does so more often. Exact: chances are counted in (1/10,000)^count.
    """
    allowed = _BP**count * (_BP - level_bp)  # of 2 * 10,000 * 10,000^count
    below = 0
    for rank in range(count + 1):
        below += math.comb(count, rank) * quantile_bp**rank * (_BP - quantile_bp) ** (count - rank)
        if below * 2 * _BP > allowed:
            return rank
    return count
