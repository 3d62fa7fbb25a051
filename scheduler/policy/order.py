"""Queue orders: who is asked first. A pure function of the job table's facts, smallest key first.

A key is computed once per job, at once for all rows that are known; it ends in the row, so no two are equal and chance
decides nothing. Jobs of a more important band always come first inside a tier.
"""

from collections.abc import Callable

import numpy as np

from scheduler.tables import IntArray, JobTable

Order = Callable[[JobTable], IntArray]

ROW_BITS = 40  # room for 1e12 jobs below the band
AGEING_GPUS = 64  # an hour of waiting weighs as much as 64 GPU-hours of size


def fifo(jobs: JobTable) -> IntArray:
    """First come, first served inside each band. Returns (jobs,) int64 keys. O(n)."""
    return (jobs.array("band").astype(np.int64) << ROW_BITS) | np.arange(jobs.count, dtype=np.int64)


def shortest(jobs: JobTable) -> IntArray:
    """Shortest first inside each band, by GPUs x estimate; waiting counts. Returns (jobs,) int64 keys. O(n log n).

    Every second of waiting counts as `AGEING_GPUS` GPU-seconds less, for all alike: so the order of two jobs never
    changes and a key is worked out once, while big jobs come up against newcomers and do not starve for ever.
    """
    gpu_s = jobs.array("gpus").astype(np.int64) * jobs.array("estimate_s")
    in_order = np.lexsort((gpu_s + AGEING_GPUS * jobs.array("submit_s"), jobs.array("band")))  # stable: ties by row
    keys = np.empty(jobs.count, dtype=np.int64)
    keys[in_order] = np.arange(jobs.count)
    return keys


ORDERS: dict[str, Order] = {"fifo": fifo, "shortest": shortest}
