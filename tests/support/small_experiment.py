"""Experiments in a size that a test can wait for."""

from collections.abc import Callable, Sequence
from typing import Any

from sim.experiments.experiment import Outcome, Setting
from sim.experiments.inputs import read_inputs
from sim.experiments.published import Cell
from sim.experiments.registry import experiment


def outcome(code: str, seed: int = 1, changes: dict[str, str] | None = None, **preset: int) -> Outcome:
    """What an experiment says with a preset of this size, in this process."""
    found = experiment(code)
    inputs = read_inputs(found.inputs).changed(changes or {})
    return found.run(Setting(preset, inputs, seed, plain))


def plain(function: Callable[[Any], Any], tasks: Sequence[Any], tell: Any = None) -> list[Any]:
    """The map of an experiment without any worker; what is told meanwhile is told, and dropped."""
    results: list[Any] = []
    for task in tasks:
        results.append(function(task))
        if tell is not None:
            assert isinstance(tell([*results, *[None] * (len(tasks) - len(results))]), str)
    return results


def off(outcome: Outcome) -> list[str]:
    """Findings that are not where they were expected."""
    return [f"{each.name}: {each}" for each in outcome.findings if each.expected and each.verdict != "inside"]


def missed(cells: Sequence[Cell]) -> list[Cell]:
    """Cells of a published table that come out otherwise."""
    return [cell for cell in cells if not cell.holds]


def verdict(outcome: Outcome, name: str) -> str:
    """The verdict of the first finding whose name holds this."""
    return next(each.verdict for each in outcome.findings if name in each.name)
