"""From a trace to a world: the same joint as a scenario, so that everything after it is the same code.

The cluster is one pool in region `trace` of SKU `gpu`; products and prices come from `trace_defaults.toml`. A run of a
trace has no horizon: it ends with its last job.
"""

import tomllib
from dataclasses import replace
from importlib import resources

import numpy as np

from billing.rating.prices import PriceBook
from billing.usage import Names
from scheduler.events import NEVER
from scheduler.tables import PoolRow
from sim.errors import SimError
from sim.result import FaultRows, World
from sim.scenario.build import product_rows
from sim.traces.trace import Trace
from tenants.band import LENDABLE
from tenants.registry import Registry

REGION, SKU = "trace", "gpu"
DEFAULTS = "trace_defaults.toml"
SCRUB_S = 300
CONTROL_INTERVAL_S = 300
SPAN_S_MAX = 200 * 366 * 86_400  # metering works by the hour: a longer trace is in other units than seconds


def defaults_text() -> str:
    """Return the TOML text of the products and prices that every replay uses."""
    return resources.files("sim").joinpath(DEFAULTS).read_text(encoding="utf-8")


def world_of_trace(trace: Trace, nodes: int, gpus_per_node: int, *, metered: bool = True, ticks: bool = False) -> World:
    """Return the world of a trace on `nodes` nodes of `gpus_per_node` GPUs; with control `ticks` even without rentals.

    Raises:
        SimError: the cluster is impossible, or the trace is to be metered and longer than any clock in seconds.
    """
    for flag, value, most in (("--nodes", nodes, 1_000_000), ("--gpus-per-node", gpus_per_node, 100_000)):
        if not 1 <= value <= most:
            raise SimError(
                "impossible cluster", code="impossible_size", path=flag, found=value, allowed=f"1 to {most:,}"
            )
    rows = trace.jobs
    if metered and len(rows.submit_s) and int(rows.submit_s[-1] - rows.submit_s[0] + rows.run_s.max()) > SPAN_S_MAX:
        raise SimError(
            "trace is too long to be metered by the hour",
            code="trace.span",
            file=trace.file,
            found=f"{int(rows.submit_s[-1])} s",
            allowed="--schedule-only for traces in other units than seconds",
        )
    defaults = tomllib.loads(defaults_text())
    tenants = [{"id": name, "name": name, "kind": trace.tenant_kind} for name in trace.tenants]
    registry = Registry.from_mapping({"tenant": tenants, "product": defaults["product"]}, where=trace.file)
    product = np.array([registry.product_index(code) for code in trace.products], dtype=np.int64)
    names = Names(
        tenants=trace.tenants,
        products=tuple(row.code for row in registry.products),
        regions=(REGION,),
        skus=(SKU,),
        epoch_s=trace.epoch_s,
    )
    rents = any(registry.products[row].band in LENDABLE for row in product.tolist())
    none = np.zeros(0, dtype=np.int64)
    return World(
        names=names,
        registry=registry,
        book=PriceBook.from_mappings(defaults["price"], file=DEFAULTS),
        pools=(PoolRow(nodes, gpus_per_node, SCRUB_S),),
        pool_region=(0,),
        pool_sku=(0,),
        products=product_rows(registry),
        tenant_domain=registry.trust_domains(),
        reservations=(),
        jobs=replace(rows, product=product[rows.product]),
        faults=FaultRows(none, none, none),
        horizon_s=NEVER,
        control_interval_s=CONTROL_INTERVAL_S if rents or ticks else 0,
    )
