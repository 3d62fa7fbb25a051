"""What a tenant would have waited in a private cluster of the size that it was promised, without asking the core.

A private cluster of `nodes` nodes has one customer: whatever fits starts at once, in the order of the line. It is asked
with the gangs of one tenant, each for as long as the tenant held its promise in the shared cluster: from the grant on.
"""

from collections import defaultdict
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from scheduler.core import Core
from scheduler.events import Event, EventKind, Started, Status
from small_worlds import RESERVED, Log, SmallWorld
from tenants.band import TIER_OF_BAND, Band


class Gang(NamedTuple):
    """One start: when it was asked for, in the place that it had in the line, and how long it held its nodes."""

    asked_s: int
    job: int
    nodes: int
    granted_s: int
    held_s: int


def private_grants(gangs: list[Gang], nodes: int, from_s: int) -> dict[int, int]:
    """When each gang starts in a private cluster of `nodes` nodes that is there from `from_s` on, by its row."""
    free, now_s = nodes, from_s
    waiting: list[int] = []
    running: list[tuple[int, int]] = []  # (end_s, nodes)
    later = sorted(range(len(gangs)), key=lambda row: gangs[row].asked_s)
    found: dict[int, int] = {}
    while later or waiting:
        while later and gangs[later[0]].asked_s <= now_s:
            waiting.append(later.pop(0))
        free += sum(count for end_s, count in running if end_s <= now_s)
        running = [entry for entry in running if entry[0] > now_s]
        for row in sorted(waiting, key=lambda row: gangs[row].job):
            if gangs[row].nodes <= free:
                free -= gangs[row].nodes
                found[row] = now_s
                running.append((now_s + gangs[row].held_s, gangs[row].nodes))
                waiting.remove(row)
        ahead = [gangs[row].asked_s for row in later] + [end_s for end_s, _ in running]
        if any(end_s <= now_s for end_s, _ in running):
            continue  # a gang without length has gone already
        if not ahead:
            break
        now_s = max(now_s, min(ahead))
    return found


def gangs_of(core: Core, log: Log, tenant: int, pool: int) -> list[Gang]:
    """The starts of a tenant's contract in one pool, in order of their grants."""
    jobs, found = core.jobs, []
    end_s: dict[tuple[int, int], int] = {(part.job, part.start_s): part.end_s for part in log.segments}
    for start in log.started:
        if (jobs.tenant[start.job], jobs.band[start.job], jobs.pool[start.job]) == (tenant, Band.RESERVED, pool):
            until_s = end_s.get((start.job, start.start_s), start.start_s)
            found.append(
                Gang(start.pending_s, start.job, jobs.full[start.job], start.granted_s, until_s - start.granted_s)
            )
    return found


def reach_s(world: SmallWorld, band: int) -> int:
    """The longest that somebody below a band may stay after he was told to go: his notice, or what is left of his
    guarantee where one was sold."""
    below = [each for each in world.products if TIER_OF_BAND[each.band] > TIER_OF_BAND[band]]
    return max((max(each.notice_s, each.guarantee_s) for each in below), default=0)


def late_of_reserved(world: SmallWorld, core: Core, log: Log) -> list[str]:
    """Gangs of contracts that were granted later than in a private cluster, or that started later than one notice and
    one cleaning after that."""
    found = []
    for row in world.reservations:
        gangs = gangs_of(core, log, row.tenant, row.pool)
        grants = private_grants(gangs, row.nodes, row.from_s)
        for place, gang in enumerate(gangs):
            if grants.get(place) != gang.granted_s:
                found.append(f"job {gang.job} was granted at {gang.granted_s}, in private at {grants.get(place)}")
        bound_s = reach_s(world, Band.RESERVED) + world.pools[row.pool].scrub_s
        found += late_starts(core, log.started, row.tenant, row.pool, bound_s)
    return found


def late_starts(core: Core, started: list[Started], tenant: int, pool: int, bound_s: int) -> list[str]:
    """Starts of a tenant's contract more than `bound_s` after their grant."""
    jobs = core.jobs
    return [
        f"job {start.job} was granted at {start.granted_s}, started at {start.start_s}, bound {bound_s}"
        for start in started
        if (jobs.tenant[start.job], jobs.band[start.job], jobs.pool[start.job]) == (tenant, Band.RESERVED, pool)
        and start.start_s - start.granted_s > bound_s
    ]


class ReservedWatch:
    """Looks at a core after each step: nobody waits for what it was promised while the nodes that are up are enough for
    all promises. It counts what tenants hold by itself."""

    def __init__(self, world: SmallWorld, core: Core) -> None:
        self.world, self.core = world, core
        self.complaints: list[str] = []

    def look(self, now_s: int) -> None:
        """Note who waits for what is its own."""
        jobs = self.core.jobs
        for pool in self.core.pools:
            promised = {row.tenant: row.nodes for row in self.world.reservations if row.pool == pool.index}
            begun = {row.tenant for row in self.world.reservations if row.from_s <= now_s}
            up = pool.nodes & ~(pool.down | pool.draining)
            if up.bit_count() < sum(promised.values()):
                continue  # a private cluster would lack these nodes as well
            held: dict[int, int] = defaultdict(int)
            for job, hold in pool.hold.items():
                if jobs.band[job] == RESERVED:
                    held[jobs.tenant[job]] += hold.whole.bit_count()
            for job in range(jobs.count):
                tenant = jobs.tenant[job]
                waits = jobs.band[job] == RESERVED and jobs.status[job] == Status.PENDING
                here = jobs.pool[job] == pool.index and tenant in begun and job not in self.core.paused
                if waits and here and jobs.full[job] <= promised.get(tenant, 0) - held[tenant]:
                    self.complaints.append(f"job {job} waits at {now_s} for nodes that are its tenant's")


def starts_of(core: Core, log: Log, tenant: int, pool: int) -> list[tuple[int, int, int]]:
    """(submit_s, nodes, start_s) of every start of a tenant's contract in a pool."""
    jobs = core.jobs
    return sorted(
        (jobs.submit_s[each.job], jobs.full[each.job], each.start_s)
        for each in log.started
        if (jobs.tenant[each.job], jobs.band[each.job], jobs.pool[each.job]) == (tenant, Band.RESERVED, pool)
    )


def from_the_start(world: SmallWorld) -> SmallWorld:
    """The same world with contracts that begin with it, before anybody else holds their nodes, and with gangs that hold
    something: one without length is over in the instant that starts it."""
    begin = {Event(EventKind.CONTRACT_BEGIN, row) for row in range(len(world.reservations))}
    told = tuple((0 if event in begin else at_s, event) for at_s, event in world.told)
    jobs = {**world.jobs, "run_s": np.maximum(world.jobs["run_s"], 1)}
    return replace(
        world, jobs=jobs, reservations=tuple(row._replace(from_s=0) for row in world.reservations), told=told
    )
