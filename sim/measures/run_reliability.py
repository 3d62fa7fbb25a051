"""What failures did to a run: how much of the time held was work, what broke, and whom restarts pushed aside.

Hazards are told apart by name: faults take nodes down, crashes take jobs down, maintenance was planned. Integers and
words only, as in the rest of `summary.json`.
"""

from typing import Any

import numpy as np

from billing.money import BP, exact_sum, product
from scheduler.events import Cause, EventKind, Status
from sim.failures.fault_causes import CAUSE_NAMES, MAINTENANCE
from sim.measures.reliability import gpu_fraction_bp
from sim.result import IntArray, RunResult
from tenants.band import Band

INTERNAL = (Band.INTERNAL_CRITICAL, Band.INTERNAL)


def reliability(result: RunResult) -> dict[str, Any]:
    """Return the reliability figures of a run.

    `ettr_bp` is the share of held GPU-seconds that was work and was kept, internal jobs only; `gpu_fraction` counts
    their finished jobs by what share of the time since submission they needed (Singularity's tiers). `second_order` are
    evictions for a job that had failed and was to start again.
    """
    segments, world = result.segments, result.world
    band = np.array([row.band for row in world.products], dtype=np.int64)
    mine = np.isin(band[segments.product], INTERNAL)

    def gpu_s(seconds: IntArray) -> int:
        return exact_sum(product(segments.gpus[mine], seconds[mine]))

    held = gpu_s(segments.end_s - segments.start_s)
    spent = {"startup": gpu_s(result.stalled_s), "writing": gpu_s(result.written_s), "lost": gpu_s(result.lost_s)}
    kept = held - sum(spent.values())
    by_cause = _by_cause(result)
    return {
        "ettr_bp": BP * kept // held if held else None,
        "held_gpu_s": held,
        **{f"{name}_gpu_s": found for name, found in spent.items()},
        "hardware_faults": sum(by_cause.values()) - by_cause.get(MAINTENANCE, 0),
        "faults_by_cause": by_cause,
        "drains": sum(at_s < result.horizon_s for at_s, kind, *_ in world.mishaps if kind == EventKind.DRAIN),
        "jobs_crashed": int(np.count_nonzero(segments.cause == Cause.CRASHED)),
        "second_order_evictions": int(result.second_order.sum()),
        "gpu_fraction": _gpu_fraction(result, np.flatnonzero(np.isin(band[world.jobs.product], INTERNAL))),
    }


def _by_cause(result: RunResult) -> dict[str, int]:
    """Outages of nodes that began inside the run, by what broke; causes that did not occur are left out."""
    faults = result.world.faults
    if faults.cause is None:
        return {}
    counts = np.bincount(faults.cause[faults.down_s < result.horizon_s], minlength=len(CAUSE_NAMES)).tolist()
    return {name: count for name, count in zip(CAUSE_NAMES, counts, strict=True) if count}


def _gpu_fraction(result: RunResult, internal: IntArray) -> dict[str, int]:
    """Finished jobs of these rows by the tier of their GPU fraction."""
    jobs, outcomes = result.world.jobs, result.outcomes
    done = internal[(outcomes.status[internal] == Status.DONE) & (jobs.run_s[internal] > 0)]
    tiers = {"premium": 0, "standard": 0, "basic": 0}
    for run_s, real_s in zip(jobs.run_s[done].tolist(), (outcomes.end_s - jobs.submit_s)[done].tolist(), strict=True):
        tiers[gpu_fraction_bp(run_s, real_s)[1]] += 1
    return tiers
