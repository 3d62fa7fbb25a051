"""Policies by name on the command line: listed ones are accepted, unknown ones list the known, hostile ones stop."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hostile_policies import hostile, one_node_short
from scheduler.policies import POLICIES
from scheduler.policy.lend import LENDS
from sim.cli import app
from trace_files import swf_line, write_lines


def call(*words: str) -> Result:
    return CliRunner(env={"SPILLWAY_RUNS": None, "NO_COLOR": None}).invoke(app, list(words))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Twelve jobs on four processors, some of which have to wait."""
    rows = [swf_line(job, job % 5, 30 + job, 1 + job % 4, 1 + job % 4, 60, job % 3) for job in range(1, 13)]
    return write_lines(tmp_path / "log.swf", *rows)


def replay(log: Path, out: Path, *words: str) -> Result:
    return call(
        "replay", str(log), "--format", "swf", "--nodes", "4", "--gpus-per-node", "1", "--out", str(out), *words
    )


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_replay_accepts_every_listed_policy(log: Path, tmp_path: Path, policy: str) -> None:
    done = replay(log, tmp_path / "out", "--policy", policy, "--schedule-only", "-q")
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_run_accepts_every_listed_policy(tmp_path: Path, policy: str) -> None:
    done = call("run", "small", "--days", "1", "--policy", policy, "--out", str(tmp_path / "out"), "--no-report", "-q")
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize("lend", sorted(LENDS))
def test_run_accepts_every_listed_lend_function(tmp_path: Path, lend: str) -> None:
    done = call("run", "small", "--days", "1", "--lend", lend, "--out", str(tmp_path / "out"), "--no-report", "-q")
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize(("flag", "known"), [("--policy", POLICIES), ("--lend", LENDS)])
def test_an_unknown_name_lists_the_known_ones(log: Path, tmp_path: Path, flag: str, known: dict[str, object]) -> None:
    for done in (call("run", "small", flag, "no_such"), replay(log, tmp_path / "out", flag, "no_such")):
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1 and flag in done.stderr
        assert all(re.search(rf"\b{name}\b", done.stderr) for name in known)


def test_a_policy_that_breaks_a_promise_ends_the_command_with_one_line(
    monkeypatch: pytest.MonkeyPatch, log, tmp_path
) -> None:
    monkeypatch.setitem(POLICIES, "one_node_short", hostile("place", one_node_short))
    done = replay(log, tmp_path / "out", "--policy", "one_node_short", "-q")
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.fullmatch(
        r"spillway: .*policy one_node_short: place: job\[\d+\]: returns part of a gang.*\n", done.stderr
    )
    assert not (tmp_path / "out").exists()
