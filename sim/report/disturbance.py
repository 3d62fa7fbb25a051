"""Who was disturbed: evictions with their notices, node faults, and the work that they cost, by tenant and product."""

import numpy as np

from sim.report.model import DisturbanceRow
from sim.result import IntArray, RunResult


def disturbances(result: RunResult) -> tuple[DisturbanceRow, ...]:
    """Return a row for every tenant and product that was evicted, lost its nodes to a fault, or lost work.

    Sorted by disturbances, most first. A notice is kept iff the job had the whole notice of its product and was not
    evicted inside its guarantee.
    """
    evictions, outages, starts, segments = result.evictions, result.outages, result.starts, result.segments
    width = len(result.world.names.products)

    def key(tenant: IntArray, product: IntArray) -> IntArray:
        return tenant * width + product

    notice_s = np.array([row.notice_s for row in result.world.products], dtype=np.int64)
    given_s = evictions.evicted_s - evictions.noticed_s
    early = evictions.evicted_s < evictions.guaranteed_until_s
    kept = (given_s >= notice_s[evictions.product]) & ~early
    evicted, failed = key(evictions.tenant, evictions.product), key(outages.tenant, outages.product)
    held = key(segments.tenant, segments.product)
    outage_gpu_s = outages.gpus * (outages.until_s - outages.from_s)
    lost_gpu_s = segments.gpus * result.lost_s
    started, start_counts = np.unique(key(starts.tenant, starts.product), return_counts=True)
    starts_of = dict(zip(started.tolist(), start_counts.tolist(), strict=True))
    rows = []
    for place in np.unique(np.concatenate([evicted, failed, held[lost_gpu_s > 0]])).tolist():
        mine, hit = evicted == place, failed == place
        tenant, product = divmod(place, width)
        rows.append(
            DisturbanceRow(
                tenant=result.world.names.tenants[tenant],
                product=result.world.names.products[product],
                starts=starts_of.get(place, 0),
                evictions=int(np.count_nonzero(mine)),
                notice_min_s=int(given_s[mine].min()) if mine.any() else None,
                notice_promised_s=int(notice_s[product]),
                notices_kept=int(np.count_nonzero(kept[mine])),
                inside_guarantee=int(np.count_nonzero(early[mine])),
                faults=int(np.count_nonzero(hit)),
                outage_gpu_s=int(outage_gpu_s[hit].sum()),
                lost_gpu_s=int(lost_gpu_s[held == place].sum()),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.evictions - row.faults, row.tenant, row.product)))
