"""The topology of a pool: domains of nodes that are close to each other, as ranges of rows.

Levels count from the lowest, the smallest domains, upwards: 1 is the first above the node (an NVLink domain, or a
rack), the last one the largest domains of the pool (pods, or clusters). The pool itself, all nodes of one SKU in one
region, is above all levels. Rows are numbered so that each domain is a range of them and lies in one domain of the
level above; domains of one level may differ in size, as real racks do (ADR 0030).

Counting free nodes in every domain of a level is one pass over the bits of a node set, whatever the number of domains.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.nodes.nodeset import NodeSet, everything

Sizes = tuple[tuple[int, ...], ...]  # nodes of each domain in the order of their rows, level by level, lowest first


class Level(NamedTuple):
    """The domains of one level: as node sets, and as the first row of each, (domains,) int64."""

    domains: tuple[NodeSet, ...]
    first_row: NDArray[np.int64]
    largest: int  # nodes of its largest domain
    node_count: int

    def free_in_each(self, nodes: NodeSet) -> NDArray[np.int64]:
        """Return how many of `nodes` lie in each domain, (domains,) int64. O(nodes of the pool / 8 + domains)."""
        raw = np.frombuffer(nodes.to_bytes((self.node_count + 7) // 8, "little"), dtype=np.uint8)
        bits = np.unpackbits(raw, count=self.node_count, bitorder="little")
        counts: NDArray[np.int64] = np.add.reduceat(bits, self.first_row, dtype=np.int64)
        return counts

    def holding(self, whole: NodeSet, partly: NodeSet, full: int, part: int) -> NDArray[np.int64]:
        """Return the domains, ascending, that hold `full` of the nodes `whole` and, where `part` GPUs are asked for on
        one node more, another one of `partly`."""
        free = self.free_in_each(whole)
        fits = free >= full
        if part:
            apart = self.free_in_each(partly & ~whole) > 0
            fits &= apart | ((free > full) & (self.free_in_each(partly) > 0))
        return np.flatnonzero(fits)


def levels_of(sizes: Sequence[Sequence[int]], node_count: int) -> tuple[Level, ...]:
    """Return the levels of a pool from the sizes of their domains; see `fault_in` for what sizes must hold."""
    levels = []
    for line in sizes:
        ends = np.cumsum(np.array(line, dtype=np.int64))
        first_row = ends - np.array(line, dtype=np.int64)
        domains = tuple(everything(size) << first for size, first in zip(line, first_row.tolist(), strict=True))
        levels.append(Level(domains, first_row, max(line), node_count))
    return tuple(levels)


def fault_in(sizes: Sequence[Sequence[int]], node_count: int) -> str:
    """Say what is wrong with the sizes of a pool's domains; "" when nothing is.

    Every domain has a node at least, those of one level together have all nodes of the pool, and each ends where one of
    the level below does.
    """
    below = set(range(node_count + 1))
    for level, line in enumerate(sizes, start=1):
        if not line or min(line) < 1 or sum(line) != node_count:
            return f"the domains of level {level} must have 1 node or more each and {node_count} together"
        ends = set(np.cumsum(line).tolist())
        if not ends <= below:
            return f"a domain of level {level} cuts one of the level below in two"
        below = ends
    return ""
