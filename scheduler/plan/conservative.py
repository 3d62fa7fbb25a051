"""Conservative backfill: every waiting job of an internal tier has a planned start, and nobody may delay one.

    a newcomer     takes its earliest hole in what holders and earlier plans leave
    an end         gives back what its holder left unused; then, in the order of the queue, each planned job is lifted
                   out and put back at its earliest hole, which is never later
    less to plan on (an estimate outlived, a node lost, a grant above) than was promised: everything anew, in order
    due            a job whose planned start has come is granted

Whole nodes are counted, not named: any will do. Parts of nodes lie on shared nodes (`scheduler.plan.shared`): a job
that needs a part starts on that one of them on which it may start earliest, and takes its place there and nowhere else.
What waits in a tier above is not counted, as it may evict anyway. A gang that must lie in one domain is planned by
count, its part on a whole node, from when on a domain will do; which domain that is, is not kept for it.

Source: the rule of the design's section 5.4 (V5-golden-conservative: 5,000 of 5,000 starts).
"""

from collections.abc import Callable, Iterable
from heapq import merge
from typing import TYPE_CHECKING

from scheduler.events import NEVER, Status
from scheduler.nodes.capacity import Hold, Room
from scheduler.nodes.nodeset import NOTHING
from scheduler.plan.gains import NODES, Gains
from scheduler.plan.promise import promised
from scheduler.plan.timetable import Planned, Timetable, plannable
from scheduler.policies import EVERYBODY
from scheduler.state.pool import Pool

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives

Grant = Callable[["Lives", Pool, int, int, Room], Hold]


def serve_planned(core: "Lives", pool: Pool, tier: int, grant: Grant) -> None:
    """Bring the timetable of a tier up to date and grant what is due.

    Cost: a newcomer O(steps of the profile); after an end O(holders + planned), plus O(steps) for each of them that
    may gain by it.
    """
    table = core.timetables.get((pool.index, tier))
    now_s = core.now_s
    if table is None:
        table = core.timetables[pool.index, tier] = Timetable(now_s, core.policy.depth, pool.per_node)
    table.forget_before(now_s)
    if pool.asked[tier] or table.outdated or now_s >= table.next_end_s or plannable(pool, tier) != table.base:
        table.outdated = False
        _sync(core, pool, tier, table)
        waiting = [job for job in table.start_s if core.jobs.status[job] == Status.PENDING]
        for job in table.start_s.keys() - set(waiting):
            table.note(table.lift(job))
            table.ended = True
        if waiting and table.broken():
            for job in waiting:
                table.lift(job)
            table.improved.clear()
            table.ended = False
            _insert(core, pool, tier, table, sorted(waiting, key=core.key.__getitem__))
        _insert(core, pool, tier, table, _newcomers(core, pool, tier, table), go_through=True)
    else:
        fresh = [job for job in pool.fresh[tier] if core.jobs.status[job] == Status.PENDING]
        free = max(0, table.depth - len(table.start_s))
        fresh = [job for job in fresh if job not in table.start_s]
        _insert(core, pool, tier, table, sorted(fresh, key=core.key.__getitem__)[:free])
    _start_due(core, pool, tier, table, grant)
    if table.depth < EVERYBODY:
        _pass_the_rest(core, pool, tier, table, grant)


def planned_start_s(core: "Lives", pool: Pool, tier: int, job: int) -> int:
    """Return the planned start of a waiting job, as of the last decision; NEVER where there is none. O(1)."""
    table = core.timetables.get((pool.index, tier))
    return table.start_s[job].start_s if table is not None and job in table.start_s else NEVER


def _sync(core: "Lives", pool: Pool, tier: int, table: Timetable) -> None:
    """Count those who hold nodes now, as of this second. O(holders), and O(steps) for each that came or went."""
    now_s, profile, base = core.now_s, table.profile, plannable(pool, tier)
    if base != table.base:
        profile.add(now_s, NEVER, base - table.base)
        if base > table.base:
            table.improved.append((NODES, now_s, NEVER))
            table.ended = True
        table.base = base
    current = {(end[0], end[1]): end[3] for line in pool.ends[: tier + 1] for end in line}
    for job, gather in pool.granted.items():
        if gather.tier <= tier:
            current[_leaves_s(core, pool, table, job, gather.victims), job] = pool.hold[job]
    for key in table.held.keys() - current.keys():
        table.leave(key, now_s)
        table.leaves_s.pop(key[1], None)
    table.outlive(now_s)
    for key in sorted(current.keys() - table.held.keys()):
        table.hold(key, current[key], now_s)


def _leaves_s(core: "Lives", pool: Pool, table: Timetable, job: int, victims: Iterable[int]) -> int:
    """When a granted job that has not started will leave its nodes: by the ends of its victims, cleaning, estimate."""
    if job not in table.leaves_s:
        vacant_s = max([core.now_s, *(core.jobs.evict_at_s[victim] for victim in victims)])
        table.leaves_s[job] = vacant_s + pool.scrub_s + core.need_s(job)
    return table.leaves_s[job]


def _newcomers(core: "Lives", pool: Pool, tier: int, table: Timetable) -> list[int]:
    """Return the jobs that wait unplanned and are to be planned, in order."""
    queue = pool.queue[tier]
    if queue.count == len(table.start_s) or len(table.start_s) >= table.depth:
        return []
    found = []
    for _, job, _ in merge(*queue.lines.values()):  # as far as needed: a long queue is not sorted for a few of it
        if job not in table.start_s:
            found.append(job)
            if len(table.start_s) + len(found) == table.depth:
                break
    return found


