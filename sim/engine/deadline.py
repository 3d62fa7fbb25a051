"""Renters with a deadline: spot while it lasts, on-demand when there is no other way to be done in time.

Such a renter has work, a time by which it must be done, and a cost of moving between products (the changeover: data to
load, images to pull). It looks at its jobs now and then and decides with `next_use`. To the scheduler it is an ordinary
customer: it submits a job, gives up one that still waits, or ends one early. The rows for all its moves stand in the
job table from the start, so a tape of the run replays without it.

Source: Wu et al., Can't Be Late, NSDI 2024, for the rules; cases V8, V8b and V8c.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import simpy

from scheduler.core import Core
from scheduler.events import Cause, Event, EventKind, Status
from scheduler.jobs.work import settle_work, settle_writes
from sim.engine.world import Happen, Process
from sim.result import DeadlineRow, RunResult


class Use(IntEnum):
    """What a renter's work runs on."""

    IDLE = 0
    SPOT = 1
    ON_DEMAND = 2


class Progress(NamedTuple):
    """Where a renter stands: seconds since it came, seconds of work done, and whether spot is to be had now."""

    at_s: int
    done_s: int
    use: Use
    spot: bool


class Terms(NamedTuple):
    """What a renter wants: seconds of work, until when after it came, and the seconds that a changeover takes.

    `check_s`: it looks again after so many seconds, so a safety net has to hold until then.
    """

    work_s: int
    deadline_s: int
    changeover_s: int
    check_s: int = 0


def next_use(now: Progress, terms: Terms, uniform: bool) -> Use:
    """Say what to run on next. A running spot job is never left; `uniform` also keeps pace with the deadline.

    Safety net: who is idle, and has no more time than its work and two changeovers, goes to on-demand for good.
    Uniform progress: who is idle and behind the straight line from nothing at 0 to all at the deadline goes to
    on-demand, and leaves it for spot only when two changeovers ahead of the line. Without it the rule is greedy: idle
    as long as the safety net allows. All comparisons are of products of ints.
    """
    left_s, time_s = terms.work_s - now.done_s, terms.deadline_s - now.at_s
    if now.use is Use.SPOT:
        return Use.SPOT
    late = time_s - terms.check_s < left_s + 2 * terms.changeover_s
    if now.use is Use.ON_DEMAND:
        ahead_s = now.at_s + 2 * terms.changeover_s
        ahead = now.done_s * terms.deadline_s >= ahead_s * terms.work_s
        return Use.SPOT if uniform and now.spot and ahead and not late else Use.ON_DEMAND
    if late:
        return Use.ON_DEMAND
    if now.spot:
        return Use.SPOT
    behind = now.done_s * terms.deadline_s < now.at_s * terms.work_s
    return Use.ON_DEMAND if uniform and behind else Use.IDLE


def worth_taking(lifetime_s: int, changeover_s: int, spot_price: int, on_demand_price: int, running: bool) -> bool:
    """Whether spot that is known to last `lifetime_s` saves money; prices are of one hour, in any one unit.

    With k = on-demand over spot and the changeover d: from idle above k d / (k - 1), and above twice that for a job
    that is `running` on on-demand, which pays for both moves.
    """
    return lifetime_s * (on_demand_price - spot_price) > (1 + running) * on_demand_price * changeover_s


