"""Rentals as columns: when each of thousands of gangs would leave if it were evicted now, and what that would cost.

What `Lives.parting` says of one gang, worked out for all of them at once, for rules that compare them all. Kept up only
where a policy's rule asks for it, and used only where a pool has many rentals.
"""

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from scheduler.events import NEVER, Status
from scheduler.nodes.capacity import Room
from scheduler.nodes.nodeset import NodeSet
from scheduler.policy.need import Holder, IntArray, Partings, Rentals
from scheduler.policy.place import Step
from scheduler.state.pool import Pool
from tenants.band import TIER_OF_BAND

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives

MANY = 64  # running rentals from which columns are quicker than one gang after the other


def rentals_of(
    core: "Lives", pool: Pool, tier: int, job: int, room: Room, soon: Step, useful: NodeSet
) -> Rentals | None:
    """Return the rentals that a job may evict, or None where they are few or where vacant nodes cannot be counted.

    They can where every node that a renter may vacate is of use as a whole node and, if the job needs a part, for that
    as well; then a job lacks so many whole nodes in a domain, whichever they are. O(1); what it returns works lazily.
    """
    if pool.owner is None or sum(map(len, pool.running[2:])) < MANY:
        return None
    full, part = core.jobs.full[job], core.jobs.part[job]
    whole, partly = room.whole(), room.partly(part) if part else 0
    vacated = useful & pool.busy & ~pool.leaving
    if vacated & ~(whole & pool.internal.exact[-1]) or (part and vacated & ~partly):
        return None
    ready, beside = whole & soon.whole, partly & soon.part & ~(whole & soon.whole)

    def lacking(domain: NodeSet) -> int:
        return full + (part > 0 and not beside & domain) - (ready & domain).bit_count()

    def holder(other: int) -> Holder | None:
        nodes = pool.hold[other].nodes if other in pool.hold else 0
        leaves = TIER_OF_BAND[core.jobs.band[other]] > max(tier, 1) and core.jobs.status[other] != Status.EVICTING
        return Holder(other, nodes, False) if leaves and nodes & useful else None

    def line() -> "chain[int]":
        lines = []
        for lower in (3, 2):
            lines.append([other for other, gather in reversed(pool.granted.items()) if gather.tier == lower])
            lines.append(list(reversed(pool.running[lower])))
        return chain.from_iterable(lines)

    return Rentals(pool.owner, lacking, lambda jobs: partings_of(core, pool, tier, jobs), holder, line)


def partings_of(core: "Lives", pool: Pool, tier: int, jobs: IntArray) -> Partings | None:
    """Return the partings of rentals, (jobs,) each; tier 0 for who may not be evicted by a job of `tier`.

    None where costs might not fit into 64 bits. The same as `Lives.parting`, one by one. O(jobs + products).
    """
    now_s = core.now_s

    def column(name: str) -> IntArray:
        return core.jobs.array(name)[jobs].astype(np.int64, copy=False)

    terms = [
        (TIER_OF_BAND[each.band], each.notice_s, each.checkpoint_s, each.checkpoint_write_s, each.restart_s)
        for each in core.products
    ]
    product, status, start_s = column("product"), column("status"), column("start_s")
    tiers, notice_s, checkpoint_s, write_s, restart_s = (
        of_product[product] for of_product in np.array(terms, dtype=np.int64).T
    )
    claim = status == int(Status.GRANTED)
    leave_s = np.maximum(now_s + notice_s, _until_s(core, pool, product, start_s, column("guaranteed_until_s")))
    cost = np.where(claim, 0, column("credit_micro_usd"))
    hasty = np.flatnonzero(~(claim | np.where(write_s > 0, notice_s >= write_s, notice_s > 0)))
    if hasty.size:  # no time for a last checkpoint: what follows the latest one is lost, see scheduler.jobs.work
        startup_s = np.where(start_s != column("first_start_s"), restart_s, 0)[hasty]
        worked_s = np.maximum((leave_s - start_s)[hasty] - startup_s, 0)
        each_s = checkpoint_s[hasty]
        lost_s = np.minimum(worked_s % np.maximum(each_s + write_s[hasty], 1), each_s)
        lost_s = np.where(each_s > 0, lost_s, worked_s)
        gpus, price = column("full")[hasty] * pool.per_node, column("micro_usd_per_gpu_h")[hasty]
        largest = [int(each.max(initial=0)) for each in (lost_s, gpus, price, cost)]
        if largest[0] * largest[1] * largest[2] + largest[3] >= NEVER:
            return None
        cost[hasty] += lost_s * gpus * price // 3600
    may = (tiers > max(tier, 1)) & (status != int(Status.EVICTING))
    return Partings(
        np.where(may, tiers, 0),
        np.where(claim, now_s, leave_s),
        cost,
        np.where(claim, column("granted_s"), start_s),
    )


def _until_s(core: "Lives", pool: Pool, product: IntArray, start_s: IntArray, until_s: IntArray) -> IntArray:
    """Until when guarantees hold; those of rolling products as `Lives` renews them."""
    for row, each in enumerate(core.products):
        if each.rolling and (mine := np.flatnonzero(product == row)).size:
            since_s = start_s[mine]
            periods = (core.now_s - since_s) // each.guarantee_s
            renewed_s = since_s + periods * each.guarantee_s
            ended = (periods > 0) & ~pool.were_renewable(row, renewed_s)
            until_s[mine] = np.where(ended, renewed_s, renewed_s + each.guarantee_s)
    return until_s
