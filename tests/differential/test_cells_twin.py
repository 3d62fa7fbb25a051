"""Buddy cells against the definition: what is free stands as the largest cells that are free as a whole."""

import random

import pytest

from scheduler.nodes.nodeset import NOTHING, rows
from scheduler.quotas.cells import Cell, Cells, CellTree

SEEDS = range(80)


def random_tree(rng: random.Random) -> CellTree:
    """Ragged racks, and ragged pods of them."""
    racks = [rng.randint(1, 4) for _ in range(rng.randint(1, 4))]
    pods, left = [], list(racks)
    while left:
        count = rng.randint(1, len(left))
        pods.append(sum(left[:count]))
        left = left[count:]
    topology = rng.choice(([], [racks], [racks, pods]))
    return CellTree(sum(racks), rng.choice((1, 2, 4, 6, 8)), topology)


def gpus_of(tree: CellTree, cell: Cell) -> set[int]:
    start = tree.start_gpu[cell.level][cell.row]
    return set(range(start, start + tree.size_gpus[cell.level][cell.row]))


def every(tree: CellTree) -> list[Cell]:
    return [Cell(level, row) for level in range(tree.top + 1) for row in range(len(tree.size_gpus[level]))]


def largest_free(tree: CellTree, free: set[int]) -> set[Cell]:
    """The cells that are free as a whole and lie in no larger one that is."""
    found: set[Cell] = set()
    covered: set[int] = set()
    for cell in sorted(every(tree), reverse=True):
        gpus = gpus_of(tree, cell)
        if gpus <= free and not gpus & covered:
            found.add(cell)
            covered |= gpus
    return found


def differences(seed: int) -> list[str]:
    rng = random.Random(seed)
    tree = random_tree(rng)
    cells, free = Cells(tree), set(range(sum(tree.size_gpus[tree.top])))
    held: list[Cell] = []
    for _ in range(40):
        if held and rng.random() < 0.45:
            cell = held.pop(rng.randrange(len(held)))
            cells.free(cell)
            free |= gpus_of(tree, cell)
        else:
            level = rng.randint(0, tree.top)
            blocked = rng.choice((NOTHING, NOTHING, rng.getrandbits(12)))
            possible = [
                each
                for each in every(tree)
                if each.level == level and gpus_of(tree, each) <= free and not tree.nodes(each) & blocked
            ]
            best = min((tree.size_gpus[each.level][each.row] for each in split_of(tree, free, possible)), default=None)
            cell = cells.alloc(level, blocked)
            if (cell is None) != (not possible):
                return [f"seed {seed}: alloc({level}) gave {cell}, possible were {possible}"]
            if cell is None:
                continue
            (origin,) = split_of(tree, free, [cell])
            if cell not in possible or tree.size_gpus[origin.level][origin.row] != best:
                return [f"seed {seed}: alloc({level}) took {cell} and split {origin}"]
            held.append(cell)
            free -= gpus_of(tree, cell)
        ours = {Cell(level, row) for level, line in enumerate(cells.free_rows) for row in rows(line)}
        if ours != largest_free(tree, free):
            return [f"seed {seed}: free are {ours}, by definition {largest_free(tree, free)}"]
        if any(cells.holds(each) != (gpus_of(tree, each) <= free) for each in every(tree)):
            return [f"seed {seed}: holds() is wrong"]
    return []


def split_of(tree: CellTree, free: set[int], cells: list[Cell]) -> list[Cell]:
    """For each cell the largest free one that it would be cut from."""
    whole = largest_free(tree, free)
    return [each for cell in cells for each in whole if gpus_of(tree, cell) <= gpus_of(tree, each)]


def test_free_cells_are_those_of_the_definition() -> None:
    assert [text for seed in SEEDS for text in differences(seed)] == []


def test_a_level_up_is_a_node_and_domains_are_above_it() -> None:
    tree = CellTree(6, 8, [[2, 1, 3]])
    assert tree.node_level == 3 and tree.top == 4
    assert [tree.level_for(gpus) for gpus in (1, 2, 3, 4, 5, 8)] == [0, 1, 2, 2, 3, 3]
    assert tree.nodes(Cell(4, 2)) == 0b111000 and tree.nodes(Cell(0, 17)) == 0b100
    assert CellTree(3, 1).node_level == 0
    assert CellTree(1, 6).size_gpus == [[1] * 6, [2] * 3, [6]]


def never_merges(self, cell):
    self.free_rows[cell.level] |= 1 << cell.row


def loses_a_sibling(self, cell):
    self.free_rows[cell.level] &= ~(1 << cell.row)


def merges_too_early(self, cell):
    level, row = cell
    if level < self.tree.top:
        first, count = self.tree.first[level + 1], self.tree.count[level + 1]
        above = self.tree.parent[level][row]
        if count[above] > 1:
            self.free_rows[level] &= ~(((1 << count[above]) - 1) << first[above])
            self.free_rows[level + 1] |= 1 << above
            return
    self.free_rows[level] |= 1 << row


@pytest.mark.parametrize(
    ("name", "broken"), [("free", never_merges), ("free", merges_too_early), ("free", loses_a_sibling)]
)
def test_a_broken_allocator_is_caught(name, broken, monkeypatch) -> None:
    monkeypatch.setattr(Cells, name, broken)

    def fails(seed: int) -> bool:
        try:
            return bool(differences(seed))
        except AssertionError:
            return True

    assert any(fails(seed) for seed in SEEDS)
