"""Who waits although asking would be enough: found by asking everybody again once a decision is over.

Contracts that fit their contract, heads of a queue that fit their room, and jobs that may push nobody aside for which
nodes are free. Policies that plan every start let a head wait on purpose and are not asked here.
"""

from collections.abc import Iterator

from scheduler.core import Core
from scheduler.events import Status
from scheduler.jobs.failures import _nobody_leaves
from scheduler.state.pool import Pool


def overlooked(core: Core) -> list[str]:
    """Jobs that would be granted if somebody asked; call after a step."""
    return [
        f"at {core.now_s}: job {job} of tier {tier} waits ({what}), but fits"
        for pool in core.pools
        for tier in range(4)
        for what, job, room in _waiting(core, pool, tier)
        if _fits(core, pool, tier, job, room, kept=0 if what == "contract" else pool.kept_nodes(tier))
    ]


def _waiting(core: Core, pool: Pool, tier: int) -> Iterator[tuple]:
    jobs = core.jobs
    if tier == 0:
        for job in pool.contract_queue.jobs():
            if jobs.full[job] <= pool.contract_room(jobs.tenant[job]):
                yield "contract", job, pool.room_within(0, jobs.within[job])
    if pool.queue[tier].count and (pool.gate is None or tier >= 2):
        head = pool.queue[tier].head()
        yield "head", head, pool.room_within(tier, jobs.within[head])
    for job in sorted(pool.meek & pool.recovering[tier]):
        room = pool.room_within(tier, jobs.within[job])
        wide = room._replace(closed=pool.draining) if tier < 2 else room
        if jobs.status[job] == Status.PENDING and not (pool.gate and tier < 2 and pool.gate.why(core, job)):
            yield "meek", job, _nobody_leaves(pool, tier, wide, jobs.part[job])


def _fits(core: Core, pool: Pool, tier: int, job: int, room, kept: int) -> bool:
    jobs = core.jobs
    if tier >= 2 and jobs.full[job] > pool.offer_room(tier, core.products[jobs.product[job]].guarantee_s):
        return False
    return room.fits(jobs.full[job], jobs.part[job], kept)
