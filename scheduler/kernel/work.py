"""The seconds of a segment, and what is left of a job: `scheduler.jobs.work` on flat arrays."""

from scheduler.kernel import fields as f
from scheduler.kernel.fields import Flat
from scheduler.kernel.holding import held_gpus, product_of
from scheduler.kernel.outbox import put_nodes, row_of


def with_writes(s: Flat, j: Flat, b: int, work_s: int) -> int:
    """Return how long so much work takes with the checkpoints in it. As `scheduler.jobs.work.with_writes`."""
    product = product_of(s, j, b)
    checkpoint_s = s[product + f.CHECKPOINT_S]
    if checkpoint_s and work_s and s[product + f.WRITE_S]:
        return work_s + (work_s - 1) // checkpoint_s * s[product + f.WRITE_S]
    return work_s


def left_by_estimate_s(s: Flat, j: Flat, b: int) -> int:
    return with_writes(s, j, b, max(1, j[b + f.ESTIMATE_S] - j[b + f.WORK_S]))


def startup_s(s: Flat, j: Flat, b: int) -> int:
    """Seconds of the running segment that were start-up: none for a first start."""
    return s[product_of(s, j, b) + f.RESTART_S] if j[b + f.START_S] != j[b + f.FIRST_START_S] else 0


def write_segment(s: Flat, j: Flat, o: Flat, b: int, cause: int, kept_s: int, worked_s: int) -> None:
    """Let go of a segment that ends now, in which so much was worked and kept; one without length is nothing."""
    if s[f.NOW_S] == j[b + f.START_S]:
        return
    elapsed_s = s[f.NOW_S] - j[b + f.START_S]
    stalled_s = min(elapsed_s, startup_s(s, j, b))
    put_nodes(s, j, o, b, f.SEGMENT_NODES)
    at = row_of(o, f.SEGMENTS)
    o[at], o[at + 1], o[at + 2], o[at + 3] = b // f.JOB_WIDTH, j[b + f.START_S], s[f.NOW_S], held_gpus(s, j, b)
    o[at + 4], o[at + 5], o[at + 6], o[at + 7] = cause, stalled_s, worked_s - kept_s, elapsed_s - stalled_s - worked_s
    o[at + 8] = o[3 * f.SEGMENT_NODES + 2]


def worked_in(rest_s: int, checkpoint_s: int, write_s: int) -> int:
    """Return the seconds of work in `rest_s` seconds of work and writes."""
    if not checkpoint_s or not write_s:
        return rest_s
    rounds = rest_s // (checkpoint_s + write_s)
    return rounds * checkpoint_s + min(rest_s - rounds * (checkpoint_s + write_s), checkpoint_s)


def book_work(s: Flat, j: Flat, o: Flat, b: int, cause: int) -> int:
    """Split the seconds of the segment that ends now, let go of it, and return those that were lost.

    As `scheduler.jobs.work.settle_work` and `settle_writes`.
    """
    product = product_of(s, j, b)
    checkpoint_s, write_s, notice_s = s[product + f.CHECKPOINT_S], s[product + f.WRITE_S], s[product + f.NOTICE_S]
    elapsed_s = s[f.NOW_S] - j[b + f.START_S]
    rest_s = elapsed_s - min(elapsed_s, startup_s(s, j, b))
    worked_s = worked_in(rest_s, checkpoint_s, write_s)
    if cause == f.CAUSE_EVICTED and notice_s >= max(1, write_s):  # time for a last checkpoint
        if write_s:
            worked_s = worked_in(max(0, rest_s - write_s), checkpoint_s, write_s)
        kept_s = worked_s
    elif cause == f.CAUSE_FINISHED:
        kept_s = worked_s
    else:
        kept_s = rest_s // (checkpoint_s + write_s) * checkpoint_s if checkpoint_s else 0
    j[b + f.WORK_S] += kept_s
    write_segment(s, j, o, b, cause, kept_s, worked_s)
    return worked_s - kept_s


def write_open(s: Flat, j: Flat, o: Flat, b: int) -> None:
    """Let go of an allocation that is open when the run ends."""
    product = product_of(s, j, b)
    elapsed_s = s[f.NOW_S] - j[b + f.START_S]
    rest_s = elapsed_s - min(elapsed_s, startup_s(s, j, b))
    worked_s = worked_in(rest_s, s[product + f.CHECKPOINT_S], s[product + f.WRITE_S])
    write_segment(s, j, o, b, f.CAUSE_HORIZON, worked_s, worked_s)
