"""Sweeps: what files are refused, which arms come of them, what is kept, and what the table says."""

import errno
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from parallel_tasks import OneThread
from sim.cli import app
from sim.cli.edge import now_us
from sim.cli.sweep import _pair
from sim.errors import SimError
from sim.stats.estimates import Estimate
from sim.sweep import one_run as one_run_module
from sim.sweep import run as run_module
from sim.sweep.arms import Plan, plan_of
from sim.sweep.metrics import METRICS, STEADY
from sim.sweep.one_run import Task, TimedOut, perform, record_of
from sim.sweep.run import asked, run_sweep
from sim.sweep.spec import load_sweep
from sim.sweep.store import Store
from sim.sweep.table import document, shown

HEAD = """
name = "try"
scenario = "small"
seeds = 4
metrics = ["money.external_net.usd", "internal_delay.p99_s"]
"""
GRID = '[grid]\ndays = [1]\npolicy.lend = ["none", "all_idle"]\n'


@pytest.fixture
def crew() -> Iterator[Executor]:
    with OneThread() as one:
        yield one


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., Plan]:
    def made(text: str, head: str = HEAD) -> Plan:
        file = tmp_path / "try.toml"
        file.write_text(head + text, encoding="utf-8")
        return plan_of(load_sweep(file), file)

    return made


def table(plan: Plan, store: Store) -> dict[str, Any]:
    records = store.records()
    return document("try", shown(plan, asked(plan, records, now_us), records))


def made_up(value: Callable[[Task], float | None]) -> Callable[[Task], dict[str, Any]]:
    """In the place of a run: a number for every metric, or a failure where it is None."""

    def instead(task: Task) -> dict[str, Any]:
        found = value(task)
        if found is None:
            return record_of(task, "failed", "no such luck")
        return record_of(task, "done", "", dict.fromkeys(METRICS, found), None)

    return instead


REFUSED = {
    "an unknown key of the scenario": (
        GRID + "polcy.name = ['fcfs']",
        r"try.toml: polcy: unknown key, did you mean 'policy'\?, in the arm days = 1, .*polcy.name = fcfs",
    ),
    "an unknown key further down": (
        "[grid]\npolicy.lned = ['none']",
        r"policy.lned: unknown key, did you mean 'lend'\?",
    ),
    "a value that is not allowed": ("[grid]\npolicy.lend = ['none', 'all_idel']", "did you mean 'all_idle'"),
    "a row that is not there": ("[grid]\n'pool[3].nodes' = [4]", r"pool\[3\].nodes: no such row.*allowed pool\[0\] to"),
    "no rows": ("[grid]\n'maintenance[*].nodes' = [4]", "no such row"),
    "through a value": ("[grid]\ndays.more = [4]", "goes through a value"),
    "no path": ("[grid]\n'pool[a].nodes' = [4]", "not a key of a scenario"),
    "an unknown key of the sweep": ("[gird]\ndays = [1]", "gird: unknown key, did you mean 'grid'"),
    "a key in two places": ("[grid]\ndays = [1]\n[sample]\ndays = {low = 1, high = 2}\n", "points and .sample. need"),
    "seeds as a key": ("[grid]\nseed = [1, 2]", r"grid.seed: arms without a common seed.*`seeds` of the sweep"),
    "seeds of an arm": ("[[arm]]\nname = 'a'\nseeds = [7]", r"arm\[0\].seeds: arms without a common seed"),
    "a span upside down": ("[sample]\ndays = {low = 3, high = 2}", "low must lie below high"),
    "a wish without seeds": ("[until]\nmetric = 'events'\nhalf_width = 0", "until.half_width"),
    "an unknown metric": (
        "[until]\nmetric = 'evnts'\nhalf_width = 1",
        "until.metric: unknown metric, did you mean 'events'",
    ),
    "one arm twice": ("[[arm]]\nname = 'a'\n[[arm]]\nname = 'a'", "two arms have one name"),
}


