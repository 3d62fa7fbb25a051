"""E7 and its law: failures, restarts, checkpoints and spares, played on arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.economics.goodput import Failures, fail, idle_spares, play
from sim.experiments import e7_reference
from small_experiment import missed, off, outcome, verdict

PLENTY = 10**6
TIMES = st.lists(st.tuples(st.floats(0, 90), st.floats(1, 40)), min_size=1, max_size=12)


def test_every_cell_of_the_reference_tables_comes_out() -> None:
    cells = [*e7_reference.goodput_cells(), *e7_reference.spare_cells()]
    assert len(e7_reference.spare_cells()) == 24 and not missed(cells)


def test_a_failure_costs_its_restart_and_what_was_not_kept() -> None:
    once = Failures(np.array([47.0]), np.array([1_000.0]))
    played = play(once, PLENTY, 3.0, 10.0, 0.0, 100.0)
    assert played.work_share == (40 + 50) / 100  # 7 s of work are lost, and the restart
    assert (played.hit_share, played.whole_share) == (1.0, 1.0)


def test_writes_are_no_work() -> None:
    never = Failures(np.array([]), np.array([]))
    assert play(never, 0, 3.0, 10.0, 2.0, 100.0).work_share == 80 / 100


def test_without_a_spare_the_job_waits_for_the_repair() -> None:
    once = Failures(np.array([20.0]), np.array([60.0]))
    played = play(once, 0, 0.0, 10.0, 0.0, 100.0)
    assert (played.work_share, played.hit_share, played.whole_share) == (0.6, 0.0, 0.6)


@given(TIMES, st.integers(0, 5))
def test_it_waits_exactly_while_more_nodes_are_away_than_there_are_spares(
    nodes: list[tuple[float, float]], spares: int
) -> None:
    ordered = sorted(nodes)
    failures = Failures(np.array([at for at, _ in ordered]), np.array([at + length for at, length in ordered]))
    moments = np.linspace(0.05, 99.95, 1_000)
    away = np.array([sum(at <= moment < at + length for at, length in ordered) for moment in moments])
    played = play(failures, spares, 0.0, 1.0, 0.0, 100.0)
    assert played.whole_share == pytest.approx(float((away <= spares).mean()), abs=0.02)
    assert idle_spares(failures, spares, 100.0) == pytest.approx(float(np.maximum(spares - away, 0).mean()), abs=0.05)


def test_failures_come_at_their_rate_and_some_nodes_are_away_from_the_start() -> None:
    found = fail(0.5, 10.0, 1_000.0, np.random.default_rng(1))
    assert found.at_s.min() < 0 < found.at_s.max() <= 1_000
    assert (found.at_s >= 0).sum() == pytest.approx(500, abs=4 * 500**0.5)
    away = ((found.at_s < 0) & (found.repaired_s > 0)).sum()
    assert away == pytest.approx(5, abs=4 * 5**0.5)


def test_e7_lands_where_it_should_and_lends_spares_for_nothing_while_the_notice_is_short() -> None:
    small = outcome("E7", replications=8, days=90)
    assert not off(small)
    short = [each for each in small.findings if "60 s of notice" in each.name]
    assert short[0].estimate is not None and short[0].estimate.mean == short[0].estimate.half_width == 0
    assert verdict(small, "1800 s of notice") == "lower"
    assert verdict(small, "lemons found") == verdict(small, "guard against crash loops") == "higher"
    assert small == outcome("E7", replications=8, days=90)


def test_cleaning_that_takes_longer_than_the_restart_makes_even_a_short_notice_cost() -> None:
    small = outcome("E7", changes={"scrub_s": "900"}, replications=4, days=60)
    assert verdict(small, "lent with 60 s of notice") == "lower"


def test_the_answer_follows_the_inputs() -> None:
    found = outcome("E7", changes={"nodes": "128", "repair_days": "7"}, replications=2, days=5)
    assert found.answer.startswith("A job of 128 nodes whose nodes are away for 7 days needs 8 spares")
