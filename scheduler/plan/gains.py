"""Who of those that are planned may gain by what has become free: a cheap question before a dear one.

Whoever starts earlier than before holds a second in which more is free than when he was last looked at: nodes, or GPUs
of the shared node that he goes to. Either that second has enough without what he leaves himself, or it is one of his
own, and then the second just before his start has enough, or a node becomes free as he leaves a shared one to himself.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scheduler.plan.timetable import Planned, Timetable

NODES = 0  # where more is free: among whole nodes; a shared node has its number


class Gains:
    """The most that is free in the seconds that have improved, among whole nodes and on each shared node."""

    __slots__ = ("_most", "_table", "_until_s")

    def __init__(self, table: "Timetable", improved: Iterable[tuple[int, int, int]]) -> None:
        """`improved`: (where, from, until). O(steps) for each."""
        self._table = table
        self._most: dict[int, int] = {}
        self._until_s: dict[int, int] = {}
        for where, from_s, until_s in improved:
            if where and where not in table.shared:
                continue
            free = table.shared[where].free if where else table.profile
            self._most[where] = max(self._most.get(where, 0), free.most(from_s, until_s))
            self._until_s[where] = max(self._until_s.get(where, 0), until_s)

    def may_move(self, place: "Planned") -> bool:
        """Whether a planned job that has not started may be had earlier. Never wrongly False."""
        nodes_until_s = self._until_s.get(NODES)
        if nodes_until_s is not None and self._by_nodes(place, nodes_until_s):
            return True
        shared = place.shared
        if shared is None:
            return False
        for number, most in self._most.items():
            if number != NODES and place.part <= most:
                return True
        if place.start_s >= self._until_s.get(shared.number, 0):
            return False
        return shared.free.at(place.start_s - 1) >= place.part or self._alone(place)

    def _by_nodes(self, place: "Planned", until_s: int) -> bool:
        table = self._table
        if (place.full or 1) <= self._most[NODES]:
            return True
        if place.start_s >= until_s:
            return False
        return table.profile.at(place.start_s - 1) >= place.full if place.full else self._alone(place)

    def _alone(self, place: "Planned") -> bool:
        """Whether a node becomes free in some second if it leaves its shared node: nobody else lies there then."""
        assert place.shared is not None, "a job needs nodes or part of one"
        left = self._table.per_node - place.part
        return place.shared.free.most(place.start_s, place.start_s + place.length_s) >= left
