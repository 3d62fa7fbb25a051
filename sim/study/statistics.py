"""Means with 95 % intervals over few replications, single and paired. Floats, for the reader: they decide no money.

Source: Student's t by the expansion of Abramowitz and Stegun 26.7.5 from 3 degrees of freedom on.
"""

from collections.abc import Sequence
from math import exp, sqrt
from typing import NamedTuple

Z = 1.959964


class Interval(NamedTuple):
    """A mean and the half-width of its 95 % interval."""

    mean: float
    half: float

    @property
    def holds_zero(self) -> bool:
        """Whether no difference has been shown."""
        return abs(self.mean) <= self.half


def t_quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t; at least 3 degrees of freedom, else the expansion is wrong."""
    assert freedom >= 3, "an interval needs 4 replications"
    z, d = Z, freedom
    return (
        z
        + (z**3 + z) / (4 * d)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * d**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * d**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * d**4)
    )


def interval(values: Sequence[float]) -> Interval:
    """Return the mean of independent replications and its interval."""
    count = len(values)
    mean = sum(values) / count
    spread = sqrt(sum((value - mean) ** 2 for value in values) / (count - 1))
    return Interval(mean, t_quantile(count - 1) * spread / sqrt(count))


def paired(values: Sequence[float], others: Sequence[float]) -> Interval:
    """Return the mean difference of runs of the same worlds, and its interval."""
    return interval([value - other for value, other in zip(values, others, strict=True)])


def notice_delay_days(notice_days: float, mean_lead_days: float) -> float:
    """Return by how much a recall is late on average: E[max(0, notice - lead)] = N - m (1 - e^(-N/m)).

    The lead, from the moment a need is known to the moment the nodes are needed, is exponential. Design 5.15, case V24.
    """
    return notice_days - mean_lead_days * (1 - exp(-notice_days / mean_lead_days))
