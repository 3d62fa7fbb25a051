"""The lend study: every lend function on the same worlds, several seeds, and what can be concluded.

`run_study` gives numbers (a list for each world, variant and seed); `sim.study.page` makes the document of them.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from typing import NamedTuple

from sim.engine.run import run
from sim.result import World
from sim.study.measure import Outcome, measure
from sim.study.worlds import ALIBABA, PHILLY, alibaba_world, philly_world

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


def one_world(name: str, traces: Path, seed: int, variants: tuple[Variant, ...]) -> list[Outcome]:
    """Run one world under every variant, in their order; the first is the run without rentals.

    Raises:
        SimError: a trace is not there or is none.
    """
    world = WORLDS[name](traces, seed)
    off = run(world, lend="none", tape=False)
    outcomes = []
    for variant in variants:
        inputs = world.lending._replace(
            quantile_bp=variant.quantile_bp, delay_micro_usd_per_gpu_hour=variant.delay_usd * MICRO_PER_USD
        )
        result = off
        if variant.lend != "none":
            given = replace(world, lending=inputs)
            result = run(given, lend=variant.lend, headroom_nodes=variant.headroom_nodes, tape=False)
        outcomes.append(measure(result, off))
    return outcomes


def run_study(
    preset: Preset, traces: Path, workers: int, progress: Callable[[int, int], None] | None = None
) -> Outcomes:
    """Run every world, seed and variant, on several processes; the result does not depend on how many.

    Raises:
        SimError: a trace is not there or is none.
    """
    tasks = [(name, seed) for name in WORLDS for seed in preset.seeds]
    found: Outcomes = {name: {variant.name: [] for variant in preset.variants} for name in WORLDS}
    executor = ProcessPoolExecutor(max_workers=workers)
    try:
        waiting = [executor.submit(one_world, name, traces, seed, preset.variants) for name, seed in tasks]
        for done, ((name, _), future) in enumerate(zip(tasks, waiting, strict=True), start=1):
            for variant, outcome in zip(preset.variants, future.result(), strict=True):
                found[name][variant.name].append(outcome)
            if progress is not None:
                progress(done, len(tasks))
    except BaseException:
        # Whoever interrupts us does not want to wait for worlds that take minutes. Workers are not asked: they have
        # our handler of SIGTERM, which leaves by an exception, and may wait for each other on the way out for ever.
        for worker in active_children():
            worker.kill()
        raise
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return found
