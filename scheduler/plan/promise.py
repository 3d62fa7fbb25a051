"""The promised start: when the first job that does not fit will, and what is spare beside it then."""

from collections.abc import Iterator
from heapq import merge
from typing import TYPE_CHECKING

from scheduler import guard
from scheduler.events import NEVER
from scheduler.nodes.capacity import Hold, Room
from scheduler.nodes.nodeset import NOTHING, highest
from scheduler.policy.backfill import Promise
from scheduler.policy.place import EVERYWHERE, Step
from scheduler.state.pool import End, Pool

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives

ANYWHERE = EVERYWHERE[0]


def promised(core: "Lives", pool: Pool, tier: int, head: int) -> Promise:
    """Return the earliest instant at which the head fits, by estimates, and what is spare beside it then.

    All releases of that instant count. The head's nodes are chosen among those that are busy now, as far as possible,
    so that what is free now stays available to others. Cost: O(jobs that end before it).
    """
    jobs = core.jobs
    full, part, within = jobs.shape[head]
    kept = pool.kept_nodes(tier)
    free_now = pool.room(tier)
    now_whole, now_part = free_now.whole(), free_now.partly(part) if part else NOTHING
    capacity, closed = free_now.capacity.copy(), free_now.closed
    rented = pool.rented[: tier + 1]  # by tier: a node that one renter leaves may be claimed by a more important one
    at_s, later = NEVER, free_now
    scrub_s = pool.scrub_s if tier >= 2 else 0
    # Whether it fits need not be asked before there are enough GPUs, wherever they are; until then whole nodes that
    # come back are only collected: no two running jobs hold the same node as a whole, so one union gives them back.
    short_gpus = full * pool.per_node + part - (free_now.free_gpus() if closed else capacity.free_gpus)
    back = NOTHING
    soonest_s = core.now_s + 1
    for end_s, _, holder_tier, hold, gpus in _releases(pool, tier):
        back_s = end_s + scrub_s
        if back_s < soonest_s:
            back_s = soonest_s
        if back_s > at_s:
            break
        short_gpus -= gpus
        if holder_tier >= 2:
            rented[holder_tier] &= ~hold.whole
        elif hold.part:
            capacity.give(hold)
        else:
            back |= hold.whole
        if short_gpus <= 0 and at_s == NEVER:
            if back:
                capacity.give(Hold(back, NOTHING, 0))
                back = NOTHING
            closed = (rented[2] | rented[tier]) | pool.shut[tier] if tier >= 2 else pool.shut[tier]
            later = Room(capacity, closed, -1, -1, pool.levels, within, pool.mix)
            if later.fits(full, part, kept):
                at_s = back_s
    if back:
        capacity.give(Hold(back, NOTHING, 0))
    if tier >= 2:  # others may have left at the same instant
        closed = rented[2] | rented[tier] | pool.shut[tier]
        later = Room(capacity, closed, -1, -1, pool.levels, within, pool.mix)
    if at_s == NEVER:
        return Promise(NEVER, capacity, closed if tier >= 2 else pool.shut[tier])
    choice = guard.place(core, head, later, (Step(~now_whole, ~now_part), ANYWHERE))
    assert choice is not None, "what fits can be placed"
    capacity.take(Hold(choice.whole, choice.part, part))
    if kept:
        capacity.take(Hold(highest(Room(capacity, closed).whole(), kept), NOTHING, 0))
    return Promise(at_s, capacity, closed)


def _releases(pool: Pool, tier: int) -> Iterator[End]:
    """Yield the ends of whoever holds nodes in this tier's view, ascending."""
    ends = [line for line in pool.ends[: tier + 1] if line]
    if tier == 0 and pool.gate is not None and pool.gate.guarantees is not None:  # they stay, whatever their tier
        ends.append([end for end in pool.ends[1] if pool.gate.guaranteed(end[1])])
    return iter(ends[0]) if len(ends) == 1 else merge(*ends)
