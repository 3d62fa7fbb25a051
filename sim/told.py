"""The names under which a run's facts are told: ids of allocations, outages and evictions, from those of jobs."""

from collections.abc import Iterable, Sequence

import numpy as np

from billing.sla.told import Told
from sim.result import RunResult


def allocation_names(jobs: Sequence[str], start_s: Sequence[int]) -> list[str]:
    """Return the id of each allocation: the job's, and which of its starts it was. O(n log n)."""
    count: dict[str, int] = {}
    names = [""] * len(jobs)
    for row in np.argsort(np.array(start_s, dtype=np.int64), kind="stable").tolist():
        count[jobs[row]] = count.get(jobs[row], 0) + 1
        names[row] = f"{jobs[row]}.{count[jobs[row]]}"
    return names


def outage_event(allocation: str) -> str:
    """Return the id of the event that says that an allocation's nodes went down."""
    return f"{allocation}.outage.started"


def eviction_event(allocation: str | None, job: str, evicted_s: int) -> str:
    """Return the id of the event of an eviction; a job that was evicted in the second of its start held nothing."""
    return f"{allocation or f'{job}@{evicted_s}'}.evicted"


def told_of(result: RunResult) -> Told:
    """Return the ids behind the facts of a run. Only jobs that lost something are named one by one."""
    jobs, segments = result.world.jobs.job_id, result.segments
    lost = np.unique(np.concatenate((result.outages.job, result.evictions.job)))
    some = np.isin(segments.job, lost)
    of_job = [jobs[job] for job in segments.job[some].tolist()]
    names = allocation_names(of_job, segments.start_s[some].tolist())
    ends = dict(zip(zip(of_job, segments.end_s[some].tolist(), strict=True), names, strict=True))

    def keys(job: Iterable[int], at_s: Iterable[int]) -> list[tuple[str, int]]:
        return [(jobs[row], when_s) for row, when_s in zip(job, at_s, strict=True)]

    down = keys(result.outages.job.tolist(), result.outages.from_s.tolist())
    gone = keys(result.evictions.job.tolist(), result.evictions.evicted_s.tolist())
    return Told(
        jobs,
        [outage_event(ends.get(key, f"{key[0]}@{key[1]}")) for key in down],
        [eviction_event(ends.get(key), *key) for key in gone],
    )
