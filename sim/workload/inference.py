"""The inference floor: replicas that follow the users' day and week, as jobs that a scheduler can place.

Demand is a number of nodes over time. Level crossing turns it into jobs: the peak is cut into blocks of nodes, stacked
in levels, and a block is one job for as long as demand reaches its level. Low levels never end, high ones live a few
hours a day:

    nodes  peak   ____                ____          one job per on-interval of each level
                 |    |   ________   |    |
          trough |    |__|        |__|    |____
                 ==============================     always on

While a frontier run lasts every level is on: the peak is provisioned, and the training run takes all the rest.
"""

from typing import NamedTuple

import numpy as np
from pydantic import Field

from sim.param import Count, Param
from sim.workload.draw import COSINE_UNITS, DAY_S, HOUR_S, MONDAY_S, UNIT_BP, WEEK_S, IntArray, cosine, stream
from tenants.model import BasisPoints, Record

STEP_S = 900  # demand is looked at four times an hour, as an autoscaler with a little patience would
_MIDWEEK_S = 2 * DAY_S + DAY_S // 2  # the weekly wave peaks on Wednesday noon


class Window(NamedTuple):
    """[from_s, until_s) in seconds since the scenario's epoch."""

    from_s: int
    until_s: int


class Inference(Record):
    """Inference between `trough_bp` and `peak_bp` of the pool; the mean of the two is its mean share in a gap."""

    tenant: str = "inference"
    product: str = "int.inference"
    trough_bp: Param[BasisPoints] = Param(
        value=3_000, unit="bp of the pool", source="news article: 30 % to 50 % between runs", confidence="second-hand"
    )
    peak_bp: Param[BasisPoints] = Param(
        value=5_000, unit="bp of the pool", source="news article: 30 % to 50 % between runs", confidence="second-hand"
    )
    block_nodes: Param[Count] = Param(value=4, unit="nodes", source="assumption", confidence="guess")
    week_bp: Param[BasisPoints] = Param(
        value=2_500, unit="bp of the swing that follows the week", source="assumption", confidence="guess"
    )
    noise_bp: Param[BasisPoints] = Param(
        value=300, unit="bp of the swing, standard deviation by day", source="assumption", confidence="guess"
    )
    peak_hour: int = Field(default=20, ge=0, le=23)  # UTC

    def peak_nodes(self, nodes: int) -> int:
        """Nodes of a pool of `nodes` at the peak, rounded down."""
        return nodes * self.peak_bp.value // UNIT_BP

    def trough_nodes(self, nodes: int) -> int:
        """Nodes of a pool of `nodes` in the trough, rounded down."""
        return nodes * self.trough_bp.value // UNIT_BP


class Blocks(NamedTuple):
    """One row per on-interval of each level, ascending by (from_s, level); int64, (n,)."""

    from_s: IntArray
    until_s: IntArray
    nodes: IntArray


def swing_bp(inference: Inference, at_s: IntArray, epoch_s: int, seed: int) -> IntArray:
    """Return where demand stands between trough (0) and peak (10,000) at each time; int64, the shape of `at_s`.

    A day wave and a week wave, plus one seeded shift per day; symmetric, so that its mean is 5,000.
    """
    of_week_s = (at_s + epoch_s + MONDAY_S) % WEEK_S
    day = cosine(of_week_s - inference.peak_hour * HOUR_S, DAY_S)
    week = cosine(of_week_s - _MIDWEEK_S, WEEK_S)
    week_bp = inference.week_bp.value
    wave = ((UNIT_BP - week_bp) * day + week_bp * week) // (2 * COSINE_UNITS) + UNIT_BP // 2
    drawn = stream(seed, "infer").normal(0, inference.noise_bp.value, size=int(at_s.max()) // DAY_S + 1)
    shift: IntArray = np.floor(drawn).astype(np.int64)
    swing: IntArray = np.clip(wave + shift[at_s // DAY_S], 0, UNIT_BP)
    return swing


def inference_blocks(
    inference: Inference, nodes: int, runs: list[Window], epoch_s: int, horizon_s: int, seed: int
) -> Blocks:
    """Return the on-intervals of all levels over [0, horizon_s).

    A level is on when demand reaches its middle, so that rounding to blocks adds and drops alike. What is on at the
    horizon ends a day after it: the run then ends with its nodes held, not with a lull. Cost: O(levels x horizon).
    """
    edges = [edge for run in runs for edge in run if 0 < edge < horizon_s]
    at_s = np.unique(np.concatenate([np.arange(0, horizon_s, STEP_S), np.array(edges, dtype=np.int64)]))
    trough, peak = inference.trough_nodes(nodes), inference.peak_nodes(nodes)
    wanted = trough * UNIT_BP + (peak - trough) * swing_bp(inference, at_s, epoch_s, seed)  # nodes x 10,000
    for run in runs:
        wanted[(at_s >= run.from_s) & (at_s < run.until_s)] = peak * UNIT_BP
    ends_s = np.append(at_s, horizon_s + DAY_S)

    rows: list[tuple[int, int, int]] = []
    for floor in _levels(trough, peak, inference.block_nodes.value):
        block = min(inference.block_nodes.value, (trough if floor < trough else peak) - floor)
        on = 2 * wanted >= (2 * floor + block) * UNIT_BP
        switch = np.diff(on, prepend=False, append=False).nonzero()[0]
        rows += [(int(ends_s[a]), int(ends_s[b]), block) for a, b in switch.reshape(-1, 2)]
    rows.sort(key=lambda row: row[0])  # stable: levels stay in order
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return Blocks(columns[:, 0], columns[:, 1], columns[:, 2])


def _levels(trough: int, peak: int, block: int) -> list[int]:
    """Lower edges of the blocks, in nodes. No block straddles the trough: what is below it never ends."""
    return [*range(0, trough, block), *range(trough, peak, block)]
