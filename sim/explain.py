"""Why a job waited, where it ran, who evicted it: its story, told from the tape.

The tape is fed to a core once more and the core is asked about the job after every step. So nothing had to be written
down while the run was under way, and the story can never disagree with the decisions.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from billing.months import utc_text
from scheduler.core import Core
from scheduler.events import Reason, Status
from scheduler.explain import has_promise, sentence
from scheduler.nodeset import text
from scheduler.tape import core_of, steps
from scheduler.why import why
from sim.errors import SimError
from sim.run_folder import RunFolder, read


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
    waited_s: dict[str, int]  # by reason
    epoch_s: int

    @property
    def lines(self) -> list[str]:
        """The story as lines of text."""
        row = self.facts
        lines = [f"{self.job_id}: {row['product']} of {row['tenant']}, {row['gpus']} GPUs, {row['run_s']:,} s of work"]
        lines += [f"  {utc_text(self.epoch_s + moment.at_s)}  {moment.sentence}" for moment in self.moments]
        if self.waited_s:
            parts = ", ".join(f"{seconds:,} s {code}" for code, seconds in self.waited_s.items())
            lines.append(f"  waited {sum(self.waited_s.values()):,} s in all: {parts}")
        lines.append(
            f"  {row['status']}; evicted {row['preemptions']} times, lost to node faults {row['faults']} times"
        )
        return lines

    def as_dict(self) -> dict[str, Any]:
        """The story for programs."""
        return {
            "job_id": self.job_id,
            "job": self.facts,
            "moments": [moment._asdict() | {"at": utc_text(self.epoch_s + moment.at_s)} for moment in self.moments],
            "waited_s": self.waited_s,
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
    return Explanation(job_id, facts, moments, waited_s, run.names.epoch_s)


def _story(run: RunFolder, job: int, ids: list[str]) -> tuple[list[Moment], dict[str, int]]:
    lines = run.tape()
    core = core_of(next(lines))
    moments: list[Moment] = []
    waited_s: dict[str, int] = {}
    horizon_s = int(run.manifest["horizon_s"])
    since, state, faults = 0, "", 0
    for _, now_s, events, _ in steps(lines):
        core.step(now_s, events)
        told = _told(core, job, ids)
        if core.jobs.faults[job] > faults:
            faults = core.jobs.faults[job]
            moments.append(Moment(now_s, "node_fault", "loses its nodes: one of them failed"))
        core.out.clear()
        if told is None or told.code == state:
            continue
        _count(waited_s, state, now_s - since)
        moments.append(Moment(now_s, told.code, told.sentence))
        since, state = now_s, told.code
    _count(waited_s, state, horizon_s - since)
    return moments, waited_s


def _count(waited_s: dict[str, int], state: str, seconds: int) -> None:
    """Add the seconds of a state that is a reason for waiting."""
    if seconds and state.upper() in Reason.__members__ and state not in ("none", "too_large", "patience", "no_requeue"):
        waited_s[state] = waited_s.get(state, 0) + seconds


def _told(core: Core, job: int, ids: list[str]) -> Moment | None:
    """What can be said of the job after this step; None before it is submitted."""
    status = core.jobs.status[job]
    pool = core.pools[core.jobs.pool[job]]
    if status == Status.NEW:
        return None
    if status in (Status.PENDING, Status.GRANTED):
        found = why(core, job)
        expected = f"; expected to start {found.promised_s - core.now_s:,} s from now" if has_promise(found) else ""
        return Moment(core.now_s, found.reason.name.lower(), f"{sentence(found)}{expected}")
    if status == Status.RUNNING:
        return Moment(core.now_s, f"running:{core.jobs.epoch[job]}", f"runs on nodes {text(pool.hold[job].nodes)}")
    if status == Status.EVICTING:
        for_whom = core.jobs.evictor[job]
        whose = f" for {ids[for_whom]}" if for_whom >= 0 else ""
        left_s = core.jobs.evict_at_s[job] - core.now_s
        return Moment(core.now_s, f"evicting:{core.jobs.epoch[job]}", f"is told to leave{whose}, in {left_s:,} s")
    if status == Status.CANCELLED:
        found = why(core, job)
        return Moment(core.now_s, found.reason.name.lower(), sentence(found))
    return Moment(core.now_s, "done", "is done")
