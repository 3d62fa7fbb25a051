"""How many GPUs are free on which nodes of a pool: exact free counts as node sets.

`exact[f]` is the set of healthy nodes with exactly f GPUs free. Whole-node gangs move between `exact[0]` and `exact[G]`
by set operations; only a job that holds part of a node moves a single bit. A node that is down is in no set.

A node may be promised twice over: a granted job of a higher tier claims nodes that its victim still holds. What is
taken beyond a node's GPUs is kept in `excess`, and giving back pays that off first.
"""

from collections.abc import Sequence
from typing import NamedTuple

from scheduler.nodes.nodeset import NOTHING, NodeSet, everything, rows
from scheduler.nodes.topology import Level


class Hold(NamedTuple):
    """What a job holds or claims: all GPUs of the nodes in `whole`, and `gpus` GPUs of the one node in `part`."""

    whole: NodeSet
    part: NodeSet
    gpus: int

    @property
    def nodes(self) -> NodeSet:
        """All nodes touched."""
        return self.whole | self.part

    def gpu_count(self, per_node: int) -> int:
        """GPUs held."""
        return self.whole.bit_count() * per_node + self.gpus


class Capacity:
    """Free GPUs of one pool as one tier (and those above it) leave them."""

    __slots__ = ("exact", "excess", "free_gpus", "per_node")

    def __init__(self, node_count: int, per_node: int) -> None:
        self.per_node = per_node
        self.exact: list[NodeSet] = [NOTHING] * (per_node + 1)
        self.exact[per_node] = everything(node_count)
        self.free_gpus = node_count * per_node  # on all healthy nodes
        self.excess: dict[int, int] = {}  # node row -> GPUs taken beyond what the node has

    def copy(self) -> "Capacity":
        """Return an independent copy, for what-if questions. O(GPUs per node)."""
        twin = Capacity.__new__(Capacity)
        twin.per_node, twin.exact, twin.excess = self.per_node, self.exact.copy(), self.excess.copy()
        twin.free_gpus = self.free_gpus
        return twin

    def at_least(self, gpus: int) -> NodeSet:
        """Return the nodes with `gpus` or more GPUs free."""
        nodes = NOTHING
        for free_set in self.exact[gpus:]:
            nodes |= free_set
        return nodes

    def take(self, hold: Hold) -> None:
        """Take a hold off the free counts; nodes may already be taken, see `excess`."""
        exact, whole = self.exact, hold.whole
        if whole:
            clean = whole & exact[-1]
            exact[-1] ^= clean
            exact[0] |= clean
            self.free_gpus -= clean.bit_count() * self.per_node
            if clean != whole:
                for row in rows(whole ^ clean):
                    self._take_on(row, self.per_node)
        if hold.part:
            self._take_on(hold.part.bit_length() - 1, hold.gpus)

    def give(self, hold: Hold) -> None:
        """Give a hold back; the nodes must be healthy."""
        whole = hold.whole
        if whole:
            if self.excess:
                for row in [row for row in self.excess if whole >> row & 1]:
                    whole ^= 1 << row
                    self._give_on(row, self.per_node)
            self.exact[0] ^= whole
            self.exact[-1] |= whole
            self.free_gpus += whole.bit_count() * self.per_node
        if hold.part:
            self._give_on(hold.part.bit_length() - 1, hold.gpus)

    def remove(self, row: int) -> None:
        """Take a node out: it is down. Nobody may hold it or claim it any more."""
        assert row not in self.excess and self.exact[-1] >> row & 1, "a node goes down empty"
        self.exact[-1] ^= 1 << row
        self.free_gpus -= self.per_node

    def restore(self, row: int) -> None:
        """Put a repaired node back, with all its GPUs free."""
        self.exact[-1] |= 1 << row
        self.free_gpus += self.per_node

    def free_on(self, row: int) -> int:
        """Return the free GPUs of a healthy node."""
        bit = 1 << row
        for free, nodes in enumerate(self.exact):
            if nodes & bit:
                return free
        raise AssertionError(f"node {row} is down")

    def _move(self, row: int, free: int, to: int) -> None:
        bit = 1 << row
        self.exact[free] ^= bit
        self.exact[to] ^= bit
        self.free_gpus += to - free

    def _take_on(self, row: int, gpus: int) -> None:
        free = self.free_on(row)
        if gpus > free:
            self.excess[row] = self.excess.get(row, 0) + gpus - free
            gpus = free
        self._move(row, free, free - gpus)

    def _give_on(self, row: int, gpus: int) -> None:
        owed = self.excess.get(row, 0)
        if owed:
            paid = min(owed, gpus)
            gpus -= paid
            if owed == paid:
                del self.excess[row]
            else:
                self.excess[row] = owed - paid
        if gpus:
            free = self.free_on(row)
            self._move(row, free, free + gpus)


class Room(NamedTuple):
    """What one tier may plan on: a capacity, and the nodes that are out of its reach though the capacity shows them.

    `whole_limit` and `part_limit` narrow the choice further (a backfilled job must leave the promised start alone);
    -1 is the set of all nodes. `levels` is the topology of the pool. A gang that has to lie in one domain is asked
    about in a room with `within`, the level of that domain. `mix` counts internal jobs so far by the GPUs that they ask
    of one node; empty for placements that do not ask.
    """

    capacity: Capacity
    closed: NodeSet
    whole_limit: NodeSet = -1
    part_limit: NodeSet = -1
    levels: tuple[Level, ...] = ()
    within: int = 0
    mix: Sequence[int] = ()

    def whole(self) -> NodeSet:
        """Nodes that are free as a whole."""
        return self.capacity.exact[-1] & ~self.closed & self.whole_limit

    def partly(self, gpus: int) -> NodeSet:
        """Nodes with at least `gpus` GPUs free."""
        return self.capacity.at_least(gpus) & ~self.closed & self.part_limit

    def free_gpus(self) -> int:
        """GPUs free on all nodes within reach, whatever their shape; without regard to the limits."""
        return sum(free * (nodes & ~self.closed).bit_count() for free, nodes in enumerate(self.capacity.exact) if nodes)

    def fits(self, full: int, part: int, kept: int = 0) -> bool:
        """Whether `full` whole nodes and `part` GPUs on one node more are free, leaving `kept` whole nodes free.

        All of them in one domain of level `within`, if that is set; what is kept may lie anywhere.
        """
        whole = self.capacity.exact[-1] & ~self.closed & self.whole_limit
        spare = whole.bit_count() - full
        if spare < 0:
            return False
        if self.within:
            partly = self.partly(part) if part else NOTHING
            if not len(self.levels[self.within - 1].holding(whole, partly, full, part)):
                return False
        elif part:
            partly = self.partly(part)
            # The part may need a node of its own out of the whole ones.
            if not partly & ~whole and not (spare and partly):
                return False
        if not kept:
            return True
        return (self.capacity.exact[-1] & ~self.closed).bit_count() - full - (part > 0) >= kept
