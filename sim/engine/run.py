"""One run: a world under one policy, from the first event to the last, as a `RunResult`."""

from bisect import bisect_left
from collections.abc import Callable

import numpy as np
import simpy

from billing.usage import EvictionTable, OutageTable, SegmentTable, StartTable
from scheduler.core import Core
from scheduler.events import NEVER, Evicted, Status
from scheduler.policy.lend import LOOKS, Look
from scheduler.tables import JobTable
from scheduler.tape import Settings, header_line
from scheduler.why.reasons import why
from sim.engine import engines as engines
from sim.engine.compiled import compiled
from sim.engine.cores import make_core, people, ticks
from sim.engine.driver import Driver
from sim.engine.lend_terms import lend_findings
from sim.engine.oracle import true_demand
from sim.engine.recorder import Recorder
from sim.engine.warden import Warden
from sim.result import IntArray, JobOutcomes, JobRows, RunResult, World

Watch = Callable[[int, Recorder], None]


def run(
    world: World,
    policy: str = "easy",
    lend: str = "all_idle",
    *,
    headroom_nodes: int = 0,
    seed: int = 0,
    tape: bool = True,
    metered: bool = True,
    reasons: bool = True,
    progress: Callable[[int, int], None] | None = None,
    engine: str = "auto",
    watch: Watch | None = None,
) -> RunResult:
    """Run a world to its horizon (NEVER: until every job is done) and return everything that happened.

    `progress(now_s, horizon_s)` is called now and then. Not `metered`: idle time is not counted, so that the clock may
    be in any unit. Without `reasons` nobody notes what jobs wait for. The result depends on the world and the names of
    the policies alone; `seed` is only written down.
    `watch(now_s, recorder)` is called at each tick of the control clock, when all before `now_s` has happened and
    nothing after it, and at the horizon, when the recorder is closed. It changes nothing, and needs the engine python.
    `engine` is one of `sim.engine.engines.ENGINES`; it decides how long the run takes and nothing else.

    Raises UnknownPolicyError, TableError; SimError: an engine by name that is not there or cannot run this.
    """
    truth = true_demand(world, policy) if LOOKS.get(lend) == Look.TRUTH else ()
    core = make_core(world, policy, lend, headroom_nodes, truth)
    lines = [header_line(core, Settings(policy, lend, headroom_nodes))] if tape else None
    recorder = Recorder(core, world, lines, reasons, metered)
    if progress is not None:
        recorder.progress = lambda now_s: progress(now_s, world.horizon_s)
    if watch is None and engines.chosen(engine, recorder, lend):
        told = engines.told(world, ticks=ticks(core, world))
        event_count = engines.drive(recorder, told, lend, headroom_nodes, engines.Kernel(*compiled()))
    else:
        event_count = simulate(recorder, watch)
        note_waiting(core)
    horizon_s = world.horizon_s if world.horizon_s < NEVER else max(core.now_s, 0)
    result = _result(recorder, horizon_s, event_count, policy, lend, seed)
    if watch is not None:
        watch(horizon_s, recorder)
    return result


def simulate(recorder: Recorder, watch: Watch | None = None) -> int:
    """Drive the core by SimPy to the horizon of its world; return the number of events. `watch`: see `run`."""
    core, world = recorder.core, recorder.world
    env = simpy.Environment()
    driver = Driver(env, core, recorder.after_step)
    if world.isolation is not None:
        warden = Warden(env, driver.happen, core, world, world.isolation)
        driver.after_step = warden.before(recorder.after_step)
        recorder.isolation = warden.seen
    people(env, driver, core, world)
    if watch is not None:
        for now_s in range(world.control_interval_s, world.horizon_s, world.control_interval_s):
            env.run(until=now_s)
            watch(now_s, recorder)
    env.run(until=world.horizon_s if world.horizon_s < NEVER else None)
    return driver.event_count


def note_waiting(core: Core) -> None:
    """Write down why whoever still waits at the end does."""
    for job in np.flatnonzero(np.isin(core.jobs.array("status"), (Status.PENDING, Status.GRANTED))).tolist():
        core.jobs.reason[job] = why(core, job, promise=False).reason


