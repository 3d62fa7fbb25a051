"""E6 and E8 and their laws: cheaper tokens and the need for GPUs, promises of availability and their credits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.economics.credits import TIERS, chance_longer, credit_deviation, credited, downtime_h, mean_credit
from sim.economics.efficiency import boundary, lagged, log_need, releases
from sim.experiments import e6_efficiency, e8_sla
from sim.experiments.inputs import read_inputs
from small_experiment import missed, off, outcome, verdict

INPUTS = read_inputs("e8.toml")
PER_MONTH = 0.1137
GROWING = st.tuples(st.floats(1.01, 3), st.floats(1.1, 10))


def test_every_cell_of_the_reference_tables_comes_out() -> None:
    assert len(e6_efficiency.boundary_cells()) == 12 and not missed(e6_efficiency.boundary_cells())
    assert len(e8_sla.credit_cells(INPUTS)) == 20 and not missed(e8_sla.credit_cells(INPUTS))


def test_a_reference_cell_that_is_a_tenth_higher_would_not_pass() -> None:
    cells = [cell._replace(reference=cell.reference * 1.1) for cell in e8_sla.credit_cells(INPUTS)]
    assert len(missed(cells)) >= 10


@given(GROWING)
def test_on_the_boundary_the_need_stays_above_it_grows_below_it_falls(rates: tuple[float, float]) -> None:
    growth, gain = rates
    efficiency = np.log(gain) * np.arange(1, 25)[None, :] / 24
    for shift in (-0.1, 0.0, 0.1):
        need = log_need(growth, boundary(growth, gain) + shift, -efficiency, efficiency, 1 / 24)
        assert need[0, -1] == pytest.approx(shift * np.log(gain), abs=1e-9)


def test_a_price_follows_the_efficiency_with_its_lag() -> None:
    efficiency = np.cumsum(np.full((1, 480), np.log(2) / 24), axis=1)
    price = lagged(efficiency, 0.5, 1 / 24)
    assert price[0, -1] + efficiency[0, -1] == pytest.approx(0.5 * np.log(2), rel=0.05)  # behind by lag x slope
    assert np.array_equal(lagged(efficiency, 0.0, 1 / 24), -efficiency)


def test_releases_gain_as_much_a_year_as_they_should() -> None:
    counts = np.random.default_rng(1).poisson(4 / 24, (20_000, 24)).astype(np.float64)
    assert releases(10.0, 4.0, counts)[:, -1].mean() == pytest.approx(np.log(10), rel=0.02)


def test_e6_lands_where_it_should() -> None:
    small = outcome("E6", replications=8, paths=150)
    assert not off(small)
    assert small == outcome("E6", replications=8, paths=150)


@given(st.floats(0.01, 3), st.floats(0.01, 20))
def test_the_chance_of_a_long_repair_falls_with_its_length(failures: float, length: float) -> None:
    chance = chance_longer(failures, length)
    assert 0 <= chance <= 1 - np.exp(-failures) + 1e-12
    assert chance_longer(failures, length * 1.1) <= chance + 1e-12
    assert chance_longer(failures * 1.1, length) >= chance - 1e-12


@pytest.mark.parametrize("repair_h", [1.0, 24.0])
def test_the_exact_law_is_that_of_the_draws(repair_h: float) -> None:
    draws = 200_000
    down = downtime_h(PER_MONTH, repair_h, draws, np.random.default_rng(4))
    for tier in TIERS.values():
        share = credited(tier, down)
        deviation = credit_deviation(tier, PER_MONTH, repair_h)
        assert share.mean() == pytest.approx(
            mean_credit(tier, PER_MONTH, repair_h), abs=4 * deviation / draws**0.5 + 1e-7
        )


def test_a_bound_is_kept_at_the_bound_and_credits_do_not_add_up() -> None:
    tier = TIERS["99.5"]
    down = np.array([0.0, 3.6, 3.601, 7.3, 40.0])  # of 720 hours: 99.5 % is 3.6
    assert credited(tier, down).tolist() == [0.0, 0.0, 0.1, 0.3, 1.0]


def test_e8_lands_where_it_should() -> None:
    small = outcome("E8", replications=8, draws=20_000)
    assert not off(small)
    assert verdict(small, "99.5 (10/30/100) less 99.9") == "higher"
    assert small == outcome("E8", replications=8, draws=20_000)
