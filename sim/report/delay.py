"""What rentals cost internal jobs in time: the wait from grant to start, and starts against a run without rentals."""

from collections.abc import Sequence

import numpy as np

from sim.measures.delays import delays_of
from sim.report.model import Delay, DelayRow, ReclaimRow
from sim.report.timeline import bands
from sim.result import IntArray, RunResult
from tenants.band import TIER_OF_BAND, Band

# The durations at which the curves are drawn; bounds and the longest wait of a run are added.
_LADDER_S = (
    *(0, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1_200, 1_800, 2_700, 3_600),
    *(5_400, 7_200, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400, 172_800, 432_000, 864_000, 2_592_000),
)
_RECLAIMING = (Band.INTERNAL_CRITICAL, Band.RESERVED, Band.INTERNAL)


def delay(result: RunResult, baseline: RunResult | None) -> Delay:
    """Return the delays of a run; `baseline` is the same world with rentals off, None if there is no such run.

    The wait from grant to start is that of every start. Against the baseline a job counts once, with its first start;
    jobs of the two runs are matched by their ids.
    """
    reclaim, wait_s, over_bound = _reclaim(result)
    bounds = _bounds(result)
    rows, later_s, unpaired = _paired(result, baseline) if baseline is not None else ([], _none(), 0)
    longest_s = max([*(bound_s for _, bound_s in bounds), *wait_s[-1:].tolist(), *later_s[-1:].tolist(), 0])
    marks_s = {bound_s for _, bound_s in bounds} | {longest_s}
    ladder_s = sorted({s for s in _LADDER_S if s <= longest_s} | marks_s)
    return Delay(
        ladder_s=tuple(ladder_s),
        reclaim_le=_at_most(wait_s, ladder_s),
        paired_le=_at_most(later_s, ladder_s) if rows else (),
        reclaim=tuple(reclaim),
        paired=tuple(rows),
        unpaired=unpaired,
        bounds=bounds,
        over_bound=over_bound,
    )


def _bounds(result: RunResult) -> tuple[tuple[str, int], ...]:
    """Return, ascending, how long each product in use that can be evicted may keep a job waiting for its nodes."""
    scrub_s = max((pool.scrub_s for pool in result.world.pools), default=0)
    reaches = zip(result.world.names.products, _reaches(result), strict=True)
    found = [(code, reach_s + scrub_s) for code, reach_s in reaches if reach_s is not None]
    return tuple(sorted(found, key=lambda bound: (bound[1], bound[0])))


def _reaches(result: RunResult) -> list[int | None]:
    """Return, per product, the longest time from the decision to evict it to the eviction; None if nobody here can."""
    used = set(np.unique(result.segments.product).tolist())
    tiers = [TIER_OF_BAND[row.band] for row in result.world.products]
    first = min((tiers[index] for index in used), default=0)
    return [
        max(row.guarantee_s, row.notice_s) if index in used and tiers[index] > first else None
        for index, row in enumerate(result.world.products)
    ]


def _bound_of_product(result: RunResult) -> IntArray:
    """Return, per product, the bound of its jobs before cleaning: it may evict later tiers only. (products,) int64."""
    products, reaches = result.world.products, _reaches(result)
    tiers = [TIER_OF_BAND[row.band] for row in products]
    return np.array(
        [
            max((reach or 0 for reach, tier in zip(reaches, tiers, strict=True) if tier > mine), default=0)
            for mine in tiers
        ],
        dtype=np.int64,
    )


def _reclaim(result: RunResult) -> tuple[list[ReclaimRow], IntArray, int]:
    """Return the rows per product, all waits ascending, and how many waits were longer than their pool's bound."""
    starts, pool_of_job = result.starts, result.world.jobs.pool
    mine = np.flatnonzero(np.isin(bands(result)[starts.product], [int(band) for band in _RECLAIMING]))
    product, wait_s = starts.product[mine], starts.start_s[mine] - result.granted_s[mine]
    rows = []
    for index in np.unique(product).tolist():
        waits = np.sort(wait_s[product == index])
        waited = int(np.count_nonzero(waits))
        p50_s, p99_s = (int(waits[(percent * len(waits) + 99) // 100 - 1]) for percent in (50, 99))
        rows.append(ReclaimRow(result.world.names.products[index], len(waits), waited, p50_s, p99_s, int(waits[-1])))
    scrub_s = np.array([pool.scrub_s for pool in result.world.pools], dtype=np.int64)[pool_of_job[starts.job[mine]]]
    over = wait_s > _bound_of_product(result)[product] + scrub_s
    return rows, np.sort(wait_s), int(np.count_nonzero(over))


def _paired(result: RunResult, baseline: RunResult) -> tuple[list[DelayRow], IntArray, int]:
    """Return the rows per product, all differences of start ascending, and the jobs that started in one run only."""
    jobs, found = result.world.jobs, delays_of(result, baseline)
    both = found.both
    unpaired = int(np.count_nonzero(~both))
    mine, start_s, without_s = found.job[both], found.start_s[both], found.start_without_s[both]
    later_s, submit_s = start_s - without_s, jobs.submit_s[mine]
    rows = []
    for product in np.unique(jobs.product[mine]).tolist():
        here = jobs.product[mine] == product
        rows.append(
            DelayRow(
                product=result.world.names.products[product],
                jobs=int(np.count_nonzero(here)),
                wait_with_s=int((start_s - submit_s)[here].sum()),
                wait_without_s=int((without_s - submit_s)[here].sum()),
                later=int(np.count_nonzero(later_s[here] > 0)),
                earlier=int(np.count_nonzero(later_s[here] < 0)),
                worst_s=max(0, int(later_s[here].max())),
            )
        )
    return rows, np.sort(later_s), unpaired


def _at_most(ascending: IntArray, ladder_s: Sequence[int]) -> tuple[int, ...]:
    return tuple(np.searchsorted(ascending, ladder_s, side="right").tolist())


def _none() -> IntArray:
    return np.zeros(0, dtype=np.int64)
