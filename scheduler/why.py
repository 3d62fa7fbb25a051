"""Why a job waits: one question, asked on demand and never on the hot path."""

from typing import TYPE_CHECKING, NamedTuple

from scheduler.events import NEVER, Reason, Status
from scheduler.nodeset import NodeSet
from scheduler.pool import Pool
from scheduler.promise import promised
from tenants.band import TIER_OF_BAND, Band

if TYPE_CHECKING:
    from scheduler.lives import Lives


class Why(NamedTuple):
    """Why a job waits, with the two numbers that make it a sentence: what it needs and what there is."""

    reason: Reason
    need: int
    have: int
    promised_s: int  # promised start, where there is one; else NEVER


def why(core: "Lives", job: int, promise: bool = True) -> Why:
    """Say why a pending or granted job does not run yet; with `promise`, when it would, by estimates."""
    jobs = core.jobs
    pool = core.pools[jobs.pool[job]]
    band = jobs.band[job]
    tier = TIER_OF_BAND[band]
    full, part, within = jobs.shape[job]
    if jobs.status[job] == Status.GRANTED:
        victims = pool.granted[job].victims
        cleaning = (pool.hold[job].nodes & pool.scrubbing).bit_count()
        return Why(Reason.RECLAIM, full, len(victims), NEVER) if victims else Why(Reason.SCRUB, full, cleaning, NEVER)
    if jobs.status[job] != Status.PENDING:
        return Why(Reason(jobs.reason[job]), full, 0, NEVER)
    if pool.gate is not None and band in (Band.INTERNAL_CRITICAL, Band.INTERNAL):
        held_back = pool.gate.why(core, job)
        if held_back is not None:
            return Why(*held_back, NEVER)
    need = full + (part > 0)
    if job in core.paused or job in core.meek:
        return Why(Reason.PAUSED, need, 0, NEVER)
    offer = pool.offer_room(tier, core.products[jobs.product[job]].guarantee_s)
    room = pool.room_within(tier, within)
    healthy = most_in_one(pool, within, pool.nodes & ~pool.down)
    if need > healthy:
        return Why(Reason.REPAIR, need, healthy, NEVER)
    if band == Band.RESERVED and full > pool.contract_room(jobs.tenant[job]):
        return Why(Reason.RESERVED, full, pool.contract_room(jobs.tenant[job]), NEVER)
    if tier >= 2 and full > offer:
        return Why(Reason.OFFER, need, max(0, offer), NEVER)
    if room.fits(full, part, pool.kept_nodes(tier)):
        return Why(Reason.TURN, need, room.whole().bit_count(), NEVER)
    head = pool.queue[tier].head() if band != Band.RESERVED and pool.queue[tier].count else job
    promise_s = promised(core, pool, tier, job).at_s if promise and job == head else NEVER
    if room.fits(full, part):
        return Why(Reason.RESERVED, need, max(0, room.whole().bit_count() - pool.kept_nodes(tier)), promise_s)
    if within and pool.room(tier).fits(full, part, pool.kept_nodes(tier)):
        return Why(Reason.DOMAIN, need, most_in_one(pool, within, room.whole()), promise_s)
    reason = Reason.FRAGMENTED if room.free_gpus() >= full * pool.per_node + part else Reason.CAPACITY
    return Why(reason, need, room.whole().bit_count(), promise_s)


def most_in_one(pool: Pool, within: int, nodes: NodeSet) -> int:
    """Return how many of `nodes` lie in the domain of level `within` that holds most of them; all of them for 0."""
    return int(pool.levels[within - 1].free_in_each(nodes).max()) if within else nodes.bit_count()
