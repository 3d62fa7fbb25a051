"""The rent of a GPU-hour as a process: pulled back to a mean that drifts, with noise and rare falls.

The logarithm follows d(x) = k (m(t) - x) dt + s dW, k = ln 2 / half-life, m(t) = ln(mean) + drift t, and falls at the
times of a Poisson process by a share that is uniform between two bounds. A fall fades as every other deviation does.
Steps are exact but for the falls, which happen at the ends of steps.
"""

from typing import NamedTuple

import numpy as np

from sim.economics.units import Floats


class PriceLaw(NamedTuple):
    """Parameters of the process; rates and drift are per year, drift is of the logarithm."""

    mean_usd: float  # per GPU-hour, at time 0
    drift: float
    half_life_years: float  # infinite: nothing is pulled back, and prices drift from where they start
    volatility: float
    falls_per_year: float
    fall_least: float
    fall_most: float


def paths(
    law: PriceLaw, start_usd: float, steps: int, step_years: float, noise: Floats, rng: np.random.Generator
) -> Floats:
    """Return prices after 0, 1, ..., `steps` steps, one row per path.

    `noise` are standard normal numbers, a row of `steps` for each path, which the caller may have correlated with
    something else; falls are drawn from `rng`. Cost: O(paths x steps).
    """
    count = noise.shape[0]
    falls = rng.poisson(law.falls_per_year * step_years, (count, steps))
    size = np.log1p(-rng.uniform(law.fall_least, law.fall_most, (count, steps)))
    out = np.empty((count, steps + 1))
    pull = np.log(2) / law.half_life_years
    keep = np.exp(-pull * step_years)
    spread = law.volatility * (np.sqrt((1 - keep**2) / (2 * pull)) if pull else np.sqrt(step_years))
    deviation = np.full(count, np.log(start_usd) - np.log(law.mean_usd))
    out[:, 0] = start_usd
    for step in range(steps):
        # The pull is towards the mean of the moment: a mean that drifts is followed with a delay of drift / k.
        lag = -law.drift / pull * (1 - keep) if pull else 0.0
        deviation = deviation * keep + lag + spread * noise[:, step] + falls[:, step] * size[:, step]
        out[:, step + 1] = law.mean_usd * np.exp(law.drift * step_years * (step + 1) + deviation)
    return out
