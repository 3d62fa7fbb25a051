"""What rentals cost internal jobs in time, job by job: the same world with rentals and without, side by side."""

from typing import NamedTuple

import numpy as np

from sim.result import IntArray, RunResult
from tenants.band import Band

INTERNAL = (Band.INTERNAL_CRITICAL, Band.INTERNAL)


class Delays(NamedTuple):
    """Internal jobs that started in one of the two runs at least, in order of submission. All (n,) int64.

    `job` are rows of the run with rentals; a start or end that never came is -1.
    """

    job: IntArray
    start_s: IntArray
    start_without_s: IntArray
    end_s: IntArray
    end_without_s: IntArray

    @property
    def both(self) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        """Whether a job started in both runs: only these can be compared."""
        mask: np.ndarray[tuple[int], np.dtype[np.bool_]] = (self.start_s >= 0) & (self.start_without_s >= 0)
        return mask


def delays_of(result: RunResult, baseline: RunResult | None) -> Delays:
    """Return the starts and ends of internal jobs in both runs, matched by their ids; none without a baseline.

    A job counts with its first start. Cost: O(jobs).
    """
    if baseline is None:
        return Delays(*(np.zeros(0, dtype=np.int64) for _ in Delays._fields))
    rows = result.world.jobs
    band = np.array([row.band for row in result.world.products], dtype=np.int64)[rows.product]
    mine = np.flatnonzero(np.isin(band, [int(each) for each in INTERNAL]))
    place = {job_id: row for row, job_id in enumerate(baseline.world.jobs.job_id)}
    there = np.array([place.get(rows.job_id[row], -1) for row in mine.tolist()], dtype=np.int64)
    found = [
        mine,
        result.outcomes.start_s[mine],
        np.where(there >= 0, baseline.outcomes.start_s[there], -1),
        result.outcomes.end_s[mine],
        np.where(there >= 0, baseline.outcomes.end_s[there], -1),
    ]
    seen = (found[1] >= 0) | (found[2] >= 0)
    return Delays(*(values[seen] for values in found))
