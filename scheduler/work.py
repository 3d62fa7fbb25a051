"""How much of a job's work survives the end of an allocation."""

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
