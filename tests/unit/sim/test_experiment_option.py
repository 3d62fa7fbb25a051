"""E4 and its laws: worlds of demand and rent, the right to sell, rules of beginning and leaving."""

import numpy as np
import pytest

from sim.economics.costs import Power
from sim.economics.option import Fleet, Market, Paths, draw, own_value, sale_cash, sale_value, walk, with_drift
from sim.economics.stopping import act, brought, fit
from sim.experiments import e4_option
from sim.experiments.experiment import Outcome
from small_experiment import off, outcome, verdict

FLEET = Fleet(100_000, 45_000.0, 5, 0.10, 0.04, 2.60, 0.85, 0.92, 60e6, Power(1.275, 1.1, 0.06, 0.2))
MARKET = Market(0.8, 0.0, 0.25, 0.25, 2.35, -0.12, 0.20, 0.30, 0.0)
DRAWS = draw(500, FLEET.weeks, np.random.default_rng(2))


def test_paths_without_chance_drift_alone() -> None:
    still = MARKET._replace(demand_drift=0.1, demand_drift_sd=0.0, demand_volatility=0.0)
    demand = walk(still, DRAWS).demand
    assert np.allclose(demand[:, 0], 0.8) and np.allclose(demand[:, 52], 0.8 * np.exp(0.1))


@pytest.mark.parametrize("correlation", [-0.5, 0.8])
def test_shocks_and_drifts_hang_together_as_much_as_they_should(correlation: float) -> None:
    paths = walk(MARKET._replace(correlation=correlation), draw(4_000, 53, np.random.default_rng(3)))
    moves = np.log(paths.demand[:, -1]), np.log(paths.rent_usd[:, -1])
    assert np.corrcoef(*moves)[0, 1] == pytest.approx(correlation, abs=0.05)


def test_a_fleet_that_is_always_full_sells_nothing() -> None:
    full = MARKET._replace(demand=1.0, demand_drift_sd=0.0, demand_volatility=0.0)
    assert sale_cash(FLEET, walk(full, DRAWS)).sum() == 0


def test_what_is_sold_and_what_is_used_share_the_fleet() -> None:
    empty = Paths(np.zeros((1, 260)), np.full((1, 260), 2.35))
    year = sale_cash(FLEET, empty)[0, :52].sum()
    assert year == pytest.approx(100_000 * 8_760 * 0.85 * (2.35 * 0.92 - FLEET.power.marginal_usd_per_h))
    assert own_value(FLEET, empty.demand)[0] < -4.5e9


def test_a_put_never_takes_money_and_nothing_is_sold_below_its_electricity() -> None:
    paths = walk(MARKET, DRAWS)
    assert np.all(sale_cash(FLEET, paths, 1.2) >= sale_cash(FLEET, paths))
    cheap = paths._replace(rent_usd=np.full(paths.rent_usd.shape, 0.01))
    assert sale_cash(FLEET, cheap).sum() == 0


def test_more_drift_of_demand_leaves_less_to_sell() -> None:
    paths = walk(MARKET, DRAWS)
    values = [float(sale_value(FLEET, sale_cash(FLEET, with_drift(paths, drift))).mean()) for drift in (-0.2, 0.0, 0.2)]
    assert values == sorted(values, reverse=True)


def test_a_rule_finds_the_date_that_is_known_to_be_best() -> None:
    # Worth 1 now for certain; worth 3 later where demand is low then, and -3 where it is high.
    rng = np.random.default_rng(5)
    demand = np.stack([np.full(4_000, 0.5), rng.choice([0.2, 0.9], 4_000)], axis=1)
    paths = Paths(demand, np.ones(demand.shape))
    worth = np.stack([np.ones(4_000), np.where(demand[:, 1] < 0.5, 3.0, -3.0)], axis=1)
    rule = fit(paths, (0, 1), worth)
    chosen = act(rule, paths)
    assert set(chosen.tolist()) == {1.0, 2.0}  # waits, and then begins in the good half alone
    assert brought(chosen, worth).mean() == pytest.approx(1.5, abs=0.1)


@pytest.fixture(scope="module")
def small() -> Outcome:
    return outcome("E4", replications=5, paths=800)


def test_e4_lands_where_it_should(small: Outcome) -> None:
    assert not off(small)
    assert len(small.tables[0].rows) == 52


def test_the_value_falls_with_the_correlation_and_rises_with_chance(small: Outcome) -> None:
    assert verdict(small, "value of the option, correlation 0.8 less") == "lower"
    assert verdict(small, "in the worst tenth, correlation 0.8 less") == "lower"
    assert verdict(small, "value at half the volatility") == "lower"
    assert verdict(small, "value at half as much more volatility") == "higher"
    assert verdict(small, "a backer's put, correlation 0.8") == "higher"
    assert verdict(small, "sales where demand always fills the fleet") == "inside"


def test_the_same_seed_says_the_same() -> None:
    assert outcome("E4", replications=2, paths=20) == outcome("E4", replications=2, paths=20)


@pytest.mark.slow
def test_the_reference_table_comes_out_at_its_own_size() -> None:
    full = outcome("E4", replications=20, paths=4_000)
    assert not off(full)
    assert verdict(full, "begin when a rule says so less at once, correlation 0.8") == "higher"


def test_every_reference_case_names_its_columns() -> None:
    assert all(len(row) == len(e4_option.COLUMNS) for row in e4_option.REFERENCE.values())
