"""Rows as a file has them -> job rows in order of submission, with a finding for each thing refused or changed.

| row | treatment |
|---|---|
| zero GPUs, more GPUs than an int32 holds, negative run time, negative submit time | refused |
| job id that stands on an earlier line | refused (the first line with an id is the job) |
| run time 0, run time above the estimate | kept and counted |
| estimate missing | run time taken and counted |
| larger than the cluster | kept: the core turns it away with a reason, since only the core knows the cluster |
| rows out of order | sorted by (submit time, job id) and counted; equal submit times are no fault |
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scheduler.events import NEVER
from sim.errors import SimError
from sim.result import Finding, IntArray, JobRows
from sim.traces.trace import file_name

BoolArray = NDArray[np.bool_]
GPUS_MAX = 2**31 - 1  # the core's column of sizes is int32


@dataclass(frozen=True, slots=True)
class RawRows:
    """Rows as the file has them, in its order; int64, (n,). Times in seconds."""

    line: IntArray  # line number in the file, from 1
    job: IntArray  # the file's own job number
    tenant: IntArray
    product: IntArray
    gpus: IntArray
    submit_s: IntArray
    run_s: IntArray
    estimate_s: IntArray | None  # 0 or less = missing; None = every estimate is the run time


class Sieve:
    """Which rows of a file are kept so far, and what has been found out about them."""

    def __init__(self, file: str, line: IntArray) -> None:
        self.keep: BoolArray = np.ones(len(line), dtype=np.bool_)
        self.findings: list[Finding] = []
        self._file = file
        self._line = line

    def refuse(self, bad: BoolArray, why: str) -> None:
        """Drop the rows that are `bad` (n,) and count those that were still kept."""
        self.note(bad, f"refused: {why}")
        self.keep &= ~bad

    def note(self, seen: BoolArray, what: str) -> None:
        """Count the kept rows that are `seen` (n,) as one finding at the first of them; none, no finding."""
        rows = np.flatnonzero(seen & self.keep)
        if len(rows):
            self.findings.append(Finding(f"{self._file}: line {self._line[rows[0]]}", what, len(rows)))


def clean(path: Path, raw: RawRows, notes: Sequence[tuple[BoolArray, str]] = ()) -> JobRows:
    """Return the rows of `raw` that can be run, sorted by (submit_s, job); see the table above.

    Ties end in the job's number and not in the file's order, so a shuffled file gives the same jobs.

    Args:
        path:  the file.
        raw:   its rows.
        notes: what else to count among the rows that are not refused: (mask over the rows, finding).

    Raises:
        SimError: no row is left.
    """
    sieve = Sieve(file_name(path), raw.line)
    _refuse(raw, sieve)
    for seen, what in notes:
        sieve.note(seen, what)
    estimate_s = _estimates(raw, sieve)
    sieve.note(raw.run_s == 0, "kept: run time 0, never holds a GPU-second")
    kept = np.flatnonzero(sieve.keep)
    if not len(kept):
        raise SimError("no job can be run", code="trace.empty", file=str(path), found=_summary(sieve.findings))
    order = kept[np.lexsort((raw.job[kept], raw.submit_s[kept]))]
    early = np.zeros(len(raw.job), dtype=np.bool_)
    early[kept[1:]] = np.diff(raw.submit_s[kept]) < 0
    sieve.note(early, "changed: submitted before the row above it, rows sorted by (submit time, job id)")
    return JobRows(
        job_id=[str(job) for job in raw.job[order].tolist()],
        tenant=raw.tenant[order],
        product=raw.product[order],
        pool=np.zeros(len(order), dtype=np.int64),
        gpus=raw.gpus[order],
        submit_s=raw.submit_s[order],
        run_s=raw.run_s[order],
        estimate_s=estimate_s[order],
        patience_s=np.full(len(order), NEVER, dtype=np.int64),
        findings=sieve.findings,
    )


def _refuse(raw: RawRows, sieve: Sieve) -> None:
    """Refuse the rows that cannot be jobs."""
    sieve.refuse(raw.gpus <= 0, "zero GPUs")
    sieve.refuse(raw.gpus > GPUS_MAX, f"more GPUs than {GPUS_MAX}")
    sieve.refuse(raw.run_s < 0, "negative run time")
    sieve.refuse(raw.submit_s < 0, "negative submit time")
    _, first, which = np.unique(raw.job, return_index=True, return_inverse=True)
    first_row = first[which]
    again = first_row != np.arange(len(raw.job))
    rows = np.flatnonzero(again & sieve.keep)
    if len(rows):
        row = rows[0]
        sieve.refuse(again, f"duplicate job id ({raw.job[row]} first stands on line {raw.line[first_row[row]]})")


def _estimates(raw: RawRows, sieve: Sieve) -> IntArray:
    """Return what the scheduler is told about run times, counting what is missing or too short."""
    if raw.estimate_s is None:
        return raw.run_s
    missing = raw.estimate_s <= 0
    sieve.note(missing, "kept: estimate missing, run time taken")
    sieve.note(~missing & (raw.run_s > raw.estimate_s), "kept: run time above estimate")
    return np.where(missing, raw.run_s, raw.estimate_s)


def _summary(findings: list[Finding]) -> str:
    """Return the findings in a few words."""
    return "; ".join(f"{finding.count} x {finding.what}" for finding in findings)
