"""Jobs of a cluster that develops large language models: a few pretraining runs hold nearly all of its GPU time.

Four kinds, each with a share of the jobs and of the GPU time: pretraining on hundreds of GPUs for days, fine-tuning on
tens, debugging on a few nodes for minutes, and a stream of evaluations on a GPU or two. Published of two clusters
(Acme, NSDI 2024): pretraining is 0.9 to 3.2 % of the jobs and 69.5 to 94.0 % of the GPU time; jobs on 256 GPUs or more
hold over 90 % of it; under 5 % of jobs run longer than a day (case V11). What the other kinds share is an assumption.

As in `sim.workload.research` the draw is conditioned on the shares of the GPU time: within a kind, run times are
log-normal and then scaled so that together they hold exactly the kind's part, as far as `run_max_s` lets them.
"""

from decimal import Decimal
from typing import NamedTuple

import numpy as np
from pydantic import Field, model_validator

from sim.param import Exact, Param, Positive, Quantity, Sigma, Slack
from sim.workload.draw import DAY_S, UNIT_BP, IntArray, arrivals, choose, estimates, stream, week_weights
from sim.workload.research import scaled_to
from tenants.model import BasisPoints, Record

_PUBLISHED_GPUS = 2_416  # Kalos
_SHAPE_UNITS = 10**6
_SOURCE = "Acme, NSDI 2024"


class Kind(NamedTuple):
    """Sizes in GPUs with their weights among the jobs of a kind."""

    gpus: tuple[int, ...]
    weights: tuple[int, ...]


PRETRAINING = Kind((256, 512, 1024), (50, 35, 15))
KINDS = (
    PRETRAINING,
    Kind((16, 32, 64), (50, 35, 15)),  # fine-tuning
    Kind((8, 16, 32), (60, 30, 10)),  # debugging
    Kind((1, 2, 4, 8), (60, 20, 10, 10)),  # evaluation
)


class LlmEra(Record):
    """The mix of a cluster that develops language models, scaled to the size of the pool.

    `load_bp` is the GPU time of the jobs submitted over that of the pool. What pretraining and the two kinds named here
    leave of jobs and of time belongs to evaluation.
    """

    tenant: str = "research"
    product: str = "int.research"
    jobs_per_day_per_2416_gpus: Param[Exact] = Param(
        value=Decimal(108),
        unit="jobs/day per 2,416 GPUs",
        source=f"19,907 GPU jobs in six months of Kalos, {_SOURCE}",
        confidence="derived",
    )
    load_bp: Param[Quantity] = Param(
        value=8_000, unit="bp of the pool's GPU time", source="assumption", confidence="guess"
    )
    pretraining_jobs_bp: Param[BasisPoints] = Param(
        value=220, unit="bp of jobs", source=f"0.9 to 3.2 % of jobs, {_SOURCE}", confidence="second-hand"
    )
    pretraining_time_bp: Param[BasisPoints] = Param(
        value=9_300, unit="bp of GPU time", source=f"69.5 to 94.0 % of GPU time, {_SOURCE}", confidence="second-hand"
    )
    tuning_jobs_bp: Param[BasisPoints] = Param(value=300, unit="bp of jobs", source="assumption", confidence="guess")
    tuning_time_bp: Param[BasisPoints] = Param(
        value=450, unit="bp of GPU time", source="assumption", confidence="guess"
    )
    debug_jobs_bp: Param[BasisPoints] = Param(value=700, unit="bp of jobs", source="assumption", confidence="guess")
    debug_time_bp: Param[BasisPoints] = Param(value=100, unit="bp of GPU time", source="assumption", confidence="guess")
    sigma: Param[Sigma] = Param(
        value=Decimal("1.0"), unit="of the log duration", source="assumption", confidence="guess"
    )
    run_max_s: Param[Positive] = Param(
        value=14 * DAY_S, unit="s", source=f"the longest job of Seren took 14 days, {_SOURCE}", confidence="second-hand"
    )
    slack_max_bp: Param[Slack] = Param(
        value=10_000, unit="bp of the run time", source="assumption: users ask for up to twice", confidence="guess"
    )
    day_swing_bp: Param[BasisPoints] = Param(value=4_000, unit="bp", source="assumption", confidence="guess")
    weekend_bp: Param[BasisPoints] = Param(value=7_000, unit="bp", source="assumption", confidence="guess")
    peak_hour: int = Field(default=18, ge=0, le=23)  # UTC

    @model_validator(mode="after")
    def _shares_fit(self) -> "LlmEra":
        """The last share is what the others leave."""
        for shares, what in ((self.shares_of_jobs_bp(), "jobs"), (self.shares_of_time_bp(), "GPU time")):
            if shares[-1] < 0:
                raise ValueError(f"shares of the {what} exceed the whole: {UNIT_BP - shares[-1]} of {UNIT_BP} bp")
        return self

    def jobs_per_day(self, pool_gpus: int) -> Decimal:
        """Jobs per day, on the mean of a week, of a pool of `pool_gpus` GPUs."""
        return self.jobs_per_day_per_2416_gpus.value * pool_gpus / _PUBLISHED_GPUS

    def shares_of_jobs_bp(self) -> tuple[int, ...]:
        """Shares of the jobs in the order of KINDS; they add up to 10,000, or the last is negative."""
        named = (self.pretraining_jobs_bp.value, self.tuning_jobs_bp.value, self.debug_jobs_bp.value)
        return (*named, UNIT_BP - sum(named))

    def shares_of_time_bp(self) -> tuple[int, ...]:
        """Shares of the GPU time in the order of KINDS; they add up to 10,000, or the last is negative."""
        named = (self.pretraining_time_bp.value, self.tuning_time_bp.value, self.debug_time_bp.value)
        return (*named, UNIT_BP - sum(named))


