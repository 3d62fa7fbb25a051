"""The lend study: every lend function on the same worlds, several seeds, and what can be concluded.

`run_study` gives numbers (a list for each world, variant and seed); `sim.study.page` makes the document of them.
"""

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sim.engine.run import run
from sim.result import World
from sim.study.measure import Outcome, measure
from sim.study.worlds import ALIBABA, PHILLY, alibaba_world, philly_world
from sim.sweep.run_all import Tick, run_all

MICRO_PER_USD = 1_000_000


class Variant(NamedTuple):
    """A lend function and its settings; `delay_usd` is the cost of a delayed GPU-hour that it is told."""

    name: str
    lend: str
    headroom_nodes: int = 0
    quantile_bp: int = 9_000
    delay_usd: int = 10


class Preset(NamedTuple):
    """How much of a study is run."""

    seeds: tuple[int, ...]
    variants: tuple[Variant, ...]


# The table: each function once, at its usual settings. The others show what their settings can do.
TABLE = (
    Variant("none", "none"),
    Variant("all_idle", "all_idle"),
    Variant("fixed_headroom", "fixed_headroom", headroom_nodes=10),
    Variant("quantile_quota", "quantile_quota"),
    Variant("priced_quota", "priced_quota"),
    Variant("oracle", "oracle"),
)
SETTINGS = (
    Variant("fixed_headroom, 5 nodes", "fixed_headroom", headroom_nodes=5),
    Variant("fixed_headroom, 20 nodes", "fixed_headroom", headroom_nodes=20),
    Variant("quantile_quota, 80 %", "quantile_quota", quantile_bp=8_000),
    Variant("quantile_quota, 99 %", "quantile_quota", quantile_bp=9_900),
    Variant("priced_quota, $3", "priced_quota", delay_usd=3),
    Variant("priced_quota, $30", "priced_quota", delay_usd=30),
    Variant("priced_quota, $50", "priced_quota", delay_usd=50),
    Variant("priced_quota, $100", "priced_quota", delay_usd=100),
)
PRESETS = {
    "small": Preset((1, 2, 3, 4), TABLE),
    "full": Preset((11, 12, 13, 14, 15, 16), TABLE + SETTINGS),
}
WORLDS: dict[str, Callable[[Path, int], World]] = {
    "alibaba": lambda traces, seed: alibaba_world(traces / ALIBABA, seed),
    "philly": lambda traces, seed: philly_world(traces / PHILLY, seed),
}

Outcomes = dict[str, dict[str, list[Outcome]]]  # world -> variant -> one for each seed


class OneWorld(NamedTuple):
    """One world under several variants: what is done in one go, so that it is built once."""

    name: str
    traces: Path
    seed: int
    variants: tuple[Variant, ...]


def one_world(task: OneWorld) -> list[Outcome]:
    """Run one world under every variant, in their order; the first is the run without rentals.

    Raises:
        SimError: a trace is not there or is none.
    """
    world = WORLDS[task.name](task.traces, task.seed)
    off = run(world, lend="none", tape=False)
    outcomes = []
    for variant in task.variants:
        inputs = world.lending._replace(
            quantile_bp=variant.quantile_bp, delay_micro_usd_per_gpu_hour=variant.delay_usd * MICRO_PER_USD
        )
        result = off
        if variant.lend != "none":
            given = replace(world, lending=inputs)
            result = run(given, lend=variant.lend, headroom_nodes=variant.headroom_nodes, tape=False)
        outcomes.append(measure(result, off))
    return outcomes


def run_study(preset: Preset, traces: Path, crew: Executor, tick: Tick | None = None) -> Outcomes:
    """Run every world, seed and variant on an executor; the result does not depend on which.

    Raises:
        SimError: a trace is not there or is none.
    """
    tasks = [OneWorld(name, traces, seed, preset.variants) for name in WORLDS for seed in preset.seeds]
    found: Outcomes = {name: {variant.name: [] for variant in preset.variants} for name in WORLDS}
    for task, outcomes in zip(tasks, run_all(tasks, one_world, crew, tick), strict=True):
        for variant, outcome in zip(preset.variants, outcomes, strict=True):
            found[task.name][variant.name].append(outcome)
    return found
