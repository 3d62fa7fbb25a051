import numpy as np
import pytest

from billing.errors import MoneyError, PriceError, UsageError
from billing.metering.meter import UsageTable
from billing.rating.prices import PriceBook
from billing.rating.rate import LineItemTable, rate
from billing.usage import Names
from billing_facts import FULL, HOUR_S, JANUARY, table

NAMES = Names(("acme", "birch"), ("bare.spot",), ("eu",), ("h100",), JANUARY + 31 * 86400 - HOUR_S)


def rated(*rows: tuple[int, int, int], usd: str | int = "2.95") -> LineItemTable:
    """Line items of (tenant, hour_s, gpu_s) at one price."""
    usage = table(UsageTable, [(tenant, hour_s, 0, 0, 0, *FULL, gpu_s) for tenant, hour_s, gpu_s in rows])
    row = {"product": "*", "sku": "*", "from": "2025-01-01T00:00:00Z", "usd_per_gpu_hour": usd}
    return rate(NAMES, usage, PriceBook.from_mappings([row]))


def test_8_gpus_for_an_hour_at_2_95() -> None:
    lines = rated((0, 0, 28_800))
    assert lines.numerator.tolist() == [84_960_000_000]
    assert lines.amount_usd() == ["23.600000"]


def test_8_gpus_for_an_hour_at_2_35() -> None:
    assert rated((0, 0, 28_800), usd="2.35").amount_usd() == ["18.800000"]


def test_rows_share_the_month_s_rounded_amount() -> None:
    """Three GPU-seconds at 2.95 cost 2,458.33 micro-USD: 2,458, where rounding each row would give 2,457."""
    lines = rated((0, HOUR_S, 1), (0, 2 * HOUR_S, 1), (0, 3 * HOUR_S, 1))
    assert lines.amount_micro_usd.tolist() == [820, 819, 819]


def test_months_and_tenants_round_on_their_own() -> None:
    """The first hour still lies in January: each of the three groups has one row of 819.44 micro-USD."""
    lines = rated((0, 0, 1), (0, HOUR_S, 1), (1, HOUR_S, 1))
    assert lines.amount_micro_usd.tolist() == [819, 819, 819]


def test_a_product_past_int64_is_rated_exactly() -> None:
    lines = rated((0, 0, 3_600_000_000), usd=3000)  # 1,000,000 GPUs at 3,000 USD
    assert lines.numerator.tolist() == [10_800_000_000_000_000_000]
    assert lines.amount_usd() == ["3000000000.000000"]


def test_an_amount_past_int64_is_refused() -> None:
    with pytest.raises(MoneyError, match="too large"):
        rated((0, 0, 2**45), usd=9_000_000_000_000)


def test_no_usage_no_lines() -> None:
    assert len(rated()) == 0


def test_usage_without_a_price_is_refused() -> None:
    usage = table(UsageTable, [(0, 0, 0, 0, 0, *FULL, 1)])
    with pytest.raises(PriceError, match=r"no price for product bare\.spot, sku h100, region eu"):
        rate(NAMES, usage, PriceBook.from_rows([]))


def test_an_unknown_index_is_refused_before_it_is_looked_up() -> None:
    with pytest.raises(UsageError, match=r"usage\[0\]\.tenant"):
        rated((2, 0, 1))


def test_everything_is_an_integer() -> None:
    lines = rated((0, 0, 28_800))
    columns = [getattr(lines, name) for name in LineItemTable.__slots__ if name != "denominator"]
    assert {column.dtype for column in columns} == {np.dtype(np.int64)}
