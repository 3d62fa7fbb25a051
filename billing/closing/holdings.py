"""Who held the GPU-seconds of an hour: allocation by allocation, under one class and factor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from billing.metering.classes import BILLED
from billing.money import SECONDS_PER_HOUR
from billing.rating.rate import LineItemTable
from billing.usage import IntArray, MarkTable, Names, SegmentTable


@dataclass(frozen=True)
class Held:
    """Facts behind usage: segments, the parts of them that are not charged in full (disjoint, as `charge_marks` makes
    them), and the id of each segment's allocation."""

    segments: SegmentTable
    marks: MarkTable
    ids: Sequence[str]


class Holding(NamedTuple):
    """`gpus` GPUs of an allocation over [from_s, until_s), Unix seconds, inside one hour.

    `quantity` of its GPU-seconds are in the line; `elsewhere` of them are charged under another class, on another line.
    """

    allocation: str
    gpus: int
    from_s: int
    until_s: int
    quantity: int
    elsewhere: int


class _Cut(NamedTuple):
    """Intervals cut at full hours: which interval each piece is of, its hour, and its bounds."""

    of: IntArray
    hour_s: IntArray
    from_s: IntArray
    until_s: IntArray


def holdings_of(names: Names, lines: LineItemTable, rows: IntArray, held: Held) -> list[list[Holding]]:
    """Return the holdings behind each of `rows`, which are rows of one series, class and factor, in order of time.

    Cost: O(segments + hours that those of the series touch).
    """
    series = _of_series(lines, int(rows[0]), held.segments)
    charge_class, factor_bp = int(lines.charge_class[rows[0]]), int(lines.factor_bp[rows[0]])
    marked = np.flatnonzero(np.isin(held.marks.segment, series)).astype(np.int64)
    if charge_class == BILLED:
        found = _in_full(names, held, series, marked)
    else:
        same = (held.marks.charge_class[marked] == charge_class) & (held.marks.factor_bp[marked] == factor_bp)
        found = _as_marked(names, held, marked[same])
    return [found.get(hour_s, []) for hour_s in lines.hour_s[rows].tolist()]


def _of_series(lines: LineItemTable, row: int, segments: SegmentTable) -> IntArray:
    mine = np.ones(len(segments.gpus), dtype=np.bool_)
    for name in ("tenant", "product", "region", "sku"):
        mine &= getattr(segments, name) == getattr(lines, name)[row]
    return np.flatnonzero(mine).astype(np.int64)


def _in_full(names: Names, held: Held, series: IntArray, marked: IntArray) -> dict[int, list[Holding]]:
    """Return, by hour, what is charged in full: the segments without their marks."""
    segments, marks = held.segments, held.marks
    pieces = _cut(segments.start_s[series], segments.end_s[series])
    gpus = segments.gpus[series][pieces.of]
    gone = _cut(marks.from_s[marked], marks.until_s[marked])
    taken: dict[tuple[int, int], int] = {}
    lost = marks.gpus[marked][gone.of] * (gone.until_s - gone.from_s)
    for row, hour_s, gpu_s in zip(
        marks.segment[marked][gone.of].tolist(), gone.hour_s.tolist(), lost.tolist(), strict=True
    ):
        taken[row, hour_s] = taken.get((row, hour_s), 0) + gpu_s
    found: dict[int, list[Holding]] = {}
    columns = (series[pieces.of], pieces.hour_s, gpus, pieces.from_s, pieces.until_s)
    for row, hour_s, count, from_s, until_s in zip(*(column.tolist() for column in columns), strict=True):
        elsewhere = taken.get((row, hour_s), 0)
        quantity = count * (until_s - from_s) - elsewhere
        if quantity:
            held_by = Holding(
                held.ids[row], count, names.epoch_s + from_s, names.epoch_s + until_s, quantity, elsewhere
            )
            found.setdefault(hour_s, []).append(held_by)
    return found


def _as_marked(names: Names, held: Held, marked: IntArray) -> dict[int, list[Holding]]:
    """Return, by hour, what the marks of one class and factor take."""
    marks = held.marks
    pieces = _cut(marks.from_s[marked], marks.until_s[marked])
    found: dict[int, list[Holding]] = {}
    columns = (
        marks.segment[marked][pieces.of],
        pieces.hour_s,
        marks.gpus[marked][pieces.of],
        pieces.from_s,
        pieces.until_s,
    )
    for row, hour_s, count, from_s, until_s in zip(*(column.tolist() for column in columns), strict=True):
        quantity = count * (until_s - from_s)
        held_by = Holding(held.ids[row], count, names.epoch_s + from_s, names.epoch_s + until_s, quantity, 0)
        found.setdefault(hour_s, []).append(held_by)
    return found


def _cut(start_s: IntArray, end_s: IntArray) -> _Cut:
    """Cut intervals at full hours, in order of their start; empty ones vanish."""
    order = np.argsort(start_s, kind="stable")
    order = order[end_s[order] > start_s[order]]
    first, last = start_s[order] // SECONDS_PER_HOUR, (end_s[order] - 1) // SECONDS_PER_HOUR
    count = last - first + 1
    of = np.repeat(order, count)
    starts = np.repeat(np.cumsum(count) - count, count)
    hour_s = (np.repeat(first, count) + np.arange(len(of)) - starts) * SECONDS_PER_HOUR
    return _Cut(of, hour_s, np.maximum(start_s[of], hour_s), np.minimum(end_s[of], hour_s + SECONDS_PER_HOUR))
