"""Placement: which nodes a gang gets. All of it or nothing; pure functions of the room and of a list of preferences.

Each step of `preference` is a set of nodes, liked best first (ready nodes, then nodes that are being cleaned or left,
then nodes to be vacated). A placement takes all it can from one step before it looks at the next.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from scheduler.capacity import Room
from scheduler.nodeset import NOTHING, NodeSet, highest, lowest


class Choice(NamedTuple):
    """The nodes chosen: `whole` for whole nodes, `part` the one node of which only some GPUs are taken (or nothing)."""

    whole: NodeSet
    part: NodeSet


class Step(NamedTuple):
    """Nodes that are liked equally: for whole nodes, and for the part."""

    whole: NodeSet
    part: NodeSet


EVERYWHERE = (Step(-1, -1),)
Pick = Callable[[NodeSet, int], NodeSet]
Place = Callable[[Room, int, int, Sequence[Step]], Choice | None]


def _whole(free: NodeSet, count: int, preference: Sequence[Step], pick: Pick) -> NodeSet | None:
    """Pick `count` of the `free` nodes, step by step; None when the steps do not hold so many."""
    chosen = NOTHING
    for step in preference:
        liked = free & step.whole & ~chosen
        found = liked.bit_count()
        if found >= count:
            return chosen | pick(liked, count) if count else chosen
        chosen |= liked
        count -= found
    return chosen if not count else None


def first_fit(room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Take the lowest rows that fit. Internal work fills the pool from below."""
    whole = _whole(room.whole(), full, preference, lowest) if full else NOTHING
    if whole is None or not part:
        return None if whole is None else Choice(whole, NOTHING)
    partly = room.partly(part) & ~whole
    for step in preference:
        if partly & step.part:
            return Choice(whole, lowest(partly & step.part, 1))
    return None


def packed(room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Best fit: the part goes to the fullest node with room for it, so that whole nodes stay whole; lowest rows."""
    whole = _whole(room.whole(), full, preference, lowest) if full else NOTHING
    if whole is None or not part:
        return None if whole is None else Choice(whole, NOTHING)
    usable = ~(room.closed | whole) & room.part_limit
    for step in preference:
        for exactly in room.capacity.exact[part:]:
            liked = exactly & usable & step.part
            if liked:
                return Choice(whole, lowest(liked, 1))
    return None


def from_the_top(room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Take the highest rows: rentals stay away from where internal work goes first, so few of them are in its way.

    Whole nodes only; `part` must be 0. Steering rentals rather than internal work is what keeps sharing safe.
    """
    assert not part, "rentals hold whole nodes"
    whole = _whole(room.whole(), full, preference, highest)
    return None if whole is None else Choice(whole, NOTHING)


PLACES: dict[str, Place] = {"first_fit": first_fit, "packed": packed}
