"""What a log says, as the tables that billing is made from, and what it says that cannot be billed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple, TypeVar

import numpy as np

from billing.sla.told import Told
from billing.usage import (
    CapacityTable,
    EvictionTable,
    ExclusionTable,
    IntArray,
    MarkTable,
    MeteredTable,
    Names,
    OutageTable,
    SegmentTable,
    StartTable,
    WorkTable,
)

T = TypeVar("T")


class EventRef(NamedTuple):
    """An event of the log, by name."""

    source: str
    id: str


class Quarantined(NamedTuple):
    """An event that is not billed, and why. It may be once another event has come."""

    source: str
    event: str
    reason: str


class Pools(NamedTuple):
    """What is checked against what is installed: GPU-seconds that nobody held of it, up to second `until_s`."""

    until_s: int
    capacity: CapacityTable


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of a log. Times are seconds since `names.epoch_s`.

    Attributes:
        until_s:     where allocations that have not ended are cut: all sources have told everything before it.
        jobs:        ids behind `segments.job`.
        told:        ids of jobs, and of the events behind outages and evictions.
        segments:    sorted by (start_s, end_s, tenant, job); one per level of an allocation.
        work:        beside each segment.
        ran_s:       seconds that the start lasted which a segment is part of.
        events:      beside each segment, the events that it comes from.
        conditions:  GPUs that were down, stalled or degraded, as they were reported.
        metered:     what is no time, by the hour.
        installed:   GPUs of each (region, sku); empty where the log does not say.
        node_gpus:   GPUs of a node of each (region, sku), as far as the log says.
        quarantined: sorted.
        pools:       what is checked of a log that goes on, or beside a desk; None: all is in one check.
    """

    names: Names
    until_s: int
    jobs: tuple[str, ...]
    told: Told
    segments: SegmentTable
    work: WorkTable
    ran_s: IntArray
    events: tuple[tuple[EventRef, ...], ...]
    starts: StartTable
    evictions: EvictionTable
    outages: OutageTable
    conditions: MarkTable
    metered: MeteredTable
    capacity: CapacityTable
    installed: Mapping[tuple[int, int], int]
    node_gpus: Mapping[tuple[int, int], int]
    exclusions: ExclusionTable
    quarantined: tuple[Quarantined, ...]
    pools: Pools | None = None


def table_of(kind: type[T], rows: Sequence[Sequence[int]]) -> T:
    """Return a table of `kind` from rows in the order of its columns."""
    width = len(fields(kind))  # type: ignore[arg-type]
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), width).T
    return kind(*(np.ascontiguousarray(column) for column in columns))


def index_of(words: Iterable[str]) -> dict[str, int]:
    """Return the place of each word."""
    return {word: place for place, word in enumerate(words)}


def job_order(jobs: Iterable[str]) -> tuple[str, ...]:
    """Return job ids in the order of their numbers, shorter before longer: j2 comes before j10."""
    return tuple(sorted(set(jobs), key=lambda job: (len(job), job)))
