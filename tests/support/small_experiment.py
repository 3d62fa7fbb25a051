"""Experiments in a size that a test can wait for."""

from collections.abc import Callable, Sequence
from typing import Any

from sim.experiments.experiment import Outcome, Setting
from sim.experiments.inputs import Inputs, read_inputs
from sim.experiments.reference import Cell
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
    """Cells of a reference table that come out otherwise."""
    return [cell for cell in cells if not cell.holds]


def verdict(outcome: Outcome, name: str) -> str:
    """The verdict of the first finding whose name holds this."""
    return next(each.verdict for each in outcome.findings if name in each.name)


class Watched(Inputs):
    """Inputs that remember which of them were asked for."""

    __slots__ = ("asked",)

    def __init__(self, inputs: Inputs) -> None:
        super().__init__(inputs.file, inputs.rows)
        object.__setattr__(self, "asked", set())

    def _row(self, name: str) -> Any:
        self.asked.add(name)  # type: ignore[attr-defined]
        return super()._row(name)


def unread(code: str, **preset: int) -> set[str]:
    """Names of the inputs that an experiment never asks for."""
    found = experiment(code)
    watched = Watched(read_inputs(found.inputs))
    found.run(Setting(preset, watched, 1, plain))
    return {row.name for row in watched.rows} - watched.asked  # type: ignore[attr-defined]
