"""What stands in a trace: how many jobs, how large, how long, when they arrive, whose they are, how much work it is.

Floats, for the reader: they decide nothing. Days and weeks are in UTC where the trace says when it began; where it does
not, its second 0 is taken for Thursday midnight, so that the shape of a week is right and its names are not.
"""

from typing import NamedTuple

import numpy as np

from sim.errors import SimError
from sim.replay import SPAN_S_MAX
from sim.result import IntArray
from sim.traces.trace import Trace
from sim.workload.draw import DAY_S, HOUR_S, WEEK_S, hour_of_week

QUANTILES = (10, 25, 50, 75, 90, 99)  # per cent
USERS_MOST = 10
_DAY_HOURS = DAY_S // HOUR_S


class Measure(NamedTuple):
    """One number of every job: its quantiles as in QUANTILES, and its mean."""

    name: str
    unit: str
    quantiles: tuple[float, ...]
    mean: float


class Part(NamedTuple):
    """Jobs that belong together: of a size class, a product or a user."""

    name: str
    jobs: int
    gpu_s: int


class Profile(NamedTuple):
    """A trace in numbers. Rates are arrivals per hour of the day and per weekday; None where none was seen."""

    file: str
    rows_read: int
    jobs: int
    users: int
    span_s: int  # from the first submission through the last
    processors: int  # of the machine; 0 where the trace does not say
    gpu_s: int
    gpus_mean: float  # GPUs that the work would hold all the time over the span
    measures: tuple[Measure, ...]
    sizes: tuple[Part, ...]
    products: tuple[Part, ...]
    most: tuple[Part, ...]  # the users with the most GPU time
    by_hour: tuple[float | None, ...]
    by_weekday: tuple[float | None, ...]


def profile(trace: Trace) -> Profile:
    """Return a trace in numbers. Cost: O(jobs log jobs + hours).

    Raises:
        SimError: the trace is longer than any clock in seconds.
    """
    jobs, work = trace.jobs, gpu_seconds(trace)
    span_s = span_of(trace)
    counts, seen_s = week(trace, jobs.submit_s)
    low = size_class(jobs.gpus)
    classes = {int(first): f"{first} to {2 * first - 1}" if first > 1 else "1" for first in np.unique(low)}
    users = _parts(jobs.tenant, work, dict(enumerate(trace.tenants)))
    return Profile(
        file=trace.file,
        rows_read=trace.rows_read,
        jobs=len(jobs.job_id),
        users=len(users),
        span_s=span_s,
        processors=trace.processors,
        gpu_s=sum(work),
        gpus_mean=sum(work) / span_s,
        measures=tuple(
            measure(*name, column)
            for name, column in columns(jobs.gpus, jobs.run_s, jobs.submit_s, trace.epoch_s).items()
        ),
        sizes=tuple(_parts(low, work, classes)),
        products=tuple(_parts(jobs.product, work, dict(enumerate(trace.products)))),
        most=tuple(sorted(users, key=lambda part: (-part.gpu_s, part.name))[:USERS_MOST]),
        by_hour=_rates(counts.reshape(7, _DAY_HOURS).sum(0), seen_s.reshape(7, _DAY_HOURS).sum(0), HOUR_S),
        by_weekday=_rates(counts.reshape(7, _DAY_HOURS).sum(1), seen_s.reshape(7, _DAY_HOURS).sum(1), DAY_S),
    )


def span_of(trace: Trace) -> int:
    """Return the seconds from the first submission through the last. Raises SimError as `profile`."""
    jobs = trace.jobs
    span_s = int(jobs.submit_s[-1] - jobs.submit_s[0]) + 1
    if span_s + int(jobs.run_s.max()) > SPAN_S_MAX:
        message, allowed = "longer than any clock in seconds", f"at most {SPAN_S_MAX} s from first to last"
        raise SimError(message, code="trace.span", file=trace.file, found=f"{span_s} s", allowed=allowed)
    return span_s


def gpu_seconds(trace: Trace) -> list[int]:
    """Return the GPU-seconds of each job; Python's ints, since a product of two columns may leave int64."""
    rows = zip(trace.jobs.gpus.tolist(), trace.jobs.run_s.tolist(), strict=True)
    return [gpus * run_s for gpus, run_s in rows]


def size_class(gpus: IntArray) -> IntArray:
    """Return the power of two at or below each size: 5 to 7 GPUs are of class 4."""
    low: IntArray = 1 << np.floor(np.log2(gpus)).astype(np.int64)
    return low


def week(trace: Trace, submit_s: IntArray) -> tuple[IntArray, IntArray]:
    """Return, for each hour of the week from Monday on, the submissions and the seconds of the span; int64, (168,)."""
    hours = WEEK_S // HOUR_S
    first_s = int(trace.jobs.submit_s[0]) + trace.epoch_s
    last_s = first_s + span_of(trace)
    start_s = np.arange(first_s // HOUR_S * HOUR_S, last_s, HOUR_S)
    inside_s = np.minimum(start_s + HOUR_S, last_s) - np.maximum(start_s, first_s)
    seen_s = np.zeros(hours, dtype=np.int64)
    np.add.at(seen_s, hour_of_week(start_s, 0), inside_s)
    counts = np.bincount(hour_of_week(submit_s, trace.epoch_s), minlength=hours).astype(np.int64)
    return counts, seen_s


def columns(gpus: IntArray, run_s: IntArray, submit_s: IntArray, epoch_s: int) -> dict[tuple[str, str], IntArray]:
    """Return by (name, unit) what is measured of jobs in order of submission; (n,), one less for the times between."""
    return {
        ("size", "GPUs"): gpus,
        ("run time", "s"): run_s,
        ("between submissions", "s"): np.diff(submit_s),
        ("time of day", "s"): (submit_s + epoch_s) % DAY_S,
    }


def measure(name: str, unit: str, column: IntArray) -> Measure:
    """Return a column in quantiles; of an empty one, zeros."""
    filled = column if len(column) else np.zeros(1, dtype=np.int64)
    return Measure(name, unit, tuple(np.percentile(filled, QUANTILES).tolist()), float(filled.mean()))


def _parts(key: IntArray, work: list[int], names: dict[int, str]) -> list[Part]:
    jobs = dict.fromkeys(names, 0)
    gpu_s = dict.fromkeys(names, 0)
    for row, own in zip(key.tolist(), work, strict=True):
        jobs[row] += 1
        gpu_s[row] += own
    return [Part(name, jobs[row], gpu_s[row]) for row, name in names.items() if jobs[row]]


def _rates(counts: IntArray, seen_s: IntArray, unit_s: int) -> tuple[float | None, ...]:
    pairs = zip(counts.tolist(), seen_s.tolist(), strict=True)
    return tuple(count * unit_s / seen if seen else None for count, seen in pairs)
