"""The runs behind E0, one function for all kinds of them: a task in, a few numbers out. Tasks and numbers travel
between processes, so both are plain.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from billing.money import MICRO_PER_USD
from scheduler.events import Cause
from sim.engine.run import run
from sim.result import RunResult, World
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load
from sim.settle import settle
from sim.workload.draw import DAY_S, HOUR_S

GPUS_PER_NODE = 8
_EPOCH = "2026-10-01T00:00:00Z"  # when the contracts begin; the rest does not care


class Task(NamedTuple):
    """One run: which kind, its seed, and the numbers that it needs by name."""

    kind: str
    seed: int
    terms: Mapping[str, Any]


Numbers = dict[str, float]


def one(task: Task) -> Numbers:
    """Run a task and return its numbers."""
    return _KINDS[task.kind](task.seed, task.terms)


def _alone(seed: int, terms: Mapping[str, Any]) -> Numbers:
    """A run of so many GPU-hours, and nothing that breaks: how long it takes."""
    nodes = terms["gpus"] // GPUS_PER_NODE
    days = terms["gpu_hours"] // terms["gpus"] // 24 + 2
    result = _ran(_gang(seed, nodes, 0, days, terms))
    begin_s, end_s = int(result.outcomes.start_s[0]), int(result.outcomes.end_s[0])
    return {"days": (end_s - begin_s) / DAY_S}


def _training(seed: int, terms: Mapping[str, Any]) -> Numbers:
    """A gang that fails, restarts and writes checkpoints: how often, and what share of its time is work that stays."""
    result = _ran(_gang(seed, terms["gpus"] // GPUS_PER_NODE, terms["spare_nodes"], terms["days"], terms))
    held_s = int((result.segments.end_s - result.segments.start_s).sum())
    idle_s = int((result.stalled_s + result.lost_s + result.written_s).sum())
    stops = int(result.outcomes.faults[0])
    return {"stops": stops, "ettr": 1 - idle_s / held_s, "mttf_h": held_s / HOUR_S / max(stops, 1)}


def _gang(seed: int, nodes: int, spare_nodes: int, days: int, terms: Mapping[str, Any]) -> World:
    """One frontier run on all nodes but the spares; it lasts `gpu_hours`, or longer than the window."""
    job = ("checkpoint_s", "checkpoint_write_s", "restart_s")
    scenario = {
        "name": "gang",
        "epoch": _EPOCH,
        "days": days,
        "seed": seed,
        "pool": [{"region": "us-1", "sku": "h100", "nodes": nodes + spare_nodes, "gpus_per_node": GPUS_PER_NODE}],
        "policy": {"name": "easy", "lend": "none", "control_interval_s": DAY_S},
        "programme": {
            "preset": "custom",
            "frontier": {"on_days": 10 * days, "gap_days": 0, "slip_bp": 0, "spare_nodes": spare_nodes},
        },
        "product": [{"code": "int.frontier", **{name: terms[name] for name in job if name in terms}}],
        "tenant": [{"id": "frontier", "name": "Frontier", "kind": "internal"}],
        "price": [_price("int.frontier", "h100")],
    }
    if "rate" in terms:
        scenario["faults"] = {"rate_per_1000_node_days": _exact(terms["rate"]), "repair_s": terms["repair_s"]}
    world = build(from_mapping(scenario, "E0"))
    if "gpu_hours" in terms:
        world.jobs.run_s[:] = terms["gpu_hours"] * HOUR_S // terms["gpus"]
    return world


def _research(seed: int, terms: Mapping[str, Any]) -> Numbers:
    """The shipped scenario `rsc` as it is: what share of its GPUs is held."""
    result = _ran(build(load("rsc"), seed=seed))
    installed = sum(pool.nodes * pool.gpus_per_node for pool in result.world.pools)
    segments = result.segments
    held = int(((segments.end_s - segments.start_s) * segments.gpus).sum())
    return {"allocated": held / (installed * result.horizon_s)}


def _failing(seed: int, terms: Mapping[str, Any]) -> Numbers:
    """Research on a larger cluster under all causes of failure: hours held and failures, by size of job."""
    mapping = dict(load("rsc").mapping)
    mapping |= {"seed": seed, "days": terms["days"], "demand": [], "pool": [dict(mapping["pool"][0])]}
    mapping["pool"][0]["nodes"] = terms["nodes"]
    internal = [row["id"] for row in mapping["tenant"] if row["kind"] == "internal"]
    mapping["tenant"] = [row for row in mapping["tenant"] if row["id"] in internal]
    mapping["price"] = [row for row in mapping["price"] if row["product"].startswith("int.")]
    mapping["faults"] = dict(mapping["faults"]) | {
        "rate_per_1000_node_days": _exact(terms["rate"]),
        "software": {"rate_per_1000_node_days": _exact(terms["software"])},
    }
    result = _ran(build(from_mapping(mapping, "E0")))
    segments = result.segments
    held_s = segments.end_s - segments.start_s
    failed = np.isin(segments.cause, (Cause.CRASHED, Cause.NODE_FAULT))
    numbers: Numbers = {"jobs": len(result.world.jobs.gpus), "held_gpu_s": int((held_s * segments.gpus).sum())}
    for size in np.unique(segments.gpus).tolist():
        mine = segments.gpus == size
        numbers[f"hours/{size}"] = int(held_s[mine].sum()) / HOUR_S
        numbers[f"failures/{size}"] = int(failed[mine].sum())
        numbers[f"jobs/{size}"] = int((result.world.jobs.gpus == size).sum())
    return numbers


def _contracts(seed: int, terms: Mapping[str, Any]) -> Numbers:
    """Monthly fees as contracts, billed month by month over their term: sums in USD."""
    months, tenants = terms["months"], ("google", "anthropic")
    days = terms["days"]
    fees: dict[str, Any] = {"product": "bare.reserved", "region": "us-1", "sku": "gb200"}
    fees |= {"nodes": 0, "from_s": 0, "until_s": days * DAY_S}
    scenario = {
        "name": "ledger",
        "epoch": _EPOCH,
        "days": days,
        "seed": seed,
        "pool": [{"region": "us-1", "sku": "gb200", "nodes": 1, "gpus_per_node": GPUS_PER_NODE}],
        "policy": {"name": "easy", "lend": "none", "control_interval_s": DAY_S},
        "tenant": [{"id": name, "name": name.title(), "kind": "external"} for name in tenants],
        "contract": [
            fees | {"id": name, "tenant": name, "take_or_pay": {"per": "month", "amount": str(terms[name])}}
            for name in tenants
        ],
        "price": [_price("bare.reserved", "gb200")],
    }
    books = settle(_ran(build(from_mapping(scenario, "E0")), metered=True))
    numbers: Numbers = {}
    for name in tenants:
        totals = [bill.total_micro_usd / MICRO_PER_USD for bill in books.month_bills() if bill.tenant == name]
        assert len(totals) == months, "a bill for each month"
        numbers |= {f"{name}/term": sum(totals), f"{name}/year": sum(totals[:12])}
    return numbers


def _ran(world: World, metered: bool = False) -> RunResult:
    return run(world, "easy", "none", tape=False, reasons=False, metered=metered)


def _price(product: str, sku: str) -> dict[str, str]:
    return {"product": product, "sku": sku, "from": "2026-01-01T00:00:00Z", "usd_per_gpu_hour": "2.60"}


def _exact(rate: float) -> dict[str, Decimal]:
    return {"value": Decimal(str(rate))}


_KINDS = {
    "alone": _alone,
    "fast": _training,
    "slow": _training,
    "research": _research,
    "failing": _failing,
    "contracts": _contracts,
}
