"""`spillway queue` and the expectation that `spillway explain` tells: who waits, why, until when."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sim.folder.run_folder as run_folder
from run_folders import write_small
from sim.answers.explain import explain
from sim.answers.queue import waiting_at
from sim.cli import app


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the small scenario on disk."""
    return write_small(tmp_path_factory.mktemp("runs") / "small")


def busy_s(folder: Path) -> int:
    """A second at which some job had waited for a while."""
    row = run_folder.read(folder).query(
        "SELECT submit_s, wait_s FROM jobs WHERE wait_s > 0 AND status = 'done' ORDER BY wait_s DESC LIMIT 1"
    )[0]
    return int(row["submit_s"] + row["wait_s"] // 2)


def test_the_queue_holds_those_that_wait_with_a_reason_and_times_in_order(folder: Path) -> None:
    at_s = busy_s(folder)
    rows = waiting_at(folder, at_s)
    assert rows
    for row in rows:
        assert row.since_s <= at_s and row.reason and row.sentence
        if row.start_s is not None:
            assert at_s <= row.early_s <= row.start_s
            assert row.late_s is None or row.start_s <= row.late_s


def test_the_command_shows_them_as_a_table_and_as_json(folder: Path) -> None:
    at = str(busy_s(folder))
    shown = CliRunner().invoke(app, ["queue", str(folder), "--at", at])
    assert shown.exit_code == 0, shown.output
    assert f"jobs wait at {at} s" in shown.output
    told = CliRunner().invoke(app, ["--json", "queue", str(folder), "--at", at])
    assert told.exit_code == 0, told.output
    document = json.loads(told.output)
    assert document["at_s"] == int(at)
    assert {"job_id", "reason", "start_s", "early_s", "late_s"} <= set(document["waiting"][0])
    assert CliRunner().invoke(app, ["queue", str(folder)]).exit_code == 0


@pytest.mark.parametrize("at", ["-1", "999999999999", "noon"])
def test_a_moment_outside_the_run_is_refused_with_what_is_allowed(folder: Path, at: str) -> None:
    refused = CliRunner().invoke(app, ["queue", str(folder), f"--at={at}"])
    assert refused.exit_code == 2
    assert "--at" in refused.output and "seconds since the epoch" in refused.output


def test_an_explanation_says_when_the_job_was_expected_to_start(folder: Path) -> None:
    jobs = run_folder.read(folder).query("SELECT job_id FROM jobs WHERE wait_s > 0 ORDER BY wait_s DESC LIMIT 5")
    assert any("expected to start" in line for job in jobs for line in explain(folder, job["job_id"]).lines)
