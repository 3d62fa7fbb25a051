"""Node faults: per node and time, from streams that nothing else can move."""

from decimal import Decimal

import numpy as np
import pytest

from sim.faults import Faults, draw_faults
from sim.param import Param
from sim.result import FaultRows

DAY_S = 86_400
POOLS = [("us-1/h100", 40), ("eu-1/h100", 20)]


def law(rate: str, repair_s: int = 43_200) -> Faults:
    return Faults(rate_per_1000_node_days=Param(value=Decimal(rate)), repair_s=Param(value=repair_s))


def rows(faults: FaultRows) -> list[tuple[int, int, int]]:
    return list(zip(faults.down_s.tolist(), faults.node.tolist(), faults.up_s.tolist(), strict=True))


@pytest.mark.parametrize("faults", [None, law("0")], ids=["none", "rate 0"])
def test_what_never_fails_has_no_faults(faults: Faults | None) -> None:
    drawn = draw_faults(faults, POOLS, 1, 1000 * DAY_S)
    assert rows(drawn) == []
    assert drawn.node.dtype == np.int64


def test_faults_are_sorted_and_intervals_on_a_node_never_touch() -> None:
    faults = draw_faults(law("900", 100_000), POOLS, 1, 100 * DAY_S)
    assert rows(faults) == sorted(rows(faults))
    assert len(faults.node) > 1000
    assert (faults.up_s - faults.down_s == 100_000).all()
    for node in range(60):
        down_s, up_s = faults.down_s[faults.node == node], faults.up_s[faults.node == node]
        assert (down_s[1:] > up_s[:-1]).all()


def test_faults_begin_inside_the_run_and_repairs_may_end_after_it() -> None:
    faults = draw_faults(law("900", 100_000), POOLS, 1, 100 * DAY_S)
    assert faults.down_s.min() >= 1
    assert faults.down_s.max() < 100 * DAY_S < faults.up_s.max()


def test_the_rate_is_per_1000_node_days_of_a_healthy_node() -> None:
    """3.79 on 1,000 nodes for 1,000 days is 3,790 faults, less the time under repair; 4 sigma are 246."""
    faults = draw_faults(law("3.79"), [("pool", 1000)], 3, 1000 * DAY_S)
    expected = 3790 / (1 + 0.00379 / 2)
    assert abs(len(faults.node) - expected) < 246


def test_a_longer_run_only_adds_faults() -> None:
    short, long = (rows(draw_faults(law("50"), POOLS, 1, days * DAY_S)) for days in (50, 90))
    assert short == [row for row in long if row[0] < 50 * DAY_S]
    assert len(short) < len(long)


def test_more_nodes_and_more_pools_only_add_faults() -> None:
    """A node's stream is keyed by its pool's name and its place there, not by its row in the world."""
    alone = rows(draw_faults(law("50"), [("eu-1/h100", 20)], 1, 90 * DAY_S))
    second = rows(draw_faults(law("50"), POOLS, 1, 90 * DAY_S))
    assert alone == [(down_s, node - 40, up_s) for down_s, node, up_s in second if node >= 40]
    larger = rows(draw_faults(law("50"), [("eu-1/h100", 30)], 1, 90 * DAY_S))
    assert alone == [row for row in larger if row[1] < 20]


def test_another_seed_gives_other_faults() -> None:
    first, again, other = (rows(draw_faults(law("50"), POOLS, seed, 90 * DAY_S)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
