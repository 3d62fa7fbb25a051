"""What one run earned and what it cost, from the end of the warm-up on: exact ints."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from billing.sla.indicators import nearest_rank
from sim.result import IntArray, RunResult
from sim.settle import installed, settle
from sim.study.worlds import WARM_DAYS, rented

BoolArray = NDArray[np.bool_]

HOUR_S = 3_600
WARM_S = WARM_DAYS * 24 * HOUR_S


class Outcome(NamedTuple):
    """One run, after its warm-up. Delays are against the same world with rentals off; lost work is in money."""

    installed_gpu_s: int
    allocated_gpu_s: int
    rental_gpu_s: int
    rental_s: int  # seconds of rental allocations, whatever their size
    evictions: int
    rental_starts: int
    kept_an_hour: int  # starts that were not evicted within 3,600 s
    promises_broken: int  # evictions inside a guarantee, or with less than the notice
    rentals: int
    rental_wait_s: int  # all time that rentals spent waiting, together
    internal_jobs: int  # that started in both runs
    delay_s: int  # of their first starts, together; negative where they start earlier
    delay_s_p99: int
    delay_gpu_s: int
    revenue_micro_usd: int
    credits_micro_usd: int
    lost_work_micro_usd: int

    def earned_micro_usd(self) -> int:
        """What is left of the revenue, before any cost of delayed internal work."""
        return self.revenue_micro_usd - self.credits_micro_usd - self.lost_work_micro_usd

    def net_micro_usd(self, delay_micro_usd_per_gpu_hour: int) -> int:
        """What is left when an hour of delay of one GPU of internal work costs so much; rounded down."""
        return self.earned_micro_usd() - self.delay_gpu_s * delay_micro_usd_per_gpu_hour // HOUR_S


def measure(result: RunResult, off: RunResult) -> Outcome:
    """Return the outcome of a run; `off` is the run of the same world without rentals.

    Raises:
        BillingError: something was held that has no price.
    """
    world, segments = result.world, result.segments
    rents = rented(world)
    rental = rents[segments.product]
    start_s = np.maximum(segments.start_s, WARM_S)
    held_s = np.maximum(segments.end_s - start_s, 0)
    evicted_s, evicted_job = result.evictions.evicted_s, result.evictions.job
    counted = rents[result.evictions.product] & (evicted_s >= WARM_S)
    starts = rents[result.starts.product] & (result.starts.start_s >= WARM_S)
    jobs = world.jobs
    mine = rents[jobs.product] & (jobs.submit_s >= WARM_S)
    later_s, gpus = _delays(result, off, rents)
    revenue, credits = _billed(result, rents)
    return Outcome(
        installed_gpu_s=sum(installed(world).values()) * (result.horizon_s - WARM_S),
        allocated_gpu_s=int((held_s * segments.gpus).sum()),
        rental_gpu_s=int((held_s * segments.gpus)[rental].sum()),
        rental_s=int(held_s[rental].sum()),
        evictions=int(counted.sum()),
        rental_starts=int(starts.sum()),
        kept_an_hour=int(starts.sum()) - _short_lived(result, evicted_job[counted], evicted_s[counted]),
        promises_broken=_broken(result, counted),
        rentals=int(mine.sum()),
        rental_wait_s=int(result.outcomes.wait_s[mine].sum()),
        internal_jobs=len(later_s),
        delay_s=int(later_s.sum()),
        delay_s_p99=nearest_rank(np.sort(later_s), 99) or 0,
        delay_gpu_s=int((later_s * gpus).sum()),
        revenue_micro_usd=revenue,
        credits_micro_usd=credits,
        lost_work_micro_usd=_lost_work(result, rental & (segments.end_s > WARM_S)),
    )


def _delays(result: RunResult, off: RunResult, rents: BoolArray) -> tuple[IntArray, IntArray]:
    """(seconds later than without rentals, GPUs) of the internal jobs submitted after the warm-up; int64, (jobs,)."""
    jobs = result.world.jobs
    on_s, off_s = result.outcomes.start_s, off.outcomes.start_s
    both = ~rents[jobs.product] & (jobs.submit_s >= WARM_S) & (on_s >= 0) & (off_s >= 0)
    return (on_s - off_s)[both], result.outcomes.held_gpus[both]


def _short_lived(result: RunResult, job: IntArray, evicted_s: IntArray) -> int:
    """How many of these evictions came within an hour of a start that was itself counted."""
    last: dict[int, list[int]] = {}
    for row, start_s in zip(result.starts.job.tolist(), result.starts.start_s.tolist(), strict=True):
        last.setdefault(row, []).append(start_s)
    short = 0
    for row, at_s in zip(job.tolist(), evicted_s.tolist(), strict=True):
        started_s = max(start_s for start_s in last[row] if start_s <= at_s)
        short += started_s >= WARM_S and at_s - started_s < HOUR_S
    return short


def _broken(result: RunResult, counted: BoolArray) -> int:
    evictions = result.evictions
    notice_s = np.array([product.notice_s for product in result.world.products], dtype=np.int64)[evictions.product]
    full = evictions.evicted_s - evictions.noticed_s >= notice_s
    return int((counted & ~(full & (evictions.evicted_s >= evictions.guaranteed_until_s))).sum())


def _billed(result: RunResult, rents: BoolArray) -> tuple[int, int]:
    """(revenue, credits) of rentals after the warm-up, as billed: the warm-up ends with a month."""
    books = settle(result)
    assert not books.findings, "every GPU-second and every cent is accounted for"
    lines = books.lines
    revenue = lines.amount_micro_usd[rents[lines.product] & (lines.hour_s >= WARM_S)].sum()
    first = min((row.month for row in books.sla), default=0)
    credits = sum(credit.amount_micro_usd for credit in books.credits if credit.key.month > first)
    return int(revenue), credits


def _lost_work(result: RunResult, counted: BoolArray) -> int:
    """Start-ups after evictions and work thrown away by faults, at the price of its product; rounded down."""
    world, segments = result.world, result.segments
    lost = (result.stalled_s + result.lost_s) * segments.gpus
    total = 0
    for product in np.unique(segments.product[counted]).tolist():
        for sku in np.unique(segments.sku[counted]).tolist():
            rows = counted & (segments.product == product) & (segments.sku == sku)
            plan = world.registry.products[product].price_plan
            names = world.names
            price = world.book.price_at(plan, names.skus[sku], names.regions[0], names.epoch_s)
            total += int(lost[rows].sum()) * price
    return total // HOUR_S
