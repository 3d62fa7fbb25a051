"""Why a second is charged in full, in part, or not at all: the class of a row of usage, and its factor.

The factor is in basis points of the price. Free seconds stay in the usage with a factor of 0, so that over all classes
the hours still add up to what was held, and a tenant sees what was not charged and why.

Where several reasons hold for one GPU-second, the first of this list is given:

    free.failed_start   the start was refused by the world
    free.preempted      the provider evicted it before the product's `free_if_preempted_s` were over: all of it
    free.down           the GPU was held and down
    free.stalled        start-up
    degraded            the GPU was slow: its factor, smallest first
    billed              the rest
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from billing.columns import group_rows
from billing.money import BP
from billing.usage import CAUSES, IntArray, MarkTable, MeteredTable, Names, SegmentTable
from tenants.band import LENDABLE
from tenants.registry import Registry

CLASSES = ("billed", "degraded", "free.preempted", "free.failed_start", "free.stalled", "free.down")
BILLED, DEGRADED, PREEMPTED, FAILED_START, STALLED, DOWN = range(len(CLASSES))
_EVICTED, _START_REFUSED = CAUSES.index("evicted"), CAUSES.index("start_refused")
_FIRST = {DOWN: 0, STALLED: 1, DEGRADED: 2}  # among the reasons that hold for parts of a segment

Mark = tuple[int, int, int, int, int, int]  # in the order of the columns of MarkTable


class FreeRule(NamedTuple):
    """What a product does not charge for."""

    if_preempted_s: int
    failed_starts: bool
    stalled: bool
    down: bool


class Charging(NamedTuple):
    """What decides how segments are charged, beside their product's rule, and what is charged beside them.

    `ran_s`: seconds that the start lasted which each segment is part of; None: those of the segment. `stalled_s`:
    seconds of start-up at the beginning of each; None: none are known. `conditions`: as for `charge_marks`. `metered`:
    what is no GPU time.
    """

    ran_s: IntArray | None = None
    stalled_s: IntArray | None = None
    conditions: MarkTable | None = None
    metered: MeteredTable | None = None


BY_RULE = Charging()  # nothing but segments and the rules of their products


def free_rules(names: Names, registry: Registry) -> tuple[FreeRule, ...]:
    """Return the rule of each of `names.products`."""
    rules = []
    for code in names.products:
        row = registry.products[registry.product_index(code)]
        rented_out = row.band in LENDABLE
        window_s = row.free_if_preempted_s
        if window_s is None:
            window_s = row.restart_s if rented_out else 0
        down = rented_out if row.free_down is None else row.free_down
        rules.append(FreeRule(window_s, row.free_failed_starts, row.free_stalled, down))
    return tuple(rules)


def charge_marks(segments: SegmentTable, rules: Sequence[FreeRule], charging: Charging = BY_RULE) -> MarkTable:
    """Return which parts of `segments` are not charged in full, disjoint, in no particular order.

    Rules are per product index. Conditions are GPUs that were down, stalled or degraded, as they were reported:
    overlapping, and perhaps outside their segment. Those that overlap are taken to concern different GPUs, as far as
    there are any.

    Cost: O(segments), and O(n^2) in the conditions of one segment.
    """
    ran_s, stalled_s, conditions, _ = charging
    ran_s = segments.end_s - segments.start_s if ran_s is None else ran_s
    window_s, failed, stalled, down = np.array(rules, dtype=np.int64).reshape(-1, len(FreeRule._fields)).T
    refused = (segments.cause == _START_REFUSED) & (failed[segments.product] > 0)
    whole = refused | ((segments.cause == _EVICTED) & (ran_s < window_s[segments.product]))
    rows = np.flatnonzero(whole)
    classes = np.where(refused[rows], FAILED_START, PREEMPTED)
    free = MarkTable(
        rows, classes, np.zeros_like(rows), segments.gpus[rows], segments.start_s[rows], segments.end_s[rows]
    )
    reported = [] if conditions is None else [_allowed(segments, conditions, stalled, down)]
    if stalled_s is not None:
        rows = np.flatnonzero((stalled_s > 0) & (stalled[segments.product] > 0))
        start_s = segments.start_s[rows]
        kind = np.full_like(rows, STALLED)
        reported.append(
            MarkTable(rows, kind, np.zeros_like(rows), segments.gpus[rows], start_s, start_s + stalled_s[rows])
        )
    part = _joined([_rows(marks, ~whole[marks.segment]) for marks in reported])
    return _joined([free, _disjoint(segments, part)])


def _allowed(segments: SegmentTable, marks: MarkTable, stalled: IntArray, down: IntArray) -> MarkTable:
    """Return the conditions that the products' rules give anything for."""
    product = segments.product[marks.segment]
    given = marks.charge_class == DEGRADED
    given |= (marks.charge_class == STALLED) & (stalled[product] > 0)
    given |= (marks.charge_class == DOWN) & (down[product] > 0)
    return _rows(marks, given)


def _disjoint(segments: SegmentTable, marks: MarkTable) -> MarkTable:
    """Return the marks cut so that they lie in their segments and take no GPU-second twice."""
    start_s, end_s, held = (column[marks.segment] for column in (segments.start_s, segments.end_s, segments.gpus))
    from_s, until_s = np.maximum(marks.from_s, start_s), np.minimum(marks.until_s, end_s)
    gpus = np.minimum(marks.gpus, held)
    inside = MarkTable(marks.segment, marks.charge_class, marks.factor_bp, gpus, from_s, until_s)
    inside = _rows(inside, (from_s < until_s) & (gpus > 0) & (marks.factor_bp < BP))
    order, first = group_rows(inside.segment)
    alone = np.diff(first, append=len(order)) == 1
    single = np.zeros(len(order), dtype=np.bool_)
    single[order[first[alone]]] = True
    shared: list[Mark] = []
    for rows in np.split(order, first[1:]) if len(first) else ():
        if len(rows) > 1:
            several = list(zip(*(getattr(inside, field.name)[rows].tolist() for field in fields(inside)), strict=True))
            shared += _sweep(several, int(segments.gpus[several[0][0]]))
    columns = np.array(shared, dtype=np.int64).reshape(len(shared), len(fields(MarkTable))).T
    return _joined([_rows(inside, single), MarkTable(*columns)])


def _sweep(marks: list[Mark], held: int) -> Iterator[Mark]:
    """Yield the marks of one segment without their overlaps, between each two times at which any of them changes."""
    times_s = sorted({time_s for mark in marks for time_s in mark[4:]})
    ranked = sorted(marks, key=lambda mark: (_FIRST[mark[1]], mark[2]))
    for from_s, until_s in pairwise(times_s):
        left = held
        for segment, charge_class, factor_bp, gpus, since_s, to_s in ranked:
            if since_s <= from_s and until_s <= to_s and left:
                taken = min(gpus, left)
                left -= taken
                yield segment, charge_class, factor_bp, taken, from_s, until_s


def _rows(marks: MarkTable, rows: IntArray | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> MarkTable:
    return MarkTable(*(getattr(marks, field.name)[rows] for field in fields(marks)))


def _joined(tables: list[MarkTable]) -> MarkTable:
    none = np.zeros(0, dtype=np.int64)
    return MarkTable(
        *(np.concatenate([none, *(getattr(each, field.name) for each in tables)]) for field in fields(MarkTable))
    )
