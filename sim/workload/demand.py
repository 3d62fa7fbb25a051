"""Rental demand: who wants how many nodes, for how long, and how long it waits before it goes elsewhere.

One `[[demand]]` row is one stream of jobs of one tenant for one product in one pool. Demand does not react to prices or
to waiting (other than by leaving), so the same world can be run under any policy and compared job by job.
"""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, model_validator

from scheduler.events import NEVER
from sim.param import Counts, Days, Exact, Level, Param, Positive, Quantity, Slack
from sim.workload.draw import DAY_S, JobStream, arrivals, choose, durations, estimates, patiences, stream, week_weights
from tenants.model import BasisPoints, Id, Record


class Demand(Record):
    """A tenant's demand for one product. Every number is a guess unless the scenario says where it comes from.

    Arrivals: Poisson, `jobs_per_day` on the mean of a week, shaped by day and week. Sizes: `nodes` with integer
    `weights`, whole nodes. Durations: log-normal by median and mean, at most `run_max_s`.
    """

    tenant: str
    product: str
    name: Id = ""  # of the stream, and prefix of its job ids; default: tenant and the product's last word
    region: str = ""  # may be left out where the scenario has one pool
    sku: str = ""
    within: Level = ""  # level of the topology, such as `rack`: each gang lies in one domain of it
    jobs_per_day: Param[Exact]
    nodes: Param[Counts]
    weights: Param[Counts]
    run_median_s: Param[Positive]
    run_mean_s: Param[Positive]
    run_max_s: Param[Positive] = Param(value=14 * DAY_S, unit="s", source="assumption", confidence="guess")
    slack_max_bp: Param[Slack] = Param(
        value=5_000, unit="bp of the run time", source="assumption: users ask for up to half more", confidence="guess"
    )
    patience_mean_s: Param[Positive] | None = None  # left out: waits for ever
    day_swing_bp: Param[BasisPoints] = Param(value=4_000, unit="bp", source="assumption", confidence="guess")
    weekend_bp: Param[BasisPoints] = Param(value=7_500, unit="bp", source="assumption", confidence="guess")
    peak_hour: int = Field(default=16, ge=0, le=23)  # UTC
    from_day: Days = 0
    until_day: Days | None = None  # left out: to the end of the run

    fallback: str = ""  # an on-demand product: the work has a deadline, and runs on it where spot would be too late
    deadline_slack_bp: Param[Slack] = Param(
        value=2_500, unit="bp of the run time, from submission", source="assumption", confidence="guess"
    )
    changeover_s: Param[Quantity] = Param(
        value=600, unit="s", source="assumption: loading data and images on other nodes", confidence="guess"
    )
    deadline_rule: Literal["greedy", "uniform"] = "uniform"
    deadline_check_s: Annotated[int, Field(ge=1, le=DAY_S)] = 300  # how often the renter looks at its jobs

    @model_validator(mode="after")
    def _waits_by_one_rule(self) -> "Demand":
        if self.fallback and self.patience_mean_s is not None:
            raise ValueError("a deadline takes the place of patience: patience_mean_s and fallback exclude each other")
        return self

    @property
    def stream_name(self) -> str:
        """`acme-spot` for tenant acme and product bare.spot, unless the row has a name."""
        return self.name or f"{self.tenant}-{self.product.rsplit('.', 1)[-1]}"

    @property
    def fallback_name(self) -> str:
        """The stream of the jobs on the fallback product."""
        return f"{self.stream_name}-fallback"


def draw_demand(
    demand: Demand,
    *,
    pool: int,
    gpus_per_node: int,
    seed: int,
    epoch_s: int,
    from_s: int,
    until_s: int,
    within: int = 0,
) -> JobStream:
    """Draw one tenant's jobs for one product with submit times in [from_s, until_s).

    Gangs are whole nodes, each in one domain of level `within` of the pool (0: anywhere); run times are at least 1 s
    and estimates never less than run times. Draws come in a fixed order (arrivals, sizes, durations, slack, patience)
    from the stream's own generator. Cost: O(jobs).
    """
    rng = stream(seed, demand.stream_name)
    weights = week_weights(demand.day_swing_bp.value, demand.weekend_bp.value, demand.peak_hour)
    submit_s = arrivals(rng, demand.jobs_per_day.value, weights, epoch_s, from_s, until_s)
    count = len(submit_s)
    nodes = choose(rng, count, demand.nodes.value, demand.weights.value)
    run_s = durations(rng, count, demand.run_median_s.value, demand.run_mean_s.value, demand.run_max_s.value)
    estimate_s = estimates(rng, run_s, demand.slack_max_bp.value)
    patience_s = np.full(count, NEVER, dtype=np.int64)
    if demand.patience_mean_s:
        patience_s = patiences(rng, count, demand.patience_mean_s.value)
    return JobStream(
        name=demand.stream_name,
        digits=4,
        tenant=demand.tenant,
        product=demand.product,
        pool=pool,
        gpus=nodes * gpus_per_node,
        submit_s=submit_s,
        run_s=run_s,
        estimate_s=estimate_s,
        patience_s=patience_s,
        within=np.full(count, within, dtype=np.int64) if within else None,
    )
