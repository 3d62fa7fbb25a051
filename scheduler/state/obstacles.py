"""Obstacles: who sits on the nodes of a grant and has to go."""

from collections.abc import Sequence

from scheduler.nodes.capacity import Hold
from scheduler.nodes.nodeset import NodeSet, row_array
from scheduler.state.pool import Pool
from tenants.band import TIER_COUNT


def in_the_way(pool: Pool, tier: int, hold: Hold) -> Sequence[int]:
    """Return the jobs of lower tiers that hold or claim nodes of `hold` and have to go. Called before it is taken."""
    nodes = hold.whole & ~pool.internal.exact[-1]
    if hold.part and not pool.internal.at_least(hold.gpus) & hold.part:
        nodes |= hold.part
    rented = hold.nodes & pool.busy
    if not nodes and not rented:
        return ()
    found: list[int] = []
    held = pool.hold
    renters = _renters_on(pool, rented) if rented and pool.owner is not None else None
    for lower in range(tier + 1, TIER_COUNT):
        taken = nodes if lower < 2 else rented
        if taken:
            found += [job for job, gather in pool.granted.items() if gather.tier == lower and held[job].nodes & taken]
            if lower >= 2 and renters is not None:
                found += [job for job in pool.running[lower] if job in renters]
                continue
            found += [job for job in pool.running[lower] if held[job].whole & taken or held[job].part & taken]
    return found


def _renters_on(pool: Pool, nodes: NodeSet) -> set[int] | None:
    """Return who runs on rented nodes by the latest takers of these; None where one of them has not started there, so
    that another one may still be leaving."""
    assert pool.owner is not None
    owners = set(pool.owner[row_array(nodes)].tolist())
    started = all(job in pool.running[2] or job in pool.running[3] for job in owners)
    return owners if started else None
