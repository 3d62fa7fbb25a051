"""How much of a long job's time is work: a clock of failures and repairs, played on arrays.

A job needs all its nodes and has spares. A node that fails is gone until it is repaired; the job goes on as soon as it
is whole again, after a restart, from its last checkpoint. Nodes fail at the same rate whatever the job does, also
while it restarts, as in Daly's formula (`sim.measures.reliability`). All times in seconds.
"""

from typing import NamedTuple

import numpy as np

from sim.economics.units import Floats

_WARM = 5  # mean repairs before second 0, after which as many nodes are away as ever


class Failures(NamedTuple):
    """When nodes failed, in order, and when each of them was repaired, by the order of the failures."""

    at_s: Floats
    repaired_s: Floats


class Played(NamedTuple):
    """What became of the job."""

    work_share: float  # of the time, with writes of checkpoints as no work
    hit_share: float  # of the failures, that found a spare ready
    whole_share: float  # of the time, with enough nodes


def fail(rate_per_s: float, repair_s: float, length_s: float, rng: np.random.Generator) -> Failures:
    """Return failures of a job at this rate of all its nodes; repairs are exponential.

    Those before second 0 are there for the nodes that are still away then.
    """
    before = _WARM * repair_s
    count = rng.poisson(rate_per_s * (before + length_s))
    at_s = np.sort(rng.uniform(-before, length_s, count))
    return Failures(at_s, at_s + rng.exponential(repair_s, count))


def play(
    failures: Failures, spares: int, restart_s: Floats | float, interval_s: float, write_s: float, length_s: float
) -> Played:
    """Return what becomes of a job with so many spares; `restart_s` may differ from failure to failure.

    After failure i the job is whole once at most `spares` nodes are away: once i + 1 - spares of them are repaired.
    Cost: O(failures x log failures).
    """
    ends = np.sort(failures.repaired_s)
    count = failures.at_s.size
    whole = failures.at_s.copy()
    late = np.arange(spares, count)
    whole[late] = np.maximum(failures.at_s[late], ends[late - spares])
    next_s = np.append(failures.at_s[1:], length_s)
    begins = np.append(0.0, np.maximum(whole + restart_s, 0))
    stretches = np.maximum(np.append(failures.at_s[:1], next_s) - begins, 0)
    work = np.floor(stretches / (interval_s + write_s)) * interval_s
    missing = np.maximum(np.minimum(whole, next_s), 0) - np.maximum(failures.at_s, 0)
    seen = failures.at_s >= 0
    return Played(
        work_share=float(work.sum()) / length_s,
        hit_share=float((whole == failures.at_s)[seen].mean()) if seen.any() else 1.0,
        whole_share=1 - float(missing.sum()) / length_s,
    )


def idle_spares(failures: Failures, spares: int, length_s: float) -> float:
    """Return how many spares are ready on average: what can be lent meanwhile."""
    times = np.concatenate([failures.at_s, failures.repaired_s])
    steps = np.concatenate([np.ones(failures.at_s.size), -np.ones(failures.at_s.size)])
    order = np.argsort(times, kind="stable")
    times, away = np.clip(times[order], 0, length_s), np.cumsum(steps[order])
    lengths = np.diff(times, append=length_s, prepend=0.0)
    ready = np.maximum(spares - np.concatenate([[0.0], away]), 0)
    return float((ready * lengths).sum()) / length_s
