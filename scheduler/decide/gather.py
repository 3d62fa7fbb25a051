"""Gathering nodes for a granted job: which ones, and who has to leave them. Pure: reads a pool, returns a choice, and
the plan of evictions where one was needed."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING

from scheduler import guard
from scheduler.decide.rentals import rentals_of
from scheduler.events import Plan, Status
from scheduler.nodes.capacity import Room
from scheduler.nodes.nodeset import NOTHING, NodeSet
from scheduler.policy.need import Holder, Ledger, Need, Parting, Ranked, vacated
from scheduler.policy.place import EVERYWHERE, Choice, Step, from_the_top
from scheduler.state.pool import Pool

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives


def choose(core: "Lives", pool: Pool, tier: int, job: int, room: Room) -> tuple[Choice, Plan | None]:
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
        return choice, None

    def reach(vacant: NodeSet) -> Step:
        return Step(soon.whole | vacant, soon.part | vacant)

    def inside(vacant: NodeSet, domain: NodeSet) -> bool:
        return _narrowed(room, reach(vacant), domain).fits(full, part)

    useful = room.whole() | (room.partly(part) if part else NOTHING)
    renters = chain.from_iterable(_holders(core, pool, lower, useful) for lower in (3, 2) if lower > tier and not blind)
    sharers = list(_holders(core, pool, 1, useful)) if tier == 0 else []
    need = Need(
        inside=inside,
        domains=lambda: _domains(room, full, part, useful),
        missing=lambda domain: -1 if part else full - (room.whole() & soon.whole & domain).bit_count(),
        fresh=useful & ~soon.whole,
        rentals=None if blind or pool.owner is None else rentals_of(core, pool, tier, job, room, soon, useful),
        parting=cache(lambda other: core.parting(pool, other)),
        ledger=lambda: Ledger(pool.evicted, pool.kept, pool.node_count * pool.per_node, core.now_s),
    )
    chosen = guard.victims(core, job, renters, sharers, need)
    staying = [other for other in sharers if other not in chosen]
    vacant = reach(vacated(chosen, staying))
    if isinstance(chosen, Ranked):  # in the domain that the plan is for
        room = _narrowed(room, Step(-1, -1), chosen.domain)
    choice = _place(core, tier, job, room, (ready, soon, vacant))
    assert choice is not None, "what fits once every lower tier has left can be placed"
    return choice, _plan(core.now_s, job, chosen, need.parting, bool(room.within))


def _narrowed(room: Room, limit: Step, domain: NodeSet) -> Room:
    whole, part = limit.whole & domain, limit.part & domain
    return room._replace(whole_limit=room.whole_limit & whole, part_limit=room.part_limit & part)


def _domains(room: Room, full: int, part: int, useful: NodeSet) -> Sequence[NodeSet]:
    """The useful nodes of each domain that can hold the job once every lower tier has left it, lowest first."""
    if not room.within:
        return (useful,)
    level = room.levels[room.within - 1]
    partly = room.partly(part) if part else NOTHING
    return [level.domains[row] & useful for row in level.holding(room.whole(), partly, full, part).tolist()]


def _plan(now_s: int, job: int, chosen: Sequence[Holder], parting: Callable[[int], Parting], within: bool) -> Plan:
    """Write down who leaves, at what cost, and what else was considered."""

    def told(holders: Sequence[Holder]) -> tuple[tuple[int, ...], int, int]:
        every = [parting(holder.job) for holder in holders]
        ready_s = max((one.leave_s for one in every), default=0)
        return tuple(holder.job for holder in holders), ready_s, sum(one.cost_micro_usd for one in every)

    ranked = chosen if isinstance(chosen, Ranked) else Ranked()
    domain = ranked.domain if within and ranked else NOTHING
    return Plan(now_s, job, *told(chosen), domain, *told(ranked.runner_up), ranked.decided_by)


def choose_ready(core: "Lives", pool: Pool, tier: int, job: int, room: Room) -> Choice | None:
    """Choose among nodes on which the job could start at once; None when these are not enough."""
    blocked = _blocked(core, pool, tier, job) | room.closed
    if blocked != room.closed or room.capacity is not pool.internal:
        room = Room(pool.internal, blocked, room.whole_limit, room.part_limit, room.levels, room.within, room.mix)
    return _place(core, tier, job, room, EVERYWHERE)


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
        if tier == 1 and pool.gate is not None and pool.gate.guaranteed(job):
            continue  # the room of tier 0 knows that it stays
        if nodes & useful and (tier < 2 or core.jobs.status[job] != Status.EVICTING):
            yield Holder(job, nodes, tier < 2)
