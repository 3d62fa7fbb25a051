"""Inputs of the experiments on economics: every one is read, and every picture names guesses that are among them."""

import pytest

from sim.experiments.inputs import read_inputs
from sim.experiments.registry import experiment
from small_experiment import outcome, unread

TINY = {
    "E2": {"years": 20},
    "E3": {"draws": 200},
    "E4": {"paths": 20},
    "E5": {"paths": 10},
    "E6": {"paths": 10},
    "E7": {"days": 20},
    "E8": {"draws": 200},
    "E11": {"paths": 5},
}


@pytest.mark.parametrize("code", TINY)
def test_every_input_is_read(code: str) -> None:
    assert not unread(code, replications=2, **TINY[code])


@pytest.mark.parametrize("code", TINY)
def test_every_guess_behind_a_picture_is_an_input(code: str) -> None:
    names = {row.name for row in read_inputs(experiment(code).inputs).rows}
    pictures = outcome(code, replications=2, **TINY[code]).pictures
    assert pictures and all(set(picture.guesses) <= names for picture in pictures)
