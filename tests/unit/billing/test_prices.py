import itertools
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import PriceError
from billing.metering.meter import UsageTable
from billing.rating.prices import PriceBook, PriceRow
from billing.usage import Names
from billing_facts import FULL, HOUR_S, JANUARY, table

NAMES = Names(("acme",), ("bare.spot", "bare.ondemand"), ("eu", "us"), ("h100", "b200"), JANUARY)
ROW = {"product": "bare.spot", "sku": "h100", "from": "2026-01-01T00:00:00Z", "usd_per_gpu_hour": "1.25"}


def book(*changes: dict[str, Any]) -> PriceBook:
    return PriceBook.from_mappings([{**ROW, **change} for change in changes])


def price(book: PriceBook, product: str = "bare.spot", sku: str = "h100", region: str = "eu", at_s: int = 0) -> str:
    return str(book.row_at(product, sku, region, JANUARY + at_s).usd_per_gpu_hour)


def usage(*hour_s: int, product: int = 0) -> UsageTable:
    return table(UsageTable, [(0, at_s, 0, 0, product, *FULL, 1) for at_s in hour_s])


def test_a_row_keeps_its_origin() -> None:
    row = PriceRow.model_validate({**ROW, "source": "Nebius", "as_of": "2026-05", "confidence": "second-hand"})
    assert (row.source, row.as_of, row.confidence) == ("Nebius", "2026-05", "second-hand")
    assert PriceRow.model_validate(ROW).confidence == "guess"


def test_a_time_may_be_written_as_toml_has_it() -> None:
    row = PriceRow.model_validate({**ROW, "from": datetime(2026, 1, 1, tzinfo=UTC)})
    assert row.from_unix_s == JANUARY


def test_a_row_says_again_what_was_written() -> None:
    row = PriceRow.model_validate(ROW)
    assert PriceRow.model_validate(row.model_dump(by_alias=True)) == row
    assert row.model_dump(by_alias=True, exclude_unset=True) == ROW


def test_the_latest_price_that_applies_holds() -> None:
    dated = book({}, {"from": "2026-01-01T02:00:00Z", "usd_per_gpu_hour": 2})
    assert [price(dated, at_s=at_s) for at_s in (0, 7199, 7200)] == ["1.25", "1.25", "2"]


def test_the_price_of_an_hour_is_that_of_its_start() -> None:
    dated = book({}, {"from": "2026-01-01T01:30:00Z", "usd_per_gpu_hour": 2})
    assert dated.unit_prices(NAMES, usage(0, HOUR_S, 2 * HOUR_S)).tolist() == [1_250_000, 1_250_000, 2_000_000]


def test_the_most_specific_row_wins_however_old_it_is() -> None:
    later = "2026-01-01T05:00:00Z"
    rows = book(
        {"product": "*", "sku": "*", "usd_per_gpu_hour": "1", "from": later},
        {"product": "*", "sku": "*", "region": "eu", "usd_per_gpu_hour": "2", "from": later},
        {"product": "*", "usd_per_gpu_hour": "3", "from": later},
        {"sku": "*", "usd_per_gpu_hour": "4"},
    )
    at_s = 6 * HOUR_S
    assert price(rows, at_s=at_s) == "4"
    assert price(rows, product="bare.ondemand", sku="b200", at_s=at_s) == "2"
    assert price(rows, product="bare.ondemand", at_s=at_s) == "3", "a named SKU outweighs a named region"
    assert price(rows, product="bare.ondemand", region="us", sku="b200", at_s=at_s) == "1"


def test_a_specific_row_that_does_not_apply_yet_leaves_the_general_one() -> None:
    rows = book({"product": "*"}, {"from": "2026-01-01T01:00:00Z", "usd_per_gpu_hour": 9})
    assert rows.unit_prices(NAMES, usage(0, HOUR_S)).tolist() == [1_250_000, 9_000_000]


def test_an_unknown_price_is_an_error_that_names_product_sku_region_and_time() -> None:
    expected = "no price for product bare.ondemand, sku h100, region eu at 2026-01-01T01:00:00Z"
    with pytest.raises(PriceError, match=expected) as caught:
        book({}).unit_prices(NAMES, usage(HOUR_S, product=1))
    assert caught.value.code == "unknown_price"
    with pytest.raises(PriceError, match="at 2025-12-31T23:59:59Z"):
        price(book({}), at_s=-1)