@pytest.mark.parametrize(("text", "wanted"), REFUSED.values(), ids=REFUSED.keys())
def test_a_sweep_that_cannot_be_is_refused_before_anything_runs(
    text: str, wanted: str, plan: Callable[..., Plan]
) -> None:
    with pytest.raises(SimError, match=wanted) as caught:
        plan(text)
    assert "\n" not in str(caught.value)


def test_heads_that_are_refused(plan: Callable[..., Plan], tmp_path: Path) -> None:
    with pytest.raises(SimError, match=r"metrics\[0\]: unknown metric, did you mean 'money.external.usd'"):
        plan("", HEAD.replace("external_net", "externl"))
    with pytest.raises(SimError, match="a seed stands there twice"):
        plan("", HEAD.replace("seeds = 4", "seeds = [1, 1]"))
    with pytest.raises(SimError, match="no_such"):
        plan("", HEAD.replace('"small"', '"no_such"'))
    with pytest.raises(SimError, match="cannot be read: No such file"):
        load_sweep(tmp_path / "nowhere.toml")


def test_arms_are_rows_times_grid_times_points(plan: Callable[..., Plan]) -> None:
    found = plan(
        """
        points = 3
        [[arm]]
        name = "as-it-is"
        [[arm]]
        name = "rare"
        set = { "demand[*].jobs_per_day" = 1, policy.name = "fcfs" }
        [grid]
        "pool[0].scrub_s" = [300, 0]
        [sample]
        faults.rate_per_1000_node_days = { low = 1, high = 40 }
        policy.quantile_bp = { low = 6000, high = 9000, scale = "log" }
        """
    )
    assert len(found.arms) == 2 * 2 * 3
    assert [arm.against for arm in found.arms] == [None] * 3 + [0, 1, 2] * 3
    rare = found.arms[-1].mapping
    assert {row["jobs_per_day"] for row in rare["demand"]} == {1} and rare["pool"][0]["scrub_s"] == 0
    assert rare["policy"]["name"] == "fcfs" and "name" in found.arms[0].mapping["policy"]
    rates = sorted(arm.mapping["faults"]["rate_per_1000_node_days"] for arm in found.arms[:3])
    assert [1 <= rates[0] <= 14, 14 <= rates[1] <= 27, 27 <= rates[2] <= 40] == [True] * 3  # one in each third
    assert found.arms[0].labels["policy.quantile_bp"] == found.arms[3].labels["policy.quantile_bp"]


def test_sampled_decimals_have_six_digits_and_another_key_moves_none(plan: Callable[..., Plan]) -> None:
    one = "points = 5\n[sample]\n'demand[0].jobs_per_day' = {low = 0.5, high = 20}\n"
    alone, beside = plan(one), plan(one + "days = {low = 1, high = 9}")
    values = [arm.mapping["demand"][0]["jobs_per_day"] for arm in alone.arms]
    assert values == [arm.mapping["demand"][0]["jobs_per_day"] for arm in beside.arms]
    assert all(isinstance(value, Decimal) and len(value.as_tuple().digits) <= 6 for value in values)
    assert sorted(int((value - Decimal("0.5")) / Decimal("3.9")) for value in values) == [0, 1, 2, 3, 4]


def test_runs_are_kept_and_not_run_again(plan: Callable[..., Plan], crew: Executor, tmp_path: Path) -> None:
    """Real runs: common seeds, a table with a verdict, and a second sweep that runs the new arm alone."""
    first, store = plan(GRID), Store(tmp_path / "kept")
    told: list[tuple[int, int]] = []
    with store.held():
        assert run_sweep(first, store, crew, now_us, tick=lambda done, total: told.append((done, total)))
    found = table(first, store)
    assert told == [(done, 8) for done in range(1, 9)] and found["runs"] == {"asked": 8, "done": 8, "failed": 0}
    money, delay = found["rows"][1], found["rows"][3]
    assert money["arm"] == {"days": "1", "policy.lend": "all_idle"} and money["n"] == 4
    assert money["paired"]["verdict"] == "higher" and found["rows"][0]["paired"] is None
    assert delay["paired"]["n"] == 4 and found["rows"][2]["mean"] == 0
    bytes_of = {path.name: path.read_bytes() for path in (store.folder / "runs").iterdir()}
    with patch.object(run_module, "perform", made_up(lambda task: 1.0)):
        more = plan(GRID.replace('"all_idle"]', '"all_idle", "fixed_headroom"]'))
        assert run_sweep(more, store, crew, now_us)
    assert {name: (store.folder / "runs" / name).read_bytes() for name in bytes_of} == bytes_of
    assert table(more, store)["runs"]["asked"] == 12 and len(store.records()) == 12


