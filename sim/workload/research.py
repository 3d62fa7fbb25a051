"""Research jobs as on a published pair of research clusters (RSC-1 and RSC-2, arXiv 2410.21680): many small, few large.

Published and kept: 7,200 jobs a day on 16,384 GPUs, sizes 1, 2, 4, ... up to a quarter of the cluster, most jobs on at
most 8 GPUs, the largest size under 1 % of jobs but 12 % of the GPU time, a life of at most 7 days. The full histogram
of sizes is not public: between the two ends, equal shares of the GPU time are assumed.

The draw is conditioned on these shares and on the load: within a size, run times are log-normal and then scaled so that
together they are exactly the GPU time of that size. Hence 30 days hit the published shares on any seed, although a few
dozen large jobs carry much of the time.
"""

from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from pydantic import Field

from sim.param import Exact, Level, Param, Positive, Quantity, Sigma, Slack
from sim.workload.draw import DAY_S, UNIT_BP, IntArray, arrivals, choose, estimates, stream, week_weights
from tenants.model import BasisPoints, Record

_PUBLISHED_GPUS = 16_384
_LARGEST_PART = 4  # the largest job takes a quarter of the cluster: 4,096 of 16,384 GPUs
_SMALL_WEIGHTS = {1: 42, 2: 10, 4: 10, 8: 28}  # relative; guess
_CHANCE_UNITS = 10**9
_SHAPE_UNITS = 10**6
_SOURCE = "RSC, arXiv 2410.21680"


class Research(Record):
    """The research mix of a cluster, scaled to the size of the pool.

    `load_bp` is the GPU time of the jobs submitted over that of the pool. Less is allocated: what is submitted near
    the end of a run is mostly done after it, and faults and fragmentation take their share.
    """

    tenant: str = "research"
    product: str = "int.research"
    # Level of the topology (`rack`): jobs that one domain of it holds must lie in one; larger ones lie anywhere.
    within: Level = ""
    jobs_per_day_per_16k_gpus: Param[Exact] = Param(
        value=Decimal(7_200), unit="jobs/day per 16,384 GPUs", source=_SOURCE, confidence="second-hand"
    )
    load_bp: Param[Quantity] = Param(
        value=8_500,
        unit="bp of the pool's GPU time",
        source="calibrated: 83.3 % allocated on the mean of 24 seeds of scenario rsc, EASY, nothing lent",
        confidence="derived",
    )
    small_jobs_bp: Param[BasisPoints] = Param(
        value=8_500, unit="bp of jobs with at most 8 GPUs", source=f"most jobs, {_SOURCE}", confidence="guess"
    )
    small_time_bp: Param[BasisPoints] = Param(
        value=1_000, unit="bp of GPU time in jobs with at most 8 GPUs", source="assumption", confidence="guess"
    )
    largest_time_bp: Param[BasisPoints] = Param(
        value=1_200, unit="bp of GPU time in jobs of the largest size", source=_SOURCE, confidence="second-hand"
    )
    sigma: Param[Sigma] = Param(
        value=Decimal("1.0"), unit="of the log duration", source="assumption", confidence="guess"
    )
    run_max_s: Param[Positive] = Param(value=7 * DAY_S, unit="s", source=_SOURCE, confidence="second-hand")
    slack_max_bp: Param[Slack] = Param(
        value=10_000, unit="bp of the run time", source="assumption: users ask for up to twice", confidence="guess"
    )
    day_swing_bp: Param[BasisPoints] = Param(value=4_000, unit="bp", source="assumption", confidence="guess")
    weekend_bp: Param[BasisPoints] = Param(value=7_000, unit="bp", source="assumption", confidence="guess")
    peak_hour: int = Field(default=18, ge=0, le=23)  # UTC

    def jobs_per_day(self, pool_gpus: int) -> Decimal:
        """Jobs per day, on the mean of a week, of a pool of `pool_gpus` GPUs."""
        return self.jobs_per_day_per_16k_gpus.value * pool_gpus / _PUBLISHED_GPUS


class SizeLaw(NamedTuple):
    """Sizes in GPUs, ascending, with their shares of the jobs and of the GPU time; both add up to 1."""

    gpus: tuple[int, ...]
    of_jobs: tuple[Fraction, ...]
    of_time: tuple[Fraction, ...]


