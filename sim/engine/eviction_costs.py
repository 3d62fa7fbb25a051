"""What it costs to evict a job, for rules that compare plans: two columns of the scheduler's job table.

The core knows no prices. Here they come from the price book: an hour of a job's work is worth its price at the time of
its submission, and an eviction costs the restart, during which the job holds its nodes and does no work. SLA terms give
credits for outages and not for evictions with notice, so no credit is added; whoever has such terms adds it here.
"""

import numpy as np

from billing.errors import PriceError
from billing.metering.meter import billed_usage
from sim.result import IntArray, World
from sim.workload.draw import HOUR_S


def eviction_costs(world: World) -> dict[str, IntArray]:
    """Return columns `credit_micro_usd` and `micro_usd_per_gpu_h` of the job table, each (jobs,) int64.

    Where the price book has no price for a job, both are 0: a trace may be replayed without prices. Cost: O(jobs).
    """
    rows = world.jobs
    region = np.array(world.pool_region, dtype=np.int64)[rows.pool]
    sku = np.array(world.pool_sku, dtype=np.int64)[rows.pool]
    hour_s = rows.submit_s - rows.submit_s % HOUR_S
    usage = billed_usage(rows.tenant, hour_s, region, sku, rows.product, np.zeros(len(hour_s), dtype=np.int64))
    plans = tuple(product.price_plan for product in world.registry.products)
    try:
        price = world.book.unit_prices(world.names, usage, plans)
    except PriceError:
        price = np.zeros(len(hour_s), dtype=np.int64)
    restart_s = np.array([p.restart_s if p.requeue else 0 for p in world.products], dtype=np.int64)[rows.product]
    return {"credit_micro_usd": rows.gpus * restart_s * price // HOUR_S, "micro_usd_per_gpu_h": price}
