"""Checks of what a core did, from its log alone: each returns a list of complaints, so that a test sees all of them.

They know nothing of how the core works. The canaries in `broken_cores` show that each of them can fail.
"""

from collections import defaultdict
from itertools import pairwise

from scheduler.core import Core
from scheduler.events import NEVER, EventKind, Status
from scheduler.nodes.nodeset import rows
from small_worlds import HORIZON_S, Log, SmallWorld, flat_drive, small_world
from tenants.band import TIER_OF_BAND, Band

LOST = (EventKind.NODE_DOWN, EventKind.DRAIN)  # what takes a node away


def late_starts(world: SmallWorld, core: Core, log: Log) -> list[str]:
    """Reserved and internal starts later than notice or guarantee, plus cleaning, after their grant.

    A tenant within its quota may also have to wait for borrowers of its own tier to leave.
    """
    found, reclaims = [], bool(core.tenancy.quotas)
    for start in log.started:
        band = core.jobs.band[start.job]
        if band > Band.INTERNAL:
            continue
        reach_s = max(
            max(product.notice_s, product.guarantee_s)
            for product in world.products
            if TIER_OF_BAND[product.band] + reclaims > TIER_OF_BAND[band]
        )
        bound_s = reach_s + world.pools[core.jobs.pool[start.job]].scrub_s
        if start.start_s - start.granted_s > bound_s:
            found.append(
                f"job {start.job} was granted at {start.granted_s}, started at {start.start_s}, bound {bound_s}"
            )
    return found


def grants_taken_back(world: SmallWorld, core: Core, log: Log) -> list[str]:
    """Grants that were revoked although no node of theirs failed and no higher tier was granted one of them.

    Where tenants have quotas, one within its own may also take quota or nodes back from borrowers of the same tier.
    """
    found = []
    reclaims = bool(core.tenancy.quotas)
    failed = {now_s: {event.row for event in events if event.kind in LOST} for now_s, events in log.steps}
    first_node = [sum(row.nodes for row in world.pools[:pool]) for pool in range(len(world.pools))]
    granted: list[tuple[int, int, int]] = []  # (now_s, job, nodes) so far
    for now_s, (what, job, _, nodes) in log.decisions:
        pool = core.jobs.pool[job]
        if what == "grant":
            granted.append((now_s, job, nodes))
        if what != "revoke" or any(first_node[pool] + node in failed[now_s] for node in rows(nodes)):
            continue
        tier = TIER_OF_BAND[core.jobs.band[job]]
        if not any(
            at_s == now_s
            and core.jobs.pool[other] == pool
            and (
                (taken & nodes and TIER_OF_BAND[core.jobs.band[other]] < tier)
                or (reclaims and _takes_back(core, other, job))
            )
            for at_s, other, taken in reversed(granted)
        ):
            found.append(f"job {job} lost its grant at {now_s}")
    return found


def _takes_back(core: Core, job: int, borrower: int) -> bool:
    jobs = core.jobs
    below = TIER_OF_BAND[jobs.band[job]] <= TIER_OF_BAND[jobs.band[borrower]]
    return below and jobs.tenant[job] != jobs.tenant[borrower] and jobs.band[job] <= Band.INTERNAL


def overstayed(core: Core) -> list[str]:
    """Renters that still wait although their patience is over, a second's grace aside."""
    jobs = core.jobs
    return [
        f"job {job} waits since {jobs.pending_s[job]} with patience {jobs.patience_s[job]}"
        for job in range(jobs.count)
        if jobs.status[job] == Status.PENDING
        and jobs.patience_s[job] != NEVER
        and core.now_s > jobs.pending_s[job] + max(1, jobs.patience_s[job]) + 1
    ]


def internal_starts(core: Core, log: Log) -> list[tuple[int, int]]:
    """(start_s, job) of everything that is not lendable."""
    return sorted((start.start_s, start.job) for start in log.started if core.jobs.band[start.job] <= Band.INTERNAL)


def rental_differences(seed: int, policy: str, lend: str = "all_idle", **kind: bool) -> list[str]:
    """How internal starts differ between rentals on and off, with instant reclaim."""
    world = small_world(seed, instant=True, **kind)
    starts = {}
    for name in ("none", lend):
        core = world.core(policy, name, headroom_nodes=1)
        starts[name] = internal_starts(core, flat_drive(core, world))
    return [] if starts["none"] == starts[lend] else [f"seed {seed}, {policy}, {lend}: internal starts differ"]


