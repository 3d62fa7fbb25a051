"""The kernel and the core: one source of decisions each, the same bytes of everything that a run leaves behind.

The kernel's source runs uncompiled here, on small worlds; the compiled one is the same source, and is compared where
numba is installed. The kernel has its own clock, so SimPy and the kernel's heap are compared as well.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from billing.rating.prices import PriceBook
from billing.usage import Names
from scheduler.errors import SchedulerError
from scheduler.events import NEVER, Cause, EventKind, Reason, Status
from scheduler.kernel import fields as f
from scheduler.kernel import gather, moves, promise, serve, step
from scheduler.tables import DYNAMIC
from sim.engine import compiled as machine
from sim.engine import engines as engine
from sim.engine import run as running
from sim.engine.cores import make_core
from sim.engine.recorder import Recorder
from sim.engine.run import run
from sim.errors import SimError
from sim.result import JobRows, RunResult, World
from sim.scenario.build import build
from sim.scenario.file import load
from small_worlds import HORIZON_S, SmallWorld, faults_of, small_world
from tenants.band import Band
from tenants.registry import Registry

SEEDS = range(24)
WAYS = (("easy", "all_idle", 0), ("easy", "fixed_headroom", 2), ("fcfs", "all_idle", 0), ("easy_first_fit", "none", 0))
BLIND = ("easy_blind", "all_idle", 0)
DOWN_OR_UP = (EventKind.NODE_DOWN, EventKind.NODE_UP)


def world_of(small: SmallWorld, horizon_s: int = HORIZON_S) -> World:
    """A small world as a world: no names, no prices."""
    jobs = JobRows([], *(small.jobs[name] for name in engine_columns()))
    return World(
        names=Names((), (), ("r",), ("gpu",), 0),
        registry=Registry.from_mapping({}),
        book=PriceBook.from_rows(()),
        pools=small.pools,
        pool_region=(0,) * len(small.pools),
        pool_sku=(0,) * len(small.pools),
        products=small.products,
        tenant_domain=small.domains,
        reservations=tuple(row._replace(until_s=HORIZON_S - 500) for row in small.reservations),
        jobs=jobs,
        faults=faults_of(small),
        horizon_s=horizon_s,
        control_interval_s=small.control_interval_s,
    )


def queue_world(seed: int) -> World:
    """A world with long queues: bursts of jobs of all tiers on one pool, so that many are backfilled in one instant."""
    rng = np.random.default_rng(seed)
    small, count = small_world(seed), 90
    per_node, nodes = small.pools[0].gpus_per_node, 12
    product = rng.choice([0, 2, 2, 2, 3, 4, 4], count)
    gpus = rng.choice([1, 1, 1, 2, 2, 3, 5, 9], count) * per_node
    gpus = np.where((product < 3) & (rng.random(count) < 0.3), rng.integers(1, per_node + 1, count), gpus)
    run_s = rng.integers(20, 260, count)
    columns = {
        "tenant": np.where(product >= 3, 2, 0),
        "product": product,
        "pool": np.zeros(count, dtype=np.int64),
        "gpus": gpus,
        "submit_s": np.sort(rng.integers(0, 18, count) * 60),
        "run_s": run_s,
        "estimate_s": run_s + rng.integers(0, 300, count),
        "patience_s": np.where((product >= 3) & (rng.random(count) < 0.3), 300, NEVER),
    }
    pools = (small.pools[0]._replace(nodes=nodes),)
    reservations = tuple(row for row in small.reservations if row.pool == 0)
    faults = tuple((at_s, event) for at_s, event in small.told if event.kind in DOWN_OR_UP and event.row < 2)
    return world_of(dataclasses.replace(small, pools=pools, jobs=columns, reservations=reservations, told=faults))


def engine_columns() -> tuple[str, ...]:
    return ("tenant", "product", "pool", "gpus", "submit_s", "run_s", "estimate_s", "patience_s")


def plain() -> tuple[Any, Any]:
    """The kernel's source, uncompiled: on memoryviews it computes with Python's own ints."""

    def advance_run(*arrays: Any) -> int:
        return step.advance_run(*(memoryview(array) for array in arrays[:4]), arrays[4])

    return advance_run, lambda *arrays: step.close_run(*(memoryview(array) for array in arrays))


@contextmanager
def uncompiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What stands for numba: the engine is there, and is the plain source."""
    with monkeypatch.context() as patch:
        patch.setattr(machine, "installed", lambda: True)
        patch.setattr(running, "compiled", plain)
        yield


