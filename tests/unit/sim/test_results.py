"""The results that the README shows: its table follows from what is kept, and what is kept from what is there now."""

import json
from typing import Any

import pytest

from house_rules import ROOT
from sim.errors import SimError
from sim.experiments.folder import FINDING_COLUMNS
from sim.experiments.inputs import read_inputs
from sim.experiments.perform import perform
from sim.experiments.registry import experiment, there
from sim.experiments.results import BEGIN, END, FOLDER, all_kept, block, kept, replaced
from sim.experiments.spread import spread
from sim.sweep.executors import executor

AGAIN = "run `make results`"


def stored(code: str) -> dict[str, Any]:
    path = ROOT / FOLDER / f"{code}.json"
    assert path.is_file(), f"{path.name} is not there: {AGAIN}"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_the_table_of_the_readme_is_that_of_what_is_kept() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert replaced(text, block(all_kept(ROOT)), "README.md") == text, f"stale: {AGAIN}"


@pytest.mark.slow
def test_every_experiment_is_kept() -> None:
    assert [found["code"] for found in all_kept(ROOT)] == there(), AGAIN


@pytest.mark.parametrize("code", [found["code"] for found in all_kept(ROOT)])
def test_what_is_kept_was_made_with_these_inputs_and_sizes(code: str) -> None:
    found, now = stored(code), experiment(code)
    rows = [row._asdict() for row in read_inputs(now.inputs).rows]
    assert found["inputs"] == json.loads(json.dumps(rows)), f"{code} is stale: {AGAIN}"
    assert (found["title"], found["question"]) == (now.title, now.question), f"{code} is stale: {AGAIN}"
    assert found["sizes"] == dict(now.presets["small"]), f"{code} is stale: {AGAIN}"
    assert all(set(finding) == set(FINDING_COLUMNS) for finding in found["findings"])
    assert (ROOT / FOLDER / f"{code}.svg").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("code", there())
def test_what_is_kept_comes_out_again(code: str) -> None:
    now = experiment(code)
    with executor("local", 2) as crew:
        done = perform(now, "small", 1, read_inputs(now.inputs), spread(crew))
    assert json.loads(json.dumps(kept(done))) == stored(code), f"{code} is stale: {AGAIN}"


def test_a_page_without_a_place_for_them_is_refused() -> None:
    assert replaced(f"a\n{BEGIN}\nold\n{END}\nb", "new", "x") == "a\nnew\nb"
    with pytest.raises(SimError, match="no place for the results"):
        replaced("nothing here", "new", "x.md")
