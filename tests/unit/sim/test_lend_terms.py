"""Lend from the scenario to the tape: terms of money, announcements, the oracle's truth, and runs of every function."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from scheduler.nodes.nodeset import rows
from scheduler.policies import own_lend
from scheduler.policy.lend import LENDS, LOOKS, Look
from scheduler.tables import PoolRow, ProductRow
from scheduler.tape import compare
from sim.cli import app
from sim.engine.lend_terms import lend_findings, lend_terms, price_row, reclaim_s
from sim.engine.oracle import true_demand
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.result import LendInputs, World
from sim.scenario.build import build
from sim.scenario.file import load, override, parse, show
from sim.scenario.model import guesses
from tenants.band import TIER_OF_BAND

ON_DEMAND = ProductRow(3, 3_600, True, 600, True, True, 3_600, 120)
SPOT = ProductRow(4, 0, False, 60, True, True, 3_600, 120)
POOL = PoolRow(16, 8, 300)
INPUTS = LendInputs(9_000, 3_600, 10_000_000, 2)


@pytest.fixture(scope="module")
def world() -> World:
    return build(load("small"), seed=3)


def test_an_hour_of_spot_earns_its_price_and_risks_the_wait_and_the_restart_less_what_was_earned() -> None:
    row = price_row(7, SPOT, POOL, 1_250_000, INPUTS)
    assert (row.product, row.guarantee_s, row.horizon_s, row.revenue_micro_usd) == (7, 0, 3_600, 10_000_000)
    waits = 2 * 8 * 10_000_000 * (60 + 300)  # two nodes of internal work, for notice and cleaning
    lost = 8 * 120 * 1_250_000
    assert row.loss_micro_usd == -(-(waits + lost) // 3_600) - 5_000_000 == 11_333_334


def test_a_guarantee_is_waited_out_and_earns_in_full() -> None:
    assert reclaim_s(ON_DEMAND) == (3_600**2 + 600**2) // 7_200 == 1_850
    assert reclaim_s(ON_DEMAND._replace(notice_s=5_000)) == 5_000
    row = price_row(3, ON_DEMAND, POOL, 2_950_000, INPUTS)
    assert row.revenue_micro_usd == 8 * 2_950_000
    assert row.loss_micro_usd == -(-(16 * 10_000_000 * 2_150 + 8 * 120 * 2_950_000) // 3_600) - 8 * 2_950_000


def test_without_a_notice_half_a_checkpoint_interval_is_lost() -> None:
    warned, unwarned = (price_row(4, SPOT._replace(notice_s=n), POOL, 0, INPUTS) for n in (60, 0))
    assert unwarned.loss_micro_usd < warned.loss_micro_usd  # at no price nothing is lost but the wait
    with_price = [price_row(4, SPOT._replace(notice_s=n), POOL, 9 * 10**6, INPUTS) for n in (60, 0)]
    assert with_price[1].loss_micro_usd > with_price[0].loss_micro_usd


def test_a_run_says_what_safety_its_prices_ask_for_and_that_a_loss_of_nothing_sells_everything(world: World) -> None:
    text = [finding.what for finding in run(world, lend="priced_quota", tape=False).findings]
    assert any("bare.spot, 3600 s: a node is sold at a safety of" in line for line in text)
    free = replace(world, lending=LendInputs(delay_micro_usd_per_gpu_hour=0))
    text = [finding.what for finding in lend_findings(free, lend_terms(free, "priced_quota"))]
    assert "bare.spot, 3600 s: a block costs nothing to break, so every idle node is sold" in text
    assert run(world, lend="all_idle", tape=False).findings == ()


@pytest.mark.parametrize("lend", sorted(LENDS))
def test_every_lend_function_runs_and_its_tape_repeats_every_decision(world: World, lend: str) -> None:
    result = run(world, lend=lend, headroom_nodes=2)
    assert (lend_terms(world, lend) is None) == (LOOKS.get(lend, Look.NOTHING) == Look.NOTHING)
    steps, difference = compare(result.tape or ())
    assert steps == result.step_count and difference is None


def test_the_truth_is_what_the_run_without_rentals_held(world: World) -> None:
    """Recounted from its segments, at each hour; contracts call on what they do not use."""
    (steps,) = true_demand(world, "easy")
    off = run(world, lend="none", tape=False)
    tiers = np.array([TIER_OF_BAND[product.band] for product in world.products])
    down = world.faults
    for at_s in range(1_800, world.horizon_s, 3_600):
        held: set[int] = set()
        reserved_used = 0
        for row, nodes in enumerate(off.segment_nodes):
            if off.segments.start_s[row] <= at_s < off.segments.end_s[row] and tiers[off.segments.product[row]] < 2:
                held |= set(rows(nodes))
                reserved_used += len(list(rows(nodes))) * (world.products[off.segments.product[row]].band == 1)
        kept = sum(row.nodes for row in world.reservations if row.from_s <= at_s < row.until_s)
        healthy = world.pools[0].nodes - int(((down.down_s <= at_s) & (at_s < down.up_s)).sum())
        wanted = min(healthy, len(held) + max(0, kept - reserved_used))
        assert [nodes for from_s, nodes in steps if from_s <= at_s][-1] == wanted, at_s


def test_frontier_runs_are_announced_and_nothing_else_is() -> None:
    scenario = load("gap")
    world = build(scenario, days=365)
    announced = np.flatnonzero(world.jobs.announced_s < world.jobs.submit_s)
    frontier = [row for row, job_id in enumerate(world.jobs.job_id) if job_id.startswith("frontier-")]
    assert announced.tolist() == frontier and len(frontier) > 1
    assert (world.jobs.submit_s - world.jobs.announced_s)[frontier].tolist() == [30 * 86_400] * len(frontier)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("quantile_bp", "10000", "policy.quantile_bp"),
        ("spot_block_s", "0", "policy.spot_block_s"),
        ("internal_delay_usd_per_gpu_hour", "-1", "policy.internal_delay_usd_per_gpu_hour"),
        ("delayed_nodes", "0", "policy.delayed_nodes"),
        ("lend", '"priced"', "policy.lend"),
    ],
)
def test_impossible_terms_are_refused_by_their_key(key: str, value: str, text: str) -> None:
    rest = show("rsc").replace('lend = "none"', "" if key == "lend" else 'lend = "none"')
    with pytest.raises(ScenarioError, match=text):
        parse(rest.replace("[policy]", f"[policy]\n{key} = {value}"))


def test_terms_come_from_the_scenario_and_say_which_of_them_are_guesses() -> None:
    text = show("rsc").replace("[policy]", '[policy]\nquantile_bp = 9500\ninternal_delay_usd_per_gpu_hour = "2.5"')
    scenario = parse(text)
    assert build(scenario).lending == LendInputs(9_500, 3_600, 2_500_000, 2)
    terms = lend_terms(build(scenario), "quantile_quota")
    assert terms is not None and (terms.z_bp, terms.target_bp) == (16_449, 500)
    doubtful = {origin.path for origin in guesses(scenario)}
    assert "policy.delayed_nodes" in doubtful and "policy.internal_delay_usd_per_gpu_hour" not in doubtful


def test_gfs_brings_its_quota_along_unless_somebody_says_otherwise() -> None:
    assert (own_lend("gfs"), own_lend("easy"), own_lend("nobody")) == ("quantile_quota", None, None)
    small = load("small")
    assert override(small, policy="gfs").policy.lend == "quantile_quota"
    assert override(small, policy="gfs", lend="none").policy.lend == "none"
    named = show("rsc").replace('name = "easy"', 'name = "gfs"')
    assert parse(named).policy.lend == "none"
    assert parse(named.replace('lend = "none"', "")).policy.lend == "quantile_quota"


def test_the_command_line_takes_every_lend_function_on_scenarios_and_traces(tmp_path: Path) -> None:
    trace = tmp_path / "mix.csv"
    head = "job_id,user,num_gpu,submit_time,iterations,model_name,duration,interval,expect_time_list,"
    rows = [
        f"{n},vc_{n % 3},{1 + n % 8},{n * 30},1,m,{60 + n % 50},1,1,1,{n % 2},{('strict', 'best')[n % 2]}"
        for n in range(90)
    ]
    trace.write_text("\n".join([head + "expect_value_list,best_effort,job_type", *rows]) + "\n")

    def call(*words: str) -> Result:
        return CliRunner(env={"SPILLWAY_RUNS": None, "NO_COLOR": None}).invoke(app, ["--json", "--quiet", *words])

    replay = ["replay", str(trace), "--format", "philly-chronus", "--nodes", "2", "--gpus-per-node", "8"]
    for number, words in enumerate(
        (
            ["run", "small", "--days", "1", "--policy", "gfs"],
            [*replay, "--lend", "oracle"],
        )
    ):
        out = tmp_path / str(number)
        done = call(*words, "--out", str(out))
        assert json.loads(done.stdout)["summary"]["lend"] == ("quantile_quota", "oracle")[number]
        again = call("replay", str(out), "--format", "tape")
        assert json.loads(again.stdout)["equal"] is True
    wrong = call(*replay, "--lend", "orakel")
    assert wrong.exit_code == 2 and "priced_quota" in wrong.stdout
