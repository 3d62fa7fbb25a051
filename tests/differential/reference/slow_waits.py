"""The slow twin of delay attribution: after every step it asks every job what it waits for, node by node.

It reads who holds which nodes and nothing else of the core's views: no capacities, no rooms, no lines of alike jobs.
"""

from collections import Counter

from scheduler.events import Status
from tenants.band import TIER_OF_BAND, Band


class SlowWaits:
    """Call it after each step; `seconds` holds (job, cause in lower case) -> seconds once it is closed."""

    def __init__(self, core) -> None:
        self.core, self.seconds, self.open, self.at_s = core, Counter(), {}, 0

    def __call__(self, now_s: int) -> None:
        before, pool = self.open, self.core.jobs.pool
        for job, cause in before.items():
            self.seconds[job, cause] += now_s - self.at_s
        status = self.core.jobs.array("status").tolist()
        waiting = [job for job, each in enumerate(status) if each in (Status.PENDING, Status.GRANTED)]
        self.open = {
            job: before[job] if job in before and pool[job] not in self.core.touched else self.cause(job)
            for job in waiting
        }
        self.at_s = now_s

    def close(self, now_s: int) -> dict:
        self(now_s)
        return {key: seconds for key, seconds in self.seconds.items() if seconds}

    def cause(self, job: int) -> str:
        core, jobs = self.core, self.core.jobs
        pool = core.pools[jobs.pool[job]]
        if jobs.status[job] == Status.GRANTED:
            bands = [jobs.band[victim] for victim in pool.granted[job].victims]
            if not bands:
                return "scrubbing"
            return "rentals" if max(bands) >= Band.ON_DEMAND else "preemption"
        if job in core.paused or job in core.meek:
            return "damping"
        gated = pool.gate is not None and jobs.band[job] in (Band.INTERNAL_CRITICAL, Band.INTERNAL)
        if gated and pool.gate.why(core, job) is not None:
            return "fair_share"
        tier = TIER_OF_BAND[jobs.band[job]]
        full, part, within = jobs.shape[job]
        healthy = [not pool.down >> node & 1 for node in range(pool.node_count)]
        groups = [list(range(pool.node_count))]
        if within:
            groups = [[n for n in range(pool.node_count) if d >> n & 1] for d in pool.levels[within - 1].domains]
        need = full + (part > 0)
        if need > max(sum(healthy[node] for node in group) for group in groups):
            return "failure"
        if jobs.band[job] == Band.RESERVED and full > pool.contract_room(jobs.tenant[job]):
            return "fair_share"
        if tier >= 2:
            guarantee_s = core.products[jobs.product[job]].guarantee_s
            lent = sum(
                pool.hold[other].whole.bit_count() for other in pool.hold if 2 <= TIER_OF_BAND[jobs.band[other]] <= tier
            )
            limits = zip(pool.offer.guarantee_s, pool.offer.nodes_max, strict=True)
            if full > min(most for reach_s, most in limits if reach_s <= guarantee_s) - lent:
                return "offer"
        free = self.free(pool, tier)
        if self.fits(free, groups, full, part, pool.per_node):
            return "promised"
        mended = [gpus if healthy[node] else pool.per_node for node, gpus in enumerate(free)]
        kept = pool.reserved_unused_nodes if tier == 0 else 0
        if mended != free and self.fits(mended, groups, full, part, pool.per_node, kept):
            return "failure"
        if within and self.fits(free, [list(range(pool.node_count))], full, part, pool.per_node, kept):
            return "fragmentation"
        return "fragmentation" if sum(free) >= full * pool.per_node + part else "capacity"

    def free(self, pool, tier: int) -> list[int]:
        """GPUs of each node that are not held or claimed by this tier or a more important one."""
        jobs = self.core.jobs
        gone = pool.down | pool.shut[tier]
        free = [0 if gone >> node & 1 else pool.per_node for node in range(pool.node_count)]
        for job, hold in pool.hold.items():
            if TIER_OF_BAND[jobs.band[job]] <= tier:
                for node in range(pool.node_count):
                    free[node] -= pool.per_node * (hold.whole >> node & 1) + hold.gpus * (hold.part >> node & 1)
        return [max(0, gpus) for gpus in free]

    def fits(self, free, groups, full: int, part: int, per_node: int, kept: int = 0) -> bool:
        """Whether whole nodes and a part of another one are free in some group, and `kept` more anywhere."""
        if sum(gpus == per_node for gpus in free) - full - (part > 0) < kept and kept:
            return False
        for group in groups:
            whole = [node for node in group if free[node] == per_node]
            partly = [node for node in group if part and free[node] >= part and free[node] < per_node]
            if len(whole) >= full and (not part or partly or len(whole) > full):
                return True
        return False
