"""Experiments: inputs with sources, verdicts, the folder and its bytes, the page, the command."""

import errno
import json
import re
from collections.abc import Callable, Sequence
from functools import cache
from math import sqrt
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from sim.errors import SimError
from sim.experiments.e0_worlds import Task, one
from sim.experiments.experiment import (
    Expected,
    Experiment,
    Outcome,
    Setting,
    Table,
    exact,
    measured,
)
from sim.experiments.folder import RESULT, files, write
from sim.experiments.inputs import Inputs, parse_inputs, read_inputs
from sim.experiments.page import render
from sim.experiments.perform import Performed, perform
from sim.experiments.registry import ENTRIES, experiment
from sim.experiments.spread import spread
from sim.experiments.words import answer, band, number, ours
from sim.pictures.picture import Line, Picture, Series
from sim.stats.estimates import Estimate, mean_interval
from sim.sweep.executors import executor

TOML = """
[speed]
value = 3
unit = "m/s"
source = "a stopwatch"
confidence = "derived"

[grid]
value = [1, 2.5]
unit = "m"
source = "assumption"
confidence = "guess"
"""


def toy(setting: Setting) -> Outcome:
    found = setting.map(sqrt, [setting.seed + run for run in range(setting.preset["runs"])], lambda seen: "so far")
    estimate = mean_interval([value * setting.inputs.number("speed") for value in found])
    series = Series("ours <b>", (1.0, 2.0), (3.0, 4.0), (2.0, 3.5), (4.0, 4.5))
    law = Series("law", (1.0, 2.0), (3.0, 4.1), role="analytic")
    picture = Picture(
        "toy",
        "lines",
        "A toy & its law",
        "metres",
        "seconds",
        (series, law),
        (Line("x", 1.5, "a line"),),
        ("grid",),
        "n = 4",
    )
    table = Table("Some rows", ("name", "count"), (("a", 1), ("b", None)), "a note")
    findings = (measured("speed", "m/s", estimate), exact("length", "m", 2.5, Expected(2.5, 2.5, "ruler")))
    return Outcome(findings, (table,), (picture,), ("a toy",))


TOY = Experiment("E99", "A toy", "Does <it> work?", {"small": {"runs": 4}}, "toy.toml", toy)


def plain(function: Callable[[Any], Any], tasks: Sequence[Any], tell: Any = None) -> list[Any]:
    return [function(task) for task in tasks]


def performed(seed: int = 1, inputs: Inputs | None = None) -> Performed:
    return perform(TOY, "small", seed, inputs or parse_inputs(TOML, "toy.toml"), plain)


@cache
def written() -> dict[str, bytes]:
    return files(performed())


# -- inputs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [code for code, entry in ENTRIES.items() if entry.module])
def test_every_experiment_has_presets_and_inputs_with_sources(code: str) -> None:
    found = experiment(code)
    assert found.code == code
    assert set(found.presets) == {"small", "full"}
    rows = read_inputs(found.inputs).rows
    assert rows and all(row.source for row in rows)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[a]\nvalue = 1\nunit = "m"\nsource = "s"', "not a parameter"),
        ("a = 1", "not a parameter"),
        ('[a]\nvalue = 1\nunit = "m"\nsource = "s"\nconfidence = "sure"', "unknown confidence"),
    ],
)
def test_inputs_without_a_source_or_with_an_unknown_trust_are_refused(text: str, told: str) -> None:
    with pytest.raises(SimError, match=told):
        parse_inputs(text, "x.toml")


def test_what_is_set_by_hand_is_the_askers_own_and_no_guess_any_more() -> None:
    inputs = parse_inputs(TOML, "x.toml")
    changed = inputs.changed({"grid": "4,5.5"})
    assert changed.numbers("grid") == (4.0, 5.5)
    assert [row.name for row in inputs.guesses] == ["grid"] and not changed.guesses
    assert performed(1, changed).command.endswith("--set grid=4,5.5")
    with pytest.raises(SimError, match="did you mean 'speed'"):
        inputs.changed({"sped": "1"})
    with pytest.raises(SimError, match="not a number"):
        inputs.changed({"speed": "fast"})
    with pytest.raises(SimError, match="not a number"):
        inputs.changed({"speed": "1e999"})
    with pytest.raises(SimError, match="below 0"):
        inputs.changed({"grid": "4,-1"})
    with pytest.raises(SimError, match="not a whole number"):
        inputs.changed({"speed": "2.5"}).whole("speed")


# -- verdicts and words ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "half_width", "low", "high", "verdict"),
    [
        (5, 1, 4, 6, "inside"),
        (5, 3, 4, 6, "inside"),  # the mean lies in the band
        (7, 2, 4, 6, "not shown"),  # only the interval reaches it
        (9, 1, 4, 6, "outside"),
        (5, 1, 5.5, 5.5, "inside"),  # the interval holds the point
        (5, 1, 6.5, 6.5, "outside"),
    ],
)
def test_verdicts(mean: float, half_width: float, low: float, high: float, verdict: str) -> None:
    assert measured("x", "", Estimate(mean, half_width, 9, 9_500), Expected(low, high, "")).verdict == verdict


