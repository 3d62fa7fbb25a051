"""When will a job that waits start? A what-if by estimates, on a copy: the core is read and never changed.

The queue is played forward on a profile of free GPUs: who runs leaves at the end of his estimate, and who waits takes
the earliest hole in the order of the queue, more important tiers first. How far estimates have been off so far says how
far the answer may be: the same play with every length scaled by the 10 % and the 90 % quantile of run time / estimate
over the finished jobs gives the interval. GPUs are counted, but no job is expected before so many whole nodes, in one
domain if it needs that, have been left by those who hold them now, nor before its tenant's quota and budget allow it.
Left out is what nobody knows: jobs that have not come yet, faults, and what those ahead leave of a domain or a quota.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduler.events import NEVER, Reason, Status
from scheduler.nodes.nodeset import row_array
from scheduler.plan.conservative import planned_start_s
from scheduler.plan.profile import Profile
from scheduler.policy.backfill import none
from scheduler.state.pool import End, Pool
from scheduler.tables import IntArray
from tenants.band import TIER_COUNT, TIER_OF_BAND, Band

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives

UNIT_BP = 10_000
LOW_BP, HIGH_BP = 1_000, 9_000  # quantiles between which four of five jobs have ended so far


class Expected(NamedTuple):
    """A job that waits, and when it will start, by estimates: in all likelihood within [early_s, late_s].

    NEVER: not by what is known now.
    """

    job: int
    start_s: int
    early_s: int
    late_s: int


def error_quantiles_bp(core: "Lives") -> tuple[int, int]:
    """Return the 10 % and 90 % quantile of run time / estimate over the jobs finished so far, in basis points.

    10,000 both while none has finished. O(jobs).
    """
    jobs = core.jobs
    done = (jobs.array("status") == Status.DONE) & (jobs.array("estimate_s") > 0)
    estimate_s = np.asarray(core.estimate_s, dtype=np.int64)[done]
    ratio_bp = np.sort(jobs.array("work_s")[done] * UNIT_BP // np.maximum(estimate_s, 1))
    if not len(ratio_bp):
        return UNIT_BP, UNIT_BP
    low, high = ((len(ratio_bp) - 1) * quantile_bp // UNIT_BP for quantile_bp in (LOW_BP, HIGH_BP))
    return int(ratio_bp[low]), int(ratio_bp[high])


def expected_starts(core: "Lives", pool: Pool) -> list[Expected]:
    """Return every job of a pool that waits or is granted and has not started, tier by tier in the order of the queue.

    Cost: three plays of O((running + waiting) x steps), and one look at all jobs.
    """
    low_bp, high_bp = error_quantiles_bp(core)
    middle, early, late = (_play(core, pool, scale_bp) for scale_bp in (UNIT_BP, low_bp, high_bp))
    found = []
    for job, start_s in middle.items():
        tier = TIER_OF_BAND[core.jobs.band[job]]
        planned_s = planned_start_s(core, pool, tier, job)
        if core.now_s < planned_s < NEVER:
            start_s = planned_s
        found.append(Expected(job, start_s, min(start_s, early[job]), max(start_s, late[job])))
    return found


def _play(core: "Lives", pool: Pool, scale_bp: int) -> dict[int, int]:
    """Return the start of each job that waits, if every job took `scale_bp` of its estimate."""
    now_s, per_node = core.now_s, pool.per_node
    held: list[list[tuple[int, int]]] = [[] for _ in range(TIER_COUNT)]  # (end, GPUs) by tier
    starts: dict[int, int] = {}
    for tier, line in enumerate(pool.ends):
        held[tier] += [(_end_s(core, end, scale_bp), end[4]) for end in line]
    for job, gather in pool.granted.items():
        leave_s = max([now_s, *(core.jobs.evict_at_s[victim] for victim in gather.victims)])
        starts[job] = leave_s + (pool.scrub_s if gather.victims or pool.hold[job].nodes & pool.scrubbing else 0)
        end_s = starts[job] + _scaled(core, job, scale_bp)
        held[gather.tier].append((end_s, pool.hold[job].gpu_count(per_node)))
    healthy = (pool.node_count - pool.down.bit_count()) * per_node
    contracts = _contracts(core, pool, starts, scale_bp)
    coming: list[tuple[int, int, int]] = []  # (start, end, GPUs) of those who wait in more important tiers
    for tier in range(TIER_COUNT):
        spares = (pool.spares & pool.shut[tier]).bit_count()
        changes = {now_s: healthy - (pool.kept_nodes(tier) + spares) * per_node}
        for end_s, gpus in (each for line in held[: tier + 1] for each in line):
            changes[now_s] -= gpus
            changes[end_s] = changes.get(end_s, 0) + gpus
        for start_s, end_s, gpus in coming:
            changes[start_s] = changes.get(start_s, 0) - gpus
            changes[end_s] = changes.get(end_s, 0) + gpus
        find = _finder(core, pool, tier, Profile.of_changes(changes), held)
        left_s = _left_s(core, pool, tier, scale_bp)
        last_s = now_s
        for job in _waiting(pool, tier):
            gpus = core.jobs.full[job] * per_node + core.jobs.part[job]
            length_s = _scaled(core, job, scale_bp)
            # First come, first served: nobody starts before those ahead of him.
            from_s = max(_nodes_s(core, pool, job, left_s), _quota_s(core, pool, job, scale_bp))
            own = core.jobs.band[job] == Band.RESERVED  # served from its own contract, and from nothing else
            if core.policy.backfill is none and not own:
                from_s = max(from_s, last_s)
            start_s = starts[job] = (contracts if own else find)(job, gpus, length_s, from_s)
            if start_s < NEVER:
                last_s = last_s if own else start_s
                coming.append((start_s, start_s + length_s, gpus))
    return starts


def _end_s(core: "Lives", end: End, scale_bp: int) -> int:
    """Return when a job that runs ends, if it takes `scale_bp` of its estimate."""
    from_s = core.jobs.start_s[end[1]]
    return max(core.now_s + 1, from_s + (end[0] - from_s) * scale_bp // UNIT_BP)


def _left_s(core: "Lives", pool: Pool, tier: int, scale_bp: int) -> IntArray:
    """Return when each node will have been left by all jobs of this tier and those above it, (nodes,) int64."""
    left_s = np.full(pool.node_count, core.now_s, dtype=np.int64)
    for end in (end for line in pool.ends[: tier + 1] for end in line):
        nodes = row_array(end[3].nodes)
        left_s[nodes] = np.maximum(left_s[nodes], _end_s(core, end, scale_bp))
    left_s[row_array(pool.down)] = NEVER
    return left_s


def _nodes_s(core: "Lives", pool: Pool, job: int, left_s: IntArray) -> int:
    """Return when as many whole nodes as the job needs will have been left, in one domain if it has to lie in one."""
    full, within = core.jobs.full[job], core.jobs.within[job]
    if not full:
        return core.now_s
    if not within:
        return int(np.partition(left_s, full - 1)[full - 1])
    level = pool.levels[within - 1]
    parts = np.split(left_s, level.first_row[1:].tolist())
    return min((int(np.partition(part, full - 1)[full - 1]) for part in parts if len(part) >= full), default=NEVER)


def _quota_s(core: "Lives", pool: Pool, job: int, scale_bp: int) -> int:
    """Return when the tenant's budget begins anew, or enough of its own jobs have ended for its quota; now where
    neither is in the way. NEVER: not by the end of its own jobs."""
    gate, tenant = pool.gate, core.jobs.tenant[job]
    if gate is None or core.jobs.band[job] == Band.RESERVED or (told := gate.why(core, job)) is None:
        return core.now_s
    reason, gpus, may = told
    if reason == Reason.BUDGET:
        return gate.ledger.next_month_s(core.now_s)
    ends = sorted((_end_s(core, end, scale_bp), end[1]) for line in pool.ends[:2] for end in line)
    for end_s, other in ends:
        may += gate.charged.get(other, 0) if core.jobs.tenant[other] == tenant else 0
        if may >= gpus:
            return end_s
    return NEVER


def _finder(
    core: "Lives", pool: Pool, tier: int, free: Profile, held: list[list[tuple[int, int]]]
) -> Callable[[int, int, int, int], int]:
    """Return a function that books (job, GPUs, seconds, from when) at its earliest hole and returns when that begins.

    Rentals need room in the Offer, too; it is taken to stay as it is now.
    """
    profiles = [free]
    if tier >= 2:
        changes = {core.now_s: max(pool.offer.nodes_max) * pool.per_node}
        for end_s, gpus in (each for line in held[2 : tier + 1] for each in line):
            changes[core.now_s] -= gpus
            changes[end_s] = changes.get(end_s, 0) + gpus
        profiles.append(Profile.of_changes(changes))

    def book(_: int, gpus: int, length_s: int, from_s: int) -> int:
        at_s, before_s = from_s, -1
        while at_s != before_s:
            before_s = at_s
            for profile in profiles:
                at_s = profile.earliest(gpus, length_s, at_s) if at_s < NEVER else NEVER
        if at_s == NEVER:
            return NEVER
        for profile in profiles:
            profile.add(at_s, at_s + length_s, -gpus)
        return at_s

    return book


def _contracts(core: "Lives", pool: Pool, starts: dict[int, int], scale_bp: int) -> Callable[[int, int, int, int], int]:
    """Return a function that books (RESERVED job, GPUs, seconds, from when) under its tenant's contracts.

    Such a job waits for its own contract alone, and once it has started it runs beyond the contract's end.
    """
    holders = [(_end_s(core, end, scale_bp), end[1], end[4]) for end in pool.ends[0]]
    holders += [
        (starts[job] + _scaled(core, job, scale_bp), job, pool.hold[job].gpu_count(pool.per_node))
        for job in pool.granted
    ]
    profiles: dict[int, Profile] = {}

    def room(tenant: int) -> Profile:
        changes = {core.now_s: pool.contract_room(tenant) * pool.per_node}
        for end_s, job, gpus in holders:
            if core.jobs.tenant[job] == tenant and core.jobs.band[job] == Band.RESERVED:
                changes[end_s] = changes.get(end_s, 0) + gpus
        for kept in core.reservations:
            if kept.tenant == tenant and kept.pool == pool.index:
                for at_s, nodes in ((kept.from_s, kept.nodes), (kept.until_s, -kept.nodes)):
                    if at_s > core.now_s:
                        changes[at_s] = changes.get(at_s, 0) + nodes * pool.per_node
        return Profile.of_changes(changes)

    def book(job: int, gpus: int, length_s: int, from_s: int) -> int:
        tenant = core.jobs.tenant[job]
        profile = profiles[tenant] = profiles.get(tenant) or room(tenant)
        at_s = profile.earliest(gpus, 1, from_s) if from_s < NEVER else NEVER
        if at_s < NEVER:
            profile.add(at_s, at_s + length_s, -gpus)
        return at_s

    return book


def _waiting(pool: Pool, tier: int) -> Iterator[int]:
    """Yield the jobs that wait in a tier, most urgent first: contracts, those past the gate, those in its lines."""
    if tier == 0:
        yield from pool.contract_queue.jobs()
    yield from pool.queue[tier].jobs()
    if pool.gate is not None and tier < 2:
        lines = pool.gate.lines[tier].values()
        waiters = sorted(waiter for queue in lines for line in queue.lines.values() for waiter in line)
        yield from (job for _, job, _ in waiters)


def _scaled(core: "Lives", job: int, scale_bp: int) -> int:
    return max(1, core.need_s(job) * scale_bp // UNIT_BP)
