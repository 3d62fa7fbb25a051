"""From a finished run and its closed books to what the report page shows."""

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np

from billing.books import Books
from billing.money import exact_sum, product
from sim.param import Origin
from sim.report import charges, text, why
from sim.report.delay import delay
from sim.report.disturbance import disturbances
from sim.report.model import Fact, FindingRow, GuessRow, ReportData
from sim.report.timeline import installed_gpus, is_rented, timeline, unheld
from sim.result import IntArray, RunResult

# What stands beside the page in a run folder.
FILES = (
    "manifest.json",
    "summary.json",
    "scenario.toml",
    "jobs.parquet",
    "allocations.parquet",
    "hourly_usage.parquet",
    "line_items.parquet",
    "capacity.parquet",
    "sla.parquet",
    "waits.parquet",
    "evictions.parquet",
    "internal_delay.parquet",
    "contracts.parquet",
)
_HASH_LETTERS = 12


def from_result(
    result: RunResult,
    books: Books,
    baseline: RunResult | None,
    summary: Mapping[str, Any],
    guesses: Sequence[Origin] = (),
) -> ReportData:
    """Return the data of the page.

    Args:
        baseline:  the same world with rentals off, for the delay that they cause; None: that delay is not shown.
        summary:   of its keys `scenario`, `title`, `programme` and `config_sha256` stand in the header, where present.
        guesses:   inputs that nobody vouches for; none for a trace.
    """
    bills = books.month_bills()
    held = books.usage.held()
    allocated_gpu_s = exact_sum(held.quantity)
    busy_gpu_s = allocated_gpu_s - exact_sum(product(result.segments.gpus, result.stalled_s))
    goodput_gpu_s = busy_gpu_s - exact_sum(product(result.segments.gpus, result.lost_s + result.written_s))
    return ReportData(
        title=str(summary.get("title") or summary.get("scenario") or "Run"),
        facts=tuple(_facts(result, books, summary)),
        epoch_s=books.names.epoch_s,
        horizon_s=books.horizon_s,
        installed_gpu_s=installed_gpus(result) * books.horizon_s,
        allocated_gpu_s=allocated_gpu_s,
        busy_gpu_s=busy_gpu_s,
        goodput_gpu_s=goodput_gpu_s,
        external_gpu_s=int(held.quantity[is_rented(result)[held.product]].sum()),
        timeline=timeline(result, books),
        unheld=unheld(books),
        delay=delay(result, baseline),
        revenue=charges.revenue(result, bills),
        bill=charges.tenant_bill(result, books, bills),
        sla=charges.sla(books),
        disturbances=disturbances(result),
        residual_gpu_s=capacity_residual(result, books),
        residual_micro_usd=charges.money_residual(books, bills),
        guesses=tuple(GuessRow(g.path, _quantity(g), g.source, g.confidence) for g in guesses),
        findings=(
            *(FindingRow(*found) for found in result.world.jobs.findings),
            *(FindingRow(found.where, found.what, found.count) for found in books.findings),
        ),
        files=FILES,
        waits=why.waits(result),
        eviction_pairs=why.eviction_pairs(result),
        delayed=why.delayed(result, baseline),
        delay_gpu_s=why.delay_gpu_s(result, baseline),
    )


def capacity_residual(result: RunResult, books: Books) -> int:
    """Return the GPU-seconds by which the states miss what is installed, summed over hours and pools without sign."""
    world, states = result.world, books.capacity
    hours = -(-books.horizon_s // text.HOUR_S)
    length_s = np.minimum(text.HOUR_S, books.horizon_s - np.arange(hours, dtype=np.int64) * text.HOUR_S)
    residual: dict[tuple[int, int], IntArray] = {}
    for pool, place in zip(world.pools, zip(world.pool_region, world.pool_sku, strict=True), strict=True):
        residual[place] = residual.get(place, 0) + pool.nodes * pool.gpus_per_node * length_s
    for (region, sku), missing in residual.items():
        here = (states.region == region) & (states.sku == sku) & (states.hour_s < books.horizon_s)
        np.subtract.at(missing, states.hour_s[here] // text.HOUR_S, states.gpu_s[here])
    return sum(exact_sum(np.abs(missing)) for missing in residual.values())


def _facts(result: RunResult, books: Books, summary: Mapping[str, Any]) -> list[Fact]:
    world = result.world
    sizes = [
        f"{pool.nodes:,} {text.TIMES} {pool.gpus_per_node} {world.names.skus[sku]} in {world.names.regions[region]}"
        for pool, region, sku in zip(world.pools, world.pool_region, world.pool_sku, strict=True)
    ]
    where = ", ".join(sizes) if len(sizes) <= 2 else f"{len(sizes)} pools"
    epoch_s = books.names.epoch_s
    # A trace that does not say when it was taken starts at Unix time 0.
    since = f"from {text.minute(epoch_s)} UTC" if epoch_s else "of unknown date, told as if from 1970-01-01"
    config = str(summary.get("config_sha256", ""))[:_HASH_LETTERS]
    rows = [
        ("scenario", str(summary.get("scenario", ""))),
        ("programme", str(summary.get("programme") or "")),
        ("policy", result.policy),
        ("lend", result.lend),
        ("seed", str(result.seed)),
        ("horizon", f"{text.span(books.horizon_s)} {since}"),
        ("capacity", f"{where} = {installed_gpus(result):,} GPUs"),
        ("jobs", f"{len(world.jobs.job_id):,}"),
        ("config", config),
        ("version", version("spillway")),
    ]
    return [Fact(label, value) for label, value in rows if value]


def _quantity(origin: Origin) -> str:
    return f"{origin.value} {origin.unit}".strip()