class ResearchColumns(NamedTuple):
    """Jobs in order of submission; int64, (n,)."""

    gpus: IntArray
    submit_s: IntArray
    run_s: IntArray
    estimate_s: IntArray


def size_law(research: Research, pool_gpus: int) -> SizeLaw:
    """Return the mix of sizes for a pool. Exact: shares are fractions.

    Jobs up to 8 GPUs share one mean run time, larger ones another: a share of the GPU time divided by the size is then
    proportional to a share of the jobs. A pool of at most 32 GPUs has small jobs only.
    """
    largest = 1 << max(pool_gpus // _LARGEST_PART, 1).bit_length() - 1
    small = [size for size in _SMALL_WEIGHTS if size <= largest]
    large = [1 << power for power in range(4, largest.bit_length())]
    small_jobs = Fraction(research.small_jobs_bp.value, UNIT_BP) if large else Fraction(1)
    small_time = Fraction(research.small_time_bp.value, UNIT_BP) if large else Fraction(1)
    jobs = _shared(small_jobs, [Fraction(_SMALL_WEIGHTS[size]) for size in small])
    time = _shared(small_time, [Fraction(_SMALL_WEIGHTS[size] * size) for size in small])
    if large:
        of_largest = Fraction(research.largest_time_bp.value, UNIT_BP) if len(large) > 1 else 1 - small_time
        large_time = [*_shared(1 - small_time - of_largest, [Fraction(1)] * (len(large) - 1)), of_largest]
        jobs += _shared(1 - small_jobs, [part / size for part, size in zip(large_time, large, strict=True)])
        time += large_time
    return SizeLaw(tuple(small + large), tuple(jobs), tuple(time))


def research_jobs(research: Research, pool_gpus: int, epoch_s: int, horizon_s: int, seed: int) -> ResearchColumns:
    """Draw the research jobs submitted in [0, horizon_s) to a pool of `pool_gpus` GPUs. Cost: O(jobs)."""
    rng = stream(seed, "research")
    weights = week_weights(research.day_swing_bp.value, research.weekend_bp.value, research.peak_hour)
    submit_s = arrivals(rng, research.jobs_per_day(pool_gpus), weights, epoch_s, 0, horizon_s)
    law = size_law(research, pool_gpus)
    gpus = choose(rng, len(submit_s), law.gpus, tuple(int(share * _CHANCE_UNITS) for share in law.of_jobs))
    # Ints from here on: products and sums of the shapes are exact.
    shape = (rng.lognormal(0, float(research.sigma.value), size=len(submit_s)) * _SHAPE_UNITS).astype(np.int64)
    run_s = np.ones(len(submit_s), dtype=np.int64)
    offered_gpu_s = pool_gpus * horizon_s * research.load_bp.value // UNIT_BP
    for size, share in zip(law.gpus, law.of_time, strict=True):
        rows = np.flatnonzero(gpus == size)
        run_s[rows] = scaled_to(int(offered_gpu_s * share / size), shape[rows].tolist(), research.run_max_s.value)
    estimate_s = np.minimum(estimates(rng, run_s, research.slack_max_bp.value), research.run_max_s.value)
    return ResearchColumns(gpus, submit_s, run_s, estimate_s)


def _shared(whole: Fraction, weights: list[Fraction]) -> list[Fraction]:
    """Cut `whole` in proportion to `weights`; nothing for no weight at all."""
    total = sum(weights, Fraction(0))
    return [whole * weight / total if total else Fraction(0) for weight in weights]


def scaled_to(total_s: int, shapes: list[int], max_s: int) -> list[int]:
    """Return run times in proportion to `shapes`, at least 1 s and at most `max_s`, that add up to `total_s`.

    They add up to less where the cap leaves no other way, to less by under a second a job for flooring, and to more
    where 1 s each is already too much.
    """
    shapes = [max(shape, 1) for shape in shapes]
    free_s, free_shape = total_s, sum(shapes)
    # The longest first: what the cap takes from it is shared among the rest, whose scale grows, so it stays capped.
    for longest in sorted(shapes, reverse=True):
        if longest * free_s <= max_s * free_shape:
            return [min(max(shape * free_s // free_shape, 1), max_s) for shape in shapes]
        free_s, free_shape = free_s - max_s, free_shape - longest
    return [max_s] * len(shapes)