class LlmColumns(NamedTuple):
    """Jobs in order of submission; int64, (n,). `kind` is an index into KINDS."""

    kind: IntArray
    gpus: IntArray
    submit_s: IntArray
    run_s: IntArray
    estimate_s: IntArray


def llm_jobs(part: LlmEra, pool_gpus: int, epoch_s: int, horizon_s: int, seed: int) -> LlmColumns:
    """Draw the jobs submitted in [0, horizon_s) to a pool of `pool_gpus` GPUs. Cost: O(jobs).

    No job is larger than half the pool; in a pool of less than 512 GPUs pretraining is smaller than published.
    """
    rng = stream(seed, "llm")
    weights = week_weights(part.day_swing_bp.value, part.weekend_bp.value, part.peak_hour)
    submit_s = arrivals(rng, part.jobs_per_day(pool_gpus), weights, epoch_s, 0, horizon_s)
    count = len(submit_s)
    kind = choose(rng, count, tuple(range(len(KINDS))), part.shares_of_jobs_bp())
    largest = max(1, pool_gpus // 2)
    # Sizes of all kinds are drawn for every row, so that a share changes the kinds and not everybody's luck.
    drawn = np.stack([np.minimum(choose(rng, count, each.gpus, each.weights), largest) for each in KINDS])
    gpus = drawn[kind, np.arange(count)]
    shape = (rng.lognormal(0, float(part.sigma.value), size=count) * _SHAPE_UNITS).astype(np.int64)
    run_s = np.ones(count, dtype=np.int64)
    offered_gpu_s = pool_gpus * horizon_s * part.load_bp.value // UNIT_BP
    for number, share_bp in enumerate(part.shares_of_time_bp()):
        mine = kind == number
        sizes, jobs_of = np.unique(gpus[mine], return_counts=True)
        weight = int((sizes * jobs_of).sum())  # one mean run time for all sizes of a kind
        for size, jobs in zip(sizes.tolist(), jobs_of.tolist(), strict=True):
            rows = np.flatnonzero(mine & (gpus == size))
            total_s = offered_gpu_s * share_bp * jobs // (UNIT_BP * weight)
            run_s[rows] = scaled_to(total_s, shape[rows].tolist(), part.run_max_s.value)
    estimate_s = np.minimum(estimates(rng, run_s, part.slack_max_bp.value), part.run_max_s.value)
    return LlmColumns(kind, gpus, submit_s, run_s, estimate_s)