def test_one_run_that_fails_or_takes_too_long_is_told_and_sinks_no_other(
    plan: Callable[..., Plan], crew: Executor, tmp_path: Path
) -> None:
    found, store = plan(GRID), Store(tmp_path / "kept")
    store.folder.joinpath("runs").mkdir(parents=True)
    with patch.object(run_module, "perform", made_up(lambda task: None if task.seed == 2 else task.seed * 2.0)):
        assert run_sweep(found, store, crew, now_us)
    shown_now = table(found, store)
    assert shown_now["runs"] == {"asked": 8, "done": 6, "failed": 2}
    assert [row["n"] for row in shown_now["rows"]] == [3] * 4 and shown_now["rows"][0]["mean"] == 16 / 3
    assert shown_now["failures"][0] == {
        "arm": {"days": "1", "policy.lend": "none"}, "seed": 2, "status": "failed", "reason": "no such luck",
    }  # fmt: skip
    with patch.object(run_module, "perform", made_up(lambda task: 1.0)):
        assert run_sweep(found, store, crew, now_us)  # who failed is tried again
    assert table(found, store)["runs"]["failed"] == 0


def test_a_run_tells_of_its_limit_and_of_its_errors(plan: Callable[..., Plan]) -> None:
    hurried = plan("timeout_s = 1\n" + GRID.replace("[1]", "[8]"))
    clock = iter(range(0, 10**12, 2_000_000))
    task = asked(hurried, {}, now_us).tasks[1][0]._replace(now_us=lambda: next(clock))
    record = perform(task)
    assert (record["status"], record["reason"], record["values"]) == ("timed out", "more than 1 s", None)
    broken = perform(task._replace(mapping={**task.mapping, "days": 0}))
    assert broken["status"] == "failed" and "days" in broken["reason"] and "\n" not in broken["reason"]
    bug = perform(task._replace(mapping={"pool": 7, **task.mapping, "demand": [None]}))
    assert bug["status"] == "failed" and bug["key"] == task.key


def test_a_run_that_hangs_is_ended_by_an_alarm(plan: Callable[..., Plan]) -> None:
    task = asked(plan("timeout_s = 1\n" + GRID), {}, now_us).tasks[0][0]

    def hang(_task: Task) -> None:
        for _ in range(500):
            time.sleep(0.01)

    with patch("sim.sweep.one_run._numbers", hang):
        assert perform(task)["reason"] == "more than 1 s"
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    late = TimedOut(1)
    assert str(type(late)(*late.args)) == "more than 1 s"  # as SimPy passes errors on


def test_keys_are_those_of_what_is_run(plan: Callable[..., Plan]) -> None:
    grid, rows = plan(GRID), plan("[[arm]]\nname = 'x'\nset = {days = 1, policy.lend = 'all_idle'}\n")
    mine, same = asked(grid, {}, now_us).tasks[1], asked(rows, {}, now_us).tasks[0]
    assert [task.key for task in mine] == [task.key for task in same]
    assert len({task.key for tasks in asked(grid, {}, now_us).tasks for task in tasks}) == 8
    without = plan(GRID, HEAD.replace(', "internal_delay.p99_s"', ""))
    assert asked(without, {}, now_us).tasks[1][0].key != mine[0].key  # no baseline: fewer numbers
    with patch.object(one_run_module, "code_digest", lambda: "0.1.0 changed"):
        changed = asked(grid, {}, now_us).tasks[1]
    assert not {task.key for task in changed} & {task.key for task in mine}


