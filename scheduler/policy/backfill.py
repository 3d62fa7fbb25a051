"""Backfill: may a later job start while an earlier one waits for its promised start?

The first job that does not fit is promised the earliest instant at which it will, by the estimates of the jobs that
hold nodes. A backfill rule says what capacity a later job may use now, given when it would end.
"""

from collections.abc import Callable
from typing import NamedTuple

from scheduler.nodes.capacity import Capacity, Room


class Promise(NamedTuple):
    """The head of a queue starts at `at_s` (NEVER: not by what is known now); `spare` is what will be free beside it
    then, node by node. `closed` are nodes outside the tier's reach at that instant."""

    at_s: int
    spare: Capacity
    closed: int


# (room now, end of the candidate by its estimate, full, part, promise) -> the room it may use, or None. The end matters
# only as a question: by the promised start, or later? So one answer serves all waiters of a shape on either side.
Backfill = Callable[[Room, int, int, int, Promise], Room | None]


def none(room: Room, end_s: int, full: int, part: int, promise: Promise) -> Room | None:
    """First come, first served: nobody starts before the head."""
    return None


def easy(room: Room, end_s: int, full: int, part: int, promise: Promise) -> Room | None:
    """Let a job start if it ends by the promised start, or uses only what is spare beside the head at that time.

    Both conditions matter: with the first alone, 2,152 of 5,000 golden starts differ (cases V5-canary, V5-golden).
    Source: EASY backfilling as stated in the design's section 5.4, on placeable shapes instead of counts (V5-shapes).
    """
    if end_s <= promise.at_s:
        return room
    spare, reach = promise.spare, ~promise.closed
    whole = spare.exact[-1] & reach if full else -1
    partly = spare.at_least(part) & reach if part else -1
    return Room(room.capacity, room.closed, whole, partly, room.levels, room.within, room.mix)


def greedy(room: Room, end_s: int, full: int, part: int, promise: Promise) -> Room | None:
    """Whoever fits starts: the head may wait for ever, unless its order or a rotation sees to it (Tiresias)."""
    return room


BACKFILLS: dict[str, Backfill] = {"none": none, "easy": easy, "greedy": greedy}
