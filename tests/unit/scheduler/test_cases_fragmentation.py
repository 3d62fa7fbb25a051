"""Case V7b: how much a part fragments each node, and the node that FGD chooses, from the published figures."""

import pytest

from case_file import case
from scheduler.nodes.capacity import Capacity, Hold, Room
from scheduler.policy.place import EVERYWHERE, PLACES, Choice, fragments

GPUS_PER_NODE, UNITS = 8, 10_000


def mix_of(shares: dict[str, float]) -> list[int]:
    """Popularity by GPUs asked for, in basis points."""
    return [round(shares.get(str(gpus), 0) * UNITS) for gpus in range(GPUS_PER_NODE + 1)]


@pytest.mark.parametrize("number", range(3))
def test_v7b_the_growth_of_fragments_and_the_node_that_is_chosen(number: int) -> None:
    one = case("V7b")
    request, mix = one["inputs"]["request"][number], mix_of(one["inputs"]["mix"])
    free_per_node = one["inputs"]["free_per_node"]
    growth = [
        (fragments(free - request, mix) - fragments(free, mix)) / UNITS if free >= request else None
        for free in free_per_node
    ]
    expected = one["expected"]["delta_F"][number]
    assert [value is None for value in growth] == [value is None for value in expected]
    known = [value for value in growth if value is not None]
    assert known == pytest.approx([value for value in expected if value is not None], abs=one["tolerance"]["abs"])
    capacity = Capacity(len(free_per_node), GPUS_PER_NODE)
    for node, free in enumerate(free_per_node):
        if free < GPUS_PER_NODE:
            capacity.take(Hold(0, 1 << node, GPUS_PER_NODE - free))
    chosen = PLACES["fgd"](Room(capacity, 0, mix=mix), 0, request, EVERYWHERE)
    assert chosen == Choice(0, 1 << one["expected"]["chosen_node"][number])
