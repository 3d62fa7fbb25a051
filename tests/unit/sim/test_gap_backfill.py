"""E1: the worlds of a gap, on a small cluster and a short calendar, and what must hold in them."""

import pytest

from sim.experiments import e1_worlds
from sim.experiments.e1_gap import BOUND_S, CANARY, EXPERIMENT, SOLD, Regime, _answer
from sim.experiments.e1_worlds import ARMS, Arm, Task, World1, identity, one
from sim.experiments.inputs import read_inputs
from sim.experiments.perform import perform
from sim.experiments.spread import spread
from sim.stats.front import pareto
from sim.sweep.executors import executor

INPUTS = read_inputs("e1.toml")
# A run ends on day 2, and the next one begins on day 12.
SHORT = {"run_days": "20", "gap_days": "10", "elapsed_days": "18", "window_days": "16", "research_days": "3"}
TERMS = {row.name: float(row.value) for row in INPUTS.changed(SHORT).rows}


def task(regime: str, drawn: bool = False) -> Task:
    return Task(regime, 1, 32, TERMS, drawn)


def test_internal_starts_do_not_move_where_rentals_cost_no_time() -> None:
    assert identity(task("seed")) == 0


def test_nobody_waits_longer_than_the_guarantee_but_where_nobody_is_evicted(monkeypatch: pytest.MonkeyPatch) -> None:
    arms = {arm.name: arm for arm in ARMS["seed"]}
    monkeypatch.setitem(e1_worlds.ARMS, "seed", (arms["none"], arms["all_idle"], arms[CANARY]))
    world = one(task("seed", drawn=True))
    assert world.arms["all_idle"]["reclaim_longest_s"] <= BOUND_S < world.arms[CANARY]["reclaim_longest_s"]
    assert world.arms["all_idle"]["revenue_usd"] > world.arms["none"]["revenue_usd"]
    assert world.arms["none"]["delay_gpu_h"] == 0
    assert world.drawn is not None
    days = list(zip(*(shares for _, shares in world.drawn.holders), strict=True))
    assert all(sum(day) == pytest.approx(1) for day in days)


def test_a_research_cluster_sells_spot_and_hours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(e1_worlds.ARMS, "rsc", (Arm("none", "none"), Arm("all_idle", "all_idle")))
    sold = one(task("rsc")).arms["all_idle"]
    assert 0 < sold["on_demand_gpu_h"] < sold["rental_gpu_h"]
    assert sold["residual_gpu_s"] == 0


def test_the_front_holds_whom_nobody_outdoes() -> None:
    assert pareto([(3, 5), (1, 2), (2, 1), (2, 4), (4, 5), (2, 3)]) == [(1, 2), (2, 4), (3, 5)]


@pytest.mark.parametrize(
    ("delays", "words"),
    [((10.0, 12.0, 11.0), "spares 91 %"), ((1.0, 1.0, 31.0), "is not shown to spare internal delay")],
)
def test_the_answer_says_no_more_than_was_shown(delays: tuple[float, ...], words: str) -> None:
    fixed = {"revenue_usd": 2.0, "credits_usd": 0.0, "delay_gpu_h": 1.0, "frontier_delay_h": 1.0}
    arms = [arm.name for arm in ARMS["seed"]]
    worlds = [
        World1({arm: fixed | {"delay_gpu_h": delay if arm == SOLD else 1.0, "revenue_usd": float(arm != "none")}
                for arm in arms}, None)
        for delay in delays
    ]  # fmt: skip
    assert words in _answer(Regime("seed", worlds), 512, 120)


@pytest.mark.slow
def test_e1_holds_what_must_hold() -> None:
    with executor("local", 2) as crew:
        done = perform(EXPERIMENT, "small", 1, INPUTS, spread(crew))
    held = [finding for finding in done.outcome.findings if finding.expected is not None]
    assert {finding.verdict for finding in held} == {"inside"}
