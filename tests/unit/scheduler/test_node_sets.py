"""Node sets and capacities, against plain Python sets and lists."""

from hypothesis import given
from hypothesis import strategies as st

from scheduler.nodes import nodeset
from scheduler.nodes.capacity import Capacity, Hold, Room
from scheduler.policy.place import EVERYWHERE, Step, first_fit, from_the_top, packed

ROWS = st.sets(st.integers(0, 200), max_size=60)


@given(ROWS, st.data())
def test_lowest_and_highest_are_the_ends_of_the_sorted_rows(rows: set[int], data: st.DataObject) -> None:
    nodes = nodeset.of_rows(sorted(rows))
    count = data.draw(st.integers(1 if rows else 0, len(rows)))
    if count:
        assert list(nodeset.rows(nodeset.lowest(nodes, count))) == sorted(rows)[:count]
        assert list(nodeset.rows(nodeset.highest(nodes, count))) == sorted(rows)[-count:]
    assert list(nodeset.rows(nodes)) == nodeset.row_array(nodes).tolist() == sorted(rows)


@given(ROWS)
def test_text_names_every_row_once(rows: set[int]) -> None:
    named: list[int] = []
    for part in filter(None, nodeset.text(nodeset.of_rows(sorted(rows))).split(",")):
        first, _, last = part.partition("-")
        named += range(int(first), int(last or first) + 1)
    assert named == sorted(rows)


def test_text_reads_like_a_node_list() -> None:
    assert nodeset.text(nodeset.of_rows([0, 1, 2, 3, 7])) == "0-3,7"
    assert nodeset.text(0) == ""


@given(st.integers(1, 5), st.integers(1, 6), st.data())
def test_capacity_agrees_with_a_list_of_what_is_taken_on_each_node(
    nodes: int, per_node: int, data: st.DataObject
) -> None:
    capacity, taken = Capacity(nodes, per_node), [0] * nodes
    held: list[tuple[Hold, list[int]]] = []
    for _ in range(data.draw(st.integers(1, 12))):
        if held and data.draw(st.booleans()):
            hold, used = held.pop(data.draw(st.integers(0, len(held) - 1)))
            capacity.give(hold)
            taken = [was - now for was, now in zip(taken, used, strict=True)]
        else:
            hold, used = drawn_hold(data, nodes, per_node)
            capacity.take(hold)
            held.append((hold, used))
            taken = [was + now for was, now in zip(taken, used, strict=True)]
        free = [max(0, per_node - gpus) for gpus in taken]
        assert [capacity.free_on(row) for row in range(nodes)] == free
        assert capacity.free_gpus == sum(free)
        assert list(nodeset.rows(capacity.at_least(1))) == [row for row in range(nodes) if free[row]]


def drawn_hold(data: st.DataObject, nodes: int, per_node: int) -> tuple[Hold, list[int]]:
    """A hold on any nodes, taken or not (claims may overlap), and the GPUs it takes on each."""
    whole = data.draw(st.sets(st.integers(0, nodes - 1), max_size=nodes))
    rest = sorted(set(range(nodes)) - whole)
    part, gpus = 0, 0
    used = [per_node if row in whole else 0 for row in range(nodes)]
    if per_node > 1 and rest and data.draw(st.booleans()):
        row, gpus = data.draw(st.sampled_from(rest)), data.draw(st.integers(1, per_node - 1))
        part, used[row] = 1 << row, gpus
    return Hold(nodeset.of_rows(sorted(whole)), part, gpus), used


def half_full() -> Capacity:
    """Four nodes of 8 GPUs with 8, 2, 5 and 8 free."""
    capacity = Capacity(4, 8)
    capacity.take(Hold(0, 1 << 1, 6))
    capacity.take(Hold(0, 1 << 2, 3))
    return capacity


def test_first_fit_takes_the_lowest_row_and_packed_the_fullest_node_that_fits() -> None:
    room = Room(half_full(), 0)
    assert first_fit(room, 0, 4, EVERYWHERE) == (0, 1 << 0)
    assert packed(room, 0, 4, EVERYWHERE) == (0, 1 << 2)
    assert packed(room, 0, 2, EVERYWHERE) == (0, 1 << 1)
    assert packed(room, 1, 5, EVERYWHERE) == (1 << 0, 1 << 2)
    assert from_the_top(room, 1, 0, EVERYWHERE) == (1 << 3, 0)


def test_a_gang_is_placed_whole_or_not_at_all() -> None:
    room = Room(half_full(), 0)
    assert first_fit(room, 3, 0, EVERYWHERE) is None
    assert packed(room, 2, 6, EVERYWHERE) is None
    assert packed(room, 2, 5, EVERYWHERE) == (0b1001, 1 << 2)


def test_preferred_nodes_are_used_up_before_the_next_step_is_looked_at() -> None:
    room = Room(half_full(), 0)
    assert first_fit(room, 2, 0, (Step(1 << 3, 0), Step(-1, -1))) == (0b1001, 0)
    assert first_fit(room, 1, 0, (Step(1 << 3, 0), Step(-1, -1))) == (0b1000, 0)


def test_closed_nodes_and_kept_nodes_are_out_of_reach() -> None:
    capacity = half_full()
    assert Room(capacity, 0).fits(2, 5)
    assert not Room(capacity, 1 << 3).fits(2, 0)
    assert Room(capacity, 0).fits(1, 0, kept=1) and not Room(capacity, 0).fits(2, 0, kept=1)
    assert not Room(capacity, 0, whole_limit=0).fits(1, 0)
