"""A timetable: the planned starts of the jobs that wait, and the profile of what they and the holders leave.

Whole nodes are counted, not named: any will do. A node that is held in part counts as taken until the last of its
holders leaves. Who is planned when is decided in `scheduler.conservative`.
"""

from scheduler.capacity import Hold
from scheduler.events import NEVER
from scheduler.nodeset import NodeSet
from scheduler.pool import Pool
from scheduler.profile import Profile

EVERYBODY = 1 << 40  # as a depth: all that wait are planned
Key = tuple[int, int]  # (end by estimate, job) of a holder


def plannable(pool: Pool, tier: int) -> int:
    """Return how many nodes there are to plan on: healthy ones, without spares and what is kept for contracts."""
    return (pool.nodes & ~(pool.down | pool.spares)).bit_count() - pool.kept_nodes(tier)


class Timetable:
    """The planned starts of one tier in one pool, and the profile that they and the holders leave."""

    __slots__ = (
        "base",
        "counted",
        "depth",
        "ended",
        "held",
        "improved",
        "leaves_s",
        "next_end_s",
        "outdated",
        "profile",
        "start_s",
    )

    def __init__(self, now_s: int, depth: int) -> None:
        self.depth = depth
        self.base = 0  # nodes that there are to plan on
        self.profile = Profile(now_s, 0)
        self.held: dict[Key, tuple[int, Hold]] = {}  # -> (when it is counted to end, what it holds)
        self.counted: dict[int, dict[int, int]] = {}  # node held in part, as a bit -> job -> when it is counted to end
        self.leaves_s: dict[int, int] = {}  # job that gathers its nodes -> when it is taken to leave them
        self.next_end_s = NEVER  # nobody is counted to end before that
        self.start_s: dict[int, tuple[int, int, int]] = {}  # planned job -> (start, nodes, seconds)
        self.improved: list[tuple[int, int]] = []  # where more is free than when it was last gone through
        self.outdated = True  # something happened while nobody waited
        self.ended = False  # somebody left: it is to be gone through

    # -- planned jobs --------------------------------------------------------------------------------------------

    def put(self, job: int, start_s: int, nodes: int, length_s: int) -> None:
        """Put a job into the timetable."""
        self.start_s[job] = (start_s, nodes, length_s)
        self.profile.add(start_s, start_s + length_s, -nodes)

    def lift(self, job: int) -> tuple[int, int, int]:
        """Take it out again; what it leaves is not noted as improved."""
        start_s, nodes, length_s = found = self.start_s.pop(job)
        self.profile.add(start_s, start_s + length_s, nodes)
        return found

    # -- holders -------------------------------------------------------------------------------------------------

    def hold(self, key: Key, hold: Hold, now_s: int) -> None:
        """Count a holder until its end, or a second from now where that is past."""
        end_s = max(key[0], now_s + 1)
        self.held[key] = (end_s, hold)
        self.next_end_s = min(self.next_end_s, end_s)
        self.profile.add(now_s, end_s, -hold.whole.bit_count())
        if hold.part:
            self._share(hold.part, key[1], end_s, now_s)

    def leave(self, key: Key, now_s: int) -> None:
        """Give back what a holder that is gone left unused."""
        end_s, hold = self.held.pop(key)
        self.ended = True
        whole = hold.whole.bit_count()
        if whole and end_s > now_s:
            self.profile.add(now_s, end_s, whole)
            self.improved.append((now_s, end_s))
        if hold.part:
            self._share(hold.part, key[1], 0, now_s)

    def outlive(self, now_s: int) -> None:
        """Count those who are still there after their end for one second more. O(holders), when there may be any."""
        if now_s < self.next_end_s:
            return
        self.next_end_s = NEVER
        for key, (end_s, hold) in self.held.items():
            if end_s <= now_s:
                self.profile.add(now_s, now_s + 1, -hold.whole.bit_count())
                end_s = now_s + 1
                self.held[key] = (end_s, hold)
                if hold.part:
                    self._share(hold.part, key[1], end_s, now_s)
            self.next_end_s = min(self.next_end_s, end_s)

    def _share(self, node: NodeSet, job: int, end_s: int, now_s: int) -> None:
        """A node that is held in part is taken until the last of its holders ends; `end_s` 0: this one has left."""
        ends = self.counted.setdefault(node, {})
        before_s = max(now_s, max(ends.values(), default=now_s))
        if end_s:
            ends[job] = end_s
        else:
            ends.pop(job, None)
        after_s = max(now_s, max(ends.values(), default=now_s))
        if not ends:
            del self.counted[node]
        if after_s < before_s:
            self.profile.add(after_s, before_s, 1)
            self.improved.append((after_s, before_s))
        else:
            self.profile.add(before_s, after_s, -1)
