"""Two ways in the same worlds: the difference, whether it has been shown, and how many worlds would show it."""

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from sim.stats.estimates import LEVEL_BP, Estimate, mean_interval

HIGHER: Literal["higher"] = "higher"
LOWER: Literal["lower"] = "lower"
NOT_SHOWN: Literal["not shown"] = "not shown"
_BP = 10_000


class Paired(NamedTuple):
    """The mean difference and its interval; `not shown` where the interval holds 0.

    `needed_n` is how many replications would have shown a difference of this size and spread; None where it has been
    shown, and where the mean difference is 0, which no number of replications can show.
    """

    difference: Estimate
    verdict: Literal["higher", "lower", "not shown"]
    needed_n: int | None


def paired(values: Sequence[float], others: Sequence[float], comparisons: int = 1, level_bp: int = LEVEL_BP) -> Paired:
    """Compare runs of the same worlds, `values[i]` and `others[i]` of one seed; ValueError for fewer than two worlds.

    With several `comparisons` against one and the same, each gets its share of what the level leaves, so that all of
    them together are right with the chance of the level (Bonferroni). Source of `needed_n`: n (half-width / |mean|)^2.
    """
    difference = mean_interval(
        [value - other for value, other in zip(values, others, strict=True)], shared_level_bp(comparisons, level_bp)
    )
    if not difference.holds(0):
        return Paired(difference, HIGHER if difference.mean > 0 else LOWER, None)
    ratio = difference.half_width / abs(difference.mean) if difference.mean else math.inf
    return Paired(difference, NOT_SHOWN, math.ceil(difference.n * ratio**2) if ratio < 1e6 else None)


def shared_level_bp(comparisons: int, level_bp: int = LEVEL_BP) -> int:
    """Return the level of each of several comparisons, rounded up; ValueError for more than what is left can be cut
    into.
    """
    share_bp = (_BP - level_bp) // max(comparisons, 1)
    if share_bp < 1:
        raise ValueError(f"{comparisons} comparisons: at most {_BP - level_bp} at this level")
    return _BP - share_bp
