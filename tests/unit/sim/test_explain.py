"""The story of a job: why it waited, who it had to leave for, and that the seconds it tells are those it waited."""

from pathlib import Path

import pytest

from run_folders import write_small
from scheduler.events import Plan
from sim.answers.explain import eviction_text, explain, plan_text
from sim.errors import SimError
from sim.folder import run_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the small scenario on disk."""
    return write_small(tmp_path_factory.mktemp("runs") / "small")


def test_every_job_that_waited_says_for_how_long_and_why(folder: Path) -> None:
    jobs = run_folder.read(folder).query(
        "SELECT job_id, wait_s FROM jobs WHERE wait_s > 0 AND status = 'done' ORDER BY wait_s DESC LIMIT 6"
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


def test_an_eviction_is_told_with_its_cause_its_loss_and_what_else_was_considered() -> None:
    gone = {
        "evicted_s": 7200,
        "noticed_s": 7140,
        "by_job_id": "big",
        "by_product": "int",
        "by_tenant": "team",
        "second_order": True,
        "lost_s": 1200,
        "gpus": 16,
        "lost_micro_usd": 12_345_678,
    }
    text = eviction_text(gone, 0)
    assert text == (
        "evicted at 1970-01-01T02:00:00Z for big (int of team, which started again after a failure)"
        " after a notice of 1 min; 1,200 s of work on 16 GPUs were lost, worth $12.35"
    )
    assert eviction_text({**gone, "by_job_id": None, "lost_s": 0}, 0).endswith(
        "after a notice of 1 min; no work was lost"
    )
    plan = Plan(100, 0, (1, 2), 160, 5_000_000, 0, (3,), 160, 7_123_456, "cost")
    assert plan_text(plan, 0, ["big", "a", "b", "c"]) == (
        "a, b must make way for it at a cost of $5.00, ready in 1 min; considered instead: c at $7.12, worse in cost"
    )
    only = plan._replace(runner_up=(), decided_by="the only plan")
    assert plan_text(only, 1, ["big", "a", "b", "c"]).endswith(
        "for big at a cost of $5.00, ready in 1 min; it was the only plan"
    )
