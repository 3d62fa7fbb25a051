"""Why a job waited, where it ran, who evicted it: its story, told from the tape.

The tape is fed to a core once more and the core is asked about the job after every step. So nothing but the tape had
to be written down while the run was under way, and the story can never disagree with the decisions.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from billing.months import utc_text
from scheduler.core import Core
from scheduler.events import Plan, Status
from scheduler.nodes.nodeset import text
from scheduler.tape import core_of, steps
from scheduler.why.reasons import why
from scheduler.why.sentences import sentence, singular
from scheduler.why.wait_cause import WaitCause
from scheduler.why.waits import WaitLedger
from sim.answers.queue import expectation
from sim.errors import SimError
from sim.folder.run_folder import RunFolder, read
from sim.report.text import span, usd

# What a job waited for, as the end of "12 min ...".
CAUSE_WORDS = {
    "capacity": "for nodes that its own or more important bands held",
    "fragmentation": "for nodes in one piece",
    "fair_share": "for its tenant's quota, budget or contract",
    "promised": "for its turn",
    "failure": "for repairs",
    "rentals": "for rentals to leave",
    "preemption": "for less important internal work to leave",
    "scrubbing": "for cleaning",
    "offer": "for an offer",
    "damping": "held back after failures",
}


class Moment(NamedTuple):
    """From `at_s` on: a state or reason (`code`), and the sentence for it."""

    at_s: int
    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The story of one job."""

    job_id: str
    facts: dict[str, Any]  # its row of the jobs table
    moments: list[Moment]
    waited_s: dict[str, int]  # by cause; adds up to its wait
    evicted: list[dict[str, Any]]  # its rows of the evictions table
    evicting: list[dict[str, Any]]  # the rows of those who had to leave for it
    epoch_s: int

    @property
    def lines(self) -> list[str]:
        """The story as lines of text."""
        row = self.facts
        lines = [f"{self.job_id}: {row['product']} of {row['tenant']}, {row['gpus']} GPUs, {row['run_s']:,} s of work"]
        lines[0] = singular(lines[0])
        lines += [f"  {utc_text(self.epoch_s + moment.at_s)}  {moment.sentence}" for moment in self.moments]
        if self.waited_s:
            causes = sorted(self.waited_s.items(), key=lambda cause: -cause[1])
            parts = ", ".join(f"{span(seconds)} {CAUSE_WORDS[cause]}" for cause, seconds in causes)
            total_s = sum(self.waited_s.values())
            lines.append(f"  waited {total_s:,} s in all, {span(total_s)}: {parts}")
        lines += [f"  {eviction_text(gone, self.epoch_s)}" for gone in self.evicted]
        if self.evicting:
            names = ", ".join(gone["job_id"] for gone in self.evicting[:5])
            more = f" and {len(self.evicting) - 5:,} more" if len(self.evicting) > 5 else ""
            lost_gpu_s = sum(gone["lost_gpu_s"] for gone in self.evicting)
            count = len(self.evicting)
            told = f"{count:,} eviction{'s' if count > 1 else ''} ({names}{more})"
            lines.append(f"  for its nodes: {told}, in which {lost_gpu_s:,} GPU-s of work were lost")
        times = f"evicted {row['preemptions']} times, lost to node faults {row['faults']} times"
        lines.append(f"  {row['status']}; {singular(times)}")
        return lines

    def as_dict(self) -> dict[str, Any]:
        """The story for programs."""
        return {
            "job_id": self.job_id,
            "job": self.facts,
            "moments": [moment._asdict() | {"at": utc_text(self.epoch_s + moment.at_s)} for moment in self.moments],
            "waited_s": self.waited_s,
            "evicted": self.evicted,
            "evicting": self.evicting,
        }


def explain(folder: Path, job_id: str) -> Explanation:
    """Tell the story of a job of a finished run.

    Raises:
        SimError: no such run or job, or the run has no tape.
    Cost: one replay of the tape.
    """
    run = read(folder)
    ids = run.columns("jobs", "job_id")["job_id"].tolist()
    if job_id not in ids:
        near = ", ".join(get_close_matches(job_id, ids, 3) or ids[:3])
        raise SimError("run has no such job", code="unknown_name", path="JOB", found=job_id, allowed=f"ids like {near}")
    facts = run.query("SELECT * FROM jobs WHERE job_id = $job", job=job_id)[0]
    moments, waited_s = _story(run, ids.index(job_id), ids)
    evicted = run.query("SELECT * FROM evictions WHERE job_id = $job ORDER BY evicted_s", job=job_id)
    evicting = run.query("SELECT * FROM evictions WHERE by_job_id = $job ORDER BY evicted_s, job_id", job=job_id)
    return Explanation(job_id, facts, moments, waited_s, evicted, evicting, run.names.epoch_s)


