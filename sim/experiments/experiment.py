"""What an experiment is: a question, presets, inputs with sources, and a function from a setting to an outcome.

An experiment prints nothing, writes nothing and reads no clock; its outcome follows from the setting alone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from sim.experiments.inputs import Inputs
from sim.pictures.picture import Picture
from sim.stats.estimates import Estimate

Task = TypeVar("Task")
Result = TypeVar("Result")


class Map(Protocol):
    """Runs a function over tasks, maybe on several processes; results in the order of the tasks.

    Function, tasks and results are pickled. `tell` turns what is there so far (None: not yet) into a line for whoever
    watches.
    """

    def __call__(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        tell: Callable[[Sequence[Result | None]], str] | None = None,
    ) -> list[Result]:
        """Return one result for each task."""
        ...


class Expected(NamedTuple):
    """What a finding is held against: a band, or a point where both ends are equal."""

    low: float
    high: float
    source: str


class Finding(NamedTuple):
    """One number of an outcome: an estimate with its interval, or a value that has none because it is exact.

    `verdict`: "inside" or "outside" what is expected, "higher", "lower" or "not shown" of a difference, "" of a number
    that is held against nothing.
    """

    name: str
    unit: str
    estimate: Estimate | None
    value: float | int | None
    expected: Expected | None
    verdict: str


class Table(NamedTuple):
    """A table of the outcome; cells are text, whole numbers, numbers, or None for an empty one."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str


class Outcome(NamedTuple):
    """What came out. `answer`: the question answered in two sentences, in words made of the findings."""

    findings: tuple[Finding, ...]
    tables: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    notes: tuple[str, ...]
    answer: str = ""


class Setting(NamedTuple):
    """What an experiment is run with. Progress is the business of `map`."""

    preset: Mapping[str, int]
    inputs: Inputs
    seed: int
    map: Map


class Experiment(NamedTuple):
    """A shipped question. `presets`: name -> sizes and replications; `inputs`: name of its file of parameters."""

    code: str
    title: str
    question: str
    presets: Mapping[str, Mapping[str, int]]
    inputs: str
    run: Callable[[Setting], Outcome]


def measured(name: str, unit: str, estimate: Estimate, expected: Expected | None = None) -> Finding:
    """Return the finding of an estimate, held against what is expected.

    It is inside where its mean lies in the band, or its interval holds the point; where only its interval reaches the
    band, nothing is shown.
    """
    if expected is None:
        return Finding(name, unit, estimate, None, None, "")
    low, high = estimate.mean - estimate.half_width, estimate.mean + estimate.half_width
    meets = low <= expected.high and high >= expected.low
    point = expected.low == expected.high
    within = expected.low <= estimate.mean <= expected.high
    verdict = "inside" if within or (point and meets) else "not shown" if meets else "outside"
    return Finding(name, unit, estimate, None, expected, verdict)


def exact(name: str, unit: str, value: float | int, expected: Expected | None = None) -> Finding:
    """Return the finding of a number without chance, held against what is expected."""
    if expected is None:
        return Finding(name, unit, None, value, None, "")
    return Finding(name, unit, None, value, expected, "inside" if expected.low <= value <= expected.high else "outside")
