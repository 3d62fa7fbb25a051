"""Queue orders: who is asked first. A pure function of the job table's facts, smallest key first.

A key is computed once per job, at once for all rows that are known; it ends in the row, so no two are equal and chance
decides nothing. Jobs of a more important band always come first inside a tier.
"""

from collections.abc import Callable

import numpy as np

from scheduler.tables import IntArray, JobTable

Order = Callable[[JobTable], IntArray]

ROW_BITS = 40  # room for 1e12 jobs below the band


def fifo(jobs: JobTable) -> IntArray:
    """First come, first served inside each band. Returns (jobs,) int64 keys. O(n)."""
    return (jobs.array("band").astype(np.int64) << ROW_BITS) | np.arange(jobs.count, dtype=np.int64)


ORDERS: dict[str, Order] = {"fifo": fifo}
