"""E2 and E3 and their laws: notices and recalls, and how much of a surplus to sell firm."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.economics.newsvendor import Surplus, Terms, earned, next_hour_cost, tail_mean
from sim.economics.recall import Part, ladder, mean_delay_days, rent_usd
from sim.experiments import e2_notice, e3_mix
from sim.experiments.inputs import read_inputs
from small_experiment import missed, off, outcome, verdict

PRICES = st.tuples(st.floats(0.5, 2.0), st.floats(2.1, 4.0), st.floats(4.5, 10.0), st.floats(0.0, 2.0))


def test_every_cell_of_the_reference_tables_comes_out() -> None:
    cells = [*e2_notice.delay_cells(), *e3_mix.fractile_cells(read_inputs("e3.toml"))]
    assert len(cells) == 18 + 9 and not missed(cells)


@given(st.floats(0, 200), st.floats(1, 100))
def test_a_delay_is_no_longer_than_the_notice_and_longer_with_a_longer_one(notice: float, lead: float) -> None:
    late = mean_delay_days(notice, lead)
    assert -1e-9 <= late <= notice
    assert mean_delay_days(notice + 1, lead) > late
    assert mean_delay_days(notice, lead + 1) <= late + 1e-9


def test_rent_grows_with_the_notice_from_spot_towards_firm() -> None:
    rents = rent_usd(np.array([0.0, 20.0, 1e6]), 1.0, 3.0, 20.0)
    assert rents[0] == 1.0 and rents[2] == 3.0
    assert rents[1] == pytest.approx(3 - 2 / np.e)


@given(
    st.lists(st.floats(0.1, 5), min_size=4, max_size=4),
    st.floats(1e3, 1e7),
    st.sampled_from([14.0, 30.0, 60.0]),
)
def test_no_single_notice_beats_the_ladder(needs: list[float], day_usd: float, lead: float) -> None:
    # Needs fall as fast as parts grow, as frontier runs are rarer than small ones; then no part wants a shorter notice
    # than the part before it.
    falling = sorted(needs, reverse=True)
    reach = (0.125, 0.25, 0.5, 1.0)
    shares = (0.125, 0.125, 0.25, 0.5)
    parts = [Part(share, need * share / size, size) for share, need, size in zip(shares, falling, reach, strict=True)]
    notices = (0.0, 1.0, 7.0, 14.0, 30.0, 90.0)
    rents = rent_usd(np.array(notices), 4e7, 6e7, 20.0)
    late = np.array([mean_delay_days(notice, lead) for notice in notices])

    def worth(places: list[int]) -> float:
        return sum(
            part.share * float(rents[place]) - part.needs_per_year * part.reach * day_usd * float(late[place])
            for part, place in zip(parts, places, strict=True)
        )

    chosen = ladder(parts, notices, rents, lead, day_usd)
    assert chosen == sorted(chosen)
    assert all(worth(chosen) >= worth([place] * 4) - 1e-6 * abs(worth(chosen)) for place in range(len(notices)))


@given(PRICES, st.floats(0.2, 0.8), st.floats(0.2, 1.0))
def test_the_fractile_is_where_earnings_are_greatest(prices: tuple[float, ...], median: float, spread: float) -> None:
    flexible, firm, value, remedy = prices
    terms, law = Terms(firm, flexible, value, remedy), Surplus(median, spread)
    surplus = law.of(np.random.default_rng(3).standard_normal(4_000))
    best = law.quantile(terms.fractile)
    at = [float(earned(terms, np.array(share), surplus).mean()) for share in (best - 0.1, best, best + 0.1)]
    assert at[1] >= max(at) - 0.01
    assert next_hour_cost(terms, best, surplus) == pytest.approx(firm, abs=0.05 * (value + remedy))


def test_the_quantile_of_a_surplus_is_that_of_its_draws() -> None:
    law = Surplus(0.6, 0.6)
    draws = law.of(np.random.default_rng(1).standard_normal(100_000))
    assert float(np.quantile(draws, 0.25)) == pytest.approx(law.quantile(0.25), abs=0.005)
    assert law.quantile(0.5) == pytest.approx(0.6)
    assert law.chance(law.quantile(0.165)) == pytest.approx(0.165)
    assert (law.chance(0.0), law.chance(1.0)) == (0.0, 1.0)


def test_the_mean_of_a_tail_is_that_of_the_worst() -> None:
    assert tail_mean(np.arange(100.0), 0.05) == 2.0
    assert tail_mean(np.array([3.0, 1.0])) == 1.0


def test_e2_lands_where_it_should() -> None:
    small = outcome("E2", replications=8, years=300)
    assert not off(small)
    assert verdict(small, "ladder less") == "higher"
    assert verdict(small, "bought back less") == "higher"
    assert small == outcome("E2", replications=8, years=300)


def test_a_delay_that_costs_nothing_makes_the_longest_notice_the_best() -> None:
    small = outcome("E2", changes={"delay_usd_per_day": "1"}, replications=4, years=50)
    assert any(each.name.startswith("best single notice, 90 d") for each in small.findings)


def test_e3_lands_where_it_should() -> None:
    small = outcome("E3", replications=8, draws=8_000)
    assert not off(small)
    assert all(verdict(small, f"newsvendor less {name}") == "higher" for name in ("all flexible", "the median firm"))
    assert small == outcome("E3", replications=8, draws=8_000)