def test_numbers_have_the_digits_that_their_interval_leaves() -> None:
    assert ours(measured("", "", Estimate(1234.5678, 12.3, 4, 9_500))) == "1,235 ± 12"
    assert ours(measured("", "", Estimate(0.91312, 0.00361, 4, 9_500))) == "0.9131 ± 0.0036"
    assert [number(value) for value in (15.0, 30.36, 0.9, 1_000_000, 0.0)] == ["15", "30.36", "0.9", "1,000,000", "0"]
    assert band(Expected(1, 2.5, "")) == "1 to 2.5" and band(Expected(3, 3, "")) == "3"


def test_an_answer_names_what_is_not_where_it_was_expected() -> None:
    findings = (exact("a", "m", 1, Expected(1, 1, "")), exact("b", "m", 2, Expected(3, 3, "")))
    assert answer(Outcome(findings, (), (), ())) == ("1 of 2 figures lie where they were expected. Not so: b: 2 m.")


# -- folder and page -------------------------------------------------------------------------------------------------


def test_the_same_outcome_gives_the_same_bytes_however_it_was_spread() -> None:
    inputs = parse_inputs(TOML, "toy.toml")
    told: list[tuple[int, int, str]] = []
    with executor("local", 2) as crew:
        one_way = perform(TOY, "small", 1, inputs, spread(crew, lambda *seen: told.append(seen)))
    assert files(one_way) == written()
    assert told == [(done, 4, "so far") for done in (1, 2, 3, 4)]
    assert performed().outcome != performed(seed=2).outcome


def test_the_page_holds_its_pictures_and_fetches_nothing() -> None:
    page = written()["page.html"].decode()
    assert page.count("<svg ") == 2 and "Does &lt;it&gt; work?" in page and "ours &lt;b&gt;" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', page)) <= set(ids)
    assert not re.search(r'(src|href)="(?!#)|@import|url\((?!#)|<script', page.replace('xmlns:xlink="http', ""))
    assert "width=" not in page[page.index("<svg ") : page.index("viewBox")]


def test_without_the_extra_the_page_shows_numbers_and_says_what_draws() -> None:
    page = render(performed(), None)
    assert "<svg" not in page and "spillway[report]" in page and "3.5 to 4.5" in page


def test_a_result_is_written_anew_and_nothing_else_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.experiments.folder.can_draw", lambda: False)
    out = tmp_path / "deep" / "e99"
    write(out, performed())
    (out / "stale.csv").write_text("old")
    write(out, performed(seed=2))
    assert json.loads((out / RESULT).read_text())["seed"] == 2 and not (out / "stale.csv").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(SimError, match="something else is there already"):
        write(other, performed())
    with pytest.raises(SimError, match="cannot be written"):
        write(other / "thesis.txt" / "e99", performed())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_an_earlier_result_comes_back_when_the_new_one_cannot_take_its_place(tmp_path: Path) -> None:
    out, moved = tmp_path / "e99", Path.replace
    write(out, performed())

    def full(path: Path, target: Path) -> Path:
        if path.suffix == ".draft":
            raise OSError(errno.ENOSPC, "No space left on device")
        return moved(path, target)

    with patch.object(Path, "replace", full), pytest.raises(SimError, match="No space left"):
        write(out, performed(seed=2))
    assert json.loads((out / RESULT).read_text())["seed"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["e99"]


# -- the list, and E0 ------------------------------------------------------------------------------------------------


def test_unknown_and_coming_experiments_are_told_apart() -> None:
    with pytest.raises(SimError, match=r"no such experiment.*list, all, E0"):
        experiment("E77")
    with pytest.raises(SimError, match="not there yet"):
        experiment("E9")
    with pytest.raises(SimError, match="unknown preset, did you mean 'small'"):
        perform(TOY, "smal", 1, parse_inputs(TOML, "x"), plain)


def test_e0_reproduces_what_no_chance_is_in() -> None:
    inputs = read_inputs("e0.toml")
    run = one(Task("alone", 1, {"gpus": 16_384, "gpu_hours": inputs.whole("run_gpu_hours")}))
    assert run["days"] == pytest.approx(78.43, abs=0.01)
    fees = {"months": 33, "days": 1_004, "google": 920_000_000, "anthropic": 1_250_000_000}
    totals = one(Task("contracts", 1, fees))
    assert totals["google/term"] == 30.36e9 and totals["google/year"] + totals["anthropic/year"] == 26.04e9


@pytest.mark.slow
def test_e0_holds_all_of_its_facts() -> None:
    found = experiment("E0")
    with executor("local", 2) as crew:
        done = perform(found, "small", 1, read_inputs(found.inputs), spread(crew))
    held = [finding for finding in done.outcome.findings if finding.expected is not None]
    assert len(held) == 14 and {finding.verdict for finding in held} == {"inside"}
