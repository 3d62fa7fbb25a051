"""How much of a job's work survives the end of an allocation, and how long work takes beside its checkpoints.

Where writing a checkpoint takes no time, `settle_work` says it all. Where it does, a job works for `checkpoint_s`, then
writes for `write_s` and works no more until that is done; the work counts as safe once the write is complete.
"""

from typing import NamedTuple

from scheduler.events import Cause


class Kept(NamedTuple):
    """Seconds of one segment: starting up, kept, thrown away. They add up to the segment's length."""

    stalled_s: int
    kept_s: int
    lost_s: int


def settle_work(elapsed_s: int, startup_s: int, cause: int, notice_s: int, checkpoint_s: int) -> Kept:
    """Split the seconds of an ended segment.

    Args:
        elapsed_s:    length of the segment.
        startup_s:    seconds of it before useful work went on (0 for a first start).
        cause:        a `Cause`. A job that finished, was stopped by the horizon, or was evicted after a notice long
                      enough to be told at all (> 0 s) writes a checkpoint and keeps everything.
        notice_s:     the notice that it had.
        checkpoint_s: useful seconds between checkpoints; 0: none.

    A fault costs what was done since the last checkpoint; checkpoints lie at multiples of `checkpoint_s` of useful
    work, counted from the (re)start.
    """
    stalled = min(elapsed_s, startup_s)
    worked = elapsed_s - stalled
    warned = cause == Cause.EVICTED and notice_s > 0
    if warned or cause in (Cause.FINISHED, Cause.HORIZON):
        return Kept(stalled, worked, 0)
    kept = worked - worked % checkpoint_s if checkpoint_s else 0
    return Kept(stalled, kept, worked - kept)


class Written(NamedTuple):
    """Seconds of one segment: as `Kept`, and spent on writing checkpoints. They add up to the segment's length."""

    stalled_s: int
    kept_s: int
    lost_s: int
    written_s: int


def with_writes(work_s: int, checkpoint_s: int, write_s: int) -> int:
    """Return how long so much work takes from a (re)start on, with the checkpoints in it; none is written at its end.

    >>> with_writes(100, 30, 5)
    115
    """
    return work_s + (work_s - 1) // checkpoint_s * write_s if checkpoint_s and work_s else work_s


def settle_writes(
    elapsed_s: int, startup_s: int, cause: int, notice_s: int, checkpoint_s: int, write_s: int
) -> Written:
    """Split the seconds of an ended segment in which checkpoints took time; `write_s` > 0, else as `settle_work`.

    A notice of at least `write_s` is enough for a last checkpoint: it is written in the last seconds of the segment,
    and nothing is lost. A shorter one is no warning: what follows the last complete checkpoint is lost.
    """
    stalled = min(elapsed_s, startup_s)
    rest = elapsed_s - stalled
    if cause == Cause.EVICTED and notice_s >= write_s:
        kept = _worked(max(0, rest - write_s), checkpoint_s, write_s)
        return Written(stalled, kept, 0, rest - kept)
    worked = _worked(rest, checkpoint_s, write_s)
    if cause in (Cause.FINISHED, Cause.HORIZON):
        return Written(stalled, worked, 0, rest - worked)
    kept = rest // (checkpoint_s + write_s) * checkpoint_s if checkpoint_s else 0
    return Written(stalled, kept, worked - kept, rest - worked)


def _worked(rest_s: int, checkpoint_s: int, write_s: int) -> int:
    """Return the seconds of work in `rest_s` seconds of work and writes."""
    if not checkpoint_s:
        return rest_s
    rounds, last_s = divmod(rest_s, checkpoint_s + write_s)
    return rounds * checkpoint_s + min(last_s, checkpoint_s)
