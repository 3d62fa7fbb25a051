"""What was promised and what was kept, per tenant, rented product and month.

Ratios are pairs of ints. Availability is healthy / entitled GPU-seconds, where entitled = delivered + taken away by
node faults. A notice is kept iff the renter had its full notice and was not evicted inside its guarantee. Outages and
usage are split exactly at month ends; an eviction, a start or a fault belongs to the month in which it took place.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from billing.columns import group_rows
from billing.metering.meters import GPU_S
from billing.money import SECONDS_PER_HOUR, exact_sum
from billing.months import month_bounds, month_numbers
from billing.rating.rate import LineItemTable
from billing.sla.credit import Key, Outage, ServiceCredit, claim, post, reaches
from billing.usage import EvictionTable, IntArray, Names, OutageTable, StartTable
from tenants.band import Band
from tenants.registry import Registry
from tenants.sla_terms import SlaTerms

RENTED = (Band.RESERVED, Band.ON_DEMAND, Band.SPOT)


class Promise(NamedTuple):
    """What a rented product promises: notice before an eviction, and SLA terms if it has any."""

    notice_s: int
    terms: SlaTerms | None


class SlaRow(NamedTuple):
    """Indicators of one tenant, product and month. Times to start are nearest-rank percentiles; None without a start.

    `credit_bp` is the step that the availability fell to, capped, and `credit_micro_usd` what was posted for it.
    """

    tenant: int
    product: int
    month: int
    terms: str | None
    target_bp: int | None
    healthy_gpu_s: int
    entitled_gpu_s: int
    credit_bp: int
    credit_micro_usd: int
    notices_kept: int
    notices_total: int
    starts: int
    wait_s_p50: int | None
    wait_s_p95: int | None
    wait_s_p99: int | None
    evictions: int
    faults: int

    @property
    def met(self) -> bool | None:
        """Whether the availability reached its target; None where none is promised, or nothing was entitled."""
        if self.target_bp is None or self.entitled_gpu_s == 0:
            return None
        return reaches(self.healthy_gpu_s, self.entitled_gpu_s, self.target_bp)

    @property
    def interruptions(self) -> int:
        return self.evictions + self.faults

    @property
    def interruptions_per_1000_gpu_h(self) -> tuple[int, int]:
        """(numerator, denominator); the denominator is 0 where nothing was delivered."""
        return self.interruptions * 1000 * SECONDS_PER_HOUR, self.healthy_gpu_s


@dataclass(slots=True)
class _Facts:
    """What happened to one key."""

    delivered_gpu_s: int = 0
    charge: int = 0  # numerator over the denominator of the line items
    outages: list[Outage] = field(default_factory=list)
    notices_kept: int = 0
    evictions: int = 0
    faults: int = 0
    wait_s: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


def promises(names: Names, registry: Registry) -> dict[int, Promise]:
    """Return, by product index, the promises of the rented products that make any: an SLA or a notice."""
    made = {}
    for index, code in enumerate(names.products):
        row = registry.product_index(code)
        product, terms = registry.products[row], registry.sla_of(row)
        if product.band in RENTED and (terms is not None or product.notice_s > 0):
            made[index] = Promise(product.notice_s, terms)
    return made


def assess(
    names: Names,
    promised: dict[int, Promise],
    lines: LineItemTable,
    starts: StartTable,
    evictions: EvictionTable,
    outages: OutageTable,
) -> tuple[list[SlaRow], list[ServiceCredit]]:
    """Return the indicators of every tenant, promised product and month in which something happened, and the credits.

    Both are sorted by (tenant, product, month). The charge that a credit is a part of is the month's exact usage charge
    of that product; seconds taken away by a fault are not in it, so nothing is compensated twice.
    """
    facts = _gather(names, promised, lines, starts, evictions, outages)
    claims = {}
    for key, fact in facts.items():
        terms = promised[key.product].terms
        if terms is not None:
            claims[key] = claim(key, terms, fact.delivered_gpu_s, fact.charge, fact.outages, lines.denominator)
    posted = post(list(claims.values()))
    claims.update((credit.key, credit) for credit in posted)
    return [_row(key, fact, promised[key.product], claims.get(key)) for key, fact in facts.items()], posted


def nearest_rank(ascending: IntArray, percent: int) -> int | None:
    """Return the smallest value that at least `percent` % of the values do not exceed; None of no values."""
    if len(ascending) == 0:
        return None
    return int(ascending[(percent * len(ascending) + 99) // 100 - 1])


def split_at_months(epoch_s: int, from_s: int, until_s: int) -> Iterator[tuple[int, int, int]]:
    """Yield (month, from_s, until_s) for the parts of an interval, in order; nothing for an empty one."""
    while from_s < until_s:
        month = int(month_numbers(epoch_s, np.array([from_s]))[0])
        end_s = min(until_s, month_bounds(epoch_s, month)[1])
        yield month, from_s, end_s
        from_s = end_s


def _gather(
    names: Names,
    promised: dict[int, Promise],
    lines: LineItemTable,
    starts: StartTable,
    evictions: EvictionTable,
    outages: OutageTable,
) -> dict[Key, _Facts]:
    """Return the facts of every key that has any, in ascending order of keys."""
    facts: dict[Key, _Facts] = {}

    def of(key: Key) -> _Facts:
        return facts.setdefault(key, _Facts())

    for key, rows in _by_key(names, promised, lines.tenant, lines.product, lines.hour_s):
        of(key).delivered_gpu_s = exact_sum(lines.quantity[rows][lines.meter[rows] == GPU_S])
        of(key).charge = exact_sum(lines.numerator[rows])
    for key, rows in _by_key(names, promised, starts.tenant, starts.product, starts.start_s):
        of(key).wait_s = np.sort(starts.start_s[rows] - starts.pending_s[rows])
    noticed_s = evictions.evicted_s - evictions.noticed_s
    inside_guarantee = evictions.evicted_s < evictions.guaranteed_until_s
    for key, rows in _by_key(names, promised, evictions.tenant, evictions.product, evictions.evicted_s):
        kept = (noticed_s[rows] >= promised[key.product].notice_s) & ~inside_guarantee[rows]
        of(key).notices_kept = int(np.count_nonzero(kept))
        of(key).evictions = len(rows)
    for key, rows in _by_key(names, promised, outages.tenant, outages.product, outages.from_s):
        of(key).faults = len(rows)
        for row in rows.tolist():
            job, gpus = int(outages.job[row]), int(outages.gpus[row])
            for month, *part in split_at_months(names.epoch_s, int(outages.from_s[row]), int(outages.until_s[row])):
                of(key._replace(month=month)).outages.append(Outage(row, job, gpus, *part))
    return dict(sorted(facts.items()))


def _by_key(
    names: Names, promised: dict[int, Promise], tenant: IntArray, product: IntArray, at_s: IntArray
) -> Iterator[tuple[Key, IntArray]]:
    """Yield the rows of each key of a table, promised products only."""
    month = month_numbers(names.epoch_s, at_s)
    order, first = group_rows(tenant, product, month)
    for rows in np.split(order, first[1:]) if len(first) else ():
        key = Key(int(tenant[rows[0]]), int(product[rows[0]]), int(month[rows[0]]))
        if key.product in promised:
            yield key, rows


def _row(key: Key, facts: _Facts, promise: Promise, credit: ServiceCredit | None) -> SlaRow:
    return SlaRow(
        *key,
        terms=promise.terms.name if promise.terms else None,
        target_bp=promise.terms.target_bp if promise.terms else None,
        healthy_gpu_s=facts.delivered_gpu_s,
        entitled_gpu_s=facts.delivered_gpu_s + sum(outage.gpu_s for outage in facts.outages),
        credit_bp=credit.credit_bp if credit else 0,
        credit_micro_usd=credit.amount_micro_usd if credit else 0,
        notices_kept=facts.notices_kept,
        notices_total=facts.evictions,
        starts=len(facts.wait_s),
        wait_s_p50=nearest_rank(facts.wait_s, 50),
        wait_s_p95=nearest_rank(facts.wait_s, 95),
        wait_s_p99=nearest_rank(facts.wait_s, 99),
        evictions=facts.evictions,
        faults=facts.faults,
    )