def _insert(core: "Lives", pool: Pool, tier: int, table: Timetable, jobs: list[int], go_through: bool = False) -> None:
    """Give each job its earliest hole, in this order; before that, with `go_through`, let the planned ones move up."""
    if go_through and table.ended:
        _go_through(core, pool, tier, table)
    for job in jobs:
        _plan_earliest(core, pool, tier, table, job, core.now_s)


def _plan_earliest(core: "Lives", pool: Pool, tier: int, table: Timetable, job: int, from_s: int) -> None:
    """Timetable a job in its earliest hole."""
    place = _earliest(core, pool, tier, table, job, from_s)
    if place.start_s == NEVER:  # more than is healthy: it waits for repairs, behind everything that is known
        place = place._replace(start_s=max(from_s, table.profile.times[-1]))
    table.put(job, place)


def _earliest(core: "Lives", pool: Pool, tier: int, table: Timetable, job: int, from_s: int) -> Planned:
    full, part, within = core.jobs.shape[job]
    core.looked_at += 1
    if within:
        if not pool.room_within(tier, within).fits(full, part, pool.kept_nodes(tier)):
            at_s = promised(core, pool, tier, job).at_s
            from_s = max(from_s, at_s) if at_s < NEVER else max(from_s, core.now_s + 1)
        full, part = full + (part > 0), 0
    return table.find(full, part, core.need_s(job), from_s, pool.shut[tier])


def _go_through(core: "Lives", pool: Pool, tier: int, table: Timetable) -> None:
    """Lift each planned job and put it back at its earliest hole, in the order of the queue.

    A job can only move up into seconds where more is free than when it was last looked at. `improved` holds those;
    what a job leaves by moving is seen by the later ones in this pass and by the earlier ones in the next.
    """
    table.ended = False
    improved, table.improved = table.improved, []
    if not improved or not table.start_s:
        return
    gains = Gains(table, improved)
    for job in sorted(table.start_s, key=core.key.__getitem__):
        place = table.start_s[job]
        if place.start_s <= core.now_s or not gains.may_move(place):
            continue
        table.lift(job)
        found = _earliest(core, pool, tier, table, job, core.now_s)
        if found.start_s >= place.start_s:
            table.put(job, place)
            continue
        table.put(job, found)
        table.note(place)
        if found.shared is not None:  # a node that has become free may now be there as the rest of a shared one
            improved.append((found.shared.number, found.start_s, found.start_s + found.length_s))
        gains = Gains(table, improved + table.improved)


def _start_due(core: "Lives", pool: Pool, tier: int, table: Timetable, grant: Grant) -> None:
    """Grant the jobs whose planned start has come, in order; one whose nodes cannot be had is planned again, later."""
    while True:
        due = [job for job, place in table.start_s.items() if place.start_s <= core.now_s]
        for job in sorted(due, key=core.key.__getitem__):
            full, part, _ = core.jobs.shape[job]
            place = table.lift(job)
            if not pool.queue[tier].holds(core.key[job], job, core.jobs.shape[job]):
                continue  # it has been served some other way
            room = _room(core, pool, tier, job, place)
            if room.fits(full, part, pool.kept_nodes(tier)):
                _granted(core, pool, tier, table, job, grant, room, place)
            else:
                _plan_earliest(core, pool, tier, table, job, core.now_s + 1)
        if not table.ended:
            return
        _go_through(core, pool, tier, table)  # a job without length was done as it started


def _room(core: "Lives", pool: Pool, tier: int, job: int, place: Planned) -> Room:
    """Return the room in which a job that is due lies where it was planned."""
    _, part, within = core.jobs.shape[job]
    room = pool.room_within(tier, within)
    if not part:
        return room
    node = place.shared.node if place.shared is not None else NOTHING
    return room._replace(part_limit=node or room.whole())


def _granted(
    core: "Lives", pool: Pool, tier: int, table: Timetable, job: int, grant: Grant, room: Room, place: Planned
) -> None:
    """Grant a job that is not planned (any more), and count what it holds from now on."""
    need_s, now_s = core.need_s(job), core.now_s
    pool.queue[tier].remove(core.key[job], job, core.jobs.shape[job])
    hold = grant(core, pool, tier, job, room)
    if hold.part and place.shared is None:  # its part was planned on a whole node: others may share that with it
        table.ended = True
    if job in pool.granted:
        table.hold((_leaves_s(core, pool, table, job, pool.granted[job].victims), job), hold, now_s, place.shared)
    elif core.jobs.status[job] == Status.DONE:
        table.ended = True
        table.note(place)
    else:
        table.hold((now_s + need_s, job), hold, now_s, place.shared)


def _pass_the_rest(core: "Lives", pool: Pool, tier: int, table: Timetable, grant: Grant) -> None:
    """Grant jobs that are not planned and delay nobody who is, in order. O(shapes x steps) per grant.

    Only such shapes are looked at as fit now; of a line, only who ends before the hole does.
    """
    lines, now_s = pool.queue[tier].lines, core.now_s
    while True:
        best: tuple[int, int] | None = None
        for (full, part, within), line in lines.items():
            if not pool.room_within(tier, within).fits(full, part, pool.kept_nodes(tier)):
                continue
            longest_s = table.longest_s(full + (part > 0 and within > 0), 0 if within else part)
            for key, job, need_s in line:
                core.looked_at += 1
                if best is not None and key > best[0]:
                    break
                if need_s <= longest_s and job not in table.start_s:
                    best = (key, job)
                    break
        if best is None:
            return
        job = best[1]
        place = _earliest(core, pool, tier, table, job, now_s)
        room = _room(core, pool, tier, job, place)
        full, part, _ = core.jobs.shape[job]
        if place.start_s > now_s or not room.fits(full, part, pool.kept_nodes(tier)):
            return  # what is free now is out of reach of where it would be planned
        _granted(core, pool, tier, table, job, grant, room, place)
