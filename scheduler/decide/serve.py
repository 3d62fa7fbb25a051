"""Deciding for one pool, once per instant. The order of service is the order of the steps below.

    1  granted jobs whose nodes have become ready start, first granted first
    2  contracts: RESERVED jobs inside their tenant's unused reservation are granted at once
    3  each tier, most important first, on the room that counts everything below it as free; jobs that failed first:
       a  in order of the queue, while the head fits
       b  the head that does not fit is promised a start; later jobs are backfilled around the promise
    4  lendable tiers are granted only within the Offer in force

A grant names its nodes at once and holds them from then on. Tiers never look at what a lower tier would like, and a
tier is asked again only when its queue changed or its room may have grown, by something in it or above it: so when
internal work is looked at does not depend on what renters do, not even where an estimate has run out and the answer
depends on the second.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scheduler import guard
from scheduler.decide.gather import choose, choose_ready
from scheduler.jobs.failures import serve_first
from scheduler.nodes.capacity import Hold, Room
from scheduler.plan.conservative import serve_planned
from scheduler.plan.promise import promised
from scheduler.policy.backfill import Promise
from scheduler.policy.place import Choice
from scheduler.state.pool import Pool
from scheduler.state.waiting import Shape, Waiter

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives


def serve(core: "Lives", pool: Pool) -> None:
    """Decide everything for one pool."""
    changed, pool.gather_changed = pool.gather_changed, False
    if changed and pool.granted:
        for job, gather in list(pool.granted.items()):
            core.advance(pool, job, gather)
    asked = pool.asked
    if asked[0] and pool.contract_queue.count:
        _serve_contracts(core, pool)
    for tier, fresh in enumerate(pool.fresh):
        if fresh or asked[tier]:
            if pool.recovering[tier]:
                serve_first(core, pool, tier, _offered, _grant)
            if pool.gate is not None and tier < 2:
                pool.gate.serve(core, pool, tier, _serve_tier)
            elif pool.queue[tier].count:
                if core.policy.depth and tier < 2:
                    serve_planned(core, pool, tier, _grant)
                else:
                    _serve_tier(core, pool, tier)
            elif core.timetables and (pool.index, tier) in core.timetables:
                core.timetables[pool.index, tier].outdated = True
            fresh.clear()
            asked[tier] = False
    if True in asked:
        # Tiers that had been asked already have more to plan on: a reclaim evicted somebody at once and left them
        # quota, a spare that is used is an ordinary node from now on, or renters left who could not be pushed aside.
        serve(core, pool)


def _serve_contracts(core: "Lives", pool: Pool) -> None:
    """Grant every RESERVED job that fits the unused part of its tenant's reservation, in order."""
    jobs = core.jobs
    for job in list(pool.contract_queue.jobs()):
        full, _, within = shape = jobs.shape[job]
        room = pool.room_within(0, within)
        if full > pool.contract_room(jobs.tenant[job]) or not room.fits(full, 0):
            continue
        pool.contract_queue.remove(core.key[job], job, shape)
        _grant(core, pool, 0, job, room)


def _serve_tier(core: "Lives", pool: Pool, tier: int) -> None:
    queue, jobs, key = pool.queue[tier], core.jobs, core.key
    head = queue.head()
    promise = pool.promise[tier]
    if head == pool.blocked[tier] and (promise is None or promise.at_s > core.now_s):
        # Nothing has changed since this head was found not to fit: only the newcomers may be worth a look.
        _backfill(core, pool, tier, head, pool.fresh[tier])
        return
    while True:
        core.looked_at += 1
        full, part, within = shape = jobs.shape[head]
        if tier >= 2 and not _offered(core, pool, tier, head):
            break
        kept = pool.kept_nodes(tier)
        room = pool.room_within(tier, within) if within else pool.room(tier)
        # What fits on nodes that are ready fits; so only a head that did not fit last time is asked whether it does.
        hopeful = not kept and head != pool.last_blocked[tier]
        choice = choose_ready(core, pool, tier, head, room) if hopeful else None
        if choice is None and not room.fits(full, part, kept):
            break
        queue.remove(key[head], head, shape)
        _grant(core, pool, tier, head, room, choice)
        if not queue.count:
            return
        head = queue.head()
    pool.blocked[tier] = pool.last_blocked[tier] = head
    if queue.count > 1:
        _backfill(core, pool, tier, head, None)


