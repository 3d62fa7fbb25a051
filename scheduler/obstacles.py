"""Obstacles: who sits on the nodes of a grant and has to go."""

from collections.abc import Sequence

from scheduler.capacity import Hold
from scheduler.pool import Pool
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
    for lower in range(tier + 1, TIER_COUNT):
        taken = nodes if lower < 2 else rented
        if taken:
            found += [job for job, gather in pool.granted.items() if gather.tier == lower and held[job].nodes & taken]
            found += [job for job in pool.running[lower] if held[job].whole & taken or held[job].part & taken]
    return found