def test_seeds_are_added_until_intervals_are_narrow_enough(
    plan: Callable[..., Plan], crew: Executor, tmp_path: Path
) -> None:
    found, store = plan(GRID + "[until]\nmetric = 'events'\nhalf_width = 0.5\n"), Store(tmp_path / "kept")
    store.folder.joinpath("runs").mkdir(parents=True)
    with patch.object(run_module, "perform", made_up(lambda task: float(task.seed % 2) * 2)):
        assert run_sweep(found, store, crew, now_us)
    shown_now = table(found, store)
    seeds = shown_now["seeds"]
    assert seeds == list(range(1, len(seeds) + 1)) and 16 < len(seeds) <= 32
    assert all(row["n"] == len(seeds) and row["half_width"] <= 0.5 for row in shown_now["rows"])
    few = plan(GRID + "[until]\nmetric = 'events'\nhalf_width = 0.5\nseeds_max = 6\n")
    with patch.object(run_module, "perform", made_up(lambda task: float(task.seed % 2) * 2)):
        run_sweep(few, store, crew, now_us)
    assert (table(few, store)["seeds"], table(few, store)["too_wide"]) == ([1, 2, 3, 4, 5, 6], 2)
    assert shown_now["too_wide"] == 0


def test_differences_share_the_level_and_one_alone_has_all_of_it(
    plan: Callable[..., Plan], crew: Executor, tmp_path: Path
) -> None:
    for number, (ways, level_bp) in enumerate(
        {'"none", "all_idle"': 9_500, '"none", "all_idle", "fixed_headroom"': 9_750}.items()
    ):
        given, store = plan(f"[grid]\ndays = [1]\npolicy.lend = [{ways}]\n"), Store(tmp_path / str(number))
        with store.held(), patch.object(run_module, "perform", made_up(lambda task: float(task.seed))):
            run_sweep(given, store, crew, now_us)
        assert {row["paired"]["level_bp"] for row in table(given, store)["rows"] if row["paired"]} == {level_bp}


def test_a_budget_leaves_a_part_that_can_be_shown(plan: Callable[..., Plan], crew: Executor, tmp_path: Path) -> None:
    found, store = plan(GRID), Store(tmp_path / "kept")
    store.folder.joinpath("runs").mkdir(parents=True)
    clock = iter(range(0, 10**9, 400_000))
    with patch.object(run_module, "perform", made_up(lambda task: 1.0)):
        assert not run_sweep(found, store, crew, lambda: next(clock), budget_s=2)
    part = table(found, store)
    assert 0 < part["runs"]["done"] < 8 and part["runs"]["asked"] == 8
    assert part["rows"][0]["n"] in (part["rows"][1]["n"], part["rows"][1]["n"] + 1)  # seed by seed, over all arms


def test_a_full_disk_is_said_and_leaves_whole_records(
    plan: Callable[..., Plan], crew: Executor, tmp_path: Path
) -> None:
    found, store = plan(GRID), Store(tmp_path / "kept")
    store.folder.joinpath("runs").mkdir(parents=True)
    real, calls = os.fsync, iter(range(100))

    def full(file: int) -> None:
        if next(calls) >= 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(file)

    with (
        patch.object(run_module, "perform", made_up(lambda task: 1.0)),
        patch("os.fsync", full),
        pytest.raises(SimError, match=r"cannot be written: No space left on device .*--resume goes on"),
    ):
        run_sweep(found, store, crew, now_us)
    assert len(store.records()) == 3
    assert [path for path in (store.folder / "runs").iterdir() if path.suffix != ".json"] == []


def test_damaged_and_foreign_files_are_not_there(tmp_path: Path) -> None:
    store = Store(tmp_path)
    (tmp_path / "runs").mkdir()
    for name, text in {
        "a": "{",
        "b": "[]",
        "c": '{"format": 1, "key": "other"}',
        "d": '{"format": 0, "key": "d"}',
    }.items():
        (tmp_path / "runs" / f"{name}.json").write_text(text)
    assert store.records() == {} and Store(tmp_path / "nowhere").records() == {}


