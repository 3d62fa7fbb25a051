"""Shared nodes: what several jobs that need parts of nodes leave of one node, over time.

A shared node takes a node of the pool while anybody lies on it; where nobody does, for a while in between too, the pool
has it back. Which node it is, is known while a holder lies there. One on which jobs are only planned is any node that
is free as a whole when the first of them starts.
"""

from bisect import bisect_right
from collections.abc import Iterator

from scheduler.events import NEVER
from scheduler.nodes.nodeset import NOTHING, NodeSet
from scheduler.plan.profile import Profile


class Shared:
    """One shared node: the GPUs that are free on it, from now on, and who lies there."""

    __slots__ = ("free", "holders", "members", "node", "number")

    def __init__(self, now_s: int, per_node: int, number: int) -> None:
        self.free = Profile(now_s, per_node)  # of GPUs
        self.number = number  # the older, the lower
        self.members = 0  # holders and planned jobs
        self.holders = 0
        self.node: NodeSet = NOTHING  # while anybody holds part of it

    def empty(self, from_s: int, until_s: int, per_node: int) -> Iterator[tuple[int, int]]:
        """Yield the stretches of [from_s, until_s) in which nobody lies on it, ascending. O(steps)."""
        times, free = self.free.times, self.free.free
        place = max(0, bisect_right(times, from_s) - 1)
        while place < len(times) and times[place] < until_s:
            last_s = times[place + 1] if place + 1 < len(times) else NEVER
            if free[place] == per_node:
                yield max(from_s, times[place]), min(until_s, last_s)
            place += 1


def earliest_on(
    shared: Shared, nodes: Profile, per_node: int, need: tuple[int, int, int], from_s: int, limit_s: int
) -> int:
    """Return the earliest second from `from_s` to `limit_s` at which a job finds its GPUs on this shared node.

    Args:
        nodes: free nodes of the pool over time.
        need:  (whole nodes, GPUs of the shared node, seconds on end); where nobody lies there, a node more.

    NEVER when there is none. Cost: O(steps), of the pool's only where the job needs any of its nodes.
    """
    full, part, length_s = need
    times, free = shared.free.times, shared.free.free
    steps = len(times)
    place = max(0, bisect_right(times, from_s) - 1)
    at_s = NEVER  # where the hole that is being looked at begins
    while place < steps:
        first_s = max(times[place], from_s)
        last_s = times[place + 1] if place + 1 < steps else NEVER
        if free[place] < part:
            at_s = NEVER
            if last_s > limit_s:
                return NEVER
        else:
            wanted = full + (free[place] == per_node)
            at_s = _through(nodes, wanted, first_s, last_s, at_s, length_s) if wanted else min(at_s, first_s)
            if at_s > limit_s and (at_s < NEVER or last_s > limit_s):
                return NEVER
            if at_s < NEVER and last_s >= at_s + length_s:
                return at_s
        place += 1
    return NEVER


def _through(nodes: Profile, wanted: int, first_s: int, last_s: int, at_s: int, length_s: int) -> int:
    """Return where a hole begins that is open at the end of [first_s, last_s), or long enough before; NEVER if none.

    `at_s`: where the hole begins that is open at its start.
    """
    times, free = nodes.times, nodes.free
    place, steps = max(0, bisect_right(times, first_s) - 1), len(times)
    while place < steps and times[place] < last_s:
        if free[place] < wanted:
            at_s = NEVER
        elif at_s == NEVER:
            at_s = max(times[place], first_s)
        place += 1
        if at_s < NEVER and (times[place] if place < steps else NEVER) >= at_s + length_s:
            return at_s
    return at_s


def stays_until(shared: Shared, nodes: Profile, per_node: int, full: int, part: int) -> int:
    """Return when a job that starts now would have to leave this shared node; NEVER if it need not. O(steps)."""
    until_s = min(shared.free.free_until(part), nodes.free_until(full))
    for first_s, last_s in shared.empty(nodes.times[0], until_s, per_node):
        place = max(0, bisect_right(nodes.times, first_s) - 1)
        while place < len(nodes.times) and nodes.times[place] < last_s:
            if nodes.free[place] <= full:
                return max(first_s, nodes.times[place])
            place += 1
    return until_s