def _backfill(core: "Lives", pool: Pool, tier: int, head: int, only: list[int] | None) -> None:
    """Grant later jobs that do not delay the head's promised start, in the order of the queue.

    Lines of the queue that cannot fit are skipped whole. What a pass turns down it does not look at again: every grant
    only makes the rooms smaller. `only`: everybody but these has been turned down already, and nothing has changed.
    Cost: O(shapes) per grant, plus the waiters of shapes that fit but are too long.
    """
    queue, jobs = pool.queue[tier], core.jobs
    lines = queue.lines
    free_nodes = pool.room(tier).whole().bit_count() - pool.kept_nodes(tier)
    most = min(free_nodes, pool.offer_room(tier, 0)) if tier >= 2 else free_nodes
    # Where to go on looking in each line that may still yield somebody; the head itself is not its own later job.
    places: dict[Shape, int] = {}
    if only is None:
        head_shape = jobs.shape[head]
        for shape, line in lines.items():
            first = int(shape == head_shape)
            if len(line) > first and shape[0] <= most:
                places[shape] = first
    else:
        for job in only:
            shape = jobs.shape[job]
            if shape[0] <= most and job != head:
                place = queue.place(core.key[job], shape)
                places[shape] = min(place, places.get(shape, place))
    granted = False
    while places:
        best = _next_candidate(core, pool, tier, head, places, free_nodes)
        if best is None:
            break
        key, job, need_s, shape, allowed, promise = best
        if tier >= 2 and not _offered(core, pool, tier, job):
            places[shape] += 1
            continue
        queue.remove(key, job, shape)
        hold = _grant(core, pool, tier, job, allowed)
        free_nodes = pool.room(tier).whole().bit_count() - pool.kept_nodes(tier)
        if core.now_s + need_s + (pool.scrub_s if tier >= 2 else 0) > promise.at_s:
            promise.spare.take(hold)
        pool.promise[tier] = promise  # the grant made the pool forget it; it holds until the end of this pass
        granted = True
    if granted:
        pool.forget(tier)


def _next_candidate(
    core: "Lives", pool: Pool, tier: int, head: int, places: dict[Shape, int], most: int
) -> tuple[int, int, int, Shape, Room, Promise] | None:
    """Return the next job that may be backfilled (key, job, seconds, shape, room, promise); moves `places` on.

    `most`: whole nodes that are free now, beside those that are kept.
    """
    anywhere, kept, lines = pool.room(tier), pool.kept_nodes(tier), pool.queue[tier].lines
    backfill = guard.watched_backfill(core, pool) if core.watched else core.policy.backfill
    # Nodes come back clean: a renter's hold on them ends with the scrub, as in the promise.
    now_s, back_s = core.now_s, core.now_s + (pool.scrub_s if tier >= 2 else 0)
    best: tuple[int, int, int, Shape, Room, Promise] | None = None
    for shape in list(places):
        full, part, within = shape
        room = pool.room_within(tier, within) if within else anywhere
        line, place = lines.get(shape, ()), places[shape]
        if place >= len(line) or full > most or ((part or within) and not room.fits(full, part, kept)):
            del places[shape]
            continue
        promise = pool.promise[tier]
        if promise is None or promise.at_s <= now_s:
            promise = pool.promise[tier] = promised(core, pool, tier, head)
        limit_s = promise.at_s - back_s
        allowed = backfill(room, back_s + line[place][2], full, part, promise)
        core.looked_at += 1
        if allowed is None or (allowed is not room and not allowed.fits(full, part, kept)):
            # Others of this shape that end as late need not be asked; the next one that ends in time may.
            found = _first(line, place + 1, limit_s) if line[place][2] > limit_s else len(line)
            core.looked_at += found - place
            if found == len(line):
                del places[shape]
                continue
            place = found
            allowed = backfill(room, back_s + line[place][2], full, part, promise)
            if allowed is None or (allowed is not room and not allowed.fits(full, part, kept)):
                del places[shape]
                continue
        places[shape] = place
        key, job, need_s = line[place]
        if best is None or key < best[0]:
            best = (key, job, need_s, shape, allowed, promise)
    return best


def _first(line: Sequence[Waiter], place: int, limit_s: int) -> int:
    """Return the first index from `place` on of a waiter that needs at most `limit_s` seconds; the length if none."""
    while place < len(line) and line[place][2] > limit_s:
        place += 1
    return place


def _grant(core: "Lives", pool: Pool, tier: int, job: int, room: Room, ready: Choice | None = None) -> Hold:
    """Grant a job that fits the room; on `ready` nodes if these have been found already."""
    choice = ready or choose_ready(core, pool, tier, job, room)
    at_once = choice is not None and not core.policy.blind
    if choice is None:
        choice, plan = choose(core, pool, tier, job, room)
        if plan is not None:
            core.out.plans.append(plan)
    hold = Hold(choice.whole, choice.part, core.jobs.part[job])
    core.grant(pool, tier, job, hold, at_once)
    return hold


def _offered(core: "Lives", pool: Pool, tier: int, job: int) -> bool:
    if tier < 2:
        return True
    product = core.products[core.jobs.product[job]]
    return core.jobs.full[job] <= pool.offer_room(tier, product.guarantee_s)
