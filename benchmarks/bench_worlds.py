"""The worlds that the benchmarks run: a synthetic year, and recorded workloads."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from billing.rating.prices import PriceBook
from billing.usage import Names
from scheduler.events import NEVER
from scheduler.tables import PoolRow, ProductRow
from sim.result import FaultRows, JobRows, World
from sim.traces import philly, swf
from tenants.registry import Registry

YEAR_S = 365 * 86_400
NODES, GPUS_PER_NODE = 3_000, 8
SIZES = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
SIZE_SHARE = np.array([30, 10, 10, 25, 10, 6, 4, 2.5, 1.5, 0.7, 0.3]) / 100
BAND_SHARE = np.array([5, 0, 50, 20, 25]) / 100  # 45 % renters
PRODUCTS = (
    ProductRow(0, 0, False, 0, False, True, 3600, 600),
    ProductRow(1, 0, False, 0, True, True, 3600, 120),
    ProductRow(2, 0, False, 60, False, True, 3600, 300),
    ProductRow(3, 3600, True, 600, True, True, 3600, 120),
    ProductRow(4, 0, False, 60, True, True, 3600, 120),
)

INTERNAL = (ProductRow(2, 0, False, 60, False, True, 0, 0),)


def year_world(job_count: int, load: float, seed: int = 1) -> World:
    """A year of 24,000 GPUs at an offered load, in `job_count` jobs; 3.88 faults per 1,000 node-days, 12 h repair."""
    rng = np.random.default_rng(seed)
    band = rng.choice(5, job_count, p=BAND_SHARE)
    gpus = rng.choice(SIZES, job_count, p=SIZE_SHARE)
    held = np.where(band >= 3, -(-gpus // GPUS_PER_NODE) * GPUS_PER_NODE, gpus)
    shape = rng.lognormal(0.0, 1.2, job_count)
    run_s = shape * (load * NODES * GPUS_PER_NODE * YEAR_S / float((shape * held).sum()))
    run_s = np.maximum(1, run_s.astype(np.int64))
    estimate_s = (run_s * rng.uniform(1.0, 3.0, job_count)).astype(np.int64)
    submit_s = np.sort(rng.integers(0, YEAR_S, job_count))
    tenant = np.where(band >= 3, 1 + rng.integers(0, 20, job_count), 0)
    never = np.full(job_count, NEVER)
    jobs = JobRows([], tenant, band, np.zeros_like(band), gpus, submit_s, run_s, estimate_s, never)
    return world_of(jobs, (PoolRow(NODES, GPUS_PER_NODE, 300),), PRODUCTS, (0, *range(1, 21)), node_faults(rng), YEAR_S)


def node_faults(rng: np.random.Generator) -> FaultRows:
    """Faults of every node over the year."""
    node, down = [], []
    for row in range(NODES):
        at = rng.exponential(258 * 86_400)
        while at < YEAR_S:
            node.append(row)
            down.append(int(at))
            at += 43_200 + rng.exponential(258 * 86_400)
    down_s = np.array(down, dtype=np.int64)
    return FaultRows(np.array(node, dtype=np.int64), down_s, down_s + 43_200)


def world_of(
    jobs: JobRows,
    pools: tuple[PoolRow, ...],
    products: tuple[ProductRow, ...],
    domains: tuple[int, ...],
    faults: FaultRows,
    horizon_s: int,
) -> World:
    """A world without names or prices: the scheduler needs neither."""
    names = Names((), (), ("r",), ("gpu",), 0)
    registry = Registry.from_mapping({})
    book = PriceBook.from_rows(())
    return World(names, registry, book, pools, (0,), (0,), products, domains, (), jobs, faults, horizon_s, 300)


def kth_world(trace: Path) -> World:
    """KTH-SP2: 28,481 jobs on 100 processors, user estimates, one band."""
    read = swf.read(trace)
    none = np.zeros(0, dtype=np.int64)
    return world_of(read.jobs, (PoolRow(100, 1, 0),), INTERNAL, (0,), FaultRows(none, none, none), NEVER)


def mix_world(trace: Path, gpus: int) -> World:
    """Philly MIX1 in count mode: 30,756 jobs on one node of so many GPUs, one band."""
    read = philly.read(trace)
    none = np.zeros(0, dtype=np.int64)
    jobs = replace(read.jobs, product=np.zeros_like(read.jobs.product))
    return world_of(
        jobs, (PoolRow(1, gpus, 0),), INTERNAL, (0,) * len(read.tenants), FaultRows(none, none, none), NEVER
    )


def traces_dir(chosen: Path | None) -> Path:
    """Where traces lie: the flag, SPILLWAY_TRACES, or beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "traces"
    return chosen or Path(os.environ.get("SPILLWAY_TRACES") or beside)
