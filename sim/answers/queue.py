"""Who waits at one moment of a finished run, why, and when each of them is expected to start, by what was known then.

The tape is fed to a core up to that moment and the core is asked; the run itself goes on undisturbed in its folder.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scheduler.core import Core
from scheduler.events import NEVER, Reason
from scheduler.plan.eta import Expected, expected_starts
from scheduler.tape import core_of, steps
from scheduler.why.reasons import why
from scheduler.why.sentences import sentence
from sim.folder.run_folder import read
from sim.report.text import span
from tenants.isolation.told import wait_step

# Of a quota it would matter who in the cohort has borrowed it: that is others' business.
_OWN_REASONS = tuple(reason.name.lower() for reason in (Reason.BUDGET, Reason.PAUSED))


class Waiting(NamedTuple):
    """A job that waits. Times in seconds since the epoch of the run; None: not by what is known."""

    job_id: str
    tenant: str
    product: str
    gpus: int
    since_s: int
    reason: str
    sentence: str
    start_s: int | None
    early_s: int | None
    late_s: int | None


class OwnWait(NamedTuple):
    """An own job that waits. `start_within_s` is a step of `WAIT_STEPS_S`; None: longer, or not known."""

    job_id: str
    product: str
    gpus: int
    waited_s: int
    reason: str
    start_within_s: int | None


def waiting_at(folder: Path, at_s: int) -> list[Waiting]:
    """Return the queue as the last decision up to `at_s` left it, pool by pool in order of service.

    Raises SimError: no such run, or it has no tape. Cost: one replay of the tape up to that moment.
    """
    run = read(folder)
    rows = run.columns("jobs", "job_id", "tenant", "product", "gpus")
    lines = run.tape()
    core = core_of(next(lines))
    for _, now_s, events, _ in steps(lines):
        if now_s > at_s:
            break
        core.step(now_s, events)
        core.out.clear()
    core.now_s = max(core.now_s, at_s)
    return waiting_in(core, rows)


def waiting_in(core: Core, rows: Mapping[str, Any]) -> list[Waiting]:
    """Return who waits in a core as it stands. `rows` are the columns job_id, tenant, product and gpus of its jobs."""
    found = []
    for pool in core.pools:
        for row in expected_starts(core, pool):
            told = why(core, row.job, promise=False)
            found.append(
                Waiting(
                    job_id=str(rows["job_id"][row.job]),
                    tenant=str(rows["tenant"][row.job]),
                    product=str(rows["product"][row.job]),
                    gpus=int(rows["gpus"][row.job]),
                    since_s=core.jobs.pending_s[row.job],
                    reason=told.reason.name.lower(),
                    sentence=sentence(told),
                    start_s=_known(row.start_s),
                    early_s=_known(row.early_s),
                    late_s=_known(row.late_s),
                )
            )
    return found


def told_to_tenant(rows: Sequence[Waiting], tenant: str, at_s: int) -> list[OwnWait]:
    """Return what a tenant may be told of the queue: its own jobs, in the order in which it asked, in steps.

    Neither anybody else's jobs nor the place among them is told, and of the reason only what is the tenant's own.
    `at_s` is the moment of `rows`: the beginning of an interval, see `tenants.isolation.told.moment_of`.
    """
    mine = sorted((row for row in rows if row.tenant == tenant), key=lambda row: (row.since_s, row.job_id))
    return [
        OwnWait(
            row.job_id,
            row.product,
            row.gpus,
            at_s - row.since_s,
            row.reason if row.reason in _OWN_REASONS else "capacity",
            wait_step(None if row.start_s is None else max(0, row.start_s - at_s)),
        )
        for row in mine
    ]


def expectation(core: Core, job: int) -> str:
    """Return when a waiting job is expected to start, as the end of a sentence; empty where nothing is known."""
    rows = expected_starts(core, core.pools[core.jobs.pool[job]])
    row = next((row for row in rows if row.job == job), Expected(job, NEVER, NEVER, NEVER))
    if row.start_s == NEVER:
        return ""
    early, expected = span(row.early_s - core.now_s), span(row.start_s - core.now_s)
    if row.early_s == row.start_s == row.late_s:
        return f"; expected to start in {expected}"
    late = f"{span(row.late_s - core.now_s)} at the latest" if row.late_s < NEVER else "nobody knows how late"
    return f"; expected to start in {expected}, probably in {early} at the earliest and {late}"


def _known(at_s: int) -> int | None:
    return at_s if at_s < NEVER else None
