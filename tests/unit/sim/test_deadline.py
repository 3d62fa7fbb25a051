"""Renters with a deadline: the published decisions and costs (V8, V8b, V8c), a scenario that has them, a tape of it."""

import re
import tomllib
from decimal import Decimal

import numpy as np
import pytest

from billing.rating.prices import PriceBook
from billing.usage import Names
from case_file import case
from scheduler.events import NEVER, Status
from scheduler.tables import PoolRow, ProductRow
from scheduler.tape import compare
from sim.engine.deadline import Progress, Terms, Use, deadlines_kept, next_use, worth_taking
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.result import DeadlineRow, FaultRows, JobRows, World
from sim.scenario.build import build
from sim.scenario.deadline_rows import MOVES
from sim.scenario.file import from_mapping, show
from sim.settle import settle
from sim.summary import summarise
from tenants.registry import Registry

HOUR_S = 3600
CYCLE_S, BUSY_S = 600, 120  # spot is away for two minutes of ten: a share of 0.8 that is smooth next to two days
PRODUCTS = (
    ProductRow(0, 0, False, 0, True, True, 0, 0),
    ProductRow(3, 400 * HOUR_S, False, 0, True, True, 1, 0),
    ProductRow(4, 0, False, 0, True, True, 1, 0),
)


def hours(value: float) -> int:
    return round(value * HOUR_S)


def one_renter(deadline_h: int, given: dict, *, uniform: bool = False, changeover_s: int = 0) -> World:
    """One node that internal work takes for two minutes of every ten, and one renter who wants it for two days."""
    horizon_s, work_s = 100 * HOUR_S, hours(given["work_h"])
    busy_from_s = np.arange(CYCLE_S - BUSY_S, horizon_s, CYCLE_S)
    rows = [(0, 2, work_s + changeover_s * (move > 0)) for move in range(MOVES)]
    rows += [(0, 1, work_s + changeover_s)] * MOVES + [(int(at_s), 0, BUSY_S) for at_s in busy_from_s]
    submit_s, product, run_s = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    zeros, none = np.zeros(len(rows), dtype=np.int64), np.zeros(0, dtype=np.int64)
    never = np.full(len(rows), NEVER)
    jobs = JobRows([], zeros, product, zeros, zeros + 1, submit_s, run_s, run_s.copy(), never)
    moves = tuple(range(MOVES)), tuple(range(MOVES, 2 * MOVES))
    prices = 10**6, given["od_over_spot"] * 10**6
    renter = DeadlineRow(0, deadline_h * HOUR_S, work_s, changeover_s, 60, uniform, *moves, *prices)
    return World(
        Names(("t",), ("a", "b", "c"), ("r",), ("gpu",), 0), Registry.from_mapping({}), PriceBook.from_rows(()),
        (PoolRow(1, 1, 0),), (0,), (0,), PRODUCTS, (0,), (), jobs, FaultRows(none, none, none), horizon_s, 60,
        deadlines=(renter,),
    )  # fmt: skip


@pytest.mark.parametrize("number", range(4))
def test_v8_a_greedy_renter_pays_the_published_cost(number: int) -> None:
    one = case("V8")
    given = one["inputs"]
    kept = deadlines_kept(run(one_renter(given["deadline_h"][number], given), "easy", "all_idle"))
    assert kept is not None
    cost_h = (kept["spot_gpu_s"] + given["od_over_spot"] * kept["on_demand_gpu_s"]) / HOUR_S
    assert cost_h == pytest.approx(one["expected"]["cost"][number], rel=one["tolerance"]["rel"])
    saving = 1 - cost_h / one["expected"]["on_demand_cost"]
    assert saving == pytest.approx(one["expected"]["saving"][number], abs=0.01)


def test_v8_the_work_is_done_in_time_with_a_changeover_and_late_without_its_safety_net(monkeypatch) -> None:
    given = case("V8")["inputs"]
    world = one_renter(52, given, changeover_s=300)
    assert deadlines_kept(run(world, "easy", "all_idle"))["in_time"] == 1
    monkeypatch.setattr("sim.engine.deadline.next_use", lambda *words: Use.SPOT)
    assert deadlines_kept(run(world, "easy", "all_idle"))["in_time"] == 0


