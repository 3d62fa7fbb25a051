"""One run of a sweep, in whatever process: from the tables of an arm and a seed to a record of numbers.

A record is a JSON object: `key` (what was run, hashed), `labels`, `seed`, `status` (`done`, `failed` or `timed out`),
`reason` (one line, or ""), `values` (every metric) and `steady` (see `sim.sweep.metrics.steady_state`).
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, NamedTuple

from billing.errors import BillingError
from scheduler.errors import SchedulerError
from sim.engine.run import run
from sim.errors import SimError
from sim.scenario.build import build
from sim.scenario.file import from_mapping
from sim.settle import settle
from sim.summary import summarise
from sim.sweep.arms import Arm
from sim.sweep.code import code_digest
from sim.sweep.metrics import STEADY, measured, steady_state
from tenants.errors import TenantError

FORMAT = 1
DONE, FAILED, TIMED_OUT = "done", "failed", "timed out"
_REASON_CHARS_MAX = 300


class Task(NamedTuple):
    """What a worker must know. `now_us` is a clock of the worker's, for the limit `timeout_s` (None: no limit)."""

    key: str
    labels: dict[str, str]
    mapping: dict[str, Any]
    seed: int
    file: str
    baseline: bool
    timeout_s: int | None
    now_us: Callable[[], int]


class TimedOut(Exception):
    """A run took longer than it may."""

    def __init__(self, timeout_s: int) -> None:
        super().__init__(timeout_s)  # its one argument: who passes it on may make it anew from its arguments

    def __str__(self) -> str:
        return f"more than {self.args[0]} s"


def task_of(
    arm: Arm, seed: int, file: str, *, baseline: bool, timeout_s: int | None, now_us: Callable[[], int]
) -> Task:
    """Return the task of an arm and a seed. Its key is the same wherever and whenever the same is asked for."""
    asked = f"{FORMAT} {code_digest()} {arm.digest} {seed} {baseline}"
    key = sha256(asked.encode()).hexdigest()[:24]
    return Task(key, arm.labels, {**arm.mapping, "seed": seed}, seed, file, baseline, timeout_s, now_us)


def perform(task: Task) -> dict[str, Any]:
    """Run a task and return its record. A run that fails is a record, too: it sinks no other."""
    try:
        with _alarm(task.timeout_s):
            values, steady = _numbers(task)
    except TimedOut as error:
        return record_of(task, TIMED_OUT, str(error))
    except (SimError, SchedulerError, TenantError, BillingError) as error:
        return record_of(task, FAILED, str(error))
    except Exception as error:  # a bug of ours in one corner of a sweep must not cost the rest of it
        return record_of(task, FAILED, f"a bug of ours: {type(error).__name__}: {error}")
    return record_of(task, DONE, "", values, steady)


def record_of(
    task: Task,
    status: str,
    reason: str,
    values: dict[str, Any] | None = None,
    steady: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the record of a task that ended in this way."""
    line = " ".join(reason.split())[:_REASON_CHARS_MAX]
    facts = {"format": FORMAT, "key": task.key, "labels": task.labels, "seed": task.seed}
    return {**facts, "status": status, "reason": line, "values": values, "steady": steady}


@contextmanager
def _alarm(timeout_s: int | None) -> Iterator[None]:
    """End a run that takes too long, wherever it is. Only the first thread of a process can be rung up: in another, as
    on a Dask worker, the run looks at the clock itself."""
    if timeout_s is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signal: int, _frame: object) -> None:
        raise TimedOut(timeout_s)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _numbers(task: Task) -> tuple[dict[str, Any], dict[str, Any] | None]:
    began_us = task.now_us()

    def look_at_the_clock(_now_s: int, _horizon_s: int) -> None:
        if task.timeout_s is not None and task.now_us() - began_us > task.timeout_s * 1_000_000:
            raise TimedOut(task.timeout_s)

    scenario = from_mapping(task.mapping, task.file)
    world, way = build(scenario), scenario.policy
    settings: dict[str, Any] = {
        "headroom_nodes": way.headroom_nodes,
        "seed": scenario.seed,
        "tape": False,
        "reasons": False,
        "progress": look_at_the_clock,
    }
    result = run(world, way.name, way.lend, **settings)
    without = run(world, way.name, "none", **settings) if task.baseline else None
    steady = steady_state(result)
    values = measured(summarise(result, settle(result), without))
    return {**values, STEADY: None if steady is None else steady["mean"]}, steady
