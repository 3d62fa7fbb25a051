"""Crashes, maintenance, spares and damping: what every policy keeps whatever happens, and broken cores that do not."""

import json
import zlib

import numpy as np
import pytest

import broken_cores
from core_checks import (
    broken_guarantees,
    crowded_nodes,
    grants_taken_back,
    internal_starts,
    late_starts,
    overstayed,
    partial_gangs,
    unaccounted,
)
from core_invariants import Watch, lost_work
from scheduler.core import Core
from scheduler.events import NEVER, Cause, Event, EventKind, Status
from scheduler.jobs.damping import Damping
from scheduler.nodes.nodeset import rows
from scheduler.policies import POLICIES
from scheduler.policy.estimate import NEEDED
from scheduler.policy.lend import LENDS
from scheduler.quotas.rows import BudgetRow, Tenancy
from scheduler.tables import PoolRow, ProductRow
from scheduler.tape import Settings, compare, header_line, step_line
from small_worlds import Log, SmallWorld, flat_drive
from swarm_worlds import SwarmWorld, swarm_world, world_for
from tenants.band import Band

COMBINATIONS = [(policy, lend) for policy in sorted(POLICIES) for lend in LENDS]
INTERNAL = (Band.INTERNAL_CRITICAL, Band.INTERNAL)


class Reach:
    """Watches that nothing starts on a draining node, and on spares only who may; call `step` after each step."""

    def __init__(self, core: Core, log: Log) -> None:
        self.core, self.log, self.found = core, log, []
        self.seen = 0
        self.spares = [pool.spares for pool in core.pools]

    def step(self, now_s: int) -> None:
        core, jobs = self.core, self.core.jobs
        fresh, self.seen = self.log.decisions[self.seen :], len(self.log.decisions)
        for _, (what, job, _, nodes) in fresh:
            if what != "grant":
                continue
            pool = core.pools[jobs.pool[job]]
            if nodes & pool.draining & ~pool.down:
                self.found.append(f"job {job} was granted a draining node at {now_s}")
            lent = jobs.band[job] == Band.SPOT and core.pool_rows[pool.index].lend_spares
            failed = jobs.band[job] in INTERNAL and jobs.faults[job]
            if nodes & self.spares[pool.index] & pool.spares and not (lent or failed):
                self.found.append(f"job {job} was granted a spare at {now_s}")
        self.spares = [pool.spares for pool in core.pools]
        for pool in core.pools:
            held = sum(hold.nodes & pool.draining != 0 for hold in pool.hold.values())
            if pool.draining and not held:
                self.found.append(f"pool {pool.index} at {now_s}: a draining node that nobody holds is not down")
            if pool.spares.bit_count() > pool.spare_nodes or pool.spares & (pool.down | pool.draining):
                self.found.append(f"pool {pool.index} at {now_s}: spares {list(rows(pool.spares))}")


def driven(world: SmallWorld, policy: str, lend: str) -> tuple[Core, Log, list[str]]:
    core = world.core(policy, lend, headroom_nodes=1)
    log = Log([], [], [], [], [], [])
    watch, reach = Watch(core, log), Reach(core, log)

    def both(now_s: int) -> None:
        watch.step(now_s)
        reach.step(now_s)

    flat_drive(core, world, each_step=both, log=log)
    return core, log, watch.found + reach.found


def complaints(policy: str, lend: str, seed: int, damped: bool = False) -> list[str]:
    world = world_for(policy, seed, mishaps=True, damped=damped, writes=seed % 2 == 0)
    core, log, found = driven(world, policy, lend)
    for check in (late_starts, grants_taken_back, crowded_nodes, broken_guarantees, partial_gangs):
        found += check(world, core, log)
    found += overstayed(core) + unaccounted(world, log) + lost_work(core, log)
    return [f"{text}: repeat with complaints({policy!r}, {lend!r}, {seed}, {damped})" for text in found]


@pytest.mark.parametrize(("policy", "lend"), COMBINATIONS)
def test_every_policy_keeps_its_promises_when_jobs_crash_and_nodes_drain(policy: str, lend: str) -> None:
    first = zlib.crc32(f"{policy}/{lend}/failures".encode())
    assert [text for seed in range(first, first + 3) for text in complaints(policy, lend, seed, seed % 3 == 0)] == []


def interference(seed: int) -> list[str]:
    """Internal starts with rentals on and off, where reclaim is instant and nobody is damped."""
    starts = []
    for lend in ("none", "all_idle"):
        world = swarm_world(seed, mishaps=True, instant=True, damped=False)
        core = world.core("easy_blind", lend)
        starts.append(internal_starts(core, flat_drive(core, world)))
    return [] if starts[0] == starts[1] else [f"internal starts differ: interference({seed})"]


def test_internal_work_does_not_notice_the_renters_with_spares_crashes_and_maintenance() -> None:
    assert [text for seed in range(120) for text in interference(seed)] == []


def test_a_tape_of_all_this_replays_equal() -> None:
    for seed in range(12):
        world = swarm_world(seed, mishaps=True, damped=True)
        core = world.core()
        lines = [header_line(core, Settings("easy", "all_idle", 0))]
        log = flat_drive(core, world)
        decided: dict[int, list] = {}
        for now_s, decision in log.decisions:
            decided.setdefault(now_s, []).append(decision)
        lines += [step_line(now_s, events, decided.get(now_s, [])) for now_s, events in log.steps]
        assert json.loads(lines[0])["damping"] == [2, 100, 400, 2, 40]
        assert compare(lines)[1] is None, f"seed {seed}"


