"""What an availability promise costs: credits on a month's fee, by how long a node was down in it.

Failures of a node come as a Poisson process, and each takes an exponential time until the node is back or replaced.
The downtime of a month is the sum of the repairs that begin in it, so that one figure belongs to one month.
"""

import math
from typing import NamedTuple

import numpy as np

from sim.economics.units import DAYS_PER_MONTH, HOURS_PER_DAY, Floats

MONTH_H = DAYS_PER_MONTH * HOURS_PER_DAY


class Step(NamedTuple):
    """Below this uptime, this share of the month's fee is given back; the last step that is reached counts."""

    uptime: float
    credit: float


Tier = tuple[Step, ...]  # from the highest uptime down
TIERS: dict[str, Tier] = {
    "99": (Step(0.99, 0.10), Step(0.95, 0.25)),
    "99.5": (Step(0.995, 0.10), Step(0.99, 0.30), Step(0.95, 1.00)),
    "99.9": (Step(0.999, 0.10), Step(0.99, 0.25), Step(0.95, 1.00)),
    "99.99": (Step(0.9999, 0.10), Step(0.999, 0.25), Step(0.95, 1.00)),
}


def downtime_h(failures_per_month: float, repair_h: float, draws: int, rng: np.random.Generator) -> Floats:
    """Return the hours that a node is down in each of so many months."""
    counts = rng.poisson(failures_per_month, draws)
    hours = rng.standard_gamma(np.maximum(counts, 1).astype(np.float64)) * repair_h
    return np.where(counts > 0, hours, 0.0)


def credited(tier: Tier, down_h: Floats) -> Floats:
    """Return the share of the fee that is given back for each month."""
    uptime = 1 - down_h / MONTH_H
    share = np.zeros(down_h.shape)
    for step in tier:
        share = np.where(uptime < step.uptime, step.credit, share)
    return share


def mean_credit(tier: Tier, failures_per_month: float, repair_h: float) -> float:
    """Return the exact mean share of the fee that is given back."""
    return _moment(tier, failures_per_month, repair_h, 1)


def credit_deviation(tier: Tier, failures_per_month: float, repair_h: float) -> float:
    """Return the exact standard deviation of the share that is given back for a month."""
    mean = _moment(tier, failures_per_month, repair_h, 1)
    return math.sqrt(max(_moment(tier, failures_per_month, repair_h, 2) - mean**2, 0.0))


def _moment(tier: Tier, failures_per_month: float, repair_h: float, power: int) -> float:
    total, before = 0.0, 0.0
    for step in tier:
        share = step.credit**power
        total += (share - before) * chance_longer(failures_per_month, (1 - step.uptime) * MONTH_H / repair_h)
        before = share
    return total


def chance_longer(failures: float, length: float) -> float:
    """Return the chance that the repairs of a month take longer together than `length` mean repairs.

    With n failures their sum is of Erlang's law, and longer than x when fewer than n of a Poisson process come in x:
    P = sum over n of Poisson(n; failures) * sum over j < n of Poisson(j; x).
    """
    total, shorter, of_length = 0.0, 0.0, math.exp(-length)
    chance = math.exp(-failures)
    for count in range(1, 40 + int(10 * failures)):
        shorter += of_length
        of_length *= length / count
        chance *= failures / count
        total += chance * shorter
    return total
