"""Finished runs as operators are shown them: what the port reads is what the folder's own reports say."""

from fractions import Fraction
from pathlib import Path

import pytest

from billing.api.ports import RunTold
from billing.api.schemas.snapshots import NewSnapshot
from billing.errors import BillingError
from billing.months import utc_text
from run_folders import write_small
from sim.answers.queue import waiting_at
from sim.answers.runs_port import Runs
from sim.folder.run_folder import read


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("runs") / "small-1")


@pytest.fixture(scope="module")
def runs(folder: Path) -> Runs:
    return Runs(lambda: [folder, folder.parent])  # the second is no run


def test_a_folder_that_is_no_run_is_left_out(runs: Runs, folder: Path) -> None:
    (told,) = runs.runs()
    assert isinstance(told, RunTold) and told.id == folder.name
    with pytest.raises(BillingError):
        runs.headline("nobodys")


def test_capacity_is_all_that_is_installed(runs: Runs, folder: Path) -> None:
    (told,) = runs.runs()
    held = sum(row.gpu_s for row in runs.capacity(told.id))
    assert held == told.installed_gpus * (told.until_s - told.from_s)


def test_revenue_is_the_sum_of_the_lines(runs: Runs, folder: Path) -> None:
    lines = read(folder).query("SELECT amount_numerator AS n, amount_denominator AS d FROM line_items")
    exact = sum((Fraction(int(row["n"]), row["d"]) for row in lines), Fraction(0))
    shown = sum((Fraction(int(row.numerator), int(row.denominator)) for row in runs.revenue(folder.name)), Fraction(0))
    assert shown == exact > 0


def test_evictions_and_credits_are_those_of_the_summary(runs: Runs, folder: Path) -> None:
    summary = runs.headline(folder.name)
    assert len(runs.evictions(folder.name)) == summary["interruptions"]["evictions"]
    assert sum(row.micro for row in runs.credits(folder.name)) == summary["money"]["credits"]["micro_usd"]


def test_a_moment_of_a_run_is_told_as_a_live_one(runs: Runs, folder: Path) -> None:
    (told,) = runs.runs()
    at_s = told.from_s + (told.until_s - told.from_s) // 2
    seen = NewSnapshot.model_validate(runs.snapshot(told.id, at_s))
    assert seen.time == utc_text(at_s)
    assert sum(node.gpus for node in seen.nodes) == told.installed_gpus
    waiting = waiting_at(folder, at_s - told.from_s)
    assert [row.job for row in seen.queue] == [row.job_id for row in waiting]
    assert seen.queue_count == len(waiting)
