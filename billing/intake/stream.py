"""From a stream of intervals to hourly usage, in memory that the number of hours bounds and not that of intervals.

Intervals are metered by the chunk and forgotten; of each, 8 bytes are kept: a hash of its tenant and id. Where a hash
comes twice, the file is read once more, for those ids alone: an interval that overlaps an earlier one of its id is
rejected then, and what it had added is taken away again.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from billing.errors import BillingError
from billing.intake.record import Interval, Passed, Rejected, never_billable
from billing.log.known import abroad, regions_of
from billing.metering.classes import Charging, charge_marks, free_rules
from billing.metering.meter import UsageTable, meter
from billing.metering.sums import add_up, empty_usage, negative
from billing.money import SECONDS_PER_HOUR
from billing.terms import Terms
from billing.usage import CAUSES, IntArray, Names, SegmentTable

CHUNK = 1 << 16  # intervals that are held at once
PENDING_ROWS = 1 << 20  # rows of usage that wait to be added up
_ROW = 8  # numbers of an interval: tenant, product, region, SKU, GPUs, start, end, cause, and beside them stalled

CAUSE_AT = {cause: place for place, cause in enumerate(CAUSES)}

Reader = Callable[[], Iterable[Interval | Rejected | Passed]]
Quarantine = Callable[[Rejected], None]


class Taken(NamedTuple):
    """What a file came to. `passed` counts what was no interval, `span_s` is [first start, last end), Unix seconds."""

    names: Names
    usage: UsageTable
    intervals: int
    rejected: int
    passed: dict[str, int]
    span_s: tuple[int, int]


def take_in(read: Reader, terms: Terms, quarantine: Quarantine, until_s: int | None = None) -> Taken:
    """Return the usage of a file.

    Args:
        read:       begins to read the file; called a second time where an id comes twice.
        quarantine: is handed each rejected line, in no particular order.
        until_s:    Unix seconds up to which intervals without an end are held; None: they are rejected.

    Cost: O(intervals); memory O(hours x series), and 8 bytes an interval.
    """
    intake = _Intake(terms, quarantine, until_s)
    hashes = array("q")
    usage, pending = empty_usage(), [empty_usage()]
    for chunk in _chunks(intake.accepted(read())):
        hashes.extend(hash((each.tenant, each.id)) for each in chunk)
        pending.append(intake.metered(chunk))
        if sum(map(len, pending)) > max(len(usage), PENDING_ROWS):
            usage, pending = add_up(usage, *pending), [empty_usage()]
    usage = add_up(usage, *pending)
    intervals = len(hashes)
    if again := _repeated(np.array(hashes, dtype=np.int64)):
        wrong = list(intake.overlapping(read(), again))
        intervals -= len(wrong)
        for chunk in _chunks(iter(wrong)):
            usage = add_up(usage, negative(intake.metered(chunk)))
    names, usage = intake.named(usage)
    span_s = (intake.first_s, intake.last_s) if intervals else (terms.epoch_s, terms.epoch_s)
    return Taken(names, usage, intervals, intake.rejected, dict(sorted(intake.passed.items())), span_s)


class _Intake:
    """What is known while a file is read. Regions and SKUs get their places as they come, and are sorted at the end."""

    def __init__(self, terms: Terms, quarantine: Quarantine, until_s: int | None) -> None:
        self.terms, self.quarantine, self.until_s = terms, quarantine, until_s
        self.tenants = {tenant.id: place for place, tenant in enumerate(terms.registry.tenants)}
        self.regions_allowed = regions_of(terms)
        self.products = {product.code: place for place, product in enumerate(terms.registry.products)}
        self.plans = terms.plans(tuple(self.products))
        contracts = terms.registry.contracts  # their pools are charged for whether somebody used them or not
        self.regions = {region: place for place, region in enumerate(dict.fromkeys(c.region for c in contracts))}
        self.skus = {sku: place for place, sku in enumerate(dict.fromkeys(c.sku for c in contracts))}
        self.priced_from_s: dict[tuple[str, str, str], int] = {}
        self.rules = free_rules(self._names(), terms.registry)
        self.rejected, self.passed = 0, Counter[str]()
        self.first_s, self.last_s = 1 << 62, 0

    def accepted(self, told: Iterable[Interval | Rejected | Passed], *, again: bool = False) -> Iterator[Interval]:
        """Yield the intervals that can be billed. `again`: the rest has been counted already."""
        for each in told:
            if isinstance(each, Interval):
                if each.end_s is None and self.until_s is not None:
                    each = each._replace(end_s=max(each.start_s, self.until_s))
                fault = self._fault(each)
                if not fault:
                    yield each
                elif not again:
                    self._reject(Rejected(each.line, each.id, fault))
            elif again:
                continue
            elif isinstance(each, Passed):
                self.passed[each.what] += 1
            else:
                self._reject(each)

    def overlapping(self, told: Iterable[Interval | Rejected | Passed], hashes: set[int]) -> Iterator[Interval]:
        """Yield, rejected, the intervals that overlap an earlier one of the same tenant and id."""
        found: dict[tuple[str, str], list[Interval]] = {}
        for each in self.accepted(told, again=True):
            if hash((each.tenant, each.id)) in hashes:
                found.setdefault((each.tenant, each.id), []).append(each)
        for same in found.values():
            same.sort(key=lambda each: (each.start_s, each.end_s or 0, each.line))
            kept = same[0]
            for each in same[1:]:
                if each.start_s < (kept.end_s or 0):
                    self._reject(Rejected(each.line, each.id, f"overlaps line {kept.line}, which has the same id"))
                    yield each
                else:
                    kept = each

    def metered(self, chunk: list[Interval]) -> UsageTable:
        """Return the usage of some intervals."""
        epoch_s, rows = self.terms.epoch_s, array("q")
        for each in chunk:
            place = (
                self.tenants[each.tenant],
                self.products[each.product],
                self.regions.setdefault(each.region, len(self.regions)),
                self.skus.setdefault(each.sku, len(self.skus)),
            )
            span = each.start_s - epoch_s, (each.end_s or 0) - epoch_s
            rows.extend((*place, each.gpus, *span, CAUSE_AT[each.cause], each.stalled_s))
        columns = np.array(rows, dtype=np.int64).reshape(-1, _ROW + 1).T
        *told, stalled_s = (np.ascontiguousarray(column) for column in columns)
        segments = SegmentTable(np.zeros_like(stalled_s), *told)
        self.first_s = min(self.first_s, int(segments.start_s.min()) + epoch_s)
        self.last_s = max(self.last_s, int(segments.end_s.max()) + epoch_s)
        return meter(segments, charge_marks(segments, self.rules, Charging(stalled_s=stalled_s)))

    def named(self, usage: UsageTable) -> tuple[Names, UsageTable]:
        """Return the usage with regions and SKUs in the order of their words: that of the file does not show."""
        regions, skus = (_sorted_places(words) for words in (self.regions, self.skus))
        self.regions, self.skus = (dict.fromkeys(sorted(words), 0) for words in (self.regions, self.skus))
        moved = UsageTable(
            usage.tenant,
            usage.hour_s,
            regions[usage.region],
            skus[usage.sku],
            usage.product,
            usage.meter,
            usage.charge_class,
            usage.factor_bp,
            usage.quantity,
        )
        return self._names(), add_up(moved)

    def _names(self) -> Names:
        regions, skus = tuple(self.regions), tuple(self.skus)
        return Names(tuple(self.tenants), tuple(self.products), regions, skus, self.terms.epoch_s)

    def _reject(self, line: Rejected) -> None:
        self.rejected += 1
        self.quarantine(line)

    def _fault(self, each: Interval) -> str:
        """Return in words why an interval cannot be billed, "" if it can."""
        if fault := never_billable(each):
            return fault
        if each.tenant not in self.tenants:
            return f"unknown tenant {each.tenant[:60]!r}"
        if elsewhere := abroad(self.regions_allowed, each.tenant, each.region):
            return elsewhere
        if each.product not in self.products:
            return f"unknown product {each.product[:60]!r}"
        if each.end_s is None:
            return "it has no end: --until says up to when it is billed"
        if each.start_s < self.terms.epoch_s:
            return "its start lies before the epoch of the terms"
        series = each.product, each.sku, each.region
        hour_s = each.start_s - (each.start_s - self.terms.epoch_s) % SECONDS_PER_HOUR
        if hour_s < self.priced_from_s.get(series, hour_s + 1):
            try:
                plan = self.plans[self.products[each.product]]
                self.terms.book.row_at(plan, each.sku, each.region, hour_s)
            except BillingError as error:
                return error.message
            self.priced_from_s[series] = hour_s
        return ""


def _chunks(intervals: Iterator[Interval]) -> Iterator[list[Interval]]:
    chunk = []
    for each in intervals:
        chunk.append(each)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _repeated(hashes: IntArray) -> set[int]:
    """Return the values that occur more than once."""
    hashes.sort()
    return set(hashes[1:][hashes[1:] == hashes[:-1]].tolist())


def _sorted_places(words: dict[str, int]) -> IntArray:
    """Return the place of each word, by its old place, once the words are sorted."""
    place = {word: number for number, word in enumerate(sorted(words))}
    return np.array([place[word] for word in words], dtype=np.int64)
