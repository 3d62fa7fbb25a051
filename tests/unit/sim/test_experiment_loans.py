"""E5 and its laws: cost, loans and cover, entry, the process of rents."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.economics.costs import annuity
from sim.economics.entry import peak_share, price_ratio
from sim.economics.loan import Loan, cover, falling, first_below, hedged, present_value, swept, under_contract
from sim.economics.prices import PriceLaw, paths
from sim.errors import SimError
from sim.experiments import e5_reference
from sim.experiments.inputs import read_inputs
from sim.experiments.perform import perform
from sim.experiments.registry import experiment
from small_experiment import missed, off, outcome, verdict

INPUTS = read_inputs("e5.toml")
LOAN = Loan(36_000.0, 0.09, 60)
LAW = PriceLaw(2.0, -0.1, 1.0, 0.3, 0.0, 0.3, 0.45)


@pytest.mark.parametrize(
    ("cells", "count"),
    [
        (e5_reference.cover_cells(INPUTS), 45),
        (e5_reference.rent_cells(INPUTS), 6),
        (e5_reference.cost_cells(INPUTS), 30),
        (e5_reference.entry_cells(), 9),
    ],
    ids=["loans", "rents", "costs", "entry"],
)
def test_every_cell_of_the_reference_tables_comes_out(cells: list[e5_reference.Cell], count: int) -> None:
    assert len(cells) == count and not missed(cells)


def test_a_covenant_of_1_4_fails_on_a_flat_rent_only_at_the_highest_rate() -> None:
    firsts = [float(first_below(each, 1.4)) for each in e5_reference.covers(INPUTS)["flat"]]
    assert firsts == [np.inf, np.inf, 0]


@given(st.floats(1, 1e6), st.integers(1, 40), st.one_of(st.just(0.0), st.floats(1e-9, 0.5)))
def test_an_annuity_is_worth_the_capital(capital: float, years: int, rate: float) -> None:
    paid = sum(annuity(capital, years, rate) / (1 + rate) ** year for year in range(1, years + 1))
    assert paid == pytest.approx(capital)


def test_an_entrant_earns_most_at_the_peak_and_ever_more_without_one() -> None:
    shares = np.linspace(0.01, 5, 500)
    earned = [share * price_ratio(share, 0.5) for share in shares]
    assert shares[int(np.argmax(earned))] == pytest.approx(peak_share(0.5), abs=0.02)
    assert np.all(np.diff([share * price_ratio(share, 1.5) for share in shares]) > 0)
    assert peak_share(1.0) == np.inf


def test_the_payments_of_a_loan_are_worth_what_was_lent() -> None:
    worth = float(present_value(LOAN.due_usd, LOAN.rate)[0])
    assert worth == pytest.approx(LOAN.principal_usd)


def test_contracts_and_forwards_change_the_months_that_they_cover() -> None:
    rent = falling(2.0, -0.3, 24, step_month=12, step=-0.5)
    assert rent[0] == 2.0 and rent[12] == pytest.approx(2.0 * 0.7 * 0.5)
    assert np.array_equal(under_contract(3.0, rent, 6), np.where(np.arange(24) < 6, 3.0, rent))
    half = hedged(rent, np.full(24, 4.0), 0.5, 12)
    assert np.allclose(half[:12], (rent[:12] + 4) / 2) and np.array_equal(half[12:], rent[12:])


@settings(max_examples=30)
@given(st.lists(st.floats(-500, 2_000), min_size=60, max_size=60), st.sampled_from([1.2, 1.4]))
def test_a_sweep_never_leaves_more_owed_than_no_sweep(cash: list[float], covenant: float) -> None:
    flows = np.array(cash)
    plain, after = swept(LOAN, flows, 0.0), swept(LOAN, flows, covenant)
    assert np.all(after.owed_usd <= plain.owed_usd + 1e-6)
    assert np.all(after.owed_usd >= 0)


def test_cash_that_suffices_follows_the_plan() -> None:
    plain = swept(LOAN, LOAN.due_usd * 1.5, 1.4)
    assert plain.owed_usd[-1] == pytest.approx(0, abs=1e-6)
    assert np.allclose(plain.cover, cover(LOAN, LOAN.due_usd * 1.5))


def test_rents_without_noise_are_pulled_back_to_their_mean() -> None:
    still = LAW._replace(volatility=0.0, drift=0.0)
    found = paths(still, 8.0, 12, 1 / 12, np.zeros((1, 12)), np.random.default_rng(1))[0]
    assert found[0] == 8.0 and found[12] == pytest.approx(2.0 * 2.0)  # half of the way, in logarithms, in a half-life


def test_the_law_of_rents_has_the_mean_and_the_spread_that_it_says() -> None:
    noise = np.random.default_rng(5).standard_normal((20_000, 24))
    logs = np.log(paths(LAW, 2.0, 24, 1 / 4, noise, np.random.default_rng(6))[:, -1])
    pull = np.log(2)
    mean = np.log(2.0) - 0.1 * 6 + 0.1 / pull * (1 - np.exp(-pull * 6))
    spread = 0.3 * np.sqrt((1 - np.exp(-2 * pull * 6)) / (2 * pull))
    assert logs.mean() == pytest.approx(mean, abs=4 * spread / np.sqrt(20_000))
    assert logs.std() == pytest.approx(spread, rel=0.03)


def test_e5_lands_where_it_should_and_repeats_itself() -> None:
    small = outcome("E5", replications=6, paths=400)
    assert not off(small)
    assert small == outcome("E5", replications=6, paths=400)
    assert verdict(small, "contract less merchant") == "higher"
    assert verdict(small, "cash sweep") == "lower"
    drifting = next(each for each in small.findings if "only drift" in each.name)
    assert drifting.estimate is not None and drifting.estimate.mean < 0.01


def test_inputs_that_cannot_be_used_are_said_in_a_line() -> None:
    inputs = INPUTS.changed({"loan_rates": "0.05,0.06"})

    def nobody(*_: object) -> list[object]:
        return []

    with pytest.raises(SimError, match="cannot use these inputs"):
        perform(experiment("E5"), "small", 1, inputs, nobody)
