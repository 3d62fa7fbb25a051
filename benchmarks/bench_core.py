"""What a scheduling event costs, as a multiple of the least that SimPy can do for an event.

    python benchmarks/bench_core.py [--jobs 200000] [--loads 0.9 0.1] [--rounds 3] [--million] [--json]

The product side is the whole chain from SimPy to recorded segments: driver, core (EASY, five bands, preemption with
notice, scrubbing, node faults), recorder. The floor is a bare SimPy `Timeout` with one callback per event, as many
events as the product had. Both run in one process, in turn; workload generation stands outside the clock. Ratios are
what counts: the machines this runs on are shared. Peak memory is that of the process (ru_maxrss).
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import simpy

from billing.prices import PriceBook
from billing.usage import Names
from scheduler.events import NEVER
from scheduler.tables import PoolRow, ProductRow
from sim import world as processes
from sim.driver import Driver
from sim.recorder import Recorder
from sim.result import FaultRows, JobRows, World
from sim.run import make_core
from sim.traces import swf
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
    product = (ProductRow(2, 0, False, 60, False, True, 0, 0),)
    return world_of(read.jobs, (PoolRow(100, 1, 0),), product, (0,), FaultRows(none, none, none), NEVER)


def product_s(world: World, record: bool) -> tuple[float, int]:
    """(seconds, events) of one whole run."""
    core = make_core(world, "easy", "all_idle" if world.horizon_s < NEVER else "none")
    recorder = Recorder(core, world, None, reasons=False)
    env = simpy.Environment()
    driver = Driver(env, core, recorder.after_step if record else lambda now_s, events: core.out.clear())
    env.process(processes.faults(env, driver.happen, world.faults))
    if world.horizon_s < NEVER:
        env.process(processes.control(env, driver.happen, world.control_interval_s, lambda: True))
    env.process(processes.arrivals(env, driver.happen, world.jobs.submit_s))
    begin = time.perf_counter()
    env.run(until=world.horizon_s if world.horizon_s < NEVER else None)
    return time.perf_counter() - begin, driver.event_count


def floor_s(event_count: int, at_once: int = 1000) -> float:
    """Seconds that SimPy needs for as many timeouts with one callback each, `at_once` of them pending at any time."""
    env = simpy.Environment()
    left = event_count

    def ring(_: simpy.Event) -> None:
        nonlocal left
        left -= 1
        if left >= at_once:
            arm(1 + left % 7)

    def arm(delay: int) -> None:
        timeout = env.timeout(delay)
        timeout.callbacks.append(ring)  # type: ignore[union-attr]

    for number in range(min(at_once, event_count)):
        arm(number % 13)
    begin = time.perf_counter()
    env.run()
    return time.perf_counter() - begin


def measure(
    name: str, world: World, rounds: int, modes: tuple[bool, ...] = (False, True)
) -> Iterator[dict[str, object]]:
    """Interleave product and floor; yield one row without and one with recording."""
    job_count = len(world.jobs.submit_s)
    for record in modes:
        pairs = []
        for _ in range(rounds):
            spent, events = product_s(world, record)
            pairs.append((spent, floor_s(events), events))
        ratios = sorted(spent / floor for spent, floor, _ in pairs)
        spent = statistics.median(pair[0] for pair in pairs)
        yield {
            "case": name,
            "recording": record,
            "jobs": job_count,
            "events": pairs[0][2],
            "median_s": round(spent, 2),
            "us_per_event": round(spent / pairs[0][2] * 1e6, 2),
            "jobs_per_s": round(job_count / spent),
            "floor_multiple": round(statistics.median(ratios), 2),
            "floor_multiple_range": [round(ratios[0], 2), round(ratios[-1], 2)],
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }


def main() -> None:
    """Run the cases and print a table, or JSON lines."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--jobs", type=int, default=200_000, help="of the year, at each load")
    parser.add_argument("--loads", type=float, nargs="+", default=[0.9, 0.1], help="offered loads of the year")
    parser.add_argument("--million", action="store_true", help="also 1,000,000 jobs at load 0.9, once, recorded")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--traces", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    kth = traces_dir(args.traces) / "swf_kth_sp2" / "KTH-SP2-1996-2.1-cln.swf.gz"
    if kth.exists():
        show(measure("KTH-SP2, EASY, 100 processors", kth_world(kth), args.rounds), args.json)
    else:
        print(f"skipped KTH-SP2: no {kth.name}", file=sys.stderr)
    for load in args.loads:
        show(measure(f"a year of 24,000 GPUs at load {load}", year_world(args.jobs, load), args.rounds), args.json)
    if args.million:
        show(measure("a year of 24,000 GPUs at load 0.9", year_world(1_000_000, 0.9), 1, (True,)), args.json)


def traces_dir(chosen: Path | None) -> Path:
    """Where traces lie: the flag, SPILLWAY_TRACES, or beside the checkout."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "traces"
    return chosen or Path(os.environ.get("SPILLWAY_TRACES") or beside)


def show(rows: Iterator[dict[str, object]], as_json: bool) -> None:
    """Print rows as they come: the long ones take minutes."""
    for row in rows:
        text = json.dumps(row) if as_json else "  ".join(f"{key}={value}" for key, value in row.items())
        print(text, flush=True)


if __name__ == "__main__":
    main()
