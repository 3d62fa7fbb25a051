"""What jobs that lost nodes held meanwhile, and where."""

import numpy as np

from billing.usage import IntArray, SegmentTable


class Held:
    """What jobs with outages held, for asking what they held in an interval. Cost to make: O(segments)."""

    def __init__(self, segments: SegmentTable, jobs: IntArray) -> None:
        self._rows: dict[int, list[tuple[int, int, int, int, int]]] = {}
        some = np.isin(segments.job, jobs)
        columns = (segments.region, segments.sku, segments.gpus, segments.start_s, segments.end_s)
        rows = zip(*(column[some].tolist() for column in columns), strict=True)
        for job, row in zip(segments.job[some].tolist(), rows, strict=True):
            self._rows.setdefault(job, []).append(row)

    def place(self, job: int) -> tuple[int, int] | None:
        """Return the (region, SKU) of a job, which never moves from one pool to another; None if it held nothing."""
        return self._rows[job][0][:2] if job in self._rows else None

    def gpu_s(self, job: int, gpus: int, from_s: int, until_s: int) -> int:
        """Return the GPU-seconds of at most `gpus` GPUs that a job held in [from_s, until_s)."""
        return sum(
            min(gpus, held) * max(0, min(until_s, end_s) - max(from_s, start_s))
            for _, _, held, start_s, end_s in self._rows.get(job, ())
        )
