"""From a finished run to closed books: hands billing the facts, and nothing that billing should work out itself."""

from billing.books import Books, close
from billing.reconcile import Pool
from billing.sla.exclusions import exclusion_table
from billing.usage import WorkTable
from sim.result import RunResult, World
from sim.told import told_of


def settle(result: RunResult) -> Books:
    """Return the books of a run; `findings` in them is empty when every GPU-second and every cent adds up.

    Raises:
        BillingError: something was held that has no price.
    """
    world = result.world
    return close(
        world.names,
        world.registry,
        world.book,
        result.segments,
        result.starts,
        result.evictions,
        result.outages,
        result.capacity,
        installed(world),
        result.horizon_s,
        WorkTable(result.stalled_s, result.lost_s, result.written_s),
        exclusion_table(world.names, (*world.registry.exclusions, *world.exclusions)),
        told=told_of(result),
    )


def installed(world: World) -> dict[Pool, int]:
    """Return the GPUs of each (region, sku), dense indices into the world's names."""
    gpus: dict[Pool, int] = {}
    for pool, region, sku in zip(world.pools, world.pool_region, world.pool_sku, strict=True):
        gpus[region, sku] = gpus.get((region, sku), 0) + pool.nodes * pool.gpus_per_node
    return gpus
