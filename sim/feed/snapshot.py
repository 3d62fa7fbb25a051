"""What a cluster looks like at one moment, from the core that runs it: nodes with their holders, who waits and why, and
whose notice runs. The core is read and never changed."""

from bisect import bisect_right
from collections.abc import Iterator

from billing.client import shapes
from billing.months import utc_text
from scheduler.core import Core
from scheduler.events import NEVER, Status
from scheduler.nodes.nodeset import rows
from scheduler.plan.eta import expected_starts
from scheduler.state.pool import Pool
from scheduler.why.reasons import why
from scheduler.why.sentences import sentence
from sim.result import World

QUEUE_MAX = 1_000  # rows of the queue that are told; how many wait in all is told beside
WORDS_MAX = 300


def snapshot_of(core: Core, world: World, now_s: int, source: str) -> shapes.NewSnapshot:
    """Return the cluster as the last decision before `now_s` (seconds since the epoch) left it.

    Cost: a what-if of each pool's queue, O(nodes + running + waiting log waiting).
    """
    queue: list[shapes.WaitingNow] = []
    count = 0
    for pool in core.pools:
        for expected in expected_starts(core, pool):
            count += 1
            if len(queue) < QUEUE_MAX:
                queue.append(_waiting(core, world, pool, expected.job, expected.start_s))
    return {
        "source": source,
        "time": utc_text(world.names.epoch_s + now_s),
        "nodes": [node for pool in core.pools for node in _nodes(core, world, pool)],
        "queue": queue,
        "queue_count": count,
        "notices": [notice for pool in core.pools for notice in _notices(core, world, pool)][:QUEUE_MAX],
    }


def _place(world: World, pool: Pool) -> tuple[str, str]:
    return world.names.regions[world.pool_region[pool.index]], world.names.skus[world.pool_sku[pool.index]]


def _who(world: World, job: int) -> tuple[str, str, str]:
    """The id of a job, its tenant and its product."""
    rows_, names = world.jobs, world.names
    return rows_.job_id[job], names.tenants[int(rows_.tenant[job])], names.products[int(rows_.product[job])]


def _nodes(core: Core, world: World, pool: Pool) -> Iterator[shapes.NodeNow]:
    region, sku = _place(world, pool)
    held: dict[int, tuple[int, int]] = {}  # node: (GPUs that are held, of most of them the job)
    most: dict[int, int] = {}
    for job in pool.holders():
        hold = pool.hold[job]
        for nodes, gpus in ((hold.whole, pool.per_node), (hold.part, hold.gpus)):
            for node in rows(nodes):
                before, holder = held.get(node, (0, job))
                holder = job if gpus > most.get(node, 0) else holder
                most[node] = max(gpus, most.get(node, 0))
                held[node] = before + gpus, holder
    domains = _domains(pool)
    for node in range(pool.node_count):
        bit = 1 << node
        held_gpus, job = held.get(node, (0, -1))
        told: shapes.NodeNow = {
            "node": f"{region}/{sku}/{node}",
            "region": region,
            "sku": sku,
            "state": "free",
            "gpus": pool.per_node,
            "held_gpus": held_gpus,
        }
        if domains:
            told["domain"] = domains[node]
        if pool.down & bit:
            told["state"] = "down"
        elif job >= 0:
            told["state"] = "notice" if core.jobs.status[job] == Status.EVICTING else "held"
            told["job"], told["holder"], told["product"] = _who(world, job)
        elif pool.scrubbing & bit:
            told["state"] = "cleaning"
        yield told


def _domains(pool: Pool) -> list[str]:
    """Of each node its domains, the largest first: 0/3. Empty without a topology."""
    levels = [level.first_row.tolist() for level in reversed(pool.levels)]
    if not levels:
        return []
    return ["/".join(str(bisect_right(first, node) - 1) for first in levels) for node in range(pool.node_count)]


def _waiting(core: Core, world: World, pool: Pool, job: int, start_s: int) -> shapes.WaitingNow:
    epoch_s, told = world.names.epoch_s, why(core, job, promise=False)
    (region, sku), (id_, tenant, product) = _place(world, pool), _who(world, job)
    return {
        "job": id_,
        "tenant": tenant,
        "product": product,
        "region": region,
        "sku": sku,
        "gpus": int(world.jobs.gpus[job]),
        "since": utc_text(epoch_s + core.jobs.pending_s[job]),
        "reason": told.reason.name.lower(),
        "why": sentence(told)[:WORDS_MAX],
        "expected": utc_text(epoch_s + start_s) if start_s < NEVER else None,
    }


def _notices(core: Core, world: World, pool: Pool) -> Iterator[shapes.NoticeNow]:
    epoch_s, (region, sku) = world.names.epoch_s, _place(world, pool)
    for job in pool.holders():
        if core.jobs.status[job] == Status.EVICTING:
            id_, tenant, product = _who(world, job)
            yield {
                "job": id_,
                "tenant": tenant,
                "product": product,
                "region": region,
                "sku": sku,
                "gpus": pool.hold[job].gpu_count(pool.per_node),
                "noticed": utc_text(epoch_s + core.jobs.noticed_s[job]),
                "leaves": utc_text(epoch_s + core.jobs.evict_at_s[job]),
            }
