"""The worlds of the lend study: a public demand curve as jobs with rentals beside it, and a job trace by days.

Both are paired: one seed is one world, whatever is rented out in it. The first four days are warm-up and end with a
month, so that everything that is billed by the month can be told apart to the cent.
"""

import csv
import tomllib
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from billing.months import parse_utc
from scheduler.events import NEVER
from sim.errors import SimError
from sim.replay import world_of_trace
from sim.result import JobRows, World
from sim.scenario.build import build
from sim.scenario.file import from_mapping
from sim.traces.readers import read
from sim.workload.draw import DAY_S, HOUR_S, IntArray, choose, estimates, stream
from tenants.band import LENDABLE

WARM_DAYS, DAYS = 4, 14
ALIBABA = "alibaba_spot_gpu_2026"
PHILLY = "philly_chronus/trace_job_Philly_MIX1.csv.gz"
PHILLY_NODES, PHILLY_GPUS = 160, 8
EPOCH = "2024-03-28T00:00:00Z"
EDGE_DAYS = 3  # the curve is censored at both ends
GANGS, GANG_WEIGHTS = (1, 2, 4, 8), (40, 30, 20, 10)
# Rental demand of each pool, as a multiple of its mean idle nodes over the whole curve: more than there is to sell.
OFFERED = {"bare.spot": Decimal("0.7"), "bare.ondemand": Decimal("0.5")}
RUN_MEDIAN_S, RUN_MEAN_S = 2_095, 10_800  # median of the trace's spot jobs; the mean is a guess


class PoolCurve(NamedTuple):
    """One kind of node and the nodes that internal work asks for in each hour, (hours,) int64: requested, not used."""

    sku: str
    nodes: int
    gpus: int
    hourly_nodes: IntArray


