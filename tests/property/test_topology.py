"""Domains on random pools: counts, what fits, and that sizes which do not nest are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.errors import TableError
from scheduler.nodes.capacity import Capacity, Hold, Room
from scheduler.nodes.nodeset import rows
from scheduler.nodes.topology import levels_of
from scheduler.policy.place import EVERYWHERE, PLACES
from scheduler.tables import PoolRow, refuse_impossible_tables

SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=12)


@st.composite
def rooms(draw: st.DrawFn) -> tuple[Room, list[set[int]]]:
    """A room with one level of ragged domains, and those as sets; some nodes held in part, some as a whole."""
    sizes = draw(SIZES)
    nodes, capacity = sum(sizes), Capacity(sum(sizes), 4)
    for node in range(nodes):
        taken = draw(st.integers(0, 4))
        if taken == 4:
            capacity.take(Hold(1 << node, 0, 0))
        elif taken:
            capacity.take(Hold(0, 1 << node, taken))
    closed = draw(st.integers(0, (1 << nodes) - 1))
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    domains = [set(range(end - size, end)) for end, size in zip(ends, sizes, strict=True)]
    return Room(capacity, closed, -1, -1, levels_of([sizes], nodes), 1), domains


@given(rooms(), st.integers(0, 9), st.integers(0, 3))
def test_a_gang_fits_iff_one_domain_holds_it_and_then_every_placement_finds_one(found, full: int, part: int) -> None:
    room, domains = found
    if not full + part:
        return
    whole, partly = set(rows(room.whole())), set(rows(room.partly(part))) if part else set()
    assert room.levels[0].free_in_each(room.whole()).tolist() == [len(whole & one) for one in domains]
    fits = any(len(whole & one) >= full and (not part or len((whole | partly) & one) > full) for one in domains)
    assert room.fits(full, part) == fits
    for name, place in PLACES.items():
        choice = place(room._replace(mix=[1] * 5), full, part, EVERYWHERE)
        assert (choice is not None) == fits, name
        if choice is not None:
            nodes = set(rows(choice.whole | choice.part))
            assert (choice.whole.bit_count(), choice.part.bit_count()) == (full, int(part > 0))
            assert set(rows(choice.whole)) <= whole and set(rows(choice.part)) <= partly
            assert any(nodes <= one for one in domains), name


@given(rooms(), st.integers(1, 9))
def test_the_chosen_domain_is_the_one_with_the_fewest_free_nodes(found, full: int) -> None:
    room, domains = found
    whole = set(rows(room.whole()))
    fitting = [(len(whole & one), place) for place, one in enumerate(domains) if len(whole & one) >= full]
    choice = PLACES["pack_domain"](room, full, 0, EVERYWHERE)
    if fitting:
        assert choice is not None and set(rows(choice.whole)) <= domains[min(fitting)[1]]
    else:
        assert choice is None


@given(SIZES, st.integers(0, 3), st.integers(-1, 1))
def test_sizes_that_do_not_nest_are_refused_with_the_pool(sizes: list[int], place: int, change: int) -> None:
    """One domain more or less than there are nodes, or a level above that cuts one below in two."""
    nodes = sum(sizes)
    wrong = [*sizes[:-1], sizes[-1] + change]
    bad = PoolRow(nodes, 8, 0, (tuple(wrong),))
    if change:
        with pytest.raises(TableError, match=r"pool\[0\].topology: impossible topology"):
            refuse_impossible_tables((bad,), (), ())
    else:
        refuse_impossible_tables((bad,), (), ())
    cut = sizes[0] - 1 if sizes[0] > 1 else 0
    if cut and nodes > cut:
        with pytest.raises(TableError, match="a domain of level 2 cuts one of the level below in two"):
            refuse_impossible_tables((PoolRow(nodes, 8, 0, (tuple(sizes), (cut, nodes - cut))),), (), ())
