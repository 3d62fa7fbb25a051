"""Runs of several seeds, paired: differences within each seed, verdicts, the front, and what cannot be paired."""

from dataclasses import replace
from pathlib import Path

import pytest

from run_folders import SUMMARY, TOML
from sim.answers.paired_runs import paired_runs
from sim.engine.run import run
from sim.errors import SimError
from sim.folder import run_folder
from sim.scenario.build import build
from sim.scenario.file import load
from sim.settle import settle
from sim.summary import summarise

SEEDS = (1, 2)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Path]:
    made = {}
    for seed in SEEDS:
        world = build(load("small"), seed=seed, days=1)
        for lend in ("none", "all_idle"):
            result = run(world, "easy", lend, seed=seed, tape=False)
            books = settle(result)
            out = tmp_path_factory.mktemp("runs") / f"{lend}-{seed}"
            made[lend, seed] = run_folder.write(out, result, books, "small", TOML, summarise(result, books))
    return made


def test_differences_are_those_within_each_seed(folders: dict[tuple[str, int], Path]) -> None:
    every = [folders[lend, seed] for lend in ("none", "all_idle") for seed in SEEDS]
    found = paired_runs(every, ("internal delay, mean", "net revenue"))
    assert found.ways == ("easy, none", "easy, all_idle") and found.seeds == SEEDS
    revenue = next(metric for metric in found.metrics if metric.name == "net revenue")
    none, sold = revenue.means
    (difference,) = revenue.differences
    assert none is not None and sold is not None and difference is not None
    assert difference.difference.mean == pytest.approx(sold.mean - none.mean)
    assert sold.mean > none.mean and difference.difference.n == len(SEEDS)
    # Less delay on one side, more money on the other: neither outdoes the other.
    assert found.front == found.ways


def test_what_cannot_be_paired_is_refused_with_what_is_lacking(folders: dict[tuple[str, int], Path]) -> None:
    none, sold = [folders["none", seed] for seed in SEEDS], [folders["all_idle", seed] for seed in SEEDS]
    with pytest.raises(SimError, match="easy, all_idle: no seed 2"):
        paired_runs([*none, sold[0]])
    with pytest.raises(SimError, match="2 ways, 1 seeds"):
        paired_runs([none[0], sold[0]])
    with pytest.raises(SimError, match=r"no such number, did you mean 'net revenue'"):
        paired_runs([*none, *sold], ("net revenu", "jobs done"))


def test_seeds_of_another_scenario_are_refused(folders: dict[tuple[str, int], Path], tmp_path: Path) -> None:
    made = [folders["none", 1], folders["all_idle", 1]]
    for lend in ("none", "all_idle"):
        world = replace(build(load("small"), seed=5, days=1), horizon_s=43_200)
        result = run(world, "easy", lend, seed=5, tape=False)
        made.append(run_folder.write(tmp_path / lend, result, settle(result), "small", TOML, SUMMARY))
    with pytest.raises(SimError, match="other horizon_s"):
        paired_runs(made)
