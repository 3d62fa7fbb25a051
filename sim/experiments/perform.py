"""Runs an experiment: setting in, outcome out, with everything that its page has to say about how it came about."""

from dataclasses import dataclass

from sim.errors import SimError
from sim.experiments.experiment import Experiment, Map, Outcome, Setting
from sim.experiments.inputs import OWN, Inputs
from tenants.errors import did_you_mean


@dataclass(frozen=True, slots=True)
class Performed:
    """An experiment that was run, and with what. `command` repeats it."""

    experiment: Experiment
    preset: str
    seed: int
    inputs: Inputs
    outcome: Outcome
    command: str


def perform(experiment: Experiment, preset: str, seed: int, inputs: Inputs, mapped: Map) -> Performed:
    """Run an experiment. The outcome does not depend on how `mapped` spreads the work.

    Raises:
        SimError: no such preset, or inputs that the experiment cannot use.
    """
    if preset not in experiment.presets:
        allowed = list(experiment.presets)
        hint = did_you_mean(preset, allowed)
        raise SimError(f"unknown preset{hint}", code="unknown_name", path="--preset", found=preset, allowed=allowed)
    outcome = _run(experiment, Setting(experiment.presets[preset], inputs, seed, mapped))
    words = ["spillway", "experiment", experiment.code, "--preset", preset, "--seed", str(seed)]
    for row in inputs.rows:
        if row.confidence == OWN:
            value = ",".join(map(str, row.value)) if isinstance(row.value, tuple) else row.value
            words += ["--set", f"{row.name}={value}"]
    return Performed(experiment, preset, seed, inputs, outcome, " ".join(words))


def _run(experiment: Experiment, setting: Setting) -> Outcome:
    """The outcome, whose pictures name those of the inputs behind them that are guesses, and not the asker's own."""
    try:
        outcome = experiment.run(setting)
    except (ArithmeticError, LookupError, ValueError) as error:
        own = [f"{row.name}={row.value}" for row in setting.inputs.rows if row.confidence == OWN]
        if not own:
            raise
        raise SimError(f"the experiment cannot use these inputs: {error}", path="--set", found=", ".join(own)) from None
    guesses = {row.name for row in setting.inputs.guesses}
    pictures = (each._replace(guesses=tuple(filter(guesses.__contains__, each.guesses))) for each in outcome.pictures)
    return outcome._replace(pictures=tuple(pictures))
