"""Ways of scheduling over several seeds: means with intervals, and differences paired by seed.

A way is a policy and a lend function. Each seed is one world, in which every way was run; what is compared is the
difference within a world, so that luck of the seed cancels out.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sim.answers.compare import compare
from sim.errors import SimError
from sim.folder.run_folder import read
from sim.stats.estimates import Estimate, mean_interval
from sim.stats.front import pareto
from sim.stats.paired import Paired, paired
from tenants.errors import did_you_mean

_SEEDS_LEAST = 2


class PairedMetric(NamedTuple):
    """One number of each way over the seeds, and how the others differ from the first; None where it is not there."""

    name: str
    unit: str
    means: tuple[Estimate | None, ...]
    differences: tuple[Paired | None, ...]  # of the ways from the second on


class PairedRuns(NamedTuple):
    """What was compared. `front`: the ways that none outdoes, where it was asked for."""

    ways: tuple[str, ...]
    seeds: tuple[int, ...]
    metrics: tuple[PairedMetric, ...]
    front: tuple[str, ...] = ()


def paired_runs(folders: Sequence[Path], axes: tuple[str, str] | None = None) -> PairedRuns:
    """Read runs and pair them by seed; the first run's way is what others are held against.

    `axes` names two numbers, of which there should be less and more: the front is that of their means. Several ways
    share the level of the intervals of differences (Bonferroni).

    Raises:
        SimError: no such run; fewer than two seeds; a way that was not run under every seed; worlds that differ in
            more than their seed; no such number.
    """
    found: dict[str, dict[int, Path]] = {}
    for folder in folders:
        manifest = read(folder).manifest
        way = f"{manifest['policy']}, {manifest['lend']}"
        found.setdefault(way, {})[int(manifest["seed"])] = folder
    ways, seeds = tuple(found), sorted({seed for runs in found.values() for seed in runs})
    lacking = [f"{way}: no seed {seed}" for way in ways for seed in seeds if seed not in found[way]]
    if lacking or len(seeds) < _SEEDS_LEAST or len(ways) < _SEEDS_LEAST:
        told = "; ".join(lacking) or f"{len(ways)} ways, {len(seeds)} seeds"
        allowed = "two policies or lend functions at least, each run under the same two seeds or more"
        raise SimError("runs that cannot be paired", code="compare.pairs", path="RUN", found=told, allowed=allowed)
    _require_one_size([found[ways[0]][seed] for seed in seeds])
    worlds = [compare([found[way][seed] for way in ways]) for seed in seeds]
    # A number that some world lacks is no number of all worlds.
    units = {metric.name: metric.unit for metric in worlds[0].metrics}
    each = [{metric.name: metric.values for metric in world.metrics} for world in worlds]
    metrics = [
        _paired(name, unit, [world.get(name, (None,) * len(ways)) for world in each]) for name, unit in units.items()
    ]
    return PairedRuns(ways, tuple(seeds), tuple(metrics), _front(ways, metrics, axes) if axes else ())


def _require_one_size(folders: Sequence[Path]) -> None:
    """Refuse seeds of different scenarios."""
    first = read(folders[0]).manifest
    for folder in folders[1:]:
        other = read(folder).manifest
        differing = [key for key in ("scenario", "horizon_s", "epoch", "pools") if first[key] != other[key]]
        if differing:
            found = f"{folder.name}: other {', '.join(differing)}"
            raise SimError("runs of different worlds", code="compare.worlds", path="RUN", found=found)


def _paired(name: str, unit: str, worlds: Sequence[tuple[int | None, ...]]) -> PairedMetric:
    columns = list(zip(*worlds, strict=True))
    known = [[float(value) for value in column if value is not None] for column in columns]
    whole = [values if len(values) == len(worlds) else None for values in known]
    first = whole[0]
    differences = tuple(
        paired(values, first, len(whole) - 1) if values is not None and first is not None else None
        for values in whole[1:]
    )
    return PairedMetric(name, unit, tuple(mean_interval(each) if each else None for each in whole), differences)


def _front(ways: Sequence[str], metrics: Sequence[PairedMetric], axes: tuple[str, str]) -> tuple[str, ...]:
    of = {metric.name: metric.means for metric in metrics}
    for axis in axes:
        if axis not in of:
            message = f"no such number{did_you_mean(axis, list(of))}"
            raise SimError(message, code="unknown_name", path="--pareto", found=axis, allowed=list(of))
    points = {
        way: (x.mean, y.mean)
        for way, x, y in zip(ways, of[axes[0]], of[axes[1]], strict=True)
        if x is not None and y is not None
    }
    front = pareto(list(points.values()))
    return tuple(way for way, point in points.items() if point in front)
