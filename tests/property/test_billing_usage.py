"""Hourly usage is what the segments held: exactly, however they are cut, ordered or chunked."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.metering import meter as metering
from billing.metering.meter import UsageTable, meter
from billing.reconcile import check_usage
from billing.usage import SegmentTable
from billing_facts import HOUR_S, NAMES, TENANTS, segment_rows, segment_tables, table

Row = tuple[int, ...]
START, END = 6, 7  # places in a row of a segment table


def same(one: UsageTable, other: UsageTable) -> bool:
    return all(np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(UsageTable))


def held_in(segments: SegmentTable, key: Row) -> int:
    """GPU-seconds of one hour by overlap: an hour at a time, where the meter adds up edges."""
    tenant, hour_s, region, sku, product = key
    mine = (segments.tenant == tenant) & (segments.region == region) & (segments.sku == sku)
    mine &= segments.product == product
    overlap = np.minimum(segments.end_s, hour_s + HOUR_S) - np.maximum(segments.start_s, hour_s)
    return int((segments.gpus * np.maximum(overlap, 0))[mine].sum())


@given(segment_tables())
def test_every_hour_holds_what_overlaps_it(segments: SegmentTable) -> None:
    usage = meter(segments)
    keys = list(zip(usage.tenant, usage.hour_s, usage.region, usage.sku, usage.product, strict=True))
    assert keys == sorted(set(keys))
    assert [held_in(segments, key) for key in keys] == usage.quantity.tolist()
    assert (usage.quantity > 0).all()


@given(segment_tables())
def test_hours_add_up_to_the_segments(segments: SegmentTable) -> None:
    usage = meter(segments)
    assert usage.quantity.sum() == (segments.gpus * (segments.end_s - segments.start_s)).sum()
    assert list(check_usage(NAMES, segments, usage)) == []


@given(st.lists(segment_rows(), max_size=10).flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_order_does_not_matter(rows: tuple[list[Row], list[Row]]) -> None:
    given_order, another = (meter(table(SegmentTable, each)) for each in rows)
    assert same(given_order, another)


@given(segment_tables())
def test_adding_up_in_place_and_by_sorting_come_to_the_same(segments: SegmentTable) -> None:
    found = []
    for dense in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(metering, "_DENSE", dense)
            found.append(meter(segments))
    assert same(*found)


@given(st.lists(segment_rows(), max_size=8), st.data())
def test_cutting_segments_into_pieces_does_not_matter(rows: list[Row], data: st.DataObject) -> None:
    """In time, at any seconds; and in width, into rows that hold some of the GPUs each."""
    pieces: list[Row] = []
    for row in rows:
        cuts = data.draw(st.lists(st.integers(row[START], row[END]), max_size=3).map(sorted))
        gpus = data.draw(st.integers(0, row[5]))
        for from_s, until_s in zip((row[START], *cuts), (*cuts, row[END]), strict=True):
            head, tail = row[:5], (from_s, until_s, row[8])
            pieces += [(*head, gpus, *tail), (*head, row[5] - gpus, *tail)]
    assert same(meter(table(SegmentTable, rows)), meter(table(SegmentTable, pieces)))


@given(segment_tables(), st.integers(1, 5))
def test_chunks_do_not_matter(segments: SegmentTable, chunk_rows: int) -> None:
    assert same(meter(segments), meter(segments, chunk_rows=chunk_rows))


@given(segment_tables(), st.integers(1, 1000))
def test_whole_hours_later_is_the_same_usage_later(segments: SegmentTable, hours: int) -> None:
    shift_s = hours * HOUR_S
    later = meter(replace(segments, start_s=segments.start_s + shift_s, end_s=segments.end_s + shift_s))
    assert same(replace(later, hour_s=later.hour_s - shift_s), meter(segments))


@given(segment_tables(), st.integers(0, len(TENANTS) - 1))
def test_one_tenant_s_usage_needs_nobody_else_s_segments(segments: SegmentTable, tenant: int) -> None:
    whole, own = meter(segments), segments.tenant == tenant
    alone = meter(SegmentTable(*(getattr(segments, field.name)[own] for field in fields(SegmentTable))))
    mine = whole.tenant == tenant
    assert same(alone, UsageTable(*(getattr(whole, field.name)[mine] for field in fields(UsageTable))))


@given(segment_tables().filter(lambda segments: len(meter(segments)) > 0), st.data())
def test_canary_a_second_moved_to_somebody_else_is_found(segments: SegmentTable, data: st.DataObject) -> None:
    usage = meter(segments)
    gpu_s = usage.quantity.copy()
    gpu_s[data.draw(st.integers(0, len(usage) - 1))] += data.draw(st.sampled_from((-1, 1)))
    assert [finding.count for finding in check_usage(NAMES, segments, replace(usage, quantity=gpu_s))] == [1]