def _result(recorder: Recorder, horizon_s: int, event_count: int, policy: str, lend: str, seed: int) -> RunResult:
    """Put what was recorded into the tables that the rest of the system reads."""
    core, world = recorder.core, recorder.world
    capacity = recorder.close(horizon_s)
    segments = recorder.table(recorder.segments, 8)
    started = recorder.table(recorder.started, 4)
    evicted = recorder.table(recorder.evicted, len(Evicted._fields))
    rows = world.jobs
    return RunResult(
        world=world,
        outcomes=_outcomes(core, horizon_s),
        segments=SegmentTable(
            job=segments[0],
            tenant=rows.tenant[segments[0]],
            product=rows.product[segments[0]],
            region=np.array(world.pool_region, dtype=np.int64)[rows.pool[segments[0]]],
            sku=np.array(world.pool_sku, dtype=np.int64)[rows.pool[segments[0]]],
            gpus=segments[3],
            start_s=segments[1],
            end_s=segments[2],
            cause=segments[4],
        ),
        segment_nodes=recorder.nodes,
        stalled_s=segments[5],
        lost_s=segments[6],
        written_s=segments[7],
        starts=StartTable(started[0], rows.tenant[started[0]], rows.product[started[0]], started[1], started[3]),
        granted_s=started[2],
        evictions=EvictionTable(
            evicted[0],
            rows.tenant[evicted[0]],
            rows.product[evicted[0]],
            gpus=evicted[1],
            noticed_s=evicted[2],
            evicted_s=evicted[3],
            guaranteed_until_s=evicted[4],
        ),
        evicted_by=evicted[5],
        eviction_lost_s=evicted[6],
        second_order=evicted[7],
        waits=recorder.waits_by_cause(horizon_s),
        outages=outages(rows, recorder.table(recorder.faulted, 4), started, core.jobs, horizon_s),
        capacity=capacity,
        tape=recorder.tape,
        policy=policy,
        lend=lend,
        seed=seed,
        step_count=core.step_count,
        event_count=event_count,
        horizon_s=horizon_s,
        findings=tuple(lend_findings(world, core.terms)),
        isolation=recorder.isolation() if recorder.isolation is not None else None,
    )


def outages(rows: JobRows, faulted: IntArray, started: IntArray, jobs: JobTable, horizon_s: int) -> OutageTable:
    """Return how long each job was without nodes after each fault: until it ran again, left, or the run ended.

    A job under notice loses no more than what was left of it. `faulted` and `started` are the recorder's tables, (4, n)
    each. Cost: O(starts + faults log starts).
    """
    job, gpus, from_s, due_s = faulted
    starts_of: dict[int, list[int]] = {number: [] for number in job.tolist()}
    for number, start_s in zip(started[0].tolist(), started[3].tolist(), strict=True):
        if number in starts_of:
            starts_of[number].append(start_s)  # in order of time: the recorder's order
    until_s = np.full(len(job), horizon_s, dtype=np.int64)
    for place, (number, at_s) in enumerate(zip(job.tolist(), from_s.tolist(), strict=True)):
        again = bisect_left(starts_of[number], at_s)
        if again < len(starts_of[number]):
            until_s[place] = starts_of[number][again]
        elif jobs.status[number] == Status.CANCELLED:
            until_s[place] = jobs.end_s[number]
    return OutageTable(job, rows.tenant[job], rows.product[job], gpus, from_s, np.minimum(until_s, due_s))


def _outcomes(core: Core, horizon_s: int) -> JobOutcomes:
    jobs = core.jobs
    waiting = np.isin(jobs.array("status"), (Status.PENDING, Status.GRANTED))
    wait_s = jobs.array("wait_s") + np.where(waiting, horizon_s - jobs.array("pending_s"), 0)
    ended = np.isin(jobs.array("status"), (Status.DONE, Status.CANCELLED))
    per_node = np.array([pool.per_node for pool in core.pools], dtype=np.int64)[jobs.array("pool")]
    return JobOutcomes(
        held_gpus=jobs.array("full") * per_node + jobs.array("part"),
        start_s=jobs.array("first_start_s").astype(np.int64),
        end_s=np.where(ended, jobs.array("end_s"), -1).astype(np.int64),
        wait_s=wait_s.astype(np.int64),
        work_s=jobs.array("work_s").astype(np.int64),
        preemptions=jobs.array("preemptions").astype(np.int64),
        faults=jobs.array("faults").astype(np.int64),
        granted_s=jobs.array("first_granted_s").astype(np.int64),
        status=jobs.array("status").astype(np.int64),
        reason=jobs.array("reason").astype(np.int64),
    )
