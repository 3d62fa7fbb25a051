"""E11 and its law: a book of tenants that leave and are replaced."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.economics.customers import Churn, Group, mean_served, play, remaining, sold_share
from sim.experiments.e11_gap import gap_cells
from small_experiment import missed, off, outcome, verdict

CHURN = Churn(0.05, 0.30, 90 / 365, 180 / 365)


def test_every_cell_of_the_reference_table_comes_out() -> None:
    assert len(gap_cells()) == 9 and not missed(gap_cells())


def test_a_long_notice_hides_exits_and_none_of_them_without_one() -> None:
    assert CHURN._replace(notice_years=100.0).breaks == pytest.approx(0.05)
    assert CHURN._replace(notice_years=0.0).breaks == pytest.approx(0.35)


def test_a_place_is_booked_as_often_as_two_states_say() -> None:
    played = play((Group(1, 1.0),), CHURN, 72, 1 / 72, 8_000, np.random.default_rng(1))
    for step in (5, 71):
        chance = CHURN.booked((step + 1) / 72, True)
        assert played.booked[:, step].mean() == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / 8_000))
    assert CHURN.booked(0.0, True) == 1 and CHURN.booked(0.0, False) == 0


def test_defaults_are_their_share_of_the_breaks() -> None:
    played = play((Group(10, 0.1),), CHURN, 72, 1 / 72, 4_000, np.random.default_rng(2))
    expected = 0.05 * sum(CHURN.booked(step / 72, True) for step in range(72)) / 72
    assert played.defaulted.sum(axis=1).mean() == pytest.approx(expected, rel=0.05)


@given(st.floats(0, 1), st.floats(0, 1))
def test_what_is_served_is_no_more_than_either(chance: float, surplus: float) -> None:
    groups = (Group(2, 0.3), Group(4, 0.1))
    served = mean_served(groups, chance, surplus)
    assert served <= min(chance, surplus) + 1e-9
    assert mean_served(groups, chance, 1.0) == pytest.approx(chance)


def test_a_gap_is_sold_the_less_the_slower_the_sale() -> None:
    shares = [sold_share(120.0, lag) for lag in (0.0, 10.0, 100.0, 1_000.0, 1e5)]
    assert shares == sorted(shares, reverse=True) and shares[0] == 1 and shares[-1] < 0.001


def test_commitments_run_down_to_nothing() -> None:
    assert [remaining([(0.5, 1.0), (0.5, 3.0)], year) for year in (0, 1, 2, 3)] == [2.0, 1.0, 0.5, 0.0]


def test_e11_lands_where_it_should() -> None:
    small = outcome("E11", replications=6, paths=100)
    assert not off(small)
    assert verdict(small, "mean: one whale less a hundred") == "not shown"
    assert verdict(small, "worst 5 %: one whale less a hundred") == "lower"
    assert outcome("E11", replications=2, paths=5) == outcome("E11", replications=2, paths=5)