def unaccounted(world: SmallWorld, log: Log) -> list[str]:
    """GPU-seconds of a pool that are in no state or in two, from segments and idle counts."""
    found = []
    for pool, row in enumerate(world.pools):
        held = defaultdict(int)
        for segment in log.segments:
            if world.jobs["pool"][segment.job] == pool:
                held["gpu_s"] += segment.gpus * (segment.end_s - segment.start_s)
        records = [record for record in log.idle if record.pool == pool]
        first_s = records[0].from_s if records else HORIZON_S
        held["gpu_s"] += first_s * row.nodes * row.gpus_per_node
        for record, until_s in zip(records, [*(later.from_s for later in records[1:]), HORIZON_S], strict=True):
            if min(record.gpus) < 0:
                found.append(f"pool {pool} at {record.from_s}: negative idle {record.gpus}")
            held["gpu_s"] += sum(record.gpus) * (until_s - record.from_s)
        residual = row.nodes * row.gpus_per_node * HORIZON_S - held["gpu_s"]
        if residual:
            found.append(f"pool {pool}: residual {residual} GPU-s")
    return found


def crowded_nodes(world: SmallWorld, core: Core, log: Log) -> list[str]:
    """Nodes with more GPUs held than they have, two trust domains at once, or no cleaning between renters."""
    found = []
    uses = defaultdict(list)
    for segment in log.segments:
        if segment.end_s > segment.start_s:
            for node in rows(segment.nodes):
                uses[core.jobs.pool[segment.job], node].append(segment)
    for (pool, node), segments in uses.items():
        per_node = world.pools[pool].gpus_per_node
        for at_s in sorted({segment.start_s for segment in segments}):
            here = [segment for segment in segments if segment.start_s <= at_s < segment.end_s]
            if sum(_gpus_on(core, segment, node, per_node) for segment in here) > per_node:
                found.append(f"node {pool}/{node} at {at_s}: overfull")
            if len({_domain(world, core, segment.job) for segment in here}) > 1:
                found.append(f"node {pool}/{node} at {at_s}: two trust domains")
        found += _uncleaned(world, core, pool, node, segments)
    return found


def _uncleaned(world: SmallWorld, core: Core, pool: int, node: int, segments: list) -> list[str]:
    found = []
    ordered = sorted(segments, key=lambda segment: segment.start_s)
    for before, after in pairwise(ordered):
        domains = {_domain(world, core, before.job), _domain(world, core, after.job)}
        renters = any(_rents(core, segment.job) for segment in (before, after))
        if len(domains) > 1 and renters and after.start_s - before.end_s < world.pools[pool].scrub_s:
            found.append(
                f"node {pool}/{node}: {before.job} left at {before.end_s}, {after.job} came at {after.start_s}"
            )
    return found


def broken_guarantees(world: SmallWorld, core: Core, log: Log) -> list[str]:
    """Evictions before the guarantee's end, or with less than the product's notice."""
    found = []
    for gone in log.evicted:
        notice_s = world.products[core.jobs.product[gone.job]].notice_s
        if gone.evicted_s < gone.guaranteed_until_s or gone.evicted_s - gone.noticed_s < notice_s:
            found.append(f"job {gone.job} evicted at {gone.evicted_s}: {gone}")
    return found


def partial_gangs(world: SmallWorld, core: Core, log: Log) -> list[str]:
    """Segments that hold another number of GPUs than the job's shape."""
    jobs = core.jobs
    found = []
    for segment in log.segments:
        per_node = world.pools[jobs.pool[segment.job]].gpus_per_node
        if segment.gpus != jobs.full[segment.job] * per_node + jobs.part[segment.job]:
            found.append(f"job {segment.job} held {segment.gpus} GPUs")
        if segment.nodes.bit_count() != jobs.full[segment.job] + (jobs.part[segment.job] > 0):
            found.append(f"job {segment.job} held {segment.nodes.bit_count()} nodes")
    return found


def _gpus_on(core: Core, segment, node: int, per_node: int) -> int:
    """GPUs of a node that a segment holds, at least."""
    full, part = core.jobs.full[segment.job], core.jobs.part[segment.job]
    if not part:
        return per_node
    if not full:
        return part
    return part  # of a gang with both, which node is the part is not in the log: count the least


def _rents(core: Core, job: int) -> bool:
    return core.jobs.band[job] in (Band.RESERVED, Band.ON_DEMAND, Band.SPOT)


def _domain(world: SmallWorld, core: Core, job: int) -> int:
    return world.domains[core.jobs.tenant[job]] if _rents(core, job) else 0