def evictions(folder: Path) -> list[dict[str, Any]]:
    """Return the evictions of a run, those that cost most first: what was lost, then GPUs, then time.

    Raises:
        SimError: no such run.
    """
    return read(folder).query(
        "SELECT * FROM evictions ORDER BY lost_micro_usd DESC NULLS LAST, lost_gpu_s DESC, gpus DESC, evicted_s, job_id"
    )


def eviction_text(gone: dict[str, Any], epoch_s: int) -> str:
    """One eviction in one sentence: when, for whom, with what notice, and what was lost."""
    again = ", which started again after a failure" if gone["second_order"] else ""
    by = f" for {gone['by_job_id']} ({gone['by_product']} of {gone['by_tenant']}{again})" if gone["by_job_id"] else ""
    worth = f", worth {usd(gone['lost_micro_usd'])}" if gone["lost_micro_usd"] else ""
    lost = (
        f"{gone['lost_s']:,} s of work on {gone['gpus']} GPUs were lost{worth}"
        if gone["lost_s"]
        else "no work was lost"
    )
    notice_s = gone["evicted_s"] - gone["noticed_s"]
    return f"evicted at {utc_text(epoch_s + gone['evicted_s'])}{by} after a notice of {span(notice_s)}; {lost}"


def _story(run: RunFolder, job: int, ids: list[str]) -> tuple[list[Moment], dict[str, int]]:
    lines = run.tape()
    core = core_of(next(lines))
    ledger = WaitLedger(core)
    moments: list[Moment] = []
    state, faults = "", 0
    for _, now_s, events, _ in steps(lines):
        core.step(now_s, events)
        ledger.after_step(now_s, events)
        told = _told(core, job, ids)
        if core.jobs.faults[job] > faults:
            faults = core.jobs.faults[job]
            moments.append(Moment(now_s, "node_fault", "loses its nodes: one of them failed"))
        plans = [plan for plan in core.out.plans if job == plan.job or job in plan.victims]
        moments += [Moment(now_s, "plan", plan_text(plan, job, ids)) for plan in plans]
        core.out.clear()
        if told is not None and told.code != state:
            waits = core.jobs.status[job] in (Status.PENDING, Status.GRANTED)
            moments.append(told._replace(sentence=told.sentence + (expectation(core, job) if waits else "")))
            state = told.code
    waited_s: dict[str, int] = {}
    rows = ledger.close(int(run.manifest["horizon_s"]))
    for place in range(0, len(rows), 3):
        if rows[place] == job:
            cause = WaitCause(rows[place + 1]).name.lower()
            waited_s[cause] = waited_s.get(cause, 0) + rows[place + 2]
    return moments, waited_s


def _told(core: Core, job: int, ids: list[str]) -> Moment | None:
    """What can be said of the job after this step; None before it is submitted."""
    status = core.jobs.status[job]
    pool = core.pools[core.jobs.pool[job]]
    if status == Status.NEW:
        return None
    if status in (Status.PENDING, Status.GRANTED):
        found = why(core, job, promise=False)
        return Moment(core.now_s, found.reason.name.lower(), sentence(found))
    if status == Status.RUNNING:
        nodes = pool.hold[job].nodes
        where = f"runs on node{'s' if nodes.bit_count() > 1 else ''} {text(nodes)}"
        return Moment(core.now_s, f"running:{core.jobs.epoch[job]}", where)
    if status == Status.EVICTING:
        for_whom = core.jobs.evictor[job]
        whose = f" for {ids[for_whom]}" if for_whom >= 0 else ""
        left_s = core.jobs.evict_at_s[job] - core.now_s
        return Moment(core.now_s, f"evicting:{core.jobs.epoch[job]}", f"is told to leave{whose}, in {left_s:,} s")
    if status == Status.CANCELLED:
        found = why(core, job)
        return Moment(core.now_s, found.reason.name.lower(), sentence(found))
    return Moment(core.now_s, "done", "is done")


def plan_text(plan: Plan, job: int, ids: list[str]) -> str:
    """Who was to leave for whom, at what cost, and what else was considered."""
    victims = ", ".join(ids[victim] for victim in plan.victims)
    whose = "it" if job == plan.job else ids[plan.job]
    cost = f" at a cost of {usd(plan.cost_micro_usd)}" if plan.cost_micro_usd else ""
    told = f"{victims} must make way for {whose}{cost}, ready in {span(plan.ready_s - plan.at_s)}"
    if not plan.runner_up:
        return f"{told}; it was {plan.decided_by}" if plan.decided_by else told
    others = ", ".join(ids[other] for other in plan.runner_up)
    other_cost = f" at {usd(plan.runner_up_cost_micro_usd)}" if plan.runner_up_cost_micro_usd else ""
    return f"{told}; considered instead: {others}{other_cost}, worse in {plan.decided_by}"