def test_who_crashes_holds_the_gpu_that_was_hit_and_its_node_stays_up() -> None:
    hits = 0
    for seed in range(40):
        world = swarm_world(seed, mishaps=True, faults=False)
        core, log, _ = driven(world, "easy", "all_idle")
        crashes = {(at_s, event.row) for at_s, event in world.told if event.kind == EventKind.JOB_CRASH}
        first_node = [sum(row.nodes for row in world.pools[:pool]) for pool in range(len(world.pools))]
        for part in log.segments:
            if part.cause == Cause.CRASHED:
                hits += 1
                base = first_node[core.jobs.pool[part.job]]
                assert any((part.end_s, base + node) in crashes for node in rows(part.nodes)), f"seed {seed}"
        ours = sum(core.jobs.array("crashes").tolist())
        assert ours == sum(part.cause == Cause.CRASHED for part in log.segments)
    assert hits > 50


def test_maintenance_that_is_announced_early_enough_interrupts_nobody_without_notice() -> None:
    """With notices and guarantees of 0, a drain two seconds ahead empties the node: nobody meets a fault."""
    drains = 0
    for seed in range(60):
        world = swarm_world(seed, mishaps=True, instant=True, faults=False)
        core, log, _ = driven(world, "easy", "all_idle")
        events = [(at_s, event) for at_s, event in world.told if event.kind == EventKind.DRAIN]
        if all(event.epoch > at_s + 1 for at_s, event in events):
            drains += len(events)
            assert not any(core.jobs.faults), f"seed {seed}"
            assert all(gone.lost_s == 0 for gone in log.evicted if gone.by < 0), f"seed {seed}"
    assert drains > 10


def of_one_tenant(band: int, rows: list[tuple[int, int]], *told: tuple[int, Event]) -> SmallWorld:
    """Jobs of one GPU as (submit_s, run_s) on two nodes of one GPU each; whoever fails waits 4 s."""
    zeros = np.zeros(len(rows), dtype=np.int64)
    columns = dict(zip(("submit_s", "run_s"), np.array(rows, dtype=np.int64).T, strict=True))
    columns |= {"tenant": zeros, "product": zeros, "pool": zeros, "gpus": zeros + 1, "estimate_s": zeros + 2000}
    columns["patience_s"] = zeros + NEVER
    submits = [(at_s, Event(EventKind.SUBMIT, job)) for job, (at_s, _) in enumerate(rows)]
    product = ProductRow(band, 0, False, 0, True, True, 0, 0)
    damping = Damping(2, 100, 400, 2, 40)
    return SmallWorld((PoolRow(2, 1, 0),), (product,), (), (0,), columns, (*submits, *told), 300, damping=damping)


def test_who_gives_up_during_its_pause_is_gone() -> None:
    """A renter with a deadline does so when it moves to on-demand."""
    crash, leave = (5, Event(EventKind.JOB_CRASH, 1, 0)), (7, Event(EventKind.EXPIRE, 0, 1))
    core = of_one_tenant(Band.SPOT, [(1, 100)], crash, leave).core()
    log = flat_drive(core, of_one_tenant(Band.SPOT, [(1, 100)], crash, leave))
    assert [(start.start_s) for start in log.started] == [1]
    assert core.jobs.status[0] == Status.CANCELLED and core.jobs.end_s[0] == 7 and not core.paused


def test_who_may_push_nobody_aside_and_used_up_a_budget_is_asked_when_the_next_month_begins() -> None:
    crashes = [(at_s, Event(EventKind.JOB_CRASH, node, 0)) for at_s in (5, 12) for node in (0, 1)]
    plain = of_one_tenant(Band.INTERNAL, [(1, 100)], *crashes)
    fields = {name: getattr(plain, name) for name in SmallWorld.__dataclass_fields__}
    tenancy = Tenancy(budgets=(BudgetRow(0, 5, 5),), months_s=(0, 1000))
    world = SwarmWorld(**fields, tenancy=tenancy)
    log = flat_drive(world.core(), world)
    assert [start.start_s for start in log.started] == [1, 9, 1000]


def test_predictions_rest_on_what_was_seen_of_a_job_that_was_ended_early() -> None:
    begin_s = [20 * job for job in range(NEEDED + 1)]
    early = [(at_s + 10, Event(EventKind.FINISH, job)) for job, at_s in enumerate(begin_s)]
    world = of_one_tenant(Band.INTERNAL, [(at_s, 1000) for at_s in begin_s], *early)
    core = world.core("easy_predicted")
    flat_drive(core, world)
    assert [core.estimate_s[0], core.estimate_s[NEEDED]] == [2000, 10]


@pytest.mark.parametrize(
    "canary", [broken_cores.spares_for_everyone, broken_cores.drains_ignored, broken_cores.drained_nodes_forgotten]
)
def test_a_core_that_breaks_these_rules_is_caught(canary) -> None:
    def is_caught(seed: int) -> bool:
        try:
            return bool(complaints("easy", "all_idle", seed))
        except AssertionError:  # the core itself noticed
            return True

    with canary():
        assert any(is_caught(seed) for seed in range(40))