def test_two_writers_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        Store(tmp_path).held(),
        pytest.raises(SimError, match=r"another process is at this sweep .*--partial"),
        Store(tmp_path).held(),
    ):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(SimError, match="cannot be written: Not a directory"), Store(tmp_path / "file").held():
        pass


def test_one_long_run_has_an_interval_of_batch_means(plan: Callable[..., Plan], crew: Executor, tmp_path: Path) -> None:
    head = f'name = "try"\nscenario = "small"\nseeds = 1\nmetrics = ["{STEADY}", "utilisation.allocated.bp"]\n'
    found, store = plan("[grid]\ndays = [1, 34]\n", head), Store(tmp_path / "kept")
    store.folder.joinpath("runs").mkdir(parents=True)
    run_sweep(found, store, crew, now_us)
    short, long, plain = table(found, store)["rows"][:3]
    assert (short["n"], short["half_width"]) == (1, None) and 5_000 < short["mean"] < 10_000
    assert long["n"] == 1 and 10 < long["half_width"] < 500
    records = [record for record in store.records().values() if record["labels"]["days"] == "34"]
    assert 0 <= records[0]["steady"]["cut_h"] < 480
    assert abs(long["mean"] - records[0]["values"]["utilisation.allocated.bp"]) < 300 and plain["half_width"] is None
    assert json.dumps(records[0], allow_nan=False)


def test_a_mean_has_as_many_digits_as_its_interval_is_worth() -> None:
    means = ((849.6, 0.0), (849.0, 0.0), (1_168.4, 136.2), (0.91312, 0.00361), (0.1234567, 0.0))
    pairs = [_pair(Estimate(mean, half_width, 4, 9_500), None) for mean, half_width in means]
    assert pairs == [("849.6", "0"), ("849", "0"), ("1168", "136"), ("0.91312", "0.00361"), ("0.123457", "0")]


def test_the_command_shows_what_failed_and_what_may_be_done(tmp_path: Path) -> None:
    file, out = tmp_path / "try.toml", str(tmp_path / "out")
    file.write_text(HEAD + GRID)
    words = ["sweep", str(file), "--out", out]

    def called(*more: str, value: Callable[[Task], float | None]) -> tuple[int, str, str]:
        with (
            patch("sim.sweep.executors.LocalCrew", OneThread),
            patch.object(run_module, "perform", made_up(value)),
        ):
            done = CliRunner().invoke(app, [*words, *more])
        return done.exit_code, done.stdout, done.stderr

    nothing = called("--partial", value=lambda task: 1)
    assert nothing[0] == 0 and f"0 of 8 runs done, in {out}: --resume goes on" in nothing[2]
    code, text, told = called(
        value=lambda task: None if task.seed == 2 else task.seed + 100.0 * len(task.mapping["policy"]["lend"])
    )
    assert code == 1 and "Runs without a number" in text and "no such luck" in text and "2 failed: --resume" in told
    assert "400" in text and "higher" in text and "the first" in text
    again = called(value=lambda task: 1)
    assert again[0] == 2 and "runs of this sweep are there already" in again[2] and "--resume" in again[2]
    assert called("--partial", "--resume", value=lambda task: 1)[0] == 2
    file.write_text(HEAD + "quantiles_bp = [5000]\n" + GRID)
    text = called("--partial", value=lambda task: 1)[1]
    assert "Quantiles over seeds" in text and "quantile, %" in text
    row = json.loads(called("--partial", "--json", value=lambda task: 1)[1])["rows"][0]
    assert row["quantiles"] == [{"quantile_bp": 5000, "value": 403, "low": None, "high": None}]
    file.write_text(HEAD + GRID)
    code, text, told = called("--resume", "--csv", value=lambda task: 5.0)
    assert code == 0 and "8 of 8 runs done" in told
    assert text.splitlines()[0] == "days,policy.lend,metric,n,mean,±,difference,±,verdict,needed n"
