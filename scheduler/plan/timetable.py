"""A timetable: the planned starts of the jobs that wait, and what they and the holders leave over time.

Whole nodes are counted, not named: any will do. Parts of nodes lie on shared nodes, see `scheduler.plan.shared`. Who is
planned when is decided in `scheduler.plan.conservative`.
"""

from typing import NamedTuple

from scheduler.events import NEVER
from scheduler.nodes.capacity import Hold
from scheduler.nodes.nodeset import NOTHING, NodeSet
from scheduler.plan.gains import NODES
from scheduler.plan.profile import Profile
from scheduler.plan.shared import Shared, earliest_on, stays_until
from scheduler.state.pool import Pool

Key = tuple[int, int]  # (end by estimate, job) of a holder


def plannable(pool: Pool, tier: int) -> int:
    """Return how many nodes there are to plan on: healthy ones, without spares and what is kept for contracts."""
    return (pool.nodes & ~(pool.down | pool.spares)).bit_count() - pool.kept_nodes(tier)


class Planned(NamedTuple):
    """Where a job stands: `shared` where it needs part of a node, with `part` GPUs of it."""

    start_s: int
    full: int
    part: int
    length_s: int
    shared: Shared | None


class Timetable:
    """The planned starts of one tier in one pool, and what they and the holders leave."""

    __slots__ = (
        "_last_number",
        "_on_node",
        "_overfull",
        "base",
        "depth",
        "ended",
        "held",
        "improved",
        "leaves_s",
        "next_end_s",
        "now_s",
        "outdated",
        "per_node",
        "profile",
        "shared",
        "start_s",
    )

    def __init__(self, now_s: int, depth: int, per_node: int) -> None:
        self.now_s = now_s
        self.depth = depth
        self.per_node = per_node
        self.base = 0  # nodes that there are to plan on
        self.profile = Profile(now_s, 0)  # of nodes that nobody lies on
        self.shared: dict[int, Shared] = {}  # by number, ascending
        self._on_node: dict[int, Shared] = {}  # by the node that it is
        self._overfull: set[int] = set()  # numbers of those that were promised beyond what they have
        self._last_number = 0
        self.held: dict[Key, tuple[int, Hold, Shared | None]] = {}  # -> (when it is counted to end, what it holds)
        self.leaves_s: dict[int, int] = {}  # job that gathers its nodes -> when it is taken to leave them
        self.next_end_s = NEVER  # nobody is counted to end before that
        self.start_s: dict[int, Planned] = {}
        self.improved: list[tuple[int, int, int]] = []  # (where, from, until) more is free than when last looked at
        self.outdated = True  # something happened while nobody waited
        self.ended = False  # somebody left: it is to be gone through

    # -- planned jobs --------------------------------------------------------------------------------------------

    def forget_before(self, now_s: int) -> None:
        """Drop what is over."""
        self.now_s = now_s
        self.profile.forget_before(now_s)

    def find(self, full: int, part: int, length_s: int, from_s: int, closed: NodeSet = NOTHING) -> Planned:
        """Return where a job would stand that starts as early as it can; its shared node is new where none is better.

        Among equals: the shared node whose time grows least, then that with fewest GPUs free, then the oldest.
        `closed`: nodes that are out of reach. Start NEVER if nothing will do. O(steps of all shared nodes) for parts.
        """
        profile, per_node = self.profile, self.per_node
        at_s = profile.earliest(full + (part > 0), length_s, from_s)
        if not part:
            return Planned(at_s, full, 0, length_s, None)
        found = self._new()
        best = (length_s, per_node, found.number)
        for shared in self.shared.values():
            if shared.node & closed:
                continue
            start_s = earliest_on(shared, profile, per_node, (full, part, length_s), from_s, at_s)
            if start_s > at_s or start_s == NEVER:
                continue
            grows_s = sum(last_s - first_s for first_s, last_s in shared.empty(start_s, start_s + length_s, per_node))
            rank = (grows_s, shared.free.at(start_s), shared.number)
            if start_s < at_s or rank < best:
                at_s, best, found = start_s, rank, shared
        return Planned(at_s, full, part, length_s, found)

    def longest_s(self, full: int, part: int) -> int:
        """Return for how long, from now on, a job of that shape can be had at most; 0 if not at all."""
        now_s = self.now_s
        until_s = self.profile.free_until(full + (part > 0))
        if part:
            for shared in self.shared.values():
                if shared.free.at(now_s) >= part:
                    until_s = max(until_s, stays_until(shared, self.profile, self.per_node, full, part))
        return max(0, until_s - now_s)

    def put(self, job: int, place: Planned) -> None:
        """Put a job into the timetable."""
        self.start_s[job] = place
        until_s = place.start_s + place.length_s
        self.profile.add(place.start_s, until_s, -place.full)
        if place.shared is not None:
            self._join(place.shared)
            self._use(place.shared, place.start_s, until_s, place.part)

    def lift(self, job: int) -> Planned:
        """Take it out again; what it leaves is not noted as improved."""
        place = self.start_s.pop(job)
        until_s = place.start_s + place.length_s
        self.profile.add(place.start_s, until_s, place.full)
        if place.shared is not None:
            self._spare(place.shared, place.start_s, until_s, place.part)
            self._part(place.shared)
        return place

    def note(self, place: Planned) -> None:
        """More is free where a job stood that has gone elsewhere."""
        from_s, until_s, shared = place.start_s, place.start_s + place.length_s, place.shared
        if shared is not None and shared.number in self.shared:
            self.improved.append((shared.number, from_s, until_s))
            if not place.full:
                self.improved.extend((NODES, *empty) for empty in shared.empty(from_s, until_s, self.per_node))
                return
        self.improved.append((NODES, from_s, until_s))

    def broken(self) -> bool:
        """Whether less is left than was promised, or a start has passed. O(steps + planned)."""
        if self.profile.least() < 0:
            return True
        for number in self._overfull & self.shared.keys():
            self.shared[number].free.forget_before(self.now_s)
            if self.shared[number].free.least() < 0:
                return True
        self._overfull.clear()
        return any(place.start_s < self.now_s for place in self.start_s.values())

    # -- holders -------------------------------------------------------------------------------------------------

    def hold(self, key: Key, hold: Hold, now_s: int, planned: Shared | None = None) -> None:
        """Count a holder until its end, or a second from now where that is past; `planned`: as which shared node."""
        end_s = max(key[0], now_s + 1)
        self.next_end_s = min(self.next_end_s, end_s)
        self.profile.add(now_s, end_s, -hold.whole.bit_count())
        shared = None
        if hold.part:
            shared = self._on_node.get(hold.part)
            if shared is None:
                free = planned is not None and not planned.node
                shared = planned if free and planned is not None else self._new()
                shared.node = hold.part
                self._on_node[hold.part] = shared
            shared.holders += 1
            self._join(shared)
            self._use(shared, now_s, end_s, hold.gpus)
            if planned is None:  # what is left of a node that was to be taken as a whole
                self.improved.append((shared.number, now_s, end_s))
        self.held[key] = (end_s, hold, shared)

    def leave(self, key: Key, now_s: int) -> None:
        """Give back what a holder that is gone left unused."""
        end_s, hold, shared = self.held.pop(key)
        self.ended = True
        whole = hold.whole.bit_count()
        if whole and end_s > now_s:
            self.profile.add(now_s, end_s, whole)
            self.improved.append((NODES, now_s, end_s))
        if shared is not None:
            if end_s > now_s:
                for first_s, last_s in self._spare(shared, now_s, end_s, hold.gpus):
                    self.improved.append((NODES, first_s, last_s))
            shared.holders -= 1
            if not shared.holders:
                del self._on_node[shared.node]
                shared.node = NOTHING
            self._part(shared)
            if shared.members and end_s > now_s:
                self.improved.append((shared.number, now_s, end_s))

    def outlive(self, now_s: int) -> None:
        """Count those who are still there after their end for one second more. O(holders), when there may be any."""
        if now_s < self.next_end_s:
            return
        self.next_end_s = NEVER
        for key, (end_s, hold, shared) in self.held.items():
            if end_s <= now_s:
                self.profile.add(now_s, now_s + 1, -hold.whole.bit_count())
                end_s = now_s + 1
                self.held[key] = (end_s, hold, shared)
                if shared is not None:
                    self._use(shared, now_s, end_s, hold.gpus)
            self.next_end_s = min(self.next_end_s, end_s)

    # -- shared nodes --------------------------------------------------------------------------------------------

    def _new(self) -> Shared:
        return Shared(self.now_s, self.per_node, self._last_number + 1)

    def _join(self, shared: Shared) -> None:
        if not shared.members:
            self.shared[shared.number] = shared
            self._last_number = max(self._last_number, shared.number)
        shared.members += 1

    def _part(self, shared: Shared) -> None:
        shared.members -= 1
        if not shared.members:
            del self.shared[shared.number]

    def _use(self, shared: Shared, from_s: int, until_s: int, gpus: int) -> None:
        """Take GPUs, and a node where nobody lay there."""
        for first_s, last_s in list(shared.empty(from_s, until_s, self.per_node)):
            self.profile.add(first_s, last_s, -1)
        shared.free.forget_before(self.now_s)
        shared.free.add(from_s, until_s, -gpus)
        if shared.free.least() < 0:
            self._overfull.add(shared.number)

    def _spare(self, shared: Shared, from_s: int, until_s: int, gpus: int) -> list[tuple[int, int]]:
        """Give GPUs back, and the node where nobody lies there any more; return when that is."""
        shared.free.add(from_s, until_s, gpus)
        empty = list(shared.empty(from_s, until_s, self.per_node))
        for first_s, last_s in empty:
            self.profile.add(first_s, last_s, 1)
        return empty
