"""What failures do: jobs that crash, nodes that drain, and how whoever lost its nodes gets going again.

A job that failed waits out its pause (`scheduler.jobs.damping`), then it is asked before others of its tier: for
internal work, whose node broke, the pool's hot spares are within reach. It looks first for nodes that nobody has to
leave, but for spot rentals on spares; only then may it evict. One that failed too often looks no further than that.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from scheduler.events import Cause, EventKind, Status
from scheduler.jobs.life import check_move
from scheduler.nodes.capacity import Hold, Room
from scheduler.nodes.nodeset import NOTHING, rows
from scheduler.state.pool import Pool
from tenants.band import TIER_OF_BAND, Band

if TYPE_CHECKING:
    from scheduler.core import Core
    from scheduler.jobs.lives import Lives

Grant = Callable[["Lives", Pool, int, int, Room], Hold]


def crash(core: "Core", node: int, gpu: int) -> None:
    """Software or a user's mistake takes a job down and leaves the node as it is: who holds the GPU of that number.

    A node's GPUs belong to its holders in order of their rows; a number beyond them hits nobody.
    """
    pool, bit = core.locate(node)
    first = 0
    for job in sorted(job for tier in pool.running for job in tier if pool.hold[job].nodes & bit):
        hold = pool.hold[job]
        first += pool.per_node if hold.whole & bit else hold.gpus
        if gpu < first:
            core.jobs.crashes[job] += 1
            core.release(job, Cause.CRASHED)
            return


def drain(core: "Core", node: int, down_s: int) -> None:
    """Planned maintenance: nothing starts on the node any more, and its holders are served their notice in time to
    leave by `down_s`. An empty node is down at once."""
    pool, bit = core.locate(node)
    if (pool.down | pool.draining) & bit:
        return
    core.touched.add(pool.index)
    pool.draining |= bit
    pool.spares &= ~bit
    pool.reach_changed()
    hit = sorted(job for job, hold in pool.hold.items() if hold.nodes & bit)
    for job in [job for job in hit if job in pool.granted]:
        core.revoke(pool, job)
    for job in [job for job in hit if core.jobs.status[job] == Status.RUNNING]:
        product = core.products[core.jobs.product[job]]
        core.warned[job] = core.now_s
        early_s = max(product.notice_s, product.guarantee_s, 1)
        core.arm(max(core.now_s + 1, down_s - early_s), EventKind.NOTICE, job)
    vacated(pool)
    pool.stir(0)


def notice(core: "Core", job: int, epoch: int) -> None:
    """Tell a job to leave a node that drains, unless it has left, or is leaving already. It keeps its work: it knew."""
    pool, jobs = core.pool_of(job), core.jobs
    if jobs.epoch[job] == epoch and jobs.status[job] == Status.RUNNING and pool.hold[job].nodes & pool.draining:
        core.touched.add(pool.index)
        core.serve_notice(pool, job, told_s=core.warned.pop(job))


def vacated(pool: Pool) -> None:
    """Count draining nodes that nobody holds any more as down. O(jobs that hold nodes)."""
    held = NOTHING
    for hold in pool.hold.values():
        held |= hold.nodes
    for row in rows(pool.draining & ~held):
        pool.down |= 1 << row
        pool.node_down(1 << row)


def retry(core: "Core", job: int, epoch: int) -> None:
    """The pause after a failure is over: the job waits for nodes."""
    jobs = core.jobs
    if jobs.epoch[job] == epoch and job in core.paused:
        jobs.wait_s[job] += core.now_s - jobs.pending_s[job]
        jobs.pending_s[job] = core.now_s
        pool = core.pool_of(job)
        core.touched.add(pool.index)
        queue(core, pool, job, core.paused[job])
        del core.paused[job]


def wait_again(core: "Lives", pool: Pool, job: int, lost_node: bool) -> None:
    """Let a job that has just failed wait for new nodes, at once or after its pause."""
    core.restarting.add(job)
    pause = core.damper.failed(job, core.now_s) if core.damper else 0
    if not pause:
        queue(core, pool, job, lost_node)
        return
    check_move(core.jobs.status[job], Status.PENDING)
    core.jobs.status[job] = Status.PENDING
    core.paused[job] = lost_node
    core.arm(core.now_s + pause, EventKind.RETRY, job)


def queue(core: "Lives", pool: Pool, job: int, lost_node: bool) -> None:
    """Let a job wait as its history allows: first among its tier if a node of it broke and there are spares, outside
    the queue if it may evict nobody."""
    band = core.jobs.band[job]
    tier = TIER_OF_BAND[band]
    meek = core.damper is not None and band != Band.RESERVED and core.damper.is_meek(job)
    if meek:
        core.meek.add(job)
        core.restarting.add(job)
    core.wait(job, pool)
    if meek or (lost_node and pool.spare_nodes and band in (Band.INTERNAL_CRITICAL, Band.INTERNAL)):
        pool.recovering[tier].add(job)
        pool.stir(tier, tier + 1)


def started(core: "Lives", pool: Pool, tier: int, job: int) -> None:
    """A job that had failed runs again."""
    core.restarting.discard(job)
    core.meek.discard(job)
    pool.recovering[tier].discard(job)


def serve_first(
    core: "Lives", pool: Pool, tier: int, offered: Callable[["Lives", Pool, int, int], bool], grant: Grant
) -> None:
    """Grant jobs that failed, in their order, before others of their tier are asked. O(such jobs) rooms."""
    jobs = core.jobs
    for job in sorted(pool.recovering[tier], key=core.key.__getitem__):
        if jobs.status[job] != Status.PENDING:
            if jobs.status[job] != Status.GRANTED:
                pool.recovering[tier].discard(job)  # it gave up
            continue
        full, part, within = shape = jobs.shape[job]
        ordinary = pool.room_within(tier, within)
        wide = ordinary._replace(closed=pool.draining) if tier < 2 else ordinary
        quiet = _nobody_leaves(pool, tier, wide, part)
        meek = job in core.meek
        rooms = [quiet] * (meek or not core.policy.blind) + [wide] * (not meek and pool.spares != NOTHING)
        kept = pool.kept_nodes(tier)
        room = next((room for room in rooms if room.fits(full, part, kept)), None)
        gate = pool.gate if tier < 2 else None
        if room is None or not offered(core, pool, tier, job) or (gate and gate.why(core, job)):
            continue
        if meek:
            pool.meek.discard(job)
        elif gate is None or not gate.drop(job, core.key[job], shape):
            pool.queue[tier].remove(core.key[job], job, shape)
        hold = grant(core, pool, tier, job, room)
        pool.use_spares(hold)
        pool.asked[tier] = True  # where starts are planned, they were planned without it


def _nobody_leaves(pool: Pool, tier: int, wide: Room, part: int) -> Room:
    """The room of a job that may push nobody aside, but for spot rentals on spares that are its own to use."""
    rented = pool.rented[2] | (pool.rented[3] & ~pool.spares if tier < 2 else pool.rented[3])
    whole = pool.internal.exact[-1] & ~rented
    partly = pool.internal.at_least(part) & ~rented if part else NOTHING
    return wide._replace(whole_limit=whole, part_limit=partly)
