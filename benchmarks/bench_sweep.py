"""How much faster a sweep is on several cores: 64 replications of one scenario by one process and by several.

    python benchmarks/bench_sweep.py [--scenario gap] [--days 120] [--runs 64] [--workers 4] [--json]

Wall times of the whole of `run_sweep`, files included, with workers that have been started before; on a machine where
others are at work too, look at the share of the parent instead: the processor seconds that it spends beside its workers
bound what more cores can give (Amdahl). Goal: 3.5 times with four workers on four idle cores.
"""

import argparse
import json
import os
import sys
import time
from concurrent.futures import Executor, wait
from pathlib import Path
from tempfile import TemporaryDirectory

from sim.cli.edge import now_us
from sim.sweep.arms import Plan, plan_of
from sim.sweep.executors import executor
from sim.sweep.run import run_sweep
from sim.sweep.spec import load_sweep
from sim.sweep.store import Store

SWEEP = 'name = "bench"\nscenario = "{scenario}"\nseeds = {runs}\nmetrics = ["events"]\n[grid]\ndays = [{days}]\n'


def warmed(crew: Executor, workers: int) -> None:
    """Have every worker import what it needs."""
    wait([crew.submit(load_sweep_in_worker, number) for number in range(4 * workers)])


def load_sweep_in_worker(_number: int) -> None:
    time.sleep(0.3)


def timed(plan: Plan, workers: int, folder: Path) -> tuple[float, float]:
    """(wall seconds, processor seconds of this process) of the sweep."""
    store = Store(folder)
    with executor("local", workers) as crew, store.held():
        warmed(crew, workers)
        wall, own = time.perf_counter(), time.process_time()
        assert run_sweep(plan, store, crew, now_us)
        return time.perf_counter() - wall, time.process_time() - own


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", default="gap")
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--runs", type=int, default=64)
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with TemporaryDirectory() as place:
        file = Path(place) / "bench.toml"
        file.write_text(SWEEP.format(scenario=asked.scenario, runs=asked.runs, days=asked.days))
        plan = plan_of(load_sweep(file), file)
        one_s, _ = timed(plan, 1, Path(place) / "one")
        many_s, own_s = timed(plan, asked.workers, Path(place) / "many")
        kept = [
            {path.name: path.read_bytes() for path in (Path(place) / name / "runs").iterdir()}
            for name in ("one", "many")
        ]
        assert kept[0] == kept[1], "the same bytes whatever the number of workers"
    share = own_s / one_s
    found = {
        "runs": asked.runs,
        "workers": asked.workers,
        "one_s": round(one_s, 2),
        "many_s": round(many_s, 2),
        "times": round(one_s / many_s, 2),
        "parent_share": round(share, 4),
        "times_at_most": round(1 / (share + (1 - share) / asked.workers), 2),
    }
    print(json.dumps(found) if asked.json else "\n".join(f"{name:>14}  {value}" for name, value in found.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
