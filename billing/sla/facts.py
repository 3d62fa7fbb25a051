"""What happened to each tenant, promised product and month: the facts that indicators and credits are made of.

Outages, exclusions and usage are split exactly at month ends; an eviction, a start, a fault or the end of a segment
belongs to the month in which it took place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from billing.columns import group_rows
from billing.metering.classes import DEGRADED
from billing.metering.meters import GPU_S
from billing.money import BP, exact_sum, product
from billing.months import month_numbers, split_at_months
from billing.rating.rate import LineItemTable
from billing.sla.credit import Key, Outage
from billing.sla.exclusions import ExcludedTime, Interval, cut, intervals
from billing.sla.held import Held
from billing.sla.reserved import NOT_RESERVED, Reserved
from billing.sla.told import Told
from billing.usage import (
    EvictionTable,
    ExclusionTable,
    IntArray,
    Names,
    OutageTable,
    SegmentTable,
    StartTable,
    WorkTable,
)
from tenants.exclusion import EXCLUSION_CAUSES
from tenants.sla_terms import SlaTerms

NO_CONTRACTS: Mapping[Key, Reserved] = {}


class Promise(NamedTuple):
    """What a rented product promises: notice before an eviction, and SLA terms if it has any.

    `refund_s`: seconds before an eviction that broke a promise whose charge is given back.
    """

    notice_s: int
    terms: SlaTerms | None
    refund_s: int = 0


class SlaFacts(NamedTuple):
    """The tables that service levels are judged by. `work` stands beside `segments`, row by row."""

    lines: LineItemTable
    segments: SegmentTable
    work: WorkTable
    starts: StartTable
    evictions: EvictionTable
    outages: OutageTable
    exclusions: ExclusionTable
    told: Told
    reserved: Mapping[Key, Reserved] = NO_CONTRACTS


@dataclass(slots=True)
class KeyFacts:
    """What happened to one key. `charge` is a numerator over the denominator of the line items, `charged_gpu_s` how
    many seconds at the full price it was for, `impaired` what degraded GPUs lacked, in GPU-seconds x bp, `outages_of`
    and `down_gpu_s` by job what outages took, and what of it was held all the same; `unkept` are rows of evictions."""

    held_gpu_s: int = 0
    charge: int = 0
    charged_gpu_s: int = 0
    degraded_gpu_s: int = 0
    impaired: int = 0
    outages_of: dict[int, list[Outage]] = field(default_factory=dict)
    down_gpu_s: dict[int, int] = field(default_factory=dict)
    faults: int = 0
    excluded: list[ExcludedTime] = field(default_factory=list)
    notice_s_min: int | None = None
    unkept: list[int] = field(default_factory=list)
    inside_guarantee: int = 0
    evictions: int = 0
    wait_s: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    reserved: Reserved = NOT_RESERVED
    ended_gpu_s: int = 0
    kept_gpu_s: int = 0

    @property
    def outages(self) -> list[Outage]:
        """Every outage, in order of time."""
        return sorted(
            (each for lost in self.outages_of.values() for each in lost), key=lambda each: each[3:] + each[:1]
        )

    @property
    def healthy_gpu_s(self) -> int:
        """A degraded second counts by its factor; their sum is cut to a whole second, as every share that is shown."""
        return max(0, self._counted_gpu_s - sum(self.down_gpu_s.values()) - -(-self.impaired // BP))

    @property
    def entitled_gpu_s(self) -> int:
        """What was held, and what outages took of what was not."""
        return self._counted_gpu_s + self.away_gpu_s

    @property
    def away_gpu_s(self) -> int:
        """What outages took while it was not held."""
        return sum(outage.gpu_s for outage in self.outages) - sum(self.down_gpu_s.values())

    @property
    def uncounted_gpu_s(self) -> int:
        return sum(excluded.held_gpu_s for excluded in self.excluded)

    @property
    def _counted_gpu_s(self) -> int:
        """What was held, and what a fee kept ready without being held; an outage is idle for the contract too."""
        return self.held_gpu_s - self.uncounted_gpu_s + max(0, self.reserved.idle - self.away_gpu_s)


def gather(names: Names, promised: Mapping[int, Promise], facts: SlaFacts) -> dict[Key, KeyFacts]:
    """Return the facts of every key that has any, in ascending order of keys.

    Cost: O(rows log rows), and O(segments) for each exclusion.
    """
    found: dict[Key, KeyFacts] = {}

    def of(key: Key) -> KeyFacts:
        return found.setdefault(key, KeyFacts())

    lines, starts, evictions, segments = facts.lines, facts.starts, facts.evictions, facts.segments
    for key, rows in _by_key(names, promised, lines.tenant, lines.product, lines.hour_s):
        _held(of(key), lines, rows)
    for key, rows in _by_key(names, promised, starts.tenant, starts.product, starts.start_s):
        of(key).wait_s = np.sort(starts.start_s[rows] - starts.pending_s[rows])
    given_s = evictions.evicted_s - evictions.noticed_s
    inside = evictions.evicted_s < evictions.guaranteed_until_s
    for key, rows in _by_key(names, promised, evictions.tenant, evictions.product, evictions.evicted_s):
        kept = (given_s[rows] >= promised[key.product].notice_s) & ~inside[rows]
        mine = of(key)
        mine.unkept = rows[~kept].tolist()
        mine.inside_guarantee = int(np.count_nonzero(inside[rows]))
        mine.notice_s_min, mine.evictions = int(given_s[rows].min()), len(rows)
    for key, rows in _by_key(names, promised, segments.tenant, segments.product, segments.end_s - 1):
        _work(of(key), facts, rows)
    held = Held(segments, facts.outages.job)
    for key, rows in _by_key(names, promised, facts.outages.tenant, facts.outages.product, facts.outages.from_s):
        of(key).faults = len(rows)
        for row in rows.tolist():
            place = held.place(int(facts.outages.job[row]))
            outside = intervals(facts.exclusions, key.tenant, key.product, place)
            for month, *part in split_at_months(
                names.epoch_s, int(facts.outages.from_s[row]), int(facts.outages.until_s[row])
            ):
                _add_outage(of(key._replace(month=month)), facts, row, held, outside, *part)
    for key, reserved in facts.reserved.items():
        if key.product in promised:
            _reserve(of(key), reserved)
    for key, excluded in _held_excluded(names, promised, facts):
        of(key).excluded.append(excluded)
    return {key: _in_order(found[key]) for key in sorted(found)}


def _held(mine: KeyFacts, lines: LineItemTable, rows: IntArray) -> None:
    mine.charge = exact_sum(lines.numerator[rows])
    rows = rows[lines.meter[rows] == GPU_S]
    quantity, factor_bp, charge_class = lines.quantity[rows], lines.factor_bp[rows], lines.charge_class[rows]
    mine.held_gpu_s = exact_sum(quantity)
    mine.charged_gpu_s = exact_sum(product(quantity, factor_bp)) // BP
    mine.degraded_gpu_s = exact_sum(quantity[charge_class == DEGRADED])
    slow = charge_class == DEGRADED
    mine.impaired = exact_sum(product(quantity[slow], BP - factor_bp[slow]))


def _reserve(mine: KeyFacts, reserved: Reserved) -> None:
    mine.reserved = reserved
    mine.charge += reserved.fee
    mine.charged_gpu_s += reserved.idle


def _work(mine: KeyFacts, facts: SlaFacts, rows: IntArray) -> None:
    """Goodput is that of the segments that ended in the month: only then is it known which work was kept."""
    segments, work = facts.segments, facts.work
    held_s = segments.end_s[rows] - segments.start_s[rows]
    unkept_s = work.stalled_s[rows] + work.lost_s[rows] + work.written_s[rows]
    mine.ended_gpu_s = exact_sum(segments.gpus[rows] * held_s)
    mine.kept_gpu_s = exact_sum(segments.gpus[rows] * np.maximum(held_s - unkept_s, 0))


def _add_outage(
    mine: KeyFacts, facts: SlaFacts, row: int, held: Held, outside: list[Interval], from_s: int, until_s: int
) -> None:
    job, gpus = int(facts.outages.job[row]), int(facts.outages.gpus[row])
    counts, excluded = cut(outside, from_s, until_s)
    lost = [Outage(facts.told.outages[row], facts.told.jobs[job], gpus, *part) for part in counts]
    mine.outages_of.setdefault(job, []).extend(lost)
    down_gpu_s = sum(held.gpu_s(job, gpus, *part) for part in counts)
    mine.down_gpu_s[job] = mine.down_gpu_s.get(job, 0) + down_gpu_s
    for part in excluded:
        gpu_s = gpus * (part.until_s - part.from_s) - held.gpu_s(job, gpus, part.from_s, part.until_s)
        mine.excluded.append(ExcludedTime(EXCLUSION_CAUSES[part.cause], part.from_s, part.until_s, 0, gpu_s))


def _held_excluded(
    names: Names, promised: Mapping[int, Promise], facts: SlaFacts
) -> Iterator[tuple[Key, ExcludedTime]]:
    """Yield what was held while it did not count, per (tenant, product, place) and excluded interval."""
    if not len(facts.exclusions.from_s):
        return
    held = facts.segments
    order, first = group_rows(held.tenant, held.product, held.region, held.sku)
    for rows in np.split(order, first[1:]) if len(first) else ():
        tenant, product, region, sku = (
            int(column[rows[0]]) for column in (held.tenant, held.product, held.region, held.sku)
        )
        if product not in promised:
            continue
        for from_s, until_s, cause in intervals(facts.exclusions, tenant, product, (region, sku)):
            for month, begins_s, ends_s in split_at_months(names.epoch_s, from_s, until_s):
                seconds = np.minimum(held.end_s[rows], ends_s) - np.maximum(held.start_s[rows], begins_s)
                gpu_s = exact_sum(held.gpus[rows] * np.maximum(seconds, 0))
                if gpu_s:
                    time = ExcludedTime(EXCLUSION_CAUSES[cause], begins_s, ends_s, gpu_s, 0)
                    yield Key(tenant, product, month), time


def _in_order(mine: KeyFacts) -> KeyFacts:
    """Put together what was excluded in the same interval for the same cause: several places, held and lost."""
    sums: dict[tuple[int, int, str], list[int]] = {}
    for each in mine.excluded:
        total = sums.setdefault((each.from_s, each.until_s, each.cause), [0, 0])
        total[0] += each.held_gpu_s
        total[1] += each.lost_gpu_s
    mine.excluded = [
        ExcludedTime(cause, from_s, until_s, held, lost)
        for (from_s, until_s, cause), (held, lost) in sorted(sums.items())
    ]
    return mine


def _by_key(
    names: Names, promised: Mapping[int, Promise], tenant: IntArray, product: IntArray, at_s: IntArray
) -> Iterator[tuple[Key, IntArray]]:
    """Yield the rows of each key of a table, promised products only."""
    month = month_numbers(names.epoch_s, at_s)
    order, first = group_rows(tenant, product, month)
    for rows in np.split(order, first[1:]) if len(first) else ():
        key = Key(int(tenant[rows[0]]), int(product[rows[0]]), int(month[rows[0]]))
        if key.product in promised:
            yield key, rows
