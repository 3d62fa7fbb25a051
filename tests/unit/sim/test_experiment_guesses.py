"""Pictures name every guess that moves them: each guess is set a little higher, and what moves is looked up."""

from typing import Any

import pytest

from sim.errors import SimError
from sim.experiments.inputs import read_inputs
from sim.experiments.registry import experiment
from small_experiment import outcome


def higher(value: Any) -> str:
    each = value if isinstance(value, tuple) else (value,)
    return ",".join(str(one + 1 if isinstance(one, int) else round(one * 1.05, 9)) for one in each)


@pytest.mark.slow
@pytest.mark.parametrize("code", ["E4", "E5"])  # whose chance has one shape whatever the inputs are
def test_a_picture_names_the_guesses_that_move_it(code: str) -> None:
    sizes, unmarked, tried = {"replications": 2, "paths": 60}, [], 0
    before = outcome(code, **sizes).pictures
    for row in read_inputs(experiment(code).inputs).guesses:
        try:
            after = outcome(code, changes={row.name: higher(row.value)}, **sizes).pictures
        except (LookupError, ValueError, SimError):
            continue  # another list of cases than the reference table has
        tried += 1
        for one, other in zip(before, after, strict=True):
            moved = (one.series, one.lines) != (other.series, other.lines)
            unmarked += [f"{one.name}: {row.name}"] if moved and row.name not in one.guesses else []
    assert tried > 10 and not unmarked
