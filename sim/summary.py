"""The headline numbers of a run: what `summary.json` holds and the command line prints. Ints and decimal text only.

Utilisation stands three times, never as one number: *allocated* is what jobs held, *busy* leaves out the start-ups in
it, *goodput* also the work that was thrown away later and the time that checkpoints took to write. A ratio is in basis
points, rounded down. A wait is the time from submission to the first start; jobs that never started have none and are
counted beside it. Money is what the bills of all months say, so it agrees with them to the cent.
"""

from typing import Any

import numpy as np

from billing.books import Books
from billing.invoices.bill import BALANCES, CREDIT
from billing.money import BP, CURRENCY, exact_sum, format_usd, product, round_half_up
from billing.months import utc_text
from billing.sla.indicators import nearest_rank
from billing.usage import IntArray
from scheduler.events import Status
from scheduler.why.wait_cause import WaitCause
from sim.engine.deadline import deadlines_kept, rows_of
from sim.measures.delays import delays_of
from sim.measures.quota_use import budget_findings, quota_use
from sim.measures.run_reliability import reliability
from sim.report.build import capacity_residual
from sim.report.delay import delay
from sim.report.timeline import installed_gpus, is_rented
from sim.result import RunResult
from tenants.band import Band


def summarise(result: RunResult, books: Books | None, baseline: RunResult | None = None) -> dict[str, Any]:
    """Return the headline numbers of a run.

    Args:
        result:   the run.
        books:    its closed books; None for a run that was not metered: `money` and `residual_gpu_s` are then None.
        baseline: the same world with rentals off; without it `internal_delay` is None.
    """
    epoch_s = result.world.names.epoch_s
    found = (
        *result.world.jobs.findings,
        *result.findings,
        *(books.findings if books else ()),
        *budget_findings(result),
    )
    return {
        "policy": result.policy,
        "lend": result.lend,
        "seed": result.seed,
        "epoch": utc_text(epoch_s),
        "epoch_s": epoch_s,
        "horizon_s": result.horizon_s,
        "events": result.event_count,
        "decisions": result.step_count,
        "installed_gpus": installed_gpus(result),
        "utilisation": utilisation(result),
        "money": None if books is None else _money(result, books),
        "jobs": _jobs(result),
        "wait_s": _waits(result),
        "wait_by_cause_s": waits_by_cause(result),
        "deadlines": deadlines_kept(result),
        **_delays(result, baseline),
        **quota_use(result),
        "interruptions": _interruptions(result),
        "reliability": reliability(result),
        **({} if result.isolation is None else {"isolation": {"nodes_checked": result.isolation.checked}}),
        "residual_gpu_s": None if books is None else capacity_residual(result, books),
        "findings": [each._asdict() for each in found],
    }


