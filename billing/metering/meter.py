"""From allocation segments to GPU-seconds per hour: integrated exactly, never sampled.

A difference array, kept sparse. The start of a segment adds its GPUs to the level of its series (tenant, product,
region, sku), the end takes them away. An edge of `d` GPUs at second `t` of hour `h` is worth `d` x (the rest of hour
`h`) inside `h`, and `d` x 3,600 in every hour after it. So edges are added up per (series, hour) into cells, and one
cumulative sum over the cells gives every hour. The cost is that of the edges and of the hours that come out, whatever
the length of a segment.

Marks are edges too: what a mark takes from a segment is taken from the level of what is charged in full and added to
the level of its own class and factor. So the classes add up to what was held, and nothing has to be cut.

    8 GPUs over [1_800, 9_000):   cell hour 0: +8 GPUs, 8 x 1,800;   cell hour 2: -8 GPUs, -8 x 1,800
                                  usage: hour 0 14,400   hour 1 28,800   hour 2 28,800 - 14,400 = 14,400 GPU-s
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np

from billing.columns import (
    group_rows,
    require_columns,
    require_interval,
    require_range,
    row_keys,
    run_starts,
)
from billing.errors import UsageError
from billing.metering.meters import GPU_S
from billing.money import BP, INT64_MAX, SECONDS_PER_HOUR
from billing.sorting import stable_order
from billing.usage import CAUSES, IntArray, MarkTable, Names, SegmentTable

CHUNK_ROWS = 1 << 20  # segments whose edges are held at once; only their cells are kept
_DENSE = 4  # keys that there can be, for each row, up to which adding up in place is the faster way
TIME_S_MAX = 1 << 40  # 34,000 years: far past any trace, and small enough for every sum of times


@dataclass(frozen=True, slots=True)
class UsageTable:
    """Hourly usage, (n,) int64 columns sorted by all of them but the last, each such key once, quantity != 0.

    `hour_s` is the first second of the hour, counted from the scenario's epoch. `quantity` is in units of the row of
    `METERS` that `meter` names, above 0 except in deltas. `charge_class` is a row of `CLASSES`, `factor_bp` the part of
    the price that is charged: over the classes, the GPU-seconds add up to what was held.
    """

    tenant: IntArray
    hour_s: IntArray
    region: IntArray
    sku: IntArray
    product: IntArray
    meter: IntArray
    charge_class: IntArray
    factor_bp: IntArray
    quantity: IntArray

    def __len__(self) -> int:
        return len(self.quantity)

    def held(self) -> "UsageTable":
        """Return the rows that count GPU-seconds, in the same order."""
        mine = self.meter == GPU_S
        return self if mine.all() else UsageTable(*(getattr(self, field.name)[mine] for field in fields(self)))


def billed_usage(
    tenant: IntArray, hour_s: IntArray, region: IntArray, sku: IntArray, product: IntArray, gpu_s: IntArray
) -> UsageTable:
    """Return GPU-seconds that are charged in full, in the order given; keys may repeat."""
    none, whole = np.zeros_like(gpu_s), np.full_like(gpu_s, BP)
    return UsageTable(tenant, hour_s, region, sku, product, none, none, whole, gpu_s)


def usage_key(usage: UsageTable) -> IntArray:
    """Return one int64 per row that sorts as the rows do and is equal where their keys are."""
    return row_keys(*(getattr(usage, field.name) for field in fields(usage)[:-1]))


class _Series(NamedTuple):
    """The distinct (tenant, region, sku, product, charge_class, factor_bp) of some segments and marks, sorted so."""

    tenant: IntArray
    region: IntArray
    sku: IntArray
    product: IntArray
    charge_class: IntArray
    factor_bp: IntArray


class _Cells(NamedTuple):
    """Edges added up per (series, hour): `inside` GPU-s in that hour, `step` GPUs after it."""

    series: IntArray
    hour: IntArray
    inside: IntArray
    step: IntArray


def meter(segments: SegmentTable, marks: MarkTable | None = None, *, chunk_rows: int = CHUNK_ROWS) -> UsageTable:
    """Return the GPU-seconds of every (tenant, hour, region, sku, product) that held any, by class and factor.

    `marks` says which of them are not charged in full; they must be disjoint (see `charge_marks`).

    Order, splitting and merging of segments do not change the result. Memory holds one chunk of edges, the cells and
    the result.

    Raises:
        UsageError: a column of the wrong shape, a negative number of GPUs, an end before its start, a time below 0;
            marks that take away more than was held.
    """
    _require_segments(segments)
    if not len(segments.gpus):
        return UsageTable(*(np.zeros(0, dtype=np.int64) for _ in fields(UsageTable)))
    series, of_segment, of_mark = _series(segments, marks)
    starts = range(0, len(segments.gpus), chunk_rows)
    chunks = [_fold(_edges(segments, of_segment, slice(at, at + chunk_rows))) for at in starts]
    if marks is not None and len(marks.segment):
        chunks.append(_fold(_marked(marks, of_segment, of_mark)))
    cells = chunks[0] if len(chunks) == 1 else _fold(_Cells(*map(np.concatenate, zip(*chunks, strict=True))))
    return _hours(series, cells)


def require_indices(names: Names, table: str, **columns: IntArray) -> None:
    """Refuse indices that `names` does not hold. Columns are named tenant, product, region or sku.

    Raises:
        UsageError: naming the table, the row and the index.
    """
    known = {"tenant": names.tenants, "product": names.products, "region": names.regions, "sku": names.skus}
    for name, column in columns.items():
        require_range(table, name, column, 0, len(known[name]) - 1)


def _require_segments(segments: SegmentTable) -> None:
    require_columns("segments", {field.name: getattr(segments, field.name) for field in fields(SegmentTable)})
    count = len(segments.gpus)
    if not count:
        return
    for name in ("job", "tenant", "product", "region", "sku", "gpus"):
        require_range("segments", name, getattr(segments, name), 0, INT64_MAX)
    require_range("segments", "start_s", segments.start_s, 0, TIME_S_MAX)
    require_range("segments", "end_s", segments.end_s, 0, TIME_S_MAX)
    require_range("segments", "cause", segments.cause, 0, len(CAUSES) - 1)
    require_interval("segments", "start_s", segments.start_s, "end_s", segments.end_s)
    gpus_max = int(segments.gpus.max())
    if gpus_max * count * SECONDS_PER_HOUR > INT64_MAX:
        allowed = f"at most {INT64_MAX // (count * SECONDS_PER_HOUR)} with {count} segments"
        raise UsageError("too many GPUs to add up in one hour", found=gpus_max, allowed=allowed)


def _series(segments: SegmentTable, marks: MarkTable | None) -> tuple[_Series, IntArray, IntArray]:
    """Return the series, that of each segment while it is charged in full, and that of each mark."""
    order, first = group_rows(segments.tenant, segments.region, segments.sku, segments.product)
    holder = np.empty(len(order), dtype=np.int64)
    holder[order] = np.repeat(np.arange(len(first)), np.diff(first, append=len(order)))
    marked = np.zeros(0, dtype=np.int64) if marks is None else marks.charge_class * (BP + 1) + marks.factor_bp
    charged = np.unique(np.concatenate(([BP], marked)))  # charged in full comes first: its class is 0
    some, kinds = order[first], len(charged)
    places = [np.repeat(getattr(segments, name)[some], kinds) for name in ("tenant", "region", "sku", "product")]
    series = _Series(*places, *(np.tile(column, len(some)) for column in np.divmod(charged, BP + 1)))
    of_mark = marked if marks is None else holder[marks.segment] * kinds + np.searchsorted(charged, marked)
    return series, holder * kinds, of_mark


def _edges(segments: SegmentTable, of_segment: IntArray, rows: slice) -> _Cells:
    """Return both edges of each segment as cells of their own, not yet added up."""
    at_s = np.concatenate((segments.start_s[rows], segments.end_s[rows]))
    gpus = segments.gpus[rows]
    return _cells(np.tile(of_segment[rows], 2), at_s, np.concatenate((gpus, -gpus)))


def _marked(marks: MarkTable, of_segment: IntArray, of_mark: IntArray) -> _Cells:
    """Return the four edges of each mark: away from what is charged in full, and to its own class, at both ends."""
    full = of_segment[marks.segment]
    at_s = np.concatenate((marks.from_s, marks.until_s, marks.from_s, marks.until_s))
    step = np.concatenate((-marks.gpus, marks.gpus, marks.gpus, -marks.gpus))
    return _cells(np.concatenate((full, full, of_mark, of_mark)), at_s, step)


def _cells(series: IntArray, at_s: IntArray, step: IntArray) -> _Cells:
    hour = at_s // SECONDS_PER_HOUR
    return _Cells(series, hour, step * ((hour + 1) * SECONDS_PER_HOUR - at_s), step)


def _fold(cells: _Cells) -> _Cells:
    """Add up cells of equal key; the result is sorted by series, then hour.

    Where most keys that there can be occur, they are added up in place, without sorting.
    """
    low = int(cells.hour.min())
    hours = int(cells.hour.max()) - low + 1
    size = hours * (int(cells.series.max()) + 1)
    if size <= _DENSE * len(cells.hour):
        at = cells.series * hours + (cells.hour - low)
        inside, step = np.zeros((2, size), dtype=np.int64)
        np.add.at(inside, at, cells.inside)
        np.add.at(step, at, cells.step)
        there = np.zeros(size, dtype=np.bool_)
        there[at] = True
        some = np.flatnonzero(there)
        return _Cells(some // hours, some % hours + low, inside[some], step[some])
    order, first = group_rows(cells.series, cells.hour)
    some = order[first]
    sums = [np.add.reduceat(column[order], first) for column in (cells.inside, cells.step)]
    return _Cells(cells.series[some], cells.hour[some], *sums)


def _hours(series: _Series, cells: _Cells) -> UsageTable:
    """Return the usage of each hour from folded cells.

    The level after the last cell of a series is 0, since every start has its end: one cumulative sum serves all series,
    and a level above 0 is always followed by another cell of its own series.
    """
    level_after = np.cumsum(cells.step)
    level_before = level_after - cells.step
    with_edge = cells.inside + SECONDS_PER_HOUR * level_before
    if (level_after < 0).any() or (with_edge < 0).any():
        raise UsageError("marks take away more GPUs than were held", code="bad_table", path="marks")
    # Hours up to the next cell: they hold no edge, only the level.
    quiet = np.where(level_after > 0, np.diff(cells.hour, append=0) - 1, 0)
    cell = np.repeat(np.arange(len(quiet)), 1 + quiet)
    offset = np.arange(len(cell)) - np.repeat(np.cumsum(1 + quiet) - 1 - quiet, 1 + quiet)
    gpu_s = np.where(offset == 0, with_edge[cell], SECONDS_PER_HOUR * level_after[cell])
    used = gpu_s > 0
    row, hour, gpu_s = cells.series[cell[used]], (cells.hour[cell] + offset)[used], gpu_s[used]
    # Within a tenant, series are in the order of region, SKU, product, class and factor.
    order, ascending = stable_order(row_keys(series.tenant[row], hour, row))
    assert len(run_starts(ascending)) == len(row), "a key of hourly usage came out twice"
    row = row[order]
    return UsageTable(
        tenant=series.tenant[row],
        hour_s=hour[order] * SECONDS_PER_HOUR,
        region=series.region[row],
        sku=series.sku[row],
        product=series.product[row],
        meter=np.full_like(row, GPU_S),
        charge_class=series.charge_class[row],
        factor_bp=series.factor_bp[row],
        quantity=gpu_s[order],
    )