def differences(ours: Any, theirs: Any, path: str = "result") -> list[str]:
    """Where two results differ, all the way down."""
    if dataclasses.is_dataclass(ours):
        return [
            line
            for field in dataclasses.fields(ours)
            for line in differences(getattr(ours, field.name), getattr(theirs, field.name), f"{path}.{field.name}")
        ]
    if isinstance(ours, np.ndarray):
        return [] if ours.dtype == theirs.dtype and np.array_equal(ours, theirs) else [path]
    if hasattr(ours, "offsets"):
        return [] if (ours.offsets, ours.rows) == (theirs.offsets, theirs.rows) else [path]
    return [] if ours is theirs or ours == theirs else [path]


def both(world: World, way: tuple[str, str, int], **told: Any) -> list[str]:
    policy, lend, headroom_nodes = way
    results: list[RunResult] = [
        run(world, policy, lend, headroom_nodes=headroom_nodes, reasons=False, engine=name, **told)
        for name in ("python", "numba")
    ]
    return differences(*results)


def test_kernel_and_core_leave_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    with uncompiled(monkeypatch):
        for seed in SEEDS:
            small = small_world(seed, instant=seed % 5 == 0, whole=seed % 7 == 0, writes=seed % 3 == 0)
            for way in (*WAYS, BLIND):
                assert both(world_of(small), way) == [], f"small_world({seed}), {way}"


def test_kernel_and_core_agree_under_long_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    with uncompiled(monkeypatch):
        for seed in range(12):
            for way in (*WAYS[:2], BLIND):
                assert both(queue_world(seed), way) == [], f"queue_world({seed}), {way}"


def test_kernel_and_core_agree_on_worlds_without_a_horizon(monkeypatch: pytest.MonkeyPatch) -> None:
    with uncompiled(monkeypatch):
        for seed in range(100, 110):
            # Without a control clock: it would tick for ever where a job can never start.
            world = dataclasses.replace(world_of(small_world(seed), NEVER), control_interval_s=0)
            assert both(world, WAYS[seed % 2], tape=False, metered=False) == [], f"small_world({seed})"


def test_kernel_and_core_agree_where_the_outbox_and_the_heap_are_tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "STEPS_AT_ONCE", 3)
    monkeypatch.setattr(engine.state, "HEAP_WORDS", 4)
    monkeypatch.setattr(engine.state, "OUTBOX_ROWS", 1)
    with uncompiled(monkeypatch):
        for seed in range(200, 206):
            assert both(world_of(small_world(seed)), WAYS[0]) == [], f"small_world({seed})"