def utilisation(result: RunResult) -> dict[str, Any]:
    """Return installed GPU-seconds, and those allocated, busy and kept as work, each with its ratio."""
    segments = result.segments
    allocated = exact_sum(product(segments.gpus, segments.end_s - segments.start_s))
    busy = allocated - exact_sum(product(segments.gpus, result.stalled_s))
    goodput = busy - exact_sum(product(segments.gpus, result.lost_s + result.written_s))
    whole = installed_gpus(result) * result.horizon_s
    kinds = {"allocated": allocated, "busy": busy, "goodput": goodput}
    ratios = {kind: {"gpu_s": gpu_s, "bp": BP * gpu_s // whole if whole else 0} for kind, gpu_s in kinds.items()}
    return {"installed_gpu_s": whole, **ratios}


def _money(result: RunResult, books: Books) -> dict[str, Any]:
    """What renters were charged, what the owner's own teams were (for show), and what was given back: all as billed."""
    rented = dict(zip(books.names.products, is_rented(result).tolist(), strict=True))
    amounts = {"external": 0, "internal": 0, "credits": 0}
    for bill in books.month_bills():
        for line in bill.lines:
            if line.kind == CREDIT:
                amounts["credits"] -= line.amount_micro_usd
            elif line.kind not in BALANCES:
                amounts["external" if rented[line.product] else "internal"] += line.amount_micro_usd
    amounts["external_net"] = amounts["external"] - amounts["credits"]
    named = {name: {"usd": format_usd(micro, 2), "micro_usd": micro} for name, micro in amounts.items()}
    return {"currency": CURRENCY, **named}


def _jobs(result: RunResult) -> dict[str, Any]:
    counts = np.bincount(result.outcomes.status, minlength=len(Status)).tolist()
    by_status = {status.name.lower(): counts[status] for status in Status}
    return {"total": len(result.world.jobs.job_id), "by_status": by_status}


def _waits(result: RunResult) -> dict[str, Any]:
    """Submission to first start, by band; bands without a job are left out."""
    jobs, start_s = result.world.jobs, result.outcomes.start_s
    moved = np.isin(np.arange(len(start_s)), list(rows_of(result.world.deadlines)))  # they come when they like
    band = np.array([row.band for row in result.world.products], dtype=np.int64)[jobs.product]
    found = {}
    for each in Band:
        mine = (band == each) & ~moved
        waits = np.sort((start_s - jobs.submit_s)[mine & (start_s >= 0)])
        if mine.any():
            found[each.name.lower()] = {
                "started": len(waits),
                "never_started": int(mine.sum()) - len(waits),
                **_spread(waits),
            }
    return found


def waits_by_cause(result: RunResult) -> dict[str, dict[str, int]]:
    """Seconds that the jobs of each band waited, by what they waited for; what did not happen is left out."""
    job, cause, wait_s = result.waits
    band = np.array([row.band for row in result.world.products], dtype=np.int64)[result.world.jobs.product[job]]
    found: dict[str, dict[str, int]] = {}
    for each in Band:
        for what in WaitCause:
            seconds = exact_sum(wait_s[(band == each) & (cause == what)])
            if seconds:
                found.setdefault(each.name.lower(), {})[what.name.lower()] = seconds
    return found


def _spread(ascending: IntArray) -> dict[str, int | None]:
    mean = round_half_up(exact_sum(ascending), len(ascending)) if len(ascending) else None
    ranks = {"p50": 50, "p95": 95, "max": 100}
    return {"mean": mean, **{name: nearest_rank(ascending, percent) for name, percent in ranks.items()}}


def _delays(result: RunResult, baseline: RunResult | None) -> dict[str, Any]:
    """Waits from grant to start against their declared bound, and starts against the run without rentals."""
    found = delay(result, baseline)
    reclaim = {
        "starts": sum(row.starts for row in found.reclaim),
        "wait_s_max": max((row.max_s for row in found.reclaim), default=None),
        "bound_s": max((bound_s for _, bound_s in found.bounds), default=None),
        "over_bound": found.over_bound,
    }
    paired = None
    if baseline is not None:
        pairs = delays_of(result, baseline)
        later_s = np.sort((pairs.start_s - pairs.start_without_s)[pairs.both])
        paired = {
            "baseline_lend": baseline.lend,
            "jobs": sum(row.jobs for row in found.paired),
            "later": sum(row.later for row in found.paired),
            "earlier": sum(row.earlier for row in found.paired),
            "total_s": sum(row.wait_with_s - row.wait_without_s for row in found.paired),
            "max_s": max((row.worst_s for row in found.paired), default=0),
            "p50_s": nearest_rank(later_s, 50),
            "p99_s": nearest_rank(later_s, 99),
            "gpu_s": exact_sum(
                product(result.outcomes.held_gpus[pairs.job], pairs.start_s - pairs.start_without_s)[pairs.both]
            ),
            "unpaired": found.unpaired,
        }
    return {"reclaim": reclaim, "internal_delay": paired}


def _interruptions(result: RunResult) -> dict[str, int]:
    """Evictions and whether their promises were kept (full notice, guarantee over), and node faults."""
    evictions = result.evictions
    notice_s = np.array([row.notice_s for row in result.world.products], dtype=np.int64)[evictions.product]
    inside = evictions.evicted_s < evictions.guaranteed_until_s
    full = evictions.evicted_s - evictions.noticed_s >= notice_s
    return {
        "evictions": len(evictions.job),
        "notices_kept": int(np.count_nonzero(full & ~inside)),
        "inside_guarantee": int(np.count_nonzero(inside)),
        "node_faults": int(np.count_nonzero(result.world.faults.down_s < result.horizon_s)),
        "jobs_interrupted_by_faults": len(result.outages.job),
    }
