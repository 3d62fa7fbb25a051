"""Placement: which nodes a gang gets. All of it or nothing; pure functions of the room and of a list of preferences.

Each step of `preference` is a set of nodes, liked best first (ready nodes, then nodes that are being cleaned or left,
then nodes to be vacated). A placement takes all it can from one step before it looks at the next.

A gang that has to lie in one domain (`room.within`) gets the nodes that the same function would choose in that domain;
which domain is said beside each of them. Steps come first here too: a domain with enough ready nodes is preferred.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.nodes.capacity import Room
from scheduler.nodes.nodeset import NOTHING, NodeSet, highest, lowest


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
    if preference is EVERYWHERE:
        return pick(free, count) if free.bit_count() >= count else None
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
    """Take the lowest rows that fit. Internal work fills the pool from below. Of domains, the lowest that fits."""
    if room.within:
        return _in_one(first_fit, room, full, part, preference, _lowest_domain)
    whole = _whole(room.whole(), full, preference, lowest) if full else NOTHING
    if whole is None or not part:
        return None if whole is None else Choice(whole, NOTHING)
    partly = room.partly(part) & ~whole
    for step in preference:
        if partly & step.part:
            return Choice(whole, lowest(partly & step.part, 1))
    return None


def packed(room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Best fit: the part goes to the fullest node with room for it, so that whole nodes stay whole; lowest rows.

    Of domains, the one with the fewest free nodes.
    """
    if room.within:
        return _in_one(packed, room, full, part, preference, _fullest_domain)
    whole = _whole(room.whole(), full, preference, lowest) if full else NOTHING
    if whole is None or not part:
        return None if whole is None else Choice(whole, NOTHING)
    return _beside(room, whole, part, preference, range(part, len(room.capacity.exact)))


def spread(room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Worst fit: the part goes to the emptiest node; lowest rows. The load is even, and whole nodes are broken up: case
    V6 shows what that does to a quota counted in GPUs. Of domains, the lowest that fits."""
    if room.within:
        return _in_one(spread, room, full, part, preference, _lowest_domain)
    whole = _whole(room.whole(), full, preference, lowest) if full else NOTHING
    if whole is None or not part:
        return None if whole is None else Choice(whole, NOTHING)
    return _beside(room, whole, part, preference, range(len(room.capacity.exact) - 1, part - 1, -1))


def least_fragmenting(room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Put the part where it breaks up the least, by the mix of jobs seen so far; then best fit; else as `packed`.

    Source: FGD (Weng et al., USENIX ATC 2023) as stated in the design's section 5.8; case V7.
    """
    if room.within:
        return _in_one(least_fragmenting, room, full, part, preference, _fullest_domain)
    whole = _whole(room.whole(), full, preference, lowest) if full else NOTHING
    if whole is None or not part:
        return None if whole is None else Choice(whole, NOTHING)
    counts = range(part, len(room.capacity.exact))
    growth = {free: fragments(free - part, room.mix) - fragments(free, room.mix) for free in counts}
    return _beside(room, whole, part, preference, sorted(counts, key=lambda free: (growth[free], free)))


def fragments(free: int, mix: Sequence[int]) -> int:
    """Return the fragmentation of a node with `free` GPUs free, times the number of jobs in the mix.

    `mix[g]` jobs ask for g GPUs of a node (or any other measure of popularity, such as basis points). For who asks for
    more than is free, all of it is a fragment; for others nothing is, as GPUs are whole. O(GPUs per node).
    """
    return free * sum(mix[free + 1 :])


def _beside(
    room: Room, whole: NodeSet, part: int, preference: Sequence[Step], free_counts: Sequence[int]
) -> Choice | None:
    """Put the part on the lowest node beside `whole` with the first of these free counts."""
    usable = ~(room.closed | whole) & room.part_limit
    for step in preference:
        for free in free_counts:
            liked = room.capacity.exact[free] & usable & step.part
            if liked:
                return Choice(whole, lowest(liked, 1))
    return None


def from_the_top(room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Take the highest rows: rentals stay away from where internal work goes first, so few of them are in its way.

    Whole nodes only; `part` must be 0. Steering rentals rather than internal work is what keeps sharing safe. Of
    domains, the highest that fits.
    """
    assert not part, "rentals hold whole nodes"
    if room.within:
        return _in_one(from_the_top, room, full, part, preference, _highest_domain)
    whole = _whole(room.whole(), full, preference, highest)
    return None if whole is None else Choice(whole, NOTHING)


def pack_domain(room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Keep a gang together: take the smallest domain that holds it, as `packed` would, and no domain only if none does.

    Levels are tried from the lowest upwards, up to `room.within` where that is set; of the domains of one level, the
    one with the fewest free nodes, then the lowest rows. Nodes that are ready come before a smaller domain: nobody
    waits, and nobody is evicted, only to be closer together. Cost: O(levels x (nodes / 8 + domains)) for each step.
    """
    return _compact(packed, room, full, part, preference)


def fgd(room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Keep a gang together as `pack_domain` does; its part goes where it fragments the least."""
    return _compact(least_fragmenting, room, full, part, preference)


def _compact(place: Place, room: Room, full: int, part: int, preference: Sequence[Step]) -> Choice | None:
    """Choose by `place` in the smallest domain that holds the gang, with as few steps of the preference as will do."""
    levels = range(1, (room.within or len(room.levels)) + 1)
    for count in range(1, len(preference) + 1):
        for level in levels:
            here = room._replace(within=level)
            choice = _in_one(place, here, full, part, preference[:count], _fullest_domain, last_only=True)
            if choice is not None:
                return choice
        if not room.within:
            choice = place(room, full, part, preference[:count])
            if choice is not None:
                return choice
    return None


def _in_one(
    place: Place,
    room: Room,
    full: int,
    part: int,
    preference: Sequence[Step],
    order: Callable[[NDArray[np.int64]], NDArray[np.int64]],
    last_only: bool = False,
) -> Choice | None:
    """Place a gang in one domain of level `room.within`; `order` sorts domains by their free nodes, (domains,).

    `last_only`: it is known that it does not fit with fewer steps.
    """
    level, anywhere = room.levels[room.within - 1], room._replace(within=0)
    free_whole, free_part = room.whole(), room.partly(part) if part else NOTHING
    whole = partly = NOTHING
    for count, step in enumerate(preference, start=1):
        whole |= free_whole & step.whole
        partly |= free_part & step.part
        if whole.bit_count() < full or (last_only and count < len(preference)):
            continue
        fitting = level.holding(whole, partly, full, part)
        for row in fitting[order(level.free_in_each(whole)[fitting])].tolist():
            domain = level.domains[row]
            inside = anywhere._replace(whole_limit=room.whole_limit & domain, part_limit=room.part_limit & domain)
            choice = place(inside, full, part, preference[:count])
            if choice is not None:
                return choice
    return None


def _lowest_domain(free: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.arange(len(free))


def _highest_domain(free: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.arange(len(free))[::-1]


def _fullest_domain(free: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.argsort(free, kind="stable")


PLACES: dict[str, Place] = {
    "first_fit": first_fit,
    "packed": packed,
    "spread": spread,
    "pack_domain": pack_domain,
    "fgd": fgd,
}
LEARNING = frozenset({fgd})  # those that look at the mix of jobs, which is counted for nobody else
