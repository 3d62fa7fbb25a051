"""How many nodes will be free, from now on: a step function of time, for jobs that are planned ahead.

Counts only: which nodes they are is decided when a job starts. Between two changes nothing is recomputed: a hold or a
planned job adds to the steps that it covers, and giving it back takes it off again.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import accumulate

from scheduler.events import NEVER


class Profile:
    """Free nodes over time: `free[i]` of them from `times[i]` until `times[i + 1]`, the last for ever.

    A count may be negative for a while, where more has been promised than there is.
    """

    __slots__ = ("free", "times")

    def __init__(self, now_s: int, nodes: int) -> None:
        self.times = [now_s]
        self.free = [nodes]

    @classmethod
    def of_changes(cls, changes: Mapping[int, int]) -> "Profile":
        """Return the profile whose count changes by so much at each second. O(n log n)."""
        times = sorted(changes)
        twin = cls(times[0], 0)
        twin.times, twin.free = times, list(accumulate(changes[at_s] for at_s in times))
        return twin

    def add(self, from_s: int, until_s: int, nodes: int) -> None:
        """Add nodes (negative: take) over [from_s, until_s). O(steps covered) plus one insertion at each edge."""
        if until_s <= from_s or not nodes:
            return
        first = self._cut(from_s)
        last = self._cut(until_s) if until_s < NEVER else len(self.times)
        free = self.free
        for place in range(first, last):
            free[place] += nodes
        for place in (last, first):  # steps that have become one
            if 0 < place < len(free) and free[place] == free[place - 1]:
                del free[place], self.times[place]

    def forget_before(self, now_s: int) -> None:
        """Drop what is over."""
        place = bisect_right(self.times, now_s) - 1
        if place > 0:
            del self.times[:place], self.free[:place]
        self.times[0] = max(self.times[0], now_s)

    def earliest(self, nodes: int, length_s: int, from_s: int) -> int:
        """Return the earliest second from `from_s` on at which `nodes` are free for `length_s` seconds on end.

        NEVER when there are never so many. O(steps).
        """
        times, free = self.times, self.free
        steps = len(times)
        place = max(0, bisect_right(times, from_s) - 1)
        at_s = NEVER  # where the hole that is being looked at begins
        until_s = NEVER
        while place < steps:
            if free[place] < nodes:
                at_s = NEVER
            elif at_s == NEVER:
                at_s = max(times[place], from_s)
                until_s = at_s + length_s
            place += 1
            if at_s != NEVER and (place == steps or times[place] >= until_s):
                return at_s
        return NEVER

    def at(self, at_s: int) -> int:
        """Return what is free at a second that is not over. O(log steps)."""
        return self.free[max(0, bisect_right(self.times, at_s) - 1)]

    def free_until(self, nodes: int) -> int:
        """Return when fewer than `nodes` are free for the first time; NEVER if they always are. O(steps)."""
        for at_s, free in zip(self.times, self.free, strict=True):
            if free < nodes:
                return at_s
        return NEVER

    def most(self, from_s: int, until_s: int) -> int:
        """Return the most that is free at any second of [from_s, until_s). O(steps)."""
        first = max(0, bisect_right(self.times, from_s) - 1)
        return max(self.free[first : max(first + 1, bisect_left(self.times, until_s))])

    def least(self) -> int:
        """Return the least that is free at any time. O(steps)."""
        return min(self.free)

    def _cut(self, at_s: int) -> int:
        """Return the place of the step that begins at `at_s`, made if there is none."""
        place = bisect_left(self.times, at_s)
        if place == len(self.times) or self.times[place] != at_s:
            self.times.insert(place, at_s)
            self.free.insert(place, self.free[place - 1] if place else self.free[0])
        return place