def test_the_shipped_scenario_leaves_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    with uncompiled(monkeypatch):
        assert both(build(load("small"), days=1), WAYS[0]) == []


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (promise, "take_promised"),
        (moves, "drop_victim"),
        (serve, "forget"),
        (moves, "scrub_hold"),
        (step, "note_renewable"),
    ],
)
def test_a_kernel_that_forgets_something_is_caught(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    monkeypatch.setattr(module, name, lambda *_: None)
    with uncompiled(monkeypatch):
        found = any(_differs(queue_world(seed)) for seed in range(20))
    assert found, f"without {name} nothing changes"


def _differs(world: World) -> bool:
    try:
        return bool(both(world, WAYS[0]))
    except (AssertionError, IndexError):
        return True


def test_a_victim_that_is_not_needed_and_leaves_all_the_same_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def all_of_them(s: Any, j: Any, b: int, c: int, closed: int, whole: int, limit: int) -> bool:
        """Enough only once every victim has been chosen, and again when the walk back is over."""
        return right(s, j, b, c, closed, whole, limit) and next(calls) % 2 == 1

    right, calls = gather.enough, iter(range(10**9))
    monkeypatch.setattr(gather, "enough", all_of_them)
    with uncompiled(monkeypatch):
        assert any(_differs(queue_world(seed)) for seed in range(20))


def test_numbers_of_the_kernel_are_those_of_the_enums() -> None:
    named = {Status: "", Reason: "REASON_", Cause: "CAUSE_", EventKind: "EVENT_", Band: "BAND_"}
    for words, prefix in named.items():
        for word in words:
            number = getattr(f, prefix + word.name, None)
            assert number is None or number == word, word
    assert f.ENDLESS == NEVER
    assert set(f.WRITTEN) <= set(DYNAMIC)
    numbers = [number for name, number in vars(f).items() if name in {word.upper() for word in f.WRITTEN}]
    assert len(set(numbers)) == len(f.WRITTEN)


def recorder(policy: str = "easy", reasons: bool = False) -> Recorder:
    world = world_of(small_world(1))
    return Recorder(make_core(world, policy, "all_idle"), world, None, reasons)


def test_an_engine_is_refused_by_name_with_what_it_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    world = world_of(small_world(1))
    with pytest.raises(SimError, match=r"--engine: unknown engine .*auto, python, numba"):
        run(world, engine="rust")
    with uncompiled(monkeypatch):
        for told, found in (
            ({"reasons": False, "lend": "oracle"}, "lend policy oracle"),
            ({"reasons": False, "policy": "easy_fgd"}, "policy easy_fgd: place"),
            ({}, "what each job waited for"),
        ):
            with pytest.raises(SimError, match=f"found {found}"):
                run(world, engine="numba", **told)
        spare = dataclasses.replace(world, pools=tuple(row._replace(spare_nodes=1) for row in world.pools))
        with pytest.raises(SimError, match="found spare_nodes"):
            run(spare, engine="numba", reasons=False)
        fair = dataclasses.replace(world, tenancy=world.tenancy._replace(fair_reclaim=True))
        with pytest.raises(SimError, match="found tenancy"):
            run(fair, engine="numba", reasons=False)
    with pytest.raises(SchedulerError, match="unknown policy"):
        run(world, "esay", engine="numba")


def test_without_numba_the_engine_is_refused_and_auto_takes_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "installed", lambda: False)
    with pytest.raises(SimError, match="numba is not installed"):
        run(world_of(small_world(1)), engine="numba", reasons=False)
    monkeypatch.setattr(engine, "WORTH_EVENTS", 0)
    assert not engine.chosen("auto", recorder(), "all_idle")


def test_auto_takes_the_kernel_for_long_runs_that_it_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with uncompiled(monkeypatch):
        assert not engine.chosen("auto", recorder(), "all_idle")
        monkeypatch.setattr(engine, "WORTH_EVENTS", 1)
        assert engine.chosen("auto", recorder(), "all_idle")
        assert not engine.chosen("auto", recorder("easy_fgd"), "all_idle")
        assert not engine.chosen("auto", recorder(reasons=True), "all_idle")


@pytest.mark.slow
def test_the_compiled_kernel_leaves_the_same_bytes() -> None:
    pytest.importorskip("numba")
    for seed in range(1000, 1300):
        small = small_world(seed, instant=seed % 5 == 0, whole=seed % 7 == 0, writes=seed % 3 == 0)
        for way in (*WAYS, BLIND):
            assert both(world_of(small), way) == [], f"small_world({seed}), {way}"
    assert both(build(load("gap"), days=60), WAYS[0]) == []
