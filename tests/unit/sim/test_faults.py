"""Node faults: per node and time, from streams that nothing else can move."""

from decimal import Decimal

import numpy as np
import pytest

from sim.failures.crashes import drains, draw_crashes
from sim.failures.fault_causes import CAUSE_NAMES, RACK
from sim.failures.faults import Faults, Window, draw_faults
from sim.failures.operations import Maintenance
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


# -- lemons, racks, repairs, maintenance, crashes ----------------------------------------------------------------------


def changed(**more: object) -> Faults:
    return Faults.model_validate({"rate_per_1000_node_days": "50", "repair_s": 3600, **more})


def touching(faults: FaultRows) -> int:
    """Pairs of intervals on one node that overlap or touch."""
    order = np.lexsort((faults.down_s, faults.node))
    same = np.diff(faults.node[order]) == 0
    return int((faults.down_s[order][1:][same] <= faults.up_s[order][:-1][same]).sum())


def test_lemons_fail_more_often_and_leave_all_other_nodes_as_they_were() -> None:
    plain = draw_faults(changed(), POOLS, 1, 200 * DAY_S)
    drawn = draw_faults(changed(lemons={"share_bp": 1000, "factor": 10}), POOLS, 1, 200 * DAY_S)
    before, after = np.bincount(plain.node, minlength=60), np.bincount(drawn.node, minlength=60)
    lemons = np.flatnonzero(before != after)
    assert 1 <= len(lemons) <= 15
    assert (after[lemons] > 4 * before[lemons]).all()


def test_a_node_with_many_faults_in_a_window_is_set_aside_and_mended() -> None:
    terms = {
        "lemons": {"share_bp": 10_000, "factor": 10},
        "set_aside": {"faults": 3, "window_days": 30, "repair_s": 864_000},
    }
    drawn = draw_faults(changed(**terms), POOLS, 1, 100 * DAY_S)
    for node in range(60):
        down_s, length_s = drawn.down_s[drawn.node == node], (drawn.up_s - drawn.down_s)[drawn.node == node]
        long = np.flatnonzero(length_s == 864_000)
        assert set(length_s.tolist()) <= {3600, 864_000}
        if len(long) and len(down_s) > long[0] + 1:  # the longer repair made it a node like any other
            assert np.diff(down_s[: long[0] + 1]).mean() < 15 * DAY_S
    assert len(drawn.node) < len(draw_faults(changed(lemons=terms["lemons"]), POOLS, 1, 100 * DAY_S).node) / 2


def test_repairs_follow_a_log_normal_law_with_the_given_median() -> None:
    drawn = draw_faults(changed(repair_sigma="0.8"), POOLS, 1, 1000 * DAY_S)
    lengths = drawn.up_s - drawn.down_s
    assert 3300 < np.median(lengths) < 3900
    assert 4200 < lengths.mean() < 5900  # 3,600 e^0.32 = 4,958
    assert touching(drawn) == 0


def test_racks_take_all_their_nodes_down_at_once_and_nothing_overlaps() -> None:
    racks = {"nodes": 8, "rate_per_1000_rack_days": 100, "repair_s": 7200}
    drawn = draw_faults(changed(racks=racks), POOLS, 1, 100 * DAY_S)
    by_rack = drawn.cause == CAUSE_NAMES.index(RACK)
    times, counts = np.unique(drawn.down_s[by_rack], return_counts=True)
    assert len(times) > 20
    assert np.median(counts) >= 4  # the rest of a rack was down already, or is smaller
    assert touching(drawn) == 0
    alone = draw_faults(changed(), POOLS, 1, 100 * DAY_S)
    assert set(zip(alone.node.tolist(), alone.down_s.tolist(), strict=True)) - set(
        zip(drawn.node.tolist(), drawn.down_s.tolist(), strict=True)
    ) == {
        (node, down_s)
        for node, down_s in zip(alone.node.tolist(), alone.down_s.tolist(), strict=True)
        if ((drawn.node == node) & (drawn.down_s < down_s) & (drawn.up_s >= down_s)).any()
    }


def test_maintenance_joins_what_is_down_and_what_would_come_up_while_the_node_drains() -> None:
    window = Window(first=10, nodes=40, drain_s=500_000, down_s=510_000, up_s=600_000)
    drawn = draw_faults(law("3000", 5000), POOLS, 1, 20 * DAY_S, [window])
    assert touching(drawn) == 0
    for node in range(10, 50):
        mine = drawn.node == node
        over = mine & (drawn.down_s <= 510_000) & (drawn.up_s >= 600_000)
        assert over.sum() == 1
        assert not (mine & (drawn.up_s >= 500_000) & (drawn.up_s < 600_000)).any()


def test_maintenance_is_planned_from_days_and_hours_and_drains_first() -> None:
    plan = Maintenance.model_validate({"first_node": 2, "nodes": 3, "from_day": 1, "hour": 6, "every_days": 7})
    windows = plan.windows(40, 10 * DAY_S)
    assert [window.down_s for window in windows] == [DAY_S + 6 * 3600, 8 * DAY_S + 6 * 3600]
    assert [(window.first, window.nodes) for window in windows] == [(42, 3)] * 2
    assert windows[0].drain_s == windows[0].down_s - 4200
    assert drains(windows, 2 * DAY_S) == [(windows[0].drain_s, 13, node, windows[0].down_s) for node in (42, 43, 44)]


def test_crashes_are_drawn_per_node_and_gpu_and_only_added_to() -> None:
    faults = changed(software={"rate_per_1000_node_days": 100})
    sized = [(name, nodes, 8) for name, nodes in POOLS]
    drawn = draw_crashes(faults, sized, 1, 100 * DAY_S)
    assert drawn == sorted(drawn)
    assert 480 < len(drawn) < 720  # 60 nodes x 100 days x 0.1, within 5 sigma
    assert {gpu for *_, gpu in drawn} == set(range(8))
    assert [row for row in drawn if row[0] < 50 * DAY_S] == draw_crashes(faults, sized, 1, 50 * DAY_S)
    assert draw_crashes(changed(), sized, 1, 100 * DAY_S) == []
