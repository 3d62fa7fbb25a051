"""Case V6-buddy: free lists after each step of splitting and merging one node of eight GPUs."""

from case_file import case
from scheduler.quotas.cells import Cell, Cells, CellTree


def test_v6_buddies_are_split_and_merged_as_published() -> None:
    one = case("V6-buddy")
    given = one["inputs"]
    levels, buddies = given["levels"], given["children_per_cell"]
    tree = CellTree(given["nodes"], buddies ** (len(levels) - 1))
    assert [sizes[0] for sizes in tree.size_gpus] == [buddies**level for level in range(len(levels))]
    cells, held, found = Cells(tree), dict[str, Cell](), []
    for what, *words in given["ops"]:
        if what == "alloc":
            cell = cells.alloc(levels.index(words[0]))
            assert cell is not None
            held[words[1]] = cell
        else:
            cells.free(held.pop(words[0]))
        found.append({name: rows.bit_count() for name, rows in zip(levels, cells.free_rows, strict=True)})
    assert found == one["expected"]["free_lists_after_each_op"]
