"""The story of a job: why it waited, who it had to leave for, and that the seconds it tells are those it waited."""

from pathlib import Path

import pytest

from sim import run_folder
from sim.build import build
from sim.errors import SimError
from sim.explain import explain
from sim.run import run
from sim.scenario import load
from sim.settle import settle
from sim.summary import summarise


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the small scenario on disk."""
    scenario = load("small")
    result = run(build(scenario))
    books = settle(result)
    out = tmp_path_factory.mktemp("runs") / "small"
    return run_folder.write(out, result, books, "small", scenario.text, summarise(result, books))


def test_every_job_that_waited_says_for_how_long_and_why(folder: Path) -> None:
    jobs = run_folder.read(folder).query(
        "SELECT job_id, wait_s FROM jobs WHERE wait_s > 0 AND status = 'done' ORDER BY wait_s DESC LIMIT 12"
    )
    assert jobs
    for job in jobs:
        told = explain(folder, job["job_id"])
        assert sum(told.waited_s.values()) == job["wait_s"], job
        assert f"waited {job['wait_s']:,} s in all" in "\n".join(told.lines)


def test_an_evicted_renter_is_told_for_whom_and_when(folder: Path) -> None:
    job = run_folder.read(folder).query("SELECT job_id FROM jobs WHERE preemptions > 0 ORDER BY job_id LIMIT 1")[0]
    told = explain(folder, job["job_id"])
    sentences = [moment.sentence for moment in told.moments]
    assert any(sentence.startswith("is told to leave for ") for sentence in sentences)
    assert told.as_dict()["moments"][0]["at"].endswith("Z")


def test_an_unknown_job_is_one_line_with_ids_that_are_near(folder: Path) -> None:
    with pytest.raises(SimError, match="run has no such job") as caught:
        explain(folder, "no-such-job")
    assert "ids like" in str(caught.value) and "\n" not in str(caught.value)
