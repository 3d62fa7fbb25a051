"""Why a job waits: one question, asked on demand and never on the hot path."""

from typing import TYPE_CHECKING, NamedTuple

from scheduler.events import NEVER, Reason, Status
from scheduler.nodes.capacity import Room
from scheduler.nodes.nodeset import NodeSet
from scheduler.plan.promise import promised
from scheduler.state.pool import Pool
from tenants.band import TIER_OF_BAND, Band

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives


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
    full = jobs.full[job]
    if jobs.status[job] == Status.GRANTED:
        victims = pool.granted[job].victims
        cleaning = (pool.hold[job].nodes & pool.scrubbing).bit_count()
        return Why(Reason.RECLAIM, full, len(victims), NEVER) if victims else Why(Reason.SCRUB, full, cleaning, NEVER)
    if jobs.status[job] != Status.PENDING:
        return Why(Reason(jobs.reason[job]), full, 0, NEVER)
    if job in core.paused or job in core.meek:
        return Why(Reason.PAUSED, full + (jobs.part[job] > 0), 0, NEVER)
    found = refusal(core, pool, job)
    if not promise or found.reason not in PROMISING:
        return found
    tier = TIER_OF_BAND[jobs.band[job]]
    head = pool.queue[tier].head() if jobs.band[job] != Band.RESERVED and pool.queue[tier].count else job
    return found._replace(promised_s=promised(core, pool, tier, job).at_s) if job == head else found


# Reasons of a head that has been promised a start.
PROMISING = frozenset((Reason.RESERVED, Reason.REPAIR, Reason.DOMAIN, Reason.FRAGMENTED, Reason.CAPACITY))


def refusal(core: "Lives", pool: Pool, job: int) -> Why:
    """Say what a job that waits in a queue of `pool` waits for, without a promised start.

    The answer rests on the pool and on what never changes of the job: its shape, product and tenant. So jobs that are
    alike in these share it, whatever their place in the queue. Cost: O(GPUs per node), more where domains are asked.
    """
    jobs = core.jobs
    band = jobs.band[job]
    tier = TIER_OF_BAND[band]
    full, part, within = jobs.shape[job]
    if pool.gate is not None and band in (Band.INTERNAL_CRITICAL, Band.INTERNAL):
        held_back = pool.gate.why(core, job)
        if held_back is not None:
            return Why(*held_back, NEVER)
    need = full + (part > 0)
    kept = pool.kept_nodes(tier)
    room = pool.room_within(tier, within)
    healthy = most_in_one(pool, within, pool.nodes & ~pool.down)
    if need > healthy:
        return Why(Reason.REPAIR, need, healthy, NEVER)
    if band == Band.RESERVED and full > pool.contract_room(jobs.tenant[job]):
        return Why(Reason.RESERVED, full, pool.contract_room(jobs.tenant[job]), NEVER)
    if tier >= 2:
        offer = pool.offer_room(tier, core.products[jobs.product[job]].guarantee_s)
        if full > offer:
            return Why(Reason.OFFER, need, max(0, offer), NEVER)
    if room.fits(full, part, kept):
        return Why(Reason.TURN, need, room.whole().bit_count(), NEVER)
    if room.fits(full, part):
        return Why(Reason.RESERVED, need, max(0, room.whole().bit_count() - kept), NEVER)
    have = most_in_one(pool, within, room.whole())
    if pool.down and repaired(room, pool.down).fits(full, part, kept):
        return Why(Reason.REPAIR, need, have, NEVER)
    if within and pool.room(tier).fits(full, part, kept):
        return Why(Reason.DOMAIN, need, have, NEVER)
    if room.free_gpus() >= full * pool.per_node + part:
        return Why(Reason.FRAGMENTED, need, have, NEVER)
    return Why(Reason.CAPACITY, need, have, NEVER)


def repaired(room: Room, down: NodeSet) -> Room:
    """Return the room as it would be if the nodes that are down were healthy, and free."""
    capacity = room.capacity.copy()
    capacity.exact[-1] |= down
    return room._replace(capacity=capacity)


def most_in_one(pool: Pool, within: int, nodes: NodeSet) -> int:
    """Return how many of `nodes` lie in the domain of level `within` that holds most of them; all of them for 0."""
    return int(pool.levels[within - 1].free_in_each(nodes).max()) if within else nodes.bit_count()
