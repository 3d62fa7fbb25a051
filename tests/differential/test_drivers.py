"""One core, three drivers: SimPy, a flat heap loop, and a tape without any clock. They must not make a difference."""

import heapq
from dataclasses import replace

import pytest
import simpy

from scheduler.core import Core
from scheduler.events import Event
from scheduler.tape import Settings, compare, header_line, step_line
from sim.engine import world as processes
from sim.engine.driver import Driver
from sim.engine.run import run
from sim.scenario.build import build
from sim.scenario.file import load
from small_worlds import HORIZON_S, Log, SmallWorld, collect, faults_of, flat_drive, small_world

SEEDS = range(60)


def simpy_drive(core: Core, world: SmallWorld) -> Log:
    """The world's processes under SimPy, as `sim.engine.run` starts them."""
    log = Log([], [], [], [], [], [])

    def after_step(now_s: int, events: list[Event]) -> None:
        log.steps.append((now_s, sorted(events)))
        collect(core, now_s, log)

    env = simpy.Environment()
    driver = Driver(env, core, after_step)
    env.process(processes.contracts(env, driver.happen, world.reservations))
    env.process(processes.faults(env, driver.happen, faults_of(world)))
    env.process(processes.control(env, driver.happen, world.control_interval_s, lambda: True))
    env.process(processes.arrivals(env, driver.happen, world.jobs["submit_s"]))
    env.run(until=HORIZON_S)
    log.segments += core.cut(HORIZON_S)
    return log


@pytest.mark.parametrize("policy", ["easy", "fcfs"])
def test_simpy_and_a_flat_heap_make_the_same_decisions(policy: str) -> None:
    for seed in SEEDS:
        world = replace_contract_ends(small_world(seed))
        flat, simulated = world.core(policy), world.core(policy)
        ours, theirs = flat_drive(flat, world), simpy_drive(simulated, world)
        assert ours.decisions == theirs.decisions, f"seed {seed}"
        assert ours.segments == theirs.segments, f"seed {seed}"
        assert [(now_s, sorted(events)) for now_s, events in ours.steps] == theirs.steps, f"seed {seed}"


def replace_contract_ends(world: SmallWorld) -> SmallWorld:
    """Contracts that end with the world: the flat worlds tell no end."""
    return replace(world, reservations=tuple(row._replace(until_s=HORIZON_S) for row in world.reservations))


def taped(world: SmallWorld, policy: str = "easy") -> list[str]:
    core = world.core(policy)
    lines = [header_line(core, Settings(policy, "all_idle", 0))]
    log = flat_drive(core, world)
    made = {}
    for now_s, decision in log.decisions:
        made.setdefault(now_s, []).append(decision)
    return lines + [step_line(now_s, events, made.get(now_s, [])) for now_s, events in log.steps]


def test_a_tape_makes_the_same_decisions_without_a_clock() -> None:
    for seed in SEEDS:
        lines = taped(small_world(seed))
        assert compare(lines) == (len(lines) - 1, None), f"seed {seed}"


def test_the_tape_of_a_shipped_scenario_replays_equal() -> None:
    result = run(build(load("small")))
    assert result.tape is not None
    assert compare(result.tape) == (result.step_count, None)


def test_a_driver_that_decides_per_event_instead_of_per_instant_is_caught() -> None:
    world = small_world(3)
    core = world.core()
    heap = sorted(world.told)
    with pytest.raises(AssertionError, match="one step per instant"):
        while heap:
            now_s, event = heapq.heappop(heap)
            for timer in core.step(now_s, [event]):
                heapq.heappush(heap, tuple(timer))


def test_a_driver_that_splits_an_instant_decides_differently() -> None:
    different = 0
    for seed in SEEDS:
        world = small_world(seed)
        split = replace(world, told=tuple((3 * at_s + event.kind % 3, event) for at_s, event in world.told))
        whole = replace(world, told=tuple((3 * at_s, event) for at_s, event in world.told))
        logs = []
        for told in (split, whole):
            core = told.core()
            log = flat_drive(core, told, 3 * HORIZON_S)
            logs.append([(start.start_s // 3, start.job) for start in log.started])
        different += logs[0] != logs[1]
    assert different > 0
