import numpy as np
import pytest

from billing.errors import UsageError
from billing.metering.meter import UsageTable, meter, require_indices
from billing.usage import CAUSES, SegmentTable
from billing_facts import HOUR_S, NAMES, table

Row = tuple[int, ...]


def segment(start_s: int, end_s: int, gpus: int = 8, tenant: int = 0, product: int = 0, pool: int = 0) -> Row:
    return (0, tenant, product, pool, pool, gpus, start_s, end_s, 0)


def metered(*rows: Row, chunk_rows: int = 1 << 18) -> UsageTable:
    return meter(table(SegmentTable, rows), chunk_rows=chunk_rows)


def hours(usage: UsageTable) -> dict[int, int]:
    return dict(zip(usage.hour_s.tolist(), usage.quantity.tolist(), strict=True))


def test_a_segment_is_cut_at_the_hours() -> None:
    assert hours(metered(segment(1800, 9000))) == {0: 14_400, 3600: 28_800, 7200: 14_400}


def test_a_node_of_a_day_is_24_hours_long() -> None:
    """Sampling every 5 minutes showed 23.91667 of them (a known fault of a cost tool)."""
    usage = metered(segment(0, 86_400, gpus=1))
    assert hours(usage) == {hour * HOUR_S: HOUR_S for hour in range(24)}


@pytest.mark.parametrize(
    ("start_s", "end_s", "expected"),
    [
        (0, 1, {0: 8}),
        (3599, 3600, {0: 8}),
        (3599, 3601, {0: 8, 3600: 8}),
        (3600, 7200, {3600: 28_800}),
        (5, 5, {}),
        (3600, 3600, {}),
    ],
)
def test_ends_are_exclusive_to_the_second(start_s: int, end_s: int, expected: dict[int, int]) -> None:
    assert hours(metered(segment(start_s, end_s))) == expected


def test_nothing_and_zero_gpus_leave_no_rows() -> None:
    assert len(metered()) == 0
    assert len(metered(segment(0, 9000, gpus=0))) == 0


def test_segments_of_one_series_add_up_and_others_stay_apart() -> None:
    usage = metered(segment(0, 10), segment(5, 10, gpus=1), segment(0, 10, tenant=1), segment(0, 10, product=1))
    rows = list(zip(usage.tenant.tolist(), usage.product.tolist(), usage.quantity.tolist(), strict=True))
    assert rows == [(0, 0, 85), (0, 1, 80), (1, 0, 80)]


def test_a_series_that_ends_leaves_nothing_to_the_next_one() -> None:
    usage = metered(segment(0, 9000, tenant=0), segment(20_000, 20_001, tenant=1))
    assert hours(UsageTable(*(getattr(usage, name)[usage.tenant == 1] for name in UsageTable.__slots__))) == {18_000: 8}


def test_hours_without_use_between_two_segments_have_no_row() -> None:
    assert hours(metered(segment(0, 10), segment(10_800, 10_810))) == {0: 80, 10_800: 80}


def test_rows_are_sorted_by_tenant_hour_region_sku_product() -> None:
    usage = metered(segment(0, 7200, tenant=1, pool=1), segment(0, 7200, product=1), segment(0, 7200, tenant=1))
    keys = list(zip(usage.tenant, usage.hour_s, usage.region, usage.sku, usage.product, strict=True))
    assert keys == sorted(keys)


def test_chunks_do_not_show() -> None:
    rng = np.random.default_rng(3)
    rows = [segment(int(s), int(s) + 5000, tenant=int(t)) for s, t in rng.integers(0, (50_000, 3), (40, 2))]
    whole = metered(*rows)
    for chunk_rows in (1, 7, 40):
        part = metered(*rows, chunk_rows=chunk_rows)
        assert all((getattr(whole, name) == getattr(part, name)).all() for name in UsageTable.__slots__)


def test_long_rentals_cost_their_hours_not_their_seconds() -> None:
    """2,000 rentals of 10 years: 175 million (segment, hour) pairs, which must never exist at once."""
    usage = metered(*(segment(start_s, start_s + 315_360_000) for start_s in range(2000)))
    assert len(usage) == 87_601
    assert usage.quantity.sum() == 2000 * 315_360_000 * 8


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (segment(10, 9), r"segments\[1\]\.end_s: ends before it begins \(found 9; allowed start_s = 10 or later\)"),
        (segment(0, 1, gpus=-1), r"segments\[1\]\.gpus: value out of range \(found -1"),
        (segment(-1, 1), r"segments\[1\]\.start_s: value out of range"),
        (segment(0, 2**50), r"segments\[1\]\.end_s: value out of range"),
        (segment(0, 1, tenant=-1), r"segments\[1\]\.tenant: value out of range"),
        ((*segment(0, 1)[:-1], len(CAUSES)), r"segments\[1\]\.cause: value out of range"),
    ],
    ids=["backwards", "negative GPUs", "negative time", "past all time", "negative index", "unknown cause"],
)
def test_an_impossible_row_is_named(row: Row, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        metered(segment(0, 1), row)


def test_more_gpus_than_an_hour_can_count_are_refused_not_wrapped() -> None:
    with pytest.raises(UsageError, match="too many GPUs"):
        metered(segment(0, 3600, gpus=2**52))


def test_a_column_that_is_not_int64_is_refused() -> None:
    good = table(SegmentTable, [segment(0, 1)])
    columns = {name: getattr(good, name) for name in SegmentTable.__slots__}
    with pytest.raises(UsageError, match=r"segments\.gpus: wrong column"):
        meter(SegmentTable(**{**columns, "gpus": good.gpus.astype(np.int32)}))


def test_an_index_that_the_names_do_not_hold_is_refused() -> None:
    usage = metered(segment(0, 1, product=len(NAMES.products)))
    with pytest.raises(UsageError, match=r"usage\[0\]\.product: value out of range \(found 4; allowed 0 to 3\)"):
        require_indices(NAMES, "usage", product=usage.product)
