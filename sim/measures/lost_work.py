"""What evictions threw away, in money: the lost work of each at the price that its tenant pays for it."""

import numpy as np

from billing.metering.meter import billed_usage
from billing.money import product, round_half_up
from sim.result import IntArray, RunResult
from sim.workload.draw import HOUR_S


def lost_gpu_s(result: RunResult) -> IntArray:
    """Return the GPU-seconds of work that each eviction threw away, (evictions,) int64."""
    return np.asarray(product(result.evictions.gpus, result.eviction_lost_s), dtype=np.int64)


def lost_micro_usd(result: RunResult) -> IntArray:
    """Return what that work had cost, at the price in force in the hour of the eviction; (evictions,) int64 micro-USD.

    Work of internal teams counts at their internal price. Raises PriceError where nothing prices a product.
    """
    world, gone = result.world, result.evictions
    pool = world.jobs.pool[gone.job]
    region, sku = (np.array(column, dtype=np.int64)[pool] for column in (world.pool_region, world.pool_sku))
    lost = lost_gpu_s(result)
    hour_s = gone.evicted_s // HOUR_S * HOUR_S
    plans = tuple(each.price_plan for each in world.registry.products)
    prices = world.book.unit_prices(
        world.names, billed_usage(gone.tenant, hour_s, region, sku, gone.product, lost), plans
    )
    amounts = [
        round_half_up(gpu_s * price, HOUR_S) for gpu_s, price in zip(lost.tolist(), prices.tolist(), strict=True)
    ]
    return np.array(amounts, dtype=np.int64)
