"""The log-normal law of run times whose mean is right after the cap, since the mean is what makes the load.

With median m, log spread s and cap c, the mean of min(X, c) is m exp(s^2/2) F(a/s - s) + c (1 - F(a/s)), where
a = ln(c/m) and F is the normal law (the limited expected value of a log-normal law: Klugman, Panjer, Willmot, *Loss
Models*, appendix A).
"""

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from sim.result import IntArray

_SIGMA_LEAST = 1e-6  # all run times equal
_MEDIAN_LEAST_S = 1e-3
_HALVINGS = 60
_NEAR = 1e-6
_normal = NormalDist().cdf


class Law(NamedTuple):
    """A law of run times as a `[[demand]]` row takes it: median and mean before the cap, and the cap, all in s."""

    median_s: int
    mean_s: int
    max_s: int


def law_of(run_s: IntArray, gpus: IntArray) -> Law:
    """Return the law with the median of these run times and, after the cap at the longest, their mean by GPU.

    Weighed by GPUs, the mean gives the work of the jobs, also where the larger of them run longer. The generator takes
    no law whose mean before the cap lies above it: where the median asks for one, the median gives way. Where the mean
    lies below the median, the spread is that of the logarithms. Run times of 0 s count as 1 s, the shortest drawn.
    """
    run_s = np.maximum(run_s, 1)
    cap, median = float(run_s.max()), float(np.median(run_s))
    mean = float(np.average(run_s, weights=gpus))
    if mean > median:
        most = math.sqrt(2 * math.log(cap / median))
        sigma = _root(lambda s: capped_mean(median, s, cap), _SIGMA_LEAST, most, mean)
    else:
        sigma = max(_SIGMA_LEAST, float(np.log(run_s).std()))
        median = _root(lambda m: capped_mean(m, sigma, cap), _MEDIAN_LEAST_S, cap, mean)
    if capped_mean(median, sigma, cap) < (1 - _NEAR) * mean or median * math.exp(sigma * sigma / 2) > cap:
        # Of the laws whose mean is the cap, the one whose mean after it is right: there it is 2 c F(-s/2).
        sigma = -2 * NormalDist().inv_cdf(mean / (2 * cap))
        median = cap * math.exp(-sigma * sigma / 2)
    whole = max(1, round(median))
    return Law(whole, min(int(cap), max(whole, round(median * math.exp(sigma * sigma / 2)))), int(cap))


def capped_mean(median_s: float, sigma: float, cap_s: float) -> float:
    """Return the mean in s of a log-normal law that is cut off at `cap_s`."""
    a = math.log(cap_s / median_s) / sigma
    below = median_s * math.exp(sigma * sigma / 2) * _normal(a - sigma)
    return below + cap_s * (1 - _normal(a))


def _root(of: Callable[[float], float], low: float, high: float, target: float) -> float:
    """Return where the rising function `of` is `target`, by bisection."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if of(middle) < target else (low, middle)
    return (low + high) / 2
