"""The runs behind E1: one world under every arm, so that all differences are within a world.

A task is a regime and a seed; it comes back as the numbers of each arm, and for the first seed as what to draw.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from sim.engine.run import run
from sim.measures.delays import delays_of
from sim.report.timeline import bands, is_rented, timeline
from sim.result import RunResult, World
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load
from sim.settle import settle
from sim.summary import summarise
from sim.workload.draw import DAY_S, HOUR_S
from tenants.band import Band

FRONTIER = "int.frontier"
SPOT = "bare.spot"
_HELD_TO_THE_END_S = 400 * DAY_S  # a guarantee that outlasts every run of ours
UNIT_BP = 10_000


class Arm(NamedTuple):
    """A way to fill what is idle. `spot_alone`: nobody asks for anything else; `kept`: nobody is ever evicted."""

    name: str
    lend: str
    spot_alone: bool = False
    kept: bool = False


ARMS = {
    "seed": (
        Arm("none", "none"),
        Arm("all_idle, spot alone", "all_idle", spot_alone=True),
        Arm("all_idle", "all_idle"),
        Arm("canary: no eviction", "all_idle", kept=True),
        Arm("fixed_headroom", "fixed_headroom"),
        Arm("quantile_quota", "quantile_quota"),
        Arm("priced_quota", "priced_quota"),
        Arm("oracle", "oracle"),
    ),
    "rsc": (
        Arm("none", "none"),
        Arm("all_idle, spot alone", "all_idle", spot_alone=True),
        Arm("all_idle", "all_idle"),
        Arm("priced_quota", "priced_quota"),
    ),
}


class Task(NamedTuple):
    """One world: its regime, its seed, and the inputs by name. `drawn`: also what a picture needs."""

    regime: str
    seed: int
    nodes: int
    terms: Mapping[str, float]
    drawn: bool = False


class Drawn(NamedTuple):
    """Who held the GPUs, in shares of them, by day; the days on which frontier runs began; waits of internal starts."""

    holders: tuple[tuple[str, tuple[float, ...]], ...]
    frontier_days: tuple[float, ...]
    later_s: Mapping[str, tuple[int, ...]]  # of each arm: by how much internal jobs started later, ascending


class World1(NamedTuple):
    """What came of one world: arm -> number by name."""

    arms: Mapping[str, Mapping[str, float]]
    drawn: Drawn | None


def one(task: Task) -> World1:
    """Run a world under all arms of its regime; delays are against the run without rentals."""
    arms = ARMS[task.regime]
    off = _ran(task, arms[0])
    found, later, holders = {}, {}, None
    for arm in arms:
        result = off if arm.lend == "none" else _ran(task, arm)
        pairs = delays_of(result, off)
        later_s = np.sort((pairs.start_s - pairs.start_without_s)[pairs.both])
        books = settle(result)
        assert not books.findings, "every GPU-second and every cent is accounted for"
        found[arm.name] = _numbers(result, off, later_s, summarise(result, books))
        if task.drawn:
            later[arm.name] = tuple(later_s.tolist())
            if arm.name == "all_idle":
                holders = timeline(result, books)
    if holders is None:
        return World1(found, None)
    shares = tuple(
        (
            series.label,
            tuple(value / whole for value, whole in zip(series.values, holders.installed_gpu_s, strict=True)),
        )
        for series in holders.holders
    )
    return World1(found, Drawn(shares, tuple(start_s / DAY_S for start_s in holders.frontier_starts_s), later))


def identity(task: Task) -> int:
    """Return how many internal jobs start at another second where renters cost no time at all: none may.

    No notice, no guarantee, no cleaning, and internal work is placed as if there were no renters.
    """
    mapping = _mapping(task, Arm("", "all_idle"))
    mapping["pool"] = [{**pool, "scrub_s": 0} for pool in mapping["pool"]]
    at_once = {"guarantee_s": 0, "rolling": False, "notice_s": 0}
    mapping["product"] = [*mapping.get("product", []), *({"code": code, **at_once} for code in (SPOT, "bare.ondemand"))]
    world = build(from_mapping(mapping, "E1"))
    on, off = (
        run(world, "easy_blind", lend, tape=False, reasons=False, metered=False) for lend in ("all_idle", "none")
    )
    internal = ~is_rented(on)[world.jobs.product]
    return int(np.count_nonzero((on.outcomes.start_s != off.outcomes.start_s)[internal]))


def _ran(task: Task, arm: Arm) -> RunResult:
    world: World = build(from_mapping(_mapping(task, arm), "E1"))
    headroom_nodes = int(task.nodes * task.terms["headroom_bp"]) // UNIT_BP
    return run(world, "easy", arm.lend, headroom_nodes=headroom_nodes, tape=False, reasons=False)


def _mapping(task: Task, arm: Arm) -> dict[str, Any]:
    """The scenario of a regime at this size, with the products of an arm."""
    terms = task.terms
    base = load("gap" if task.regime == "seed" else "rsc").mapping
    mapping = dict(base) | {"seed": task.seed, "pool": [{**base["pool"][0], "nodes": task.nodes}]}
    mapping["policy"] = {
        "name": "easy",
        "control_interval_s": int(terms["control_interval_s"]),
        "internal_delay_usd_per_gpu_hour": _exact(terms["delay_usd_per_gpu_hour"]),
    }
    scale = Decimal(task.nodes) / base["pool"][0]["nodes"] * Decimal(str(terms["demand_bp"])) / UNIT_BP
    mapping["demand"] = [
        {**row, "jobs_per_day": round(_value(row["jobs_per_day"]) * scale, 6)}
        for row in [*base["demand"], *(_hourly(base) if task.regime == "rsc" else [])]
        if row["product"] == SPOT or not arm.spot_alone
    ]
    if task.regime == "rsc":
        mapping |= {"days": int(terms["research_days"])}
        mapping["price"] = [
            *base["price"],
            {**base["price"][1], "product": "bare.ondemand", "usd_per_gpu_hour": "1.95"},
        ]
    else:
        mapping |= _calendar(base, task, terms)
    if arm.kept:
        kept = {"guarantee_s": _HELD_TO_THE_END_S, "rolling": False}
        mapping["product"] = [{"code": code, **kept} for code in (SPOT, "bare.ondemand")]
    return mapping


def _calendar(base: Mapping[str, Any], task: Task, terms: Mapping[str, float]) -> dict[str, Any]:
    """Runs and gaps, the inference floor and faults; the contract shrinks with the cluster."""
    days = {name: int(terms[name]) for name in ("run_days", "gap_days", "elapsed_days", "window_days")}
    spare_nodes = max(2, task.nodes // 64)
    contract_nodes = max(8, task.nodes // 16)  # what its jobs need
    until_s = days["window_days"] * DAY_S
    return {
        "days": days["window_days"],
        "programme": {
            "preset": "seed",
            "frontier": {
                "on_days": days["run_days"],
                "gap_days": days["gap_days"],
                "elapsed_days": days["elapsed_days"],
                "spare_nodes": spare_nodes,
            },
            "inference": {
                "trough_bp": int(terms["trough_bp"]),
                "peak_bp": int(terms["peak_bp"]),
                "block_nodes": max(1, task.nodes // 64),
            },
        },
        "contract": [{**base["contract"][0], "nodes": contract_nodes, "until_s": until_s}],
        "faults": {**base["faults"], "rate_per_1000_node_days": _exact(terms["faults_per_1000_node_days"])},
    }


def _hourly(base: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Renters of guaranteed hours beside those of spot, whom the shipped research cluster does not have."""
    return [{**row, "product": "bare.ondemand"} for row in base["demand"]]


