"""Buddy allocation of cells: GPU < pairs, fours, ... of a node < node < the domains of the pool's topology.

A free cell is either whole, and stands in the set of free cells of its level, or it has been split, and its children
stand there. Allocating takes a free cell of the level, or splits the nearest larger one. Freeing merges upwards, while
all children of the parent are free. Groups may be ragged: a parent has as many children as exist, and merges when these
are free. Cells of a level are numbered so that the children of a parent are a range of the level below.

If a tenant's cells map one to one onto physical cells, every request inside them succeeds.
Source: HiveD (Zhao et al., OSDI 2020) as stated in the design's section 5.5; case V6.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scheduler.nodes.nodeset import NOTHING, NodeSet, everything, rows

GPU = 0  # level of one GPU


class Cell(NamedTuple):
    """A cell: its level, and its number in that level."""

    level: int
    row: int


class CellTree:
    """The cells of a pool, free or not; what never changes.

    `size_gpus[level][row]`, `first[level][row]` of `count[level][row]` children, `parent[level][row]`, and the nodes
    that a cell lies on.
    """

    def __init__(self, node_count: int, per_node: int, topology: Sequence[Sequence[int]] = ()) -> None:
        """Levels are GPUs, doubling groups of a node as far as they divide it, nodes, and the topology's domains (nodes
        of each, level by level, lowest first). Cost: O(cells)."""
        sizes = [1]
        while per_node % (2 * sizes[-1]) == 0 and 2 * sizes[-1] < per_node:
            sizes.append(2 * sizes[-1])
        self.node_level = len(sizes) if per_node > 1 else 0
        if per_node > 1:
            sizes.append(per_node)
        self.per_node = per_node
        self.size_gpus = [[size] * (node_count * per_node // size) for size in sizes]
        self.size_gpus += [[nodes * per_node for nodes in line] for line in topology]
        self.first: list[list[int]] = [[]]
        self.count: list[list[int]] = [[]]
        self.parent: list[list[int]] = [[] for _ in self.size_gpus]
        self.start_gpu = [self._starts(line) for line in self.size_gpus]
        for level in range(1, len(self.size_gpus)):
            below, children = self.size_gpus[level - 1], 0
            self.first.append([])
            self.count.append([])
            for row, size in enumerate(self.size_gpus[level]):
                self.first[level].append(children)
                left = size
                while left:
                    left -= below[children]
                    self.parent[level - 1].append(row)
                    children += 1
                self.count[level].append(children - self.first[level][row])
        self.top = len(self.size_gpus) - 1

    @staticmethod
    def _starts(line: Sequence[int]) -> list[int]:
        found, at = [], 0
        for size in line:
            found.append(at)
            at += size
        return found

    def nodes(self, cell: Cell) -> NodeSet:
        """Return the nodes that a cell lies on."""
        start, size = self.start_gpu[cell.level][cell.row], self.size_gpus[cell.level][cell.row]
        first = start // self.per_node
        return everything((start + size - 1) // self.per_node - first + 1) << first

    def children(self, cell: Cell) -> Iterator[Cell]:
        """Yield the cells that a cell is made of, ascending."""
        first = self.first[cell.level][cell.row]
        return (Cell(cell.level - 1, first + place) for place in range(self.count[cell.level][cell.row]))

    def level_for(self, gpus: int) -> int:
        """Return the lowest level inside a node whose cells have so many GPUs."""
        return next(level for level in range(self.node_level + 1) if self.size_gpus[level][0] >= gpus)


class Cells:
    """Which cells of a tree are free: by level, as sets of rows. `alloc`, `take` and `free` are its only writers."""

    __slots__ = ("free_rows", "tree")

    def __init__(self, tree: CellTree, whole: bool = True) -> None:
        """Start with everything free, or with nothing."""
        self.tree = tree
        self.free_rows: list[int] = [NOTHING] * (tree.top + 1)
        if whole:
            self.free_rows[tree.top] = everything(len(tree.size_gpus[tree.top]))

    def copy(self) -> "Cells":
        """Return an independent copy. O(levels)."""
        twin = Cells(self.tree, whole=False)
        twin.free_rows = self.free_rows.copy()
        return twin

    def alloc(self, level: int, blocked: NodeSet = NOTHING) -> Cell | None:
        """Take the first of `choices`; None where there is none. O(levels) where nothing is blocked."""
        cell = next(self.choices(level, blocked), None)
        if cell is not None:
            self.take(cell)
        return cell

    def choices(self, level: int, blocked: NodeSet = NOTHING) -> Iterator[Cell]:
        """Yield the free cells of a level that touch no blocked node, best first: those that need no larger cell to be
        split, then those in the next larger cell, and so on; the smallest first, then the lowest row."""
        sizes = self.tree.size_gpus
        for above in range(level, self.tree.top + 1):
            for row in sorted(rows(self.free_rows[above]), key=lambda row: (sizes[above][row], row)):
                yield from self._inside(Cell(above, row), level, blocked)

    def _inside(self, cell: Cell, level: int, blocked: NodeSet) -> Iterator[Cell]:
        if cell.level == level:
            if not self.tree.nodes(cell) & blocked:
                yield cell
            return
        for child in self.tree.children(cell):
            yield from self._inside(child, level, blocked)

    def take(self, cell: Cell) -> None:
        """Take this very cell, which must be free, by itself or as part of a larger one. O(levels x children)."""
        way = [cell]
        while not self.free_rows[way[-1].level] >> way[-1].row & 1:
            level, row = way[-1]
            assert level < self.tree.top, f"{cell} is free"
            way.append(Cell(level + 1, self.tree.parent[level][row]))
        whole = way.pop()
        self.free_rows[whole.level] ^= 1 << whole.row
        while way:
            part = way.pop()
            for child in self.tree.children(whole):
                if child != part:
                    self.free_rows[child.level] |= 1 << child.row
            whole = part

    def holds(self, cell: Cell) -> bool:
        """Whether all of a cell is free."""
        level, row = cell
        while level < self.tree.top and not self.free_rows[level] >> row & 1:
            level, row = level + 1, self.tree.parent[level][row]
        return bool(self.free_rows[level] >> row & 1)

    def free(self, cell: Cell) -> None:
        """Give a cell back, and merge upwards while all existing children of the parent are free. O(levels)."""
        level, row = cell
        while True:
            self.free_rows[level] |= 1 << row
            if level == self.tree.top:
                return
            above = self.tree.parent[level][row]
            siblings = everything(self.tree.count[level + 1][above]) << self.tree.first[level + 1][above]
            if self.free_rows[level] & siblings != siblings:
                return
            self.free_rows[level] ^= siblings
            level, row = level + 1, above