def alibaba_curves(folder: Path) -> list[PoolCurve]:
    """Read the nodes and the hourly requests of each GPU model; requests are clipped to 0 and to what there is.

    Models with several kinds of node split their requests in proportion to GPUs. Raises SimError when a file is not
    there or lacks a column.
    """
    try:
        with (folder / "node_info_df.csv").open(encoding="utf-8") as file:
            kinds = Counter((row["gpu_model"], int(row["gpu_capacity_num"])) for row in csv.DictReader(file))
        with (folder / "outputs_extra" / "hourly_concurrency_top_models.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        models = sorted({model for model, _ in kinds})
        requested = {model: np.array([float(row[model]) for row in rows]) for model in models}
    except (OSError, KeyError, ValueError) as error:
        found = f"{type(error).__name__}: {error}"
        raise SimError("cannot be read", code="bad_file", file=str(folder), found=found, allowed="the trace") from None
    curves = []
    for (model, gpus), nodes in sorted(kinds.items()):
        whole = sum(count * size for (name, size), count in kinds.items() if name == model)
        share = np.clip(requested[model], 0, whole) * (nodes * gpus) / whole
        hourly = np.minimum(np.ceil(share / gpus - 1e-9), nodes).astype(np.int64)
        curves.append(PoolCurve(f"{model.lower()}-x{gpus}", nodes, gpus, hourly))
    return curves


def alibaba_world(folder: Path, seed: int) -> World:
    """Return fourteen days of the curve from a day that the seed picks, with rental demand beside it."""
    curves = alibaba_curves(folder)
    text = resources.files("sim").joinpath("study", "alibaba.toml").read_text(encoding="utf-8")
    mapping: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    mapping |= {"seed": seed, "days": DAYS, "pool": [], "demand": []}
    for curve in curves:
        scrub_s = {"value": 300, "unit": "s", "source": "assumption", "confidence": "guess"}
        size = {"nodes": curve.nodes, "gpus_per_node": curve.gpus, "scrub_s": scrub_s}
        mapping["pool"].append({"region": "cn", "sku": curve.sku, **size})
        mapping["demand"] += _demand(curve)
    rentals = build(from_mapping(mapping, ALIBABA))
    hours = len(curves[0].hourly_nodes)
    last_day = hours * HOUR_S // DAY_S - EDGE_DAYS - DAYS
    first_hour = int(stream(seed, "study/window").integers(EDGE_DAYS, last_day + 1)) * DAY_S // HOUR_S
    parts = [_internal(rentals, pool, curve, first_hour, seed) for pool, curve in enumerate(curves)]
    return replace(rentals, jobs=_merged([*parts, rentals.jobs]))


def _demand(curve: PoolCurve) -> list[dict[str, Any]]:
    """Rental demand of one pool: sizes up to its nodes, arrivals so that the offered load is that of OFFERED."""
    idle_nodes = Decimal(int((curve.nodes - curve.hourly_nodes).sum())) / len(curve.hourly_nodes)
    sizes, weights = (1, 2, 4), (60, 30, 10)
    mean_nodes = Decimal(sum(size * weight for size, weight in zip(sizes, weights, strict=True))) / sum(weights)
    guess = {"source": "assumption", "confidence": "guess"}
    return [
        {
            "tenant": "spot-renter" if product == "bare.spot" else "hour-renter",
            "product": product,
            "name": f"{curve.sku}-{product.rsplit('.', 1)[-1]}",
            "region": "cn",
            "sku": curve.sku,
            "jobs_per_day": {"value": round(load * idle_nodes * DAY_S / (mean_nodes * RUN_MEAN_S), 3), **guess},
            "nodes": sizes,
            "weights": weights,
            "run_median_s": RUN_MEDIAN_S,
            "run_mean_s": RUN_MEAN_S,
            "run_max_s": 2 * DAY_S,
            "patience_mean_s": 2 * HOUR_S,
        }
        for product, load in OFFERED.items()
    ]


def _internal(world: World, pool: int, curve: PoolCurve, first_hour: int, seed: int) -> JobRows:
    """Turn a curve into gangs: its nodes are cut into gangs of 1 to 8, and each runs while demand reaches its level.

    Begin and end of a gang lie at drawn seconds of their hours; who owns it is drawn, too.
    """
    rng = stream(seed, f"study/{curve.sku}")
    hours = DAYS * DAY_S // HOUR_S
    wanted = curve.hourly_nodes[first_hour : first_hour + hours]
    gangs = choose(rng, curve.nodes, GANGS, GANG_WEIGHTS)
    upper = np.cumsum(gangs)
    gangs, upper = gangs[upper <= curve.nodes], upper[upper <= curve.nodes]
    on = wanted[None, :] >= upper[:, None]
    edge = np.diff(np.pad(on, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    gang, begins = np.nonzero(edge == 1)
    ends = np.nonzero(edge == -1)[1]
    submit_s = begins * HOUR_S + rng.integers(0, HOUR_S, size=len(gang))
    # What is on at the end of the window goes on for a day: a run then ends with its nodes held.
    until_s = ends * HOUR_S + rng.integers(0, HOUR_S, size=len(gang)) + np.where(ends == hours, DAY_S, 0)
    run_s = np.maximum(until_s - submit_s, 1)
    owner = rng.integers(0, 3, size=len(gang))
    tenants = np.array([world.registry.tenant_index(f"org-{number}") for number in (1, 2, 3)], dtype=np.int64)
    return JobRows(
        job_id=[f"{curve.sku}-{number}" for number in range(len(gang))],
        tenant=tenants[owner],
        product=np.full(len(gang), world.registry.product_index("int.research"), dtype=np.int64),
        pool=np.full(len(gang), pool, dtype=np.int64),
        gpus=gangs[gang] * curve.gpus,
        submit_s=submit_s,
        run_s=run_s,
        estimate_s=estimates(rng, run_s, 5_000),
        patience_s=np.full(len(gang), NEVER, dtype=np.int64),
    )


def philly_world(path: Path, seed: int) -> World:
    """Return fourteen days of Philly MIX1, each a day of the trace drawn with replacement; strict is internal work,
    best effort is spot. Rentals are rounded up to whole nodes: they want all that is idle.
    """
    trace = read(path, "philly-chronus")
    world = world_of_trace(trace, PHILLY_NODES, PHILLY_GPUS)
    rows = world.jobs
    day = rows.submit_s // DAY_S
    drawn = stream(seed, "study/days").integers(0, int(day.max()), size=DAYS)  # the last day of the trace is cut off
    picked = [np.flatnonzero(day == number) for number in drawn.tolist()]
    shifted = [replace(_taken(rows, mine, place), findings=[]) for place, mine in enumerate(picked)]
    for place, part in enumerate(shifted):
        part.submit_s = part.submit_s % DAY_S + place * DAY_S
    names = replace(world.names, epoch_s=parse_utc(EPOCH))
    return replace(world, names=names, jobs=_merged(shifted), horizon_s=DAYS * DAY_S)


def _taken(rows: JobRows, mine: IntArray, place: int) -> JobRows:
    return JobRows(
        job_id=[f"{place}-{rows.job_id[row]}" for row in mine.tolist()],
        **{name: getattr(rows, name)[mine] for name in _COLUMNS},
    )


_COLUMNS = ("tenant", "product", "pool", "gpus", "submit_s", "run_s", "estimate_s", "patience_s")


def _merged(parts: list[JobRows]) -> JobRows:
    """All jobs in order of submission; ties in the order of the parts."""
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _COLUMNS}
    order = np.argsort(columns["submit_s"], kind="stable")
    ids = [job_id for part in parts for job_id in part.job_id]
    findings = [finding for part in parts for finding in part.findings]
    return JobRows(
        job_id=[ids[row] for row in order.tolist()],
        findings=findings,
        **{name: column[order] for name, column in columns.items()},
    )


def rented(world: World) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether each product is one that lend offers, (products,)."""
    return np.array([product.band in LENDABLE for product in world.products], dtype=bool)
