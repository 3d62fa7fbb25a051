"""What the page says of waits by cause, of who evicted whom, and of the jobs that rentals delayed most."""

import numpy as np

from billing.money import exact_sum, product
from scheduler.why.wait_cause import WaitCause
from sim.measures.delays import delays_of
from sim.measures.lost_work import lost_gpu_s, lost_micro_usd
from sim.report.timeline import bands
from sim.report.why_model import DelayedJob, EvictionPair, WaitRow, Waits
from sim.result import RunResult
from tenants.band import Band

# (fill, label, meaning) of each cause, in the order of the bar.
_WORDS = {
    WaitCause.CAPACITY: ("internal", "capacity", "its own or more important bands held the nodes"),
    WaitCause.FRAGMENTATION: ("fragmented", "fragmentation", "enough GPUs were free, but not in one piece"),
    WaitCause.FAIR_SHARE: ("spare", "fair share", "quota, budget or contract of its tenant used up"),
    WaitCause.PROMISED: (
        "reserved",
        "promised to others",
        "it fitted, but a contract or an earlier job had the promise",
    ),
    WaitCause.FAILURE: ("down", "failure", "it would have fitted if no node had been down"),
    WaitCause.RENTALS: ("ondemand", "rentals", "granted; rentals under notice were leaving its nodes"),
    WaitCause.PREEMPTION: ("critical", "preemption", "granted; less important internal work was leaving its nodes"),
    WaitCause.SCRUBBING: ("scrubbing", "cleaning", "granted; its nodes were being cleaned"),
    WaitCause.OFFER: ("held_back", "offer", "renters: lend offered less, or for less long"),
    WaitCause.DAMPING: ("alarm", "damping", "held back after failures in quick succession"),
}
DELAYED_MAX = 10


def waits(result: RunResult) -> Waits:
    """Return seconds waited by cause and band; no rows for a run that did not note them, or in which nobody waited."""
    job, cause, wait_s = result.waits
    band = bands(result)[result.world.jobs.product[job]]
    shown = [each for each in Band if (band == each).any()]
    rows = []
    for what, (key, label, meaning) in _WORDS.items():
        by_band = tuple(exact_sum(wait_s[(cause == what) & (band == each)]) for each in shown)
        if any(by_band):
            rows.append(WaitRow(key, label, meaning, by_band))
    jobs = tuple(len(np.unique(job[band == each])) for each in shown)
    return Waits(tuple(each.name.lower().replace("_", " ") for each in shown), jobs, tuple(rows))


def eviction_pairs(result: RunResult) -> tuple[EvictionPair, ...]:
    """Return evictions by the product that had to leave and the one it left for, the most frequent first."""
    gone, names = result.evictions, result.world.names.products
    lost, worth = lost_gpu_s(result), lost_micro_usd(result)
    by = np.where(result.evicted_by >= 0, result.world.jobs.product[result.evicted_by], -1)
    rows = []
    for pair in sorted(set(zip(gone.product.tolist(), by.tolist(), strict=True))):
        mine = (gone.product == pair[0]) & (by == pair[1])
        rows.append(
            EvictionPair(
                product=names[pair[0]],
                by_product=names[pair[1]] if pair[1] >= 0 else "",
                evictions=int(np.count_nonzero(mine)),
                evictors=len(np.unique(result.evicted_by[mine])),
                gpus=exact_sum(gone.gpus[mine]),
                lost_gpu_s=exact_sum(lost[mine]),
                lost_micro_usd=exact_sum(worth[mine]),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.evictions, row.product, row.by_product)))


def delayed(result: RunResult, baseline: RunResult | None) -> tuple[DelayedJob, ...]:
    """Return the internal jobs that started the latest, against the run without rentals; only those that were later."""
    found, jobs = delays_of(result, baseline), result.world.jobs
    later_s = np.where(found.both, found.start_s - found.start_without_s, 0)
    order = np.lexsort((found.job, -later_s))[:DELAYED_MAX]
    return tuple(
        DelayedJob(
            job_id=jobs.job_id[found.job[row]],
            product=result.world.names.products[jobs.product[found.job[row]]],
            gpus=int(result.outcomes.held_gpus[found.job[row]]),
            submit_s=int(jobs.submit_s[found.job[row]]),
            wait_without_s=int(found.start_without_s[row] - jobs.submit_s[found.job[row]]),
            wait_with_s=int(found.start_s[row] - jobs.submit_s[found.job[row]]),
            end_later_s=int(found.end_s[row] - found.end_without_s[row])
            if min(found.end_s[row], found.end_without_s[row]) >= 0
            else None,
        )
        for row in order.tolist()
        if later_s[row] > 0
    )


def delay_gpu_s(result: RunResult, baseline: RunResult | None) -> int:
    """Return by how much internal starts came later, over all jobs that started in both runs, times their GPUs."""
    found = delays_of(result, baseline)
    later_s = (found.start_s - found.start_without_s)[found.both]
    return exact_sum(product(result.outcomes.held_gpus[found.job[found.both]], later_s))
