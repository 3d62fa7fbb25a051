"""Goals P1, P2, P3 and P5: what the whole core costs, as a multiple of the least that SimPy can do.

    python benchmarks/bench_core.py [--only p1 p2 p3] [--jobs 200000] [--loads 0.9 0.1] [--million] [--rounds 3]

P1 is per job of KTH-SP2: a SimPy timeout with a callback for the submission and one for the finish is the floor; the
list-based EASY of `list_easy` counts GPUs and nothing else. P3 is per event: as many bare timeouts with one callback
each as the core was told events. The product side is the whole chain to recorded columns: `python` is SimPy, driver,
core and recorder; `numba` is the compiled kernel with its own clock, where the extra is installed. Product, floor and
twin run in one process, in turn, and the median ratio is what counts. Times are processor times, which neighbours on a
shared machine stretch least. Workload generation and the tables of the core stand outside the clock. Peak memory is
that of the process.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import list_easy
import simpy
from bench_worlds import kth_world, mix_world, traces_dir, year_world

from scheduler.events import NEVER
from sim.engine import engines as engine
from sim.engine.compiled import compiled, installed
from sim.engine.cores import make_core, ticks
from sim.engine.recorder import Recorder
from sim.engine.run import simulate
from sim.result import World


def recorder_of(world: World) -> tuple[Recorder, str]:
    """A fresh core with its recorder, and what is lent: nothing where the world never ends."""
    lend = "all_idle" if world.horizon_s < NEVER else "none"
    return Recorder(make_core(world, "easy", lend), world, None, reasons=False), lend


def core_s(world: World) -> tuple[float, int]:
    """(seconds, events) of one recorded run: SimPy, driver, core, recorder, all in plain Python."""
    recorder, _ = recorder_of(world)
    begin = time.process_time()
    events = simulate(recorder)
    return time.process_time() - begin, events


def kernel_s(world: World) -> tuple[float, int]:
    """(seconds, events) of one recorded run in the compiled kernel, with the set-up of its arrays."""
    recorder, lend = recorder_of(world)
    kernel = engine.Kernel(*compiled())
    begin = time.process_time()
    events = engine.drive(recorder, engine.told(world, ticks(recorder.core, world)), lend, 0, kernel)
    return time.process_time() - begin, events


def floor_of_jobs_s(world: World) -> float:
    """Seconds that SimPy needs for a timeout with a callback for each submission, and another one for each finish.

    Each submission arms the next one, so that no more is pending than has to be: the least that SimPy can do.
    """
    env = simpy.Environment()
    submit_s, run_s = world.jobs.submit_s.tolist(), world.jobs.run_s.tolist()
    rows = iter(range(len(submit_s)))

    def finished(_: simpy.Event) -> None:
        pass

    def submitted(timeout: simpy.Event) -> None:
        end = env.timeout(run_s[timeout._value])
        end.callbacks.append(finished)  # type: ignore[union-attr]
        arm()

    def arm() -> None:
        row = next(rows, None)
        if row is not None:
            env.timeout(submit_s[row] - env.now, row).callbacks.append(submitted)  # type: ignore[union-attr]

    begin = time.process_time()
    arm()
    env.run()
    return time.process_time() - begin


def floor_of_events_s(event_count: int, at_once: int = 1000) -> float:
    """Seconds that SimPy needs for so many timeouts with one callback each, `at_once` of them pending at any time."""
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
    begin = time.process_time()
    env.run()
    return time.process_time() - begin


def twin_s(world: World) -> float:
    """Seconds of the list-based twin, which counts GPUs and knows neither nodes nor bands."""
    columns = [column.tolist() for column in (world.jobs.submit_s, world.jobs.gpus, world.jobs.run_s)]
    estimate_s = world.jobs.estimate_s.tolist()
    begin = time.process_time()
    list_easy.starts(*columns, estimate_s, world.pools[0].nodes * world.pools[0].gpus_per_node)
    return time.process_time() - begin


def ratios(rows: list[tuple[float, float]]) -> str:
    """Median and range of the ratios of pairs."""
    found = sorted(ours / theirs for ours, theirs in rows)
    return f"{statistics.median(found):6.2f} ({found[0]:.2f}-{found[-1]:.2f})"


def say(case: str, engine_name: str, what: str, value: str, goal: str) -> None:
    """Print a line as it comes: the long cases take minutes."""
    print(f"{case:44}{engine_name:8}{what:34}{value:22}{goal}", flush=True)


def engines(names: tuple[str, ...]) -> dict[str, Callable[[World], tuple[float, int]]]:
    """Those of the engines that are there; compiles, or loads the cache, before anything is timed."""
    found = {"python": core_s} if "python" in names else {}
    if "numba" in names and installed():
        begin = time.process_time()
        kernel_s(year_world(500, 0.1))
        say("(compiling, or loading the cache)", "numba", "seconds", f"{time.process_time() - begin:6.1f}", "")
        found["numba"] = kernel_s
    return found


def p1(kth: World, rounds: int, names: tuple[str, ...]) -> None:
    """KTH-SP2: product, floor and twin in turn."""
    for name, product_s in engines(names).items():
        rows = [(product_s(kth)[0], floor_of_jobs_s(kth), twin_s(kth)) for _ in range(rounds)]
        jobs_per_s = len(kth.jobs.submit_s) / statistics.median(row[0] for row in rows)
        goal = "goal: 7, 3 with numba"
        say("P1 KTH-SP2, 28,481 jobs, EASY", name, "x SimPy floor per job", ratios([row[:2] for row in rows]), goal)
        say("", name, "x list twin", ratios([(row[0], row[2]) for row in rows]), "goal: 3.5")
        say("", name, "jobs/s", f"{jobs_per_s:8,.0f}", "")


def p2(trace: Path, rounds: int, names: tuple[str, ...]) -> None:
    """Long queues: jobs/s at 600 GPUs as a share of those at 1,280."""
    few, many = mix_world(trace, 600), mix_world(trace, 1280)
    for name, product_s in engines(names).items():
        rows = [(product_s(many)[0], product_s(few)[0]) for _ in range(rounds)]
        say("P2 Philly MIX1, 600 against 1,280 GPUs", name, "jobs/s, share", ratios(rows), "goal: 0.25 or more")


def p3(job_count: int, load: float, rounds: int, names: tuple[str, ...]) -> None:
    """A year of 24,000 GPUs: time per event as a multiple of the floor."""
    world = year_world(job_count, load)
    for name, product_s in engines(names).items():
        rows = []
        for _ in range(rounds):
            spent, events = product_s(world)
            rows.append((spent, floor_of_events_s(events), events))
        case = f"P3 year, {job_count:,} jobs, load {load}"
        goal = f"goal: {4 if name == 'numba' else 15}"
        say(case, name, "x SimPy floor per event", ratios([row[:2] for row in rows]), goal)
        per_event = statistics.median(row[0] / row[2] for row in rows)
        say("", name, "us per event", f"{per_event * 1e6:6.2f}", "")


def main() -> None:
    """Run the cases and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=("p1", "p2", "p3"), default=["p1", "p2", "p3"])
    parser.add_argument("--jobs", type=int, default=200_000, help="of the year, at each load")
    parser.add_argument("--loads", type=float, nargs="*", default=[0.9, 0.1], help="offered loads of the year")
    parser.add_argument("--million", action="store_true", help="also 1,000,000 jobs at load 0.9")
    parser.add_argument("--engines", nargs="+", choices=("python", "numba"), default=["python", "numba"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--traces", type=Path, default=None)
    args = parser.parse_args()
    names = tuple(args.engines)
    kth = traces_dir(args.traces) / "swf_kth_sp2" / "KTH-SP2-1996-2.1-cln.swf.gz"
    mix = traces_dir(args.traces) / "philly_chronus" / "trace_job_Philly_MIX1.csv.gz"
    if "p1" in args.only and there(kth):
        p1(kth_world(kth), args.rounds, names)
    if "p2" in args.only and there(mix):
        p2(mix, args.rounds, names)
    if "p3" in args.only:
        for load in args.loads:
            p3(args.jobs, load, args.rounds, names)
        if args.million:
            p3(1_000_000, 0.9, 1, names)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    say("P5 this process so far", "", "peak memory, MiB", f"{peak_mb:6,}", "goal: 953 (1 GB) with a million jobs")


def there(trace: Path) -> bool:
    """Whether a trace is there; says so if it is not."""
    if not trace.exists():
        print(f"skipped: no {trace.name}", file=sys.stderr)
    return trace.exists()


if __name__ == "__main__":
    main()
