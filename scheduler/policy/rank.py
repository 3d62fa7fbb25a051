"""Ranks: orders that depend on the past. Evaluated when a job is queued and at every control tick, smallest first.

Between two ticks a newcomer is ranked by the standing of the last one. Bands come before ranks and the order of
submission behind them, so ranks may be equal and chance decides nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

from scheduler.policy.fair_tree import fair_share_bp

DAY_S = 86_400
UNIT_BP = 10_000


class Standing(NamedTuple):
    """What is known of everybody at a tick: by right, `places[t]` tenants come before tenant t."""

    now_s: int
    places: tuple[int, ...]


class Facts(NamedTuple):
    """What a rank is told of a job: never how long it will really run. `waited_s` is 0 while it runs.

    `attained_gpu_s` is what it has been given so far; `estimate_s` is the policy's estimate.
    """

    tenant: int
    gpus: int
    estimate_s: int
    waited_s: int
    attained_gpu_s: int
    pool_gpus: int


Rank = Callable[[Standing, Facts], int]  # 0 to RANK_MAX
RANK_MAX = (1 << 80) - 1

# Least attained service, in steps: after a node-hour (8 GPUs), then after ten, a job stands behind who has had less.
SERVICE_STEPS_GPU_S = (28_800, 288_000)
PROMOTE_AFTER = 8  # times as long waited as run: it comes to the front again, so that nobody starves

AGE_FULL_S = 7 * DAY_S
WEIGHT_AGE, WEIGHT_FAIR, WEIGHT_SIZE = 1_000, 2_000, 1_000


def fair_tree(standing: Standing, facts: Facts) -> int:
    """By right: the tenant that has used least of its share first (V13). Inside a tenant the oldest job first."""
    return standing.places[facts.tenant]


def las(standing: Standing, facts: Facts) -> int:
    """Tiresias: least attained service first, as GPUs x seconds, in a few steps; the oldest first inside a step.

    It needs no estimate. Source: Tiresias (NSDI 2019), discretised 2D-LAS with promotion; the steps are ours.
    """
    attained = facts.attained_gpu_s
    if attained and facts.waited_s * facts.gpus > PROMOTE_AFTER * attained:
        return 0
    return sum(attained >= step for step in SERVICE_STEPS_GPU_S)


def multifactor(standing: Standing, facts: Facts) -> int:
    """Slurm's multifactor priority: weighted sum of age, fair share and size, the largest first.

    Age counts up to 7 days, so that big jobs do not starve behind a stream of small ones. A factor for partitions would
    be the same for all jobs of a pool, each of which has a queue of its own: it could change nothing and is left out.
    Source: the formula of the design's section 5.7; the weights are ours.
    """
    age_bp = min(facts.waited_s, AGE_FULL_S) * UNIT_BP // AGE_FULL_S
    fair_bp = fair_share_bp(standing.places[facts.tenant], len(standing.places))
    size_bp = min(UNIT_BP, facts.gpus * UNIT_BP // facts.pool_gpus)
    best = UNIT_BP * (WEIGHT_AGE + WEIGHT_FAIR + WEIGHT_SIZE)
    return best - (WEIGHT_AGE * age_bp + WEIGHT_FAIR * fair_bp + WEIGHT_SIZE * size_bp)


RANKS: dict[str, Rank] = {"fair_tree": fair_tree, "las": las, "multifactor": multifactor}