def _numbers(result: RunResult, off: RunResult, later_s: Any, summary: Mapping[str, Any]) -> dict[str, float]:
    """Everything that is compared, of one run."""
    jobs, outcomes, band = result.world.jobs, result.outcomes, bands(result)
    rents = is_rented(result)
    internal = ~rents[jobs.product]
    done = internal & (outcomes.end_s >= 0) & (jobs.run_s > 0)
    slowdown = (outcomes.end_s - jobs.submit_s)[done] / jobs.run_s[done]
    products = list(result.world.names.products)
    pairs = delays_of(result, off)
    begun = pairs.both & (pairs.start_without_s > 0)  # not the run that the window begins with
    begun &= jobs.product[pairs.job] == (products.index(FRONTIER) if FRONTIER in products else -1)
    starts = result.starts
    mine = ~rents[starts.product]
    waits_s = (starts.start_s - result.granted_s)[mine]
    evicted = rents[result.evictions.product]
    on_demand = band[result.segments.product] == Band.ON_DEMAND
    held_gpu_s = (result.segments.end_s - result.segments.start_s) * result.segments.gpus
    money = summary["money"]
    return {
        **{kind: summary["utilisation"][kind]["bp"] / 100 for kind in ("allocated", "busy", "goodput")},
        "revenue_usd": money["external"]["micro_usd"] / 1e6,
        "credits_usd": money["credits"]["micro_usd"] / 1e6,
        "evictions": float(evicted.sum()),
        "frontier_delay_h": _mean((pairs.start_s - pairs.start_without_s)[begun]) / HOUR_S,
        "delay_mean_s": _mean(later_s),
        "delay_p99_s": float(later_s[-(-99 * len(later_s) // 100) - 1]) if len(later_s) else 0.0,
        "delay_gpu_h": _delay_gpu_h(result, off),
        "reclaim_longest_s": float(waits_s.max()) if len(waits_s) else 0.0,
        "slowdown_p50": float(np.median(slowdown)),
        "slowdown_p99": float(np.quantile(slowdown, 0.99)),
        "on_demand_gpu_h": float(held_gpu_s[on_demand].sum()) / HOUR_S,
        "rental_gpu_h": float(held_gpu_s[rents[result.segments.product]].sum()) / HOUR_S,
        "residual_gpu_s": float(summary["residual_gpu_s"]),
    }


def _delay_gpu_h(result: RunResult, off: RunResult) -> float:
    pairs = delays_of(result, off)
    later_s = (pairs.start_s - pairs.start_without_s)[pairs.both]
    return float((later_s * result.outcomes.held_gpus[pairs.job[pairs.both]]).sum()) / HOUR_S


def _mean(values: Any) -> float:
    return float(values.mean()) if len(values) else 0.0


def _value(number: Any) -> Decimal:
    return Decimal(str(number["value"] if isinstance(number, Mapping) else number))


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
