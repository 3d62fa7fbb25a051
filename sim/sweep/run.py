"""A sweep from its plan to the records of its runs: what is there already is not run again, and every run is kept the
moment it ends. All arms have the same seeds, and get more of them together until intervals are narrow enough.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

from sim.stats.estimates import mean_interval
from sim.sweep.arms import Plan
from sim.sweep.metrics import needs_baseline
from sim.sweep.one_run import DONE, FAILED, Task, perform, record_of, task_of
from sim.sweep.run_all import Lost, Tick, as_done
from sim.sweep.store import Store

Records = Mapping[str, Mapping[str, Any]]


class Asked(NamedTuple):
    """The runs that a sweep asks for by what is known so far: `tasks[arm][number of the seed]`."""

    seeds: tuple[int, ...]
    tasks: tuple[tuple[Task, ...], ...]

    def known(self, records: Records) -> list[Task]:
        """What has ended, well or not."""
        return [task for row in self.tasks for task in row if task.key in records]

    def missing(self, records: Records) -> list[Task]:
        """What is not done yet, all arms of the first seed first, so that a part of a sweep can be compared."""
        return [
            task
            for number in range(len(self.seeds))
            for task in (row[number] for row in self.tasks)
            if records.get(task.key, {}).get("status") != DONE
        ]


def asked(plan: Plan, records: Records, now_us: Callable[[], int]) -> Asked:
    """Return the runs that are asked for when these records are there: more seeds only where all before them ended."""
    spec = plan.spec
    seeds = spec.first_seeds
    while True:
        found = _with_seeds(plan, seeds, now_us)
        wanted = _seeds_for(plan, found, records)
        if wanted <= len(seeds):
            return found
        seeds = spec.more_seeds(wanted)


def run_sweep(
    plan: Plan,
    store: Store,
    crew: Executor,
    now_us: Callable[[], int],
    budget_s: int | None = None,
    tick: Tick | None = None,
) -> bool:
    """Run what is missing, and keep it in the store; return whether everything that is asked for has ended.

    Args:
        now_us:   the clock, by a function that workers can import: for limits of time alone.
        budget_s: seconds after which no run is waited for any more.
        tick:     told (runs ended, runs asked for so far) after each.

    Raises:
        SimError: the store cannot be written. Runs that fail raise nothing: their records say why.
    """
    ends_us = None if budget_s is None else now_us() + budget_s * 1_000_000

    def left_s() -> float | None:
        return None if ends_us is None else (ends_us - now_us()) / 1_000_000

    records = dict(store.records())
    tried: set[str] = set()
    while True:
        now = asked(plan, records, now_us)
        missing = [task for task in now.missing(records) if task.key not in tried]
        if not missing:
            return True
        whole = len(now.seeds) * len(plan.arms)
        ended = 0
        for place, result in as_done(missing, perform, crew, left_s):
            task = missing[place]
            record = record_of(task, FAILED, result.reason) if isinstance(result, Lost) else result
            store.put(record)
            records[task.key] = record
            tried.add(task.key)
            ended += 1
            if tick is not None:
                tick(whole - len(missing) + ended, whole)
        if ended < len(missing):
            return False


def _with_seeds(plan: Plan, seeds: Sequence[int], now_us: Callable[[], int]) -> Asked:
    spec = plan.spec
    measured = (*spec.metrics, *([spec.until.metric] if spec.until else []))
    settings: dict[str, Any] = {"baseline": needs_baseline(measured), "timeout_s": spec.timeout_s, "now_us": now_us}
    return Asked(
        tuple(seeds), tuple(tuple(task_of(arm, seed, plan.file, **settings) for seed in seeds) for arm in plan.arms)
    )


def _seeds_for(plan: Plan, found: Asked, records: Records) -> int:
    """How many seeds are needed by what these have shown; at most twice as many as there are, and at least those.

    An arm whose runs failed cannot ask for more. Source: n (half-width / wanted half-width)^2.
    """
    until, count = plan.spec.until, len(found.seeds)
    if until is None or any(task.key not in records for row in found.tasks for task in row):
        return count
    wanted = count
    for row in found.tasks:
        values = [value for task in row if (value := value_of(records[task.key], until.metric)) is not None]
        if len(values) >= 4:
            ratio = mean_interval(values).half_width / float(until.half_width)
            if ratio > 1:
                wanted = max(wanted, count + 1, math.ceil(count * ratio**2))
    return max(count, min(wanted, 2 * count, until.seeds_max))


def value_of(record: Mapping[str, Any] | None, metric: str) -> float | int | None:
    """The number of a run, None where it has none, failed, or is not there."""
    if record is None or record["status"] != DONE:
        return None
    value: float | int | None = record["values"].get(metric)
    return value
