"""Gathering nodes for a granted job: which ones, and who has to leave them. Pure: reads a pool, returns a choice."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from scheduler import guard
from scheduler.capacity import Room
from scheduler.events import Status
from scheduler.nodeset import NOTHING, NodeSet
from scheduler.place import EVERYWHERE, Choice, Step, from_the_top
from scheduler.pool import Pool
from scheduler.victims import Holder, vacated

if TYPE_CHECKING:
    from scheduler.lives import Lives


def choose(core: "Lives", pool: Pool, tier: int, job: int, room: Room) -> Choice:
    """Choose the nodes where ready ones do not suffice: ready ones first, then those that are being cleaned or left,
    then those of victims.

    A blind policy chooses for internal tiers as if nobody rented: whoever does, on the nodes chosen, is in the way.
    """
    full, part = core.jobs.full[job], core.jobs.part[job]
    blind = core.policy.blind and tier < 2
    rented = NOTHING if blind else pool.rented[2] | pool.rented[3]
    blocked = _blocked(core, pool, tier, job)
    whole, partly = pool.internal.exact[-1], pool.internal.at_least(part) if part else NOTHING
    ready = Step(whole & ~blocked, partly & ~blocked)
    open_soon = pool.leaving | ~rented
    soon = Step(whole & open_soon, partly & open_soon)
    choice = _place(core, tier, job, room, (ready, soon))
    if choice is not None:
        return choice

    def reach(vacant: NodeSet) -> Step:
        return Step(soon.whole | vacant, soon.part | vacant)

    def enough(vacant: NodeSet) -> bool:
        limit = reach(vacant)
        narrow = room._replace(whole_limit=room.whole_limit & limit.whole, part_limit=room.part_limit & limit.part)
        return narrow.fits(full, part)

    useful = room.whole() | (room.partly(part) if part else NOTHING)
    renters = chain.from_iterable(_holders(core, pool, lower, useful) for lower in (3, 2) if lower > tier and not blind)
    sharers = list(_holders(core, pool, 1, useful)) if tier == 0 else []
    chosen = guard.victims(core, job, renters, sharers, enough)
    staying = [other for other in sharers if other not in chosen]
    choice = _place(core, tier, job, room, (ready, soon, reach(vacated(chosen, staying))))
    assert choice is not None, "what fits once every lower tier has left can be placed"
    return choice


def choose_ready(core: "Lives", pool: Pool, tier: int, job: int, room: Room) -> Choice | None:
    """Choose among nodes on which the job could start at once; None when these are not enough."""
    blocked = _blocked(core, pool, tier, job)
    ready = Room(pool.internal, blocked, room.whole_limit, room.part_limit, room.levels, room.within)
    return _place(core, tier, job, ready, EVERYWHERE)


def _place(core: "Lives", tier: int, job: int, room: Room, preference: Sequence[Step]) -> Choice | None:
    """Where rentals go is no policy's business: what keeps them out of the way keeps sharing safe."""
    if tier >= 2:
        return from_the_top(room, core.jobs.full[job], core.jobs.part[job], preference)
    return guard.place(core, job, room, preference)


def _blocked(core: "Lives", pool: Pool, tier: int, job: int) -> NodeSet:
    """Nodes on which the job could not start at once, though no internal work holds them."""
    if core.policy.blind and tier < 2:
        return NOTHING
    blocked = pool.rented[2] | pool.rented[3] | pool.scrubbing
    return blocked | pool.dirty if core.renter[job] else blocked


def _holders(core: "Lives", pool: Pool, tier: int, useful: NodeSet) -> Iterator[Holder]:
    """Yield the gangs of a tier that may be evicted for some `useful` node: claims before allocations, youngest first.

    Renters under notice are left out: their nodes come free anyway.
    """
    claims = [job for job, gather in reversed(pool.granted.items()) if gather.tier == tier]
    for job in chain(claims, reversed(pool.running[tier])):
        nodes = pool.hold[job].nodes
        if nodes & useful and (tier < 2 or core.jobs.status[job] != Status.EVICTING):
            yield Holder(job, nodes, tier < 2)
