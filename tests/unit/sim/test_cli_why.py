"""The commands that say why: compare, delay, explain with its evictions, policies; against the run folders."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scheduler.policies import POLICIES
from scheduler.policy.lend import LENDS
from sim.cli import app
from sim.folder.run_folder import read


def call(*words: str, runs: Path):
    return CliRunner(env={"SPILLWAY_RUNS": str(runs), "NO_COLOR": None}).invoke(app, list(words))


def document(*words: str, runs: Path):
    done = call(*words, "--json", runs=runs)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One world without rentals, with them (and a baseline), and another world."""
    folder = tmp_path_factory.mktemp("why") / "runs"
    for name, words in {
        "none": ("--lend", "none"),
        "all": ("--baseline",),
        "quiet": ("--no-reasons",),
        "other": ("--seed", "99"),
    }.items():
        done = call("run", "small", "--days", "2", "--no-report", *words, "--out", str(folder / name), runs=folder)
        assert done.exit_code == 0, done.stderr
    return folder


def test_compare_shows_differences_against_the_first(runs: Path) -> None:
    found = document("compare", "none", "all", "quiet", runs=runs)
    assert found["same_world"] and [run["lend"] for run in found["runs"]] == ["none", "all_idle", "all_idle"]
    by_name = {metric["name"]: metric for metric in found["metrics"]}
    summaries = [read(runs / name).summary() for name in ("none", "all", "quiet")]
    used = by_name["allocated utilisation"]
    assert used["values"] == [summary["utilisation"]["allocated"]["bp"] for summary in summaries]
    assert used["differences"] == [0, *[value - used["values"][0] for value in used["values"][1:]]]
    assert by_name["net revenue"]["values"][1] == summaries[1]["money"]["external_net"]["micro_usd"]
    longest, delay = by_name["internal delay, longest"]["values"], summaries[1]["internal_delay"]
    assert longest == [0, delay["max_s"], delay["max_s"]], "the run without rentals stands in for a baseline"
    assert by_name["internal delay, p99"]["values"][1] == delay["p99_s"]
    waits = {metric["name"]: metric["values"] for metric in found["waits"]}
    assert waits["spot: offer"][1] == summaries[1]["wait_by_cause_s"]["spot"]["offer"]
    assert all(values[2] is None for values in waits.values()), "nobody noted what jobs waited for"


def test_compare_prints_tables_csv_and_markdown(runs: Path) -> None:
    text = call("compare", "none", "all", runs=runs).stdout
    assert "Side by side" in text and "B - A" in text and "rental evictions per 1,000 GPU-h" in text
    assert call("compare", "none", "all", "--csv", runs=runs).stdout.count("number,unit,A,B,B - A") == 2
    assert "| number | unit | A | B | B - A |" in call("compare", "none", "all", "--md", runs=runs).stdout


def test_compare_refuses_other_worlds_unless_forced(runs: Path) -> None:
    refused = call("compare", "all", "other", runs=runs)
    assert refused.exit_code == 2 and "other: seed 99 instead of" in refused.stderr
    forced = call("compare", "all", "other", "--force", runs=runs)
    assert forced.exit_code == 0 and "not the same world: other: seed 99" in forced.stderr
    assert not document("compare", "all", "other", "--force", runs=runs)["same_world"]
    assert call("compare", "all", runs=runs).exit_code == 2


def test_delay_names_every_job_and_its_totals_are_those_of_the_summary(runs: Path) -> None:
    found, summary = document("delay", "all", "--top", "1000", runs=runs), read(runs / "all").summary()
    delay, money = summary["internal_delay"], summary["money"]
    for ours, theirs in {"jobs_compared": "jobs", "total_s": "total_s", "max_s": "max_s", "gpu_s": "gpu_s"}.items():
        assert found[ours] == delay[theirs]
    assert (found["later"], found["earlier"], found["unpaired"]) == (
        *(delay["later"], delay["earlier"], delay["unpaired"]),
    )
    assert found["lent_micro_usd"] + found["contracts_micro_usd"] == money["external"]["micro_usd"]
    assert found["lent_micro_usd"] > 0
    later = [job["later_s"] or 0 for job in found["jobs"]]
    assert later == sorted(later, reverse=True) and sum(later) == delay["total_s"]
    text = call("delay", "all", "--top", "3", runs=runs).stdout
    assert "charged for on-demand and spot" in text and "earned per GPU-hour of delay" in text
    assert call("delay", "all", "--csv", runs=runs).stdout.count("\n") == len(found["jobs"]) + 1


def test_delay_needs_a_baseline(runs: Path) -> None:
    refused = call("delay", "quiet", runs=runs)
    assert refused.exit_code == 2 and "run has no baseline" in refused.stderr and "--baseline" in refused.stderr


def test_the_evictions_of_a_run_and_of_a_job(runs: Path) -> None:
    found = document("explain", "all", "--evictions", "--top", "1000", runs=runs)
    table = read(runs / "all").query("SELECT * FROM evictions")
    assert found["evictions"] == len(table) == len(found["rows"]) > 0
    assert call("explain", "all", "--evictions", "--csv", runs=runs).stdout.count("\n") == len(table) + 1
    gone = found["rows"][0]
    victim = document("explain", "all", gone["job_id"], runs=runs)
    assert gone in victim["evicted"]
    assert gone in document("explain", "all", gone["by_job_id"], runs=runs)["evicting"]
    text = call("explain", "all", gone["job_id"], runs=runs).stdout
    assert f"for {gone['by_job_id']} ({gone['by_product']} of {gone['by_tenant']})" in text
    for words in (("explain", "all"), ("explain", "all", gone["job_id"], "--evictions")):
        assert call(*words, runs=runs).exit_code == 2


def test_a_story_tells_the_causes_of_the_table_also_where_the_run_noted_none(runs: Path) -> None:
    rows = read(runs / "all").query(
        "SELECT job_id, max(wait_s) AS s FROM waits GROUP BY job_id ORDER BY s DESC LIMIT 2"
    )
    for row in rows:
        table = read(runs / "all").query("SELECT cause, wait_s FROM waits WHERE job_id = $job", job=row["job_id"])
        for run in ("all", "quiet"):
            told = document("explain", run, row["job_id"], runs=runs)
            assert told["waited_s"] == {cause["cause"]: cause["wait_s"] for cause in table}


def test_policies_lists_all_that_a_run_accepts(runs: Path) -> None:
    found = document("policies", runs=runs)
    assert [row["name"] for row in found["policies"]] == list(POLICIES)
    assert [row["name"] for row in found["lends"]] == list(LENDS)
    assert all(len(row["means"]) > 10 for row in [*found["policies"], *found["lends"]])
    text = call("policies", runs=runs).stdout
    assert [name for name in (*POLICIES, *LENDS) if name not in text] == []


def test_an_unknown_policy_is_told_the_nearest_and_all_of_them(runs: Path) -> None:
    for words in (("run", "small", "--policy", "esy"), ("run", "small", "--lend", "all_idel")):
        refused = call(*words, runs=runs)
        assert refused.exit_code == 2
        assert "did you mean" in refused.stderr and ("fcfs" in refused.stderr or "fixed_headroom" in refused.stderr)