def test_a_price_of_zero_is_a_price() -> None:
    assert book({"usd_per_gpu_hour": 0}).unit_prices(NAMES, usage(0)).tolist() == [0]


def test_products_are_looked_up_under_their_price_plan() -> None:
    assert book({}).unit_prices(NAMES, usage(0, product=1), plans=("other", "bare.spot")).tolist() == [1_250_000]


def test_a_spot_series_of_a_year_is_one_pass() -> None:
    start = np.datetime64("2026-01-01T00:00:00")
    series = book(*({"from": f"{start + np.timedelta64(h, 'h')}Z", "usd_per_gpu_hour": h} for h in range(8760)))
    hours = np.arange(8760, dtype=np.int64)
    assert (series.unit_prices(NAMES, usage(*(hours * HOUR_S).tolist())) == hours * 1_000_000).all()


def test_rows_that_name_what_is_not_there_can_be_asked_for() -> None:
    rows = book({}, {"region": "eu-l"}, {"product": "bare.sopt"}, {"sku": "*", "region": "us"})
    assert [(row.product, row.region) for row in rows.unmatched(NAMES)] == [("bare.spot", "eu-l"), ("bare.sopt", "*")]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"usd_per_gpu_hour": "-1"}, r"price\[1\]\.usd_per_gpu_hour: negative amount.*found '-1'"),
        ({"usd_per_gpu_hour": 1.5}, r"price\[1\]\.usd_per_gpu_hour: 1\.5 is not exact"),
        ({"usd_per_gpu_hour": "1.0000001"}, "finer than a micro-USD"),
        ({"from": "2026-01-01"}, r"price\[1\]\.from: not an exact time"),
        ({"from": 5}, r"price\[1\]\.from: "),
        ({"form": "x"}, r"price\[1\]\.form: unknown key, did you mean 'from'"),
        ({"confidence": "sure"}, r"price\[1\]\.confidence: unknown value"),
        ({"sku": ""}, r"price\[1\]\.sku: "),
        ({}, r"price\[1\]: same product, sku, region and time as price\[0\]"),
        ({"from": "2026-01-01T01:00:00+01:00"}, r"price\[1\]: same product, sku, region and time as price\[0\]"),
    ],
)
def test_a_bad_row_is_refused_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(PriceError, match=message) as caught:
        PriceBook.from_mappings([ROW, {**ROW, **change}], file="small.toml")
    assert str(caught.value).startswith("small.toml: price[1]")


@pytest.mark.parametrize("key", ["product", "sku", "from", "usd_per_gpu_hour"])
def test_a_missing_key_is_refused(key: str) -> None:
    with pytest.raises(PriceError, match=rf"price\[0\]\.{key}: missing"):
        PriceBook.from_mappings([{name: value for name, value in ROW.items() if name != key}])


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("*", *NAMES.products)),
            st.sampled_from(("*", *NAMES.skus)),
            st.sampled_from(("*", *NAMES.regions)),
            st.integers(-3, 8),
        ),
        unique=True,
        max_size=12,
    )
)
def test_columns_are_priced_as_single_hours_are(keys: list[tuple[str, str, str, int]]) -> None:
    """`unit_prices` sweeps the rows once, `row_at` looks at all of them: they must agree, refusals included."""
    rows = [
        {
            "product": product,
            "sku": sku,
            "region": region,
            "from": f"{np.datetime64(JANUARY + hour * HOUR_S, 's')}Z",
            "usd_per_gpu_hour": number,
        }
        for number, (product, sku, region, hour) in enumerate(keys)
    ]
    some = PriceBook.from_mappings(rows)
    cells = list(itertools.product((0, 1), repeat=3))  # region, sku, product
    for hour_s in range(0, 8 * HOUR_S, HOUR_S):
        hour = table(UsageTable, [(0, hour_s, region, sku, product, *FULL, 1) for region, sku, product in cells])
        try:
            expected = [
                some.row_at(NAMES.products[product], NAMES.skus[sku], NAMES.regions[region], JANUARY + hour_s).micro_usd
                for region, sku, product in cells
            ]
        except PriceError:
            with pytest.raises(PriceError):
                some.unit_prices(NAMES, hour)
        else:
            assert some.unit_prices(NAMES, hour).tolist() == expected
