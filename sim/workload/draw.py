"""Seeded draws that every stream of the workload shares: arrival times, sizes, durations, estimates, patience.

Each stream owns a generator derived from the scenario's seed and the stream's *name* (`stream`), never from its place
in a list: adding a tenant, a pool or a node leaves all other streams as they were. A generator may draw floats
(normal, exponential), but each is floored to an int the moment it is drawn, and choices (thinning, sizes) compare
ints with ints. All columns are int64, (n,).
"""

import math
import zlib
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

DAY_S = 86_400
HOUR_S = 3_600
WEEK_S = 7 * DAY_S
MONDAY_S = 3 * DAY_S  # 1970-01-01 was a Thursday: add this to a Unix time to count weeks from Monday
UNIT_BP = 10_000
COSINE_UNITS = 1_000_000


@dataclass(frozen=True, slots=True)
class JobStream:
    """The jobs of one stream in order of submission; ids are `name-1`, `name-2`, ... with `digits` digits at least.

    `tenant` and `product` are ids of the registry, `pool` an index into the scenario's pools.
    """

    name: str
    digits: int
    tenant: str
    product: str
    pool: int
    gpus: IntArray
    submit_s: IntArray
    run_s: IntArray
    estimate_s: IntArray
    patience_s: IntArray
    announced_s: IntArray | None = None  # None: nobody knows a job before it is submitted
    within: IntArray | None = None  # level of the domain that each gang has to lie in; None: anywhere

    def job_ids(self) -> list[str]:
        """Readable ids, unique because stream names are."""
        return [f"{self.name}-{number:0{self.digits}d}" for number in range(1, len(self.submit_s) + 1)]


def stream(seed: int, name: str, *index: int) -> np.random.Generator:
    """Return the generator of the stream `name` (and, for families such as nodes, of its member `index`).

    The spawn key is the CRC-32 of the name: the same on every machine and in every run, unlike `hash`.
    """
    key = (zlib.crc32(name.encode()), *index)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def hour_of_week(at_s: IntArray, epoch_s: int) -> IntArray:
    """Hours since Monday 00:00 UTC, 0 to 167, of times in seconds since the scenario's epoch."""
    return (at_s + epoch_s + MONDAY_S) % WEEK_S // HOUR_S


def week_weights(day_swing_bp: int, weekend_bp: int, peak_hour: int) -> IntArray:
    """Return relative intensity by hour of the week, (168,), 10,000 = a mean weekday hour.

    A cosine around `peak_hour` (UTC) of amplitude `day_swing_bp`; Saturday and Sunday scaled by `weekend_bp`.
    """
    hour = np.arange(WEEK_S // HOUR_S)
    swing = day_swing_bp * cosine(hour - peak_hour, 24) // COSINE_UNITS
    weights: IntArray = (UNIT_BP + swing) * np.where(hour < 5 * 24, UNIT_BP, weekend_bp) // UNIT_BP
    return weights


def cosine(phase: IntArray, period: int) -> IntArray:
    """Return cos(2 pi phase / period) in millionths, rounded: so the last bit of a machine's cosine never shows."""
    wave: IntArray = np.rint(COSINE_UNITS * np.cos(2 * np.pi * phase / period)).astype(np.int64)
    return wave


def arrivals(
    rng: np.random.Generator, per_day: Decimal, weights: IntArray, epoch_s: int, from_s: int, until_s: int
) -> IntArray:
    """Draw arrival times of a non-homogeneous Poisson process over [from_s, until_s), ascending.

    `per_day` is the mean over a week, `weights` the shape of the week. Source: thinning, Lewis and Shedler 1979:
    draw at the peak rate, keep each arrival with probability weight / peak weight. Cost: O(arrivals).
    """
    peak, total = int(weights.max()), int(weights.sum())
    if until_s <= from_s:
        return np.zeros(0, dtype=np.int64)
    peak_mean = per_day * (until_s - from_s) * peak * len(weights) / (DAY_S * total)
    candidates = np.sort(rng.integers(from_s, until_s, size=int(rng.poisson(float(peak_mean)))))
    kept = rng.integers(0, peak, size=len(candidates)) < weights[hour_of_week(candidates, epoch_s)]
    return candidates[kept]


def choose(rng: np.random.Generator, count: int, values: tuple[int, ...], weights: tuple[int, ...]) -> IntArray:
    """Draw `count` of `values`, each with a chance proportional to its integer weight."""
    upper = np.cumsum(np.array(weights, dtype=np.int64))
    drawn = rng.integers(0, int(upper[-1]), size=count)
    return np.array(values, dtype=np.int64)[np.searchsorted(upper, drawn, side="right")]


def durations(rng: np.random.Generator, count: int, median_s: int, mean_s: int, max_s: int) -> IntArray:
    """Draw log-normal durations with this median and mean, floored to seconds, at least 1 and at most `max_s`.

    The cap lowers the mean that comes out; `mean_s >= median_s` fixes sigma = sqrt(2 ln(mean / median)).
    """
    sigma = math.sqrt(2 * math.log(mean_s / median_s))
    drawn = rng.lognormal(math.log(median_s), sigma, size=count)
    return np.clip(np.floor(np.minimum(drawn, max_s)), 1, max_s).astype(np.int64)


def estimates(rng: np.random.Generator, run_s: IntArray, slack_max_bp: int) -> IntArray:
    """Return what the user asks for: the run time and a uniform share of it on top, 0 to `slack_max_bp`.

    Never less than the run time: who underestimates would be cut off, which is no model of demand.
    """
    slack_bp = rng.integers(0, slack_max_bp + 1, size=len(run_s))
    return run_s + run_s * slack_bp // UNIT_BP


def patiences(rng: np.random.Generator, count: int, mean_s: int) -> IntArray:
    """Draw how long each renter waits before it goes elsewhere: exponential, floored to seconds, at least 1."""
    return np.maximum(np.floor(rng.exponential(mean_s, size=count)), 1).astype(np.int64)