def test_a_uniform_renter_is_done_in_time() -> None:
    given = case("V8")["inputs"]
    result = run(one_renter(52, given, uniform=True, changeover_s=60), "easy", "all_idle")
    kept = deadlines_kept(result)
    assert kept["in_time"] == 1 and min(kept["spot_gpu_s"], kept["on_demand_gpu_s"]) > 0


def test_v8b_a_known_lifetime_is_taken_above_the_published_length_only() -> None:
    one = case("V8b")
    changeover_s, price = hours(one["inputs"]["changeover_h"]), one["inputs"]["od_over_spot"]
    for running, name in ((False, "from_idle_if_lifetime_h_above"), (True, "from_on_demand_if_lifetime_h_above")):
        edge_s = hours(one["expected"][name])
        assert not worth_taking(edge_s, changeover_s, 1, price, running)
        assert worth_taking(edge_s + 1, changeover_s, 1, price, running)


def test_v8c_uniform_progress_decides_as_published() -> None:
    one = case("V8c")
    given = one["inputs"]
    terms = Terms(hours(given["work_h"]), hours(given["deadline_h"]), hours(given["changeover_h"]))
    found = [
        next_use(Progress(hours(row["t_h"]), hours(row["done_h"]), Use[row["state"].upper()], row["spot"]), terms, True)
        for row in given["rows"]
    ]
    assert [use.name.lower() for use in found] == one["expected"]["next"]


def test_a_greedy_renter_waits_for_as_long_as_the_safety_net_allows() -> None:
    terms = Terms(100, 200, 10, check_s=5)
    assert next_use(Progress(50, 0, Use.IDLE, False), terms, False) is Use.IDLE
    assert next_use(Progress(50, 0, Use.IDLE, False), terms, True) is Use.ON_DEMAND
    assert next_use(Progress(76, 0, Use.IDLE, True), terms, False) is Use.ON_DEMAND
    assert next_use(Progress(190, 0, Use.SPOT, False), terms, False) is Use.SPOT


def scenario(**changed: object):
    mapping = tomllib.loads(show("small"), parse_float=Decimal)
    mapping["programme"] = {"preset": "custom", "research": {"load_bp": 5_000}}
    spot = next(row for row in mapping["demand"] if row["product"] == "bare.spot" and row["tenant"] == "birch")
    del spot["patience_mean_s"]
    mapping["demand"], mapping["contract"] = [spot], []
    spot |= {"nodes": [1, 2], "weights": [1, 1], "fallback": "bare.ondemand", "deadline_slack_bp": 6_000} | changed
    return from_mapping(mapping)


@pytest.mark.parametrize("rule", ["greedy", "uniform"])
def test_a_scenario_with_deadlines_runs_to_bills_and_its_tape_replays(rule: str) -> None:
    world = build(scenario(deadline_rule=rule), seed=3)
    result = run(world, "easy", "all_idle")
    books = settle(result)
    assert books.findings == []
    kept = summarise(result, books)["deadlines"]
    assert kept["renters"] == len(world.deadlines) > 10
    assert kept["in_time"] > 40 and min(kept["spot_gpu_s"], kept["on_demand_gpu_s"]) > 0
    came_back = [row for row in world.deadlines if result.outcomes.status[row.spot_jobs[1]] != Status.NEW]
    assert bool(came_back) == (rule == "uniform"), "a greedy renter moves once"
    steps, difference = compare(result.tape)
    assert steps == result.step_count and difference is None


def test_without_deadlines_there_is_nothing_to_tell() -> None:
    result = run(build(from_mapping(tomllib.loads(show("small"), parse_float=Decimal)), days=1), tape=False)
    assert deadlines_kept(result) is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"fallback": "bare.ondemnd"}, "demand[0].fallback: unknown product; did you mean"),
        ({"fallback": "bare.spot"}, "demand[0].fallback: only spot falls back, on on-demand"),
        ({"patience_mean_s": 60}, "demand[0]: a deadline takes the place of patience"),
    ],
)
def test_a_fallback_that_makes_no_sense_is_refused_by_its_key(changed: dict[str, object], words: str) -> None:
    with pytest.raises(ScenarioError, match=re.escape(words.split(";")[0])):
        scenario(**changed)
