"""Published reliability cases, closed forms: MTTF, implied rates, ETTR, intervals, spares, GPU fraction."""

import math
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

import numpy as np
import pytest

from broken_cores import damping_that_forgets
from case_file import case
from crash_loop import crash_loop
from one_job import core_of_one_job, gaps, live, work_share
from scheduler.events import Event, EventKind
from scheduler.jobs.damping import Damping
from sim.failures.fault_causes import COUNTS
from sim.failures.faults import Faults, draw_faults
from sim.measures.reliability import (
    ettr_daly,
    ettr_exact,
    ettr_linear,
    gpu_fraction_bp,
    interval_daly,
    interval_young,
    job_rate_per_s,
    mttf_h,
    rate_from_count,
    rate_from_mttf,
    reach_s,
    spare_count,
    survival,
)
from sim.param import Param

ETTR_CASES = (
    "V2", "V2-5min", "V2-5min-write", "V2b-512", "V2b-256", "V2c", "V2d",
    "V2e-128", "V2e-2048-60", "V2e-2048-20", "V2e-rsc1-20", "V2f",
)  # fmt: skip
FORMS = {"linear": ettr_linear, "exact_renewal": ettr_exact, "daly": ettr_daly}


def test_v1_mttf_scales_with_the_nodes() -> None:
    found = case("V1")
    size = found["inputs"]["gpus_per_node"]
    for row, expected in zip(found["inputs"]["rows"], found["expected"]["mttf_h"], strict=True):
        ours = mttf_h(row["gpus"] // size, row["failures_per_1000_node_days"])
        assert round(ours, 2) == expected  # to the printed digits; runs are compared with the closed form
    assert survival(2048, 6.5, 3600 * mttf_h(2048, 6.5)) == pytest.approx(math.exp(-1))
    assert mttf_h(10, 0) == math.inf


def test_v1b_rates_implied_by_measurements() -> None:
    found = case("V1b")
    for row, expected in zip(found["inputs"]["rows"], found["expected"]["failures_per_1000_node_days"], strict=True):
        if "mttf_h" in row:
            ours = rate_from_mttf(row["mttf_h"], row["nodes"])
        else:
            ours = rate_from_count(row["failures"], row["days"], row["nodes"])
        assert ours == pytest.approx(expected, abs=found["tolerance"]["abs"])


@pytest.mark.parametrize("case_id", ETTR_CASES)
def test_ettr_in_its_published_forms(case_id: str) -> None:
    found = case(case_id)
    told = found["inputs"]
    per_s = job_rate_per_s(told["nodes"], told["failures_per_1000_node_days"])
    for form, expected in found["expected"].items():
        ours = FORMS[form](per_s, told["restart_s"], told["checkpoint_interval_s"], told["checkpoint_write_s"])
        assert ours == pytest.approx(expected, abs=found["tolerance"]["abs"]), form


def test_v2g_what_restart_and_interval_may_take() -> None:
    found = case("V2g")
    for row, expected in zip(found["inputs"]["rows"], found["expected"]["seconds"], strict=True):
        per_s = job_rate_per_s(found["inputs"]["nodes"], row["failures_per_1000_node_days"])
        assert reach_s(per_s, found["inputs"]["target"]) == pytest.approx(expected, abs=found["tolerance"]["abs"])
    assert reach_s(0, 0.9) == math.inf


def test_v3_intervals_of_young_and_daly_and_the_time_that_500_hours_take() -> None:
    found = case("V3")
    told, expected, rel = found["inputs"], found["expected"], found["tolerance"]["rel"]
    write, restart = told["checkpoint_write_min"], told["restart_min"]
    for row, mtbf in enumerate(told["mtbf_min"]):
        daly = interval_daly(write, mtbf)
        assert daly == pytest.approx(expected["tau_daly_min"][row], rel=rel)
        assert interval_young(write, mtbf) == pytest.approx(expected["tau_young_min"][row], rel=rel)
        efficiency = ettr_daly(1 / mtbf, restart, daly, write)
        assert efficiency == pytest.approx(expected["efficiency"][row], rel=rel)
        assert told["solve_h"] / efficiency == pytest.approx(expected["wall_h"][row], rel=rel)
    assert interval_daly(20, 5) == 5


def test_v23_hot_spares() -> None:
    found = case("V23")
    for key, level in (("spares_99", 0.99), ("spares_999", 0.999)):
        ours = [
            spare_count(row["nodes"], found["inputs"]["failures_per_1000_node_days"], row["repair_days"], level)
            for row in found["inputs"]["rows"]
        ]
        assert ours == found["expected"][key]
    assert spare_count(100, 0, 3, 0.99) == 0


def test_v25_gpu_fraction_and_the_tier_it_reaches() -> None:
    found = case("V25")
    ours = [gpu_fraction_bp(row["t_ideal_s"], row["t_real_s"]) for row in found["inputs"]["rows"]]
    assert [fraction for fraction, _ in ours] == found["expected"]["gpu_fraction_bp"]
    assert [tier for _, tier in ours] == found["expected"]["tier_reached"]


def test_without_failures_only_writes_cost_time() -> None:
    assert ettr_exact(0, 300, 900, 100) == ettr_daly(0, 300, 900, 100) == pytest.approx(0.9)
    assert ettr_exact(1.0, 300, 900) == 0  # more failures than a float can count: no work at all


# -- the same through the real core ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case_id", ETTR_CASES)
def test_the_core_reaches_the_exact_share_of_work(case_id: str) -> None:
    """A gang of as many nodes as in the case, failing 1,500 times; restarts fail too only in Daly's form."""
    found = case(case_id)
    told = found["inputs"]
    terms = told["restart_s"], told["checkpoint_interval_s"], told["checkpoint_write_s"]
    per_s = job_rate_per_s(told["nodes"], told["failures_per_1000_node_days"])
    for form in {"exact_renewal", "daly"} & found["expected"].keys():
        core = core_of_one_job(told["nodes"], terms[1], terms[2], terms[0])
        parts = live(core, gaps(1 / per_s, 1500, seed=3), terms[0] if form == "exact_renewal" else 0)
        assert work_share(parts) == pytest.approx(
            FORMS[form](per_s, *terms), abs=found["tolerance"]["des_vs_exact_abs"]
        )


def test_v3_500_hours_of_work_through_the_core() -> None:
    found = case("V3")
    told = found["inputs"]
    for mtbf, tau, wall_h in zip(
        told["mtbf_min"], found["expected"]["tau_daly_min"], found["expected"]["wall_h"], strict=True
    ):
        core = core_of_one_job(4, round(tau * 60), told["checkpoint_write_min"] * 60, told["restart_min"] * 60)
        share = work_share(live(core, gaps(mtbf * 60, 4000, seed=4), 0))
        assert told["solve_h"] / share == pytest.approx(wall_h, rel=found["tolerance"]["des_rel"])


def drawn_mttf_h(nodes: int, rate: float, failures: int) -> float:
    """Mean hours from a start to the fault that ended it, of a gang under faults drawn node by node."""
    law = Faults(rate_per_1000_node_days=Param(value=Decimal(str(rate))), repair_s=Param(value=1))
    horizon_s = round(failures * 3600 * mttf_h(nodes, rate))
    drawn = draw_faults(law, [("pool", nodes + 1)], 5, horizon_s)
    core = core_of_one_job(nodes, 0, 0, 0)
    heap = [(0, Event(EventKind.SUBMIT, 0))]
    heap += [
        (at_s, Event(EventKind.NODE_DOWN, node))
        for at_s, node in zip(drawn.down_s.tolist(), drawn.node.tolist(), strict=True)
    ]
    heap += [
        (at_s, Event(EventKind.NODE_UP, node))
        for at_s, node in zip(drawn.up_s.tolist(), drawn.node.tolist(), strict=True)
    ]
    found = []
    for at_s, group in groupby(sorted(heap), key=itemgetter(0)):
        core.step(at_s, [event for _, event in group])
        found += [part.end_s - part.start_s for part in core.out.segments if part.end_s > part.start_s]
        core.out.clear()
    assert len(found) > 0.95 * failures
    return sum(found) / len(found) / 3600


def test_v1_ten_thousand_failures_of_16384_gpus_through_the_core() -> None:
    assert drawn_mttf_h(2048, 6.5, 10_500) == pytest.approx(mttf_h(2048, 6.5), rel=case("V1")["tolerance"]["rel"])


@pytest.mark.slow
@pytest.mark.parametrize("row", range(7))
def test_v1_thirty_thousand_failures_of_every_size_through_the_core(row: int) -> None:
    told = case("V1")["inputs"]
    nodes, rate = told["rows"][row]["gpus"] // told["gpus_per_node"], told["rows"][row]["failures_per_1000_node_days"]
    assert drawn_mttf_h(nodes, rate, 30_000) == pytest.approx(mttf_h(nodes, rate), rel=case("V1")["tolerance"]["rel"])


# -- what was published of a site --------------------------------------------------------------------------------------


def test_v4_the_stops_of_54_days_and_what_broke() -> None:
    found = case("V4")
    told, expected = found["inputs"], found["expected"]
    assert list(COUNTS.values()) == list(told["cause_counts"].values())
    assert sum(COUNTS.values()) == expected["unexpected"]
    law = Faults(
        rate_per_1000_node_days=Param(value=Decimal(str(told["failures_per_1000_node_days"]))), repair_s=Param(value=1)
    )
    drawn = [draw_faults(law, [("pool", told["nodes"])], seed, told["days"] * 86_400) for seed in range(10)]
    low, high = expected["band95"]
    inside = sum(low <= len(rows.node) <= high for rows in drawn)
    assert inside >= 8  # 95 % of ten
    counts = np.bincount(np.concatenate([rows.cause for rows in drawn]), minlength=len(COUNTS))[: len(COUNTS)]
    stops = int(counts.sum())
    mean_h = len(drawn) * told["days"] * 24 / stops
    assert mean_h == pytest.approx(expected["mean_time_between_unexpected_h"], rel=0.05)
    chi_squared = sum(
        (seen - stops * share / 419) ** 2 / (stops * share / 419)
        for seen, share in zip(counts.tolist(), COUNTS.values(), strict=True)
    )
    assert chi_squared < 40.79  # 17 degrees of freedom, p = 0.001
    group = sum(COUNTS[name] for name in expected["gpu_group"]) / expected["unexpected"]
    assert group == pytest.approx(expected["gpu_group_share"], abs=found["tolerance"]["abs_share"])
    share = COUNTS["faulty GPU"] / expected["unexpected"]
    assert share == pytest.approx(expected["faulty_gpu_share"], abs=found["tolerance"]["abs_share"])


def test_v15_a_crash_loop_evicts_16_jobs_each_time_and_none_with_spares_and_damping() -> None:
    found = case("V15")
    requeues = found["inputs"]["requeues"]
    _, evicted = crash_loop(requeues)
    published = found["expected"]["evictions_per_requeue_without_damping"]
    assert found["inputs"]["evictions_seen"] / requeues == pytest.approx(published, abs=found["tolerance"]["abs"])
    assert 12 < len(evicted) / requeues < 20
    assert all(gone.restart and gone.by == 0 for gone in evicted)
    _, damped = crash_loop(requeues, damping=Damping())
    assert 0 < len(damped) <= 3 * 16  # after three quick failures it may evict nobody
    _, spared = crash_loop(requeues, spare_nodes=4, damping=Damping())
    assert spared == []
    with damping_that_forgets():
        assert len(crash_loop(requeues, damping=Damping())[1]) > len(damped)
