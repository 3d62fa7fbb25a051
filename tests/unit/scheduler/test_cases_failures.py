"""Published reliability cases, closed forms: MTTF, implied rates, ETTR, intervals, spares, GPU fraction."""

import math

import pytest

from case_file import case
from sim.reliability import (
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
