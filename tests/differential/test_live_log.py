"""A run told while it goes on, and the same run read from its folder when it is over: one chain, event by event, and
at every tick what has been told is all that had happened."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.log.event import Event
from billing.metering.meter import billed_usage
from billing.metering.states import all_states
from billing.usage import Names
from run_folders import write_small
from scheduler.events import EventKind
from sim.engine.recorder import Recorder
from sim.engine.run import run
from sim.feed.live import LiveLog
from sim.folder import tables, why_tables
from sim.folder.log import events_of, source_of
from sim.folder.parquet import Cells, Labels, Maybe
from sim.folder.run_folder import read
from sim.result import JobRows, RunResult, World
from sim.scenario.build import build
from sim.scenario.file import load
from small_worlds import HORIZON_S, SmallWorld, faults_of, small_world

EPOCH_S = 1_700_000_000
SWITCHES = ("instant", "whole", "topology", "writes", "mishaps", "damped")


def told_live(world: World, source: str, policy: str = "easy") -> tuple[list[Event], RunResult]:
    """Everything that is told, held at every tick to what may be told by then."""
    live, told = LiveLog(world, source), []
    before_s = -1

    def watch(now_s: int, recorder: Recorder) -> None:
        nonlocal before_s
        new = live.until(now_s, recorder)
        last = now_s >= world.horizon_s
        times_s = [event.time_s - world.names.epoch_s for event in new]
        assert all(max(0, before_s) <= at_s and (last or at_s < now_s) for at_s in times_s)
        told.extend(new)
        before_s = now_s

    return told, run(world, policy, watch=watch)


def built(small: SmallWorld) -> World:
    """A small world of a core as a world of the simulator. It has no prices: nobody bills it."""
    jobs = JobRows([f"j{row}" for row in range(len(small.jobs["gpus"]))], **small.jobs)
    kinds = (EventKind.JOB_CRASH, EventKind.DRAIN)
    mishaps = sorted((at_s, int(each.kind), each.row, each.epoch) for at_s, each in small.told if each.kind in kinds)
    names = Names(
        tuple(f"t{row}" for row in range(len(small.domains))),
        tuple(f"p{row}" for row in range(len(small.products))),
        ("eu",),
        ("h100", "a100"),
        EPOCH_S,
    )
    pools = len(small.pools)
    return World(
        names, None, None, small.pools, (0,) * pools, tuple(range(pools)), small.products, small.domains,  # type: ignore[arg-type]
        small.reservations, jobs, faults_of(small), HORIZON_S, small.control_interval_s,
        mishaps=tuple(mishaps), damping=small.damping,
    )  # fmt: skip


def as_folder(result: RunResult) -> Any:
    """What `events_of` reads of a run folder, from columns in memory."""
    none = np.zeros(0, dtype=np.int64)
    names = result.world.names
    states = all_states(names, billed_usage(none, none, none, none, none, none), result.capacity)
    found = {
        "allocations": tables.allocations(result),
        "evictions": why_tables.evictions(result, False),
        "capacity": tables.capacity(names, SimpleNamespace(capacity=states)),  # type: ignore[arg-type]
    }
    pools = [
        {"region": "eu", "sku": names.skus[place], "nodes": pool.nodes, "gpus_per_node": pool.gpus_per_node}
        for place, pool in enumerate(result.world.pools)
    ]

    def columns(table: str, *wanted: str) -> dict[str, Any]:
        return {name: plain(found[table][name]) for name in wanted or found[table]}

    manifest = {"config_sha256": "0" * 64, "horizon_s": result.horizon_s, "pools": pools}
    return SimpleNamespace(names=names, manifest=manifest, columns=columns, scenario_toml=lambda: "replay = 1")


def plain(column: Any) -> Any:
    match column:
        case Labels(code, words):
            return np.array([words[each] for each in code.tolist()], dtype=object)
        case Maybe(value):
            return value
        case Cells(values, _):
            return np.array(values, dtype=object)
        case _:
            return column


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**9), st.sets(st.sampled_from(SWITCHES)), st.sampled_from(("easy", "fcfs")))
def test_what_is_told_live_is_the_log_of_the_finished_run(seed: int, switches: set[str], policy: str) -> None:
    world = built(small_world(seed, **dict.fromkeys(switches, True)))
    told, result = told_live(world, f"run/{'0' * 16}", policy)
    assert told == list(events_of(as_folder(result)))


def test_watching_changes_nothing() -> None:
    for seed in range(10):
        world = small_world(seed, mishaps=True)
        _, watched = told_live(built(world), "run/x")
        assert watched.tape == run(built(world)).tape


@pytest.mark.parametrize(("name", "days"), [("acme", 2), ("wholesale", 2)])
def test_so_it_is_for_scenarios_with_hours_maintenance_and_contracts(name: str, days: int, tmp_path: Path) -> None:
    scenario = load(name)
    path = write_small(tmp_path / "run", name, days)
    finished = read(path)
    told, _ = told_live(build(scenario, days=days), source_of(finished))
    assert told == list(events_of(finished)) and {"capacity.recorded"} < {event.type for event in told}


def test_canary_a_log_that_looks_one_second_ahead_is_told_apart() -> None:
    """Told one tick late the chain is another: seconds of one tick must not mix."""
    world = built(small_world(3))
    live = LiveLog(world, "run/x")
    with pytest.raises(AssertionError):
        told: list[Event] = []
        run(world, watch=lambda now_s, recorder: told.extend(live.until(now_s - 1, recorder)))
        assert told == told_live(world, "run/x")[0]