class Renter:
    """One renter in a running simulation: which of its rows it uses, and how far its work has come."""

    def __init__(self, core: Core, row: DeadlineRow) -> None:
        self.core, self.row = core, row
        self.terms = Terms(row.work_s, row.deadline_s - row.submit_s, row.changeover_s, row.check_s)
        self.spot, self.on_demand = list(row.spot_jobs), list(row.on_demand_jobs)  # rows not used yet
        self.job = self.spot.pop(0)
        self.used = [self.job]

    def done_s(self, now_s: int) -> int:
        """Seconds of work done: what all rows have kept, and what the running one has done since it started."""
        return sum(self._done_in(job, now_s) for job in self.used)

    def use(self) -> Use:
        """What the work runs on now."""
        if self.core.jobs.status[self.job] not in (Status.RUNNING, Status.EVICTING):
            return Use.IDLE
        return Use.SPOT if self.job in self.row.spot_jobs else Use.ON_DEMAND

    def move(self, now_s: int) -> list[Event]:
        """Return what the renter tells the scheduler now: nothing, or that it ends one job and submits another."""
        jobs, status = self.core.jobs, self.core.jobs.status[self.job]
        use, on_spot = self.use(), self.job in self.row.spot_jobs
        now = Progress(now_s - self.row.submit_s, self.done_s(now_s), use, self._spot_is_free())
        wanted = next_use(now, self.terms, self.row.uniform)
        gone = status in (Status.DONE, Status.CANCELLED)
        if not gone and (wanted in (use, Use.IDLE) or (on_spot == (wanted is Use.SPOT)) or status == Status.GRANTED):
            return []  # it runs as wanted, waits for what is wanted, or is about to start
        if wanted is Use.IDLE:
            wanted = Use.SPOT
        rows = self.spot if wanted is Use.SPOT else self.on_demand
        if not rows:
            return []  # out of moves: what it has is what it keeps
        leave = EventKind.FINISH if use is not Use.IDLE else EventKind.EXPIRE
        events = [] if gone else [Event(leave, self.job, jobs.epoch[self.job])]
        self.job = rows.pop(0)
        self.used.append(self.job)
        return [*events, Event(EventKind.SUBMIT, self.job)]

    def stop(self) -> list[Event]:
        """Return what ends the renter's last job: its work is done."""
        status, epoch = self.core.jobs.status[self.job], self.core.jobs.epoch[self.job]
        if status in (Status.RUNNING, Status.EVICTING):
            return [Event(EventKind.FINISH, self.job, epoch)]
        return [Event(EventKind.EXPIRE, self.job, epoch)] if status == Status.PENDING else []

    def wait_s(self, now_s: int) -> int:
        """Seconds until it has to look again: the work may be done before the next look."""
        left_s = self.terms.work_s - self.done_s(now_s)
        return self.row.check_s if self.use() is Use.IDLE else max(1, min(self.row.check_s, left_s))

    def is_stuck(self) -> bool:
        """Whether it has neither a job nor a row left for another one."""
        gone = self.core.jobs.status[self.job] in (Status.DONE, Status.CANCELLED)
        return gone and not (self.spot or self.on_demand)

    def _spot_is_free(self) -> bool:
        """Whether a spot job would be granted now, and is worth it where spot comes with a guarantee."""
        core, jobs, row = self.core, self.core.jobs, self.row
        spot = row.spot_jobs[0]
        pool, product = core.pools[jobs.pool[spot]], core.products[jobs.product[spot]]
        nodes = jobs.full[spot]
        if pool.queue[3].count or nodes > pool.offer_room(3, product.guarantee_s) or not pool.room(3).fits(nodes, 0):
            return False
        if not product.guarantee_s:
            return True
        running = self.use() is Use.ON_DEMAND
        return worth_taking(product.guarantee_s, row.changeover_s, row.spot_price, row.on_demand_price, running)

    def _done_in(self, job: int, now_s: int) -> int:
        """Work done in a row of the table, without its changeover: all rows but the first begin with one."""
        jobs = self.core.jobs
        done_s = jobs.work_s[job]
        if jobs.status[job] in (Status.RUNNING, Status.EVICTING):
            product = self.core.products[jobs.product[job]]
            startup_s = product.restart_s if jobs.start_s[job] != jobs.first_start_s[job] else 0
            terms = (now_s - jobs.start_s[job], startup_s, Cause.HORIZON, 0, product.checkpoint_s)
            write_s = product.checkpoint_write_s
            done_s += settle_writes(*terms, write_s).kept_s if write_s else settle_work(*terms).kept_s
        return done_s if job == self.used[0] else max(0, done_s - self.row.changeover_s)


def renter(env: simpy.Environment, happen: Happen, core: Core, row: DeadlineRow) -> Process:
    """Live through one renter's work: submit, look now and then, move where the rule says so, stop when it is done."""
    yield env.timeout(max(0, row.submit_s - int(env.now)))
    life = Renter(core, row)
    happen([Event(EventKind.SUBMIT, life.job)])
    while not life.is_stuck():
        yield env.timeout(life.wait_s(int(env.now)))
        now_s = int(env.now)
        done = life.done_s(now_s) >= row.work_s
        events = life.stop() if done else life.move(now_s)
        if events:
            happen(events)
        if done:
            return


def rows_of(deadlines: tuple[DeadlineRow, ...]) -> frozenset[int]:
    """Return the job rows that renters with a deadline submit themselves."""
    return frozenset(job for row in deadlines for job in (*row.spot_jobs, *row.on_demand_jobs))


def deadlines_kept(result: RunResult) -> dict[str, int] | None:
    """Return how many renters with a deadline there were and how many were done in time, and on what they ran.

    None where there were none. GPU-seconds are as held, changeovers and lost work included.
    """
    rows, outcomes, segments = result.world.deadlines, result.outcomes, result.segments
    if not rows:
        return None
    held = segments.gpus * (segments.end_s - segments.start_s)
    found = {"renters": len(rows), "in_time": 0}
    for row in rows:
        used = [job for job in (*row.spot_jobs, *row.on_demand_jobs) if outcomes.status[job] != Status.NEW]
        done_s = sum(max(0, int(outcomes.work_s[job]) - row.changeover_s * (job != row.spot_jobs[0])) for job in used)
        ended_s = max((int(outcomes.end_s[job]) for job in used), default=-1)
        found["in_time"] += done_s >= row.work_s and ended_s <= row.deadline_s
    for name, jobs in (("spot_gpu_s", "spot_jobs"), ("on_demand_gpu_s", "on_demand_jobs")):
        mine = [job for row in rows for job in getattr(row, jobs)]
        found[name] = int(held[np.isin(segments.job, mine)].sum())
    return found
