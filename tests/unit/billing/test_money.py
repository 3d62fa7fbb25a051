"""Check values of the documents: exact amounts, one rounding, shares that add up, no silent overflow."""

import numpy as np
import pytest

from billing.errors import MoneyError
from billing.money import (
    INT64_MAX,
    Exact,
    exact_sum,
    exact_sums,
    floor_decimal,
    format_exact,
    format_price,
    format_usd,
    largest_remainder,
    largest_remainder_by_group,
    money_json,
    parse_usd,
    product,
    round_half_up,
)

MILLION_GPUS = np.array([3_600_000_000], dtype=np.int64)  # GPU-seconds of an hour
DEAR = np.array([3_000_000_000], dtype=np.int64)  # 3,000 USD per GPU-hour


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(0, 1, 0), (1, 2, 1), (-1, 2, -1), (1, 3, 0), (2, 3, 1), (-2, 3, -1), (1465, 10, 147), (3, 2, 2), (5, 2, 3)],
)
def test_ties_go_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert round_half_up(numerator, denominator) == rounded


def test_half_an_hour_at_2_93_is_147_cents() -> None:
    assert round_half_up(1800 * 2_930_000, 3600 * 10_000) == 147


def test_8_gpus_for_an_hour_at_2_95_cost_23_60_exactly() -> None:
    numerator = 28_800 * parse_usd("2.95")
    assert numerator == 84_960_000_000
    assert divmod(numerator, 3600) == (23_600_000, 0)
    assert format_usd(23_600_000, 2) == "23.60"


def test_one_gpu_second_is_819_micro_usd_and_no_cent() -> None:
    assert round_half_up(2_950_000, 3600) == 819
    assert round_half_up(2_950_000, 3600 * 10_000) == 0


def test_lines_of_a_taxed_invoice_add_up_to_its_total() -> None:
    """Rounding each alone would give 33,500 (a repaired bug of a billing engine)."""
    taxed = [net * 12_000 for net in (6833, 6833, 5750, 8500)]
    assert sum(largest_remainder(taxed, 10_000)) == 33_499
    assert sum(round_half_up(each, 10_000) for each in taxed) == 33_500


def test_missing_units_go_to_the_largest_remainder_and_ties_to_the_earlier_row() -> None:
    assert largest_remainder([1, 1, 1], 3) == [1, 0, 0]
    assert largest_remainder([10, 25, 25], 30) == [0, 1, 1]
    assert largest_remainder([-1, 3], 2) == [0, 1]
    assert largest_remainder([], 3) == []


def test_shares_by_group_are_the_shares_of_each_group() -> None:
    numerators = np.array([1, 5, 1, 1, 7], dtype=np.int64)
    group = np.array([4, 9, 4, 4, 9], dtype=np.int64)
    assert largest_remainder_by_group(numerators, 3, group).tolist() == [1, 2, 0, 0, 2]
    assert len(largest_remainder_by_group(numerators[:0], 3, group[:0])) == 0


def test_an_amount_with_no_room_in_int64_is_refused_not_wrapped() -> None:
    numerators = np.array([INT64_MAX * 3600 + 1], dtype=object)
    with pytest.raises(MoneyError, match="too large"):
        largest_remainder_by_group(numerators, 3600, np.zeros(1, dtype=np.int64))


def test_a_product_past_int64_is_exact_where_numpy_wraps() -> None:
    assert (MILLION_GPUS * DEAR).tolist() == [-7_646_744_073_709_551_616]
    assert product(MILLION_GPUS, DEAR).tolist() == [10_800_000_000_000_000_000]


def test_a_product_that_fits_stays_int64_up_to_the_last_one() -> None:
    seven = np.array([7], dtype=np.int64)
    fits, too_large = np.array([INT64_MAX // 7], dtype=np.int64), np.array([INT64_MAX // 7 + 1], dtype=np.int64)
    assert product(seven, fits).dtype == np.int64
    assert product(seven, too_large).tolist() == [7 * (INT64_MAX // 7 + 1)]
    assert product(seven[:0], fits[:0]).tolist() == []


def test_two_limbs_add_what_int64_cannot() -> None:
    values = np.array([INT64_MAX, INT64_MAX, -5, -(2**63)], dtype=np.int64)
    assert exact_sum(values) == sum(values.tolist())
    assert exact_sum(values.astype(object)) == sum(values.tolist())
    first = np.array([0, 2], dtype=np.int64)
    assert exact_sums(values, first) == [2 * INT64_MAX, -5 - 2**63]
    assert exact_sums(values.astype(object), first) == exact_sums(values, first)
    assert exact_sums(values[:0], first[:0]) == []


@pytest.mark.parametrize(
    ("text", "micro_usd"),
    [("2.95", 2_950_000), ("0", 0), (0, 0), (3, 3_000_000), ("0.000001", 1), ("007.10", 7_100_000), ("12", 12_000_000)],
)
def test_prices_are_read_exactly(text: object, micro_usd: int) -> None:
    assert parse_usd(text) == micro_usd


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (2.95, "2.95 is not exact"),
        (True, "True is not exact"),
        (None, "None is not exact"),
        ("-1", "negative"),
        (-1, "negative"),
        ("0.0000001", "finer than a micro-USD"),
        ("1e3", "not an exact amount"),
        ("", "not an exact amount"),
        (".5", "not an exact amount"),
        ("1,000", "not an exact amount"),
        (" 1", "not an exact amount"),
        ("1\n", "not an exact amount"),
        ("\u0663", "not an exact amount"),
        ("nan", "not an exact amount"),
        (10**30, "too large"),
        ("9" * 20, "too large"),
    ],
)
def test_what_is_no_exact_amount_is_refused(text: object, message: str) -> None:
    with pytest.raises(MoneyError, match=message):
        parse_usd(text)


def test_printing_never_rounds() -> None:
    assert format_usd(-23_600_000, 2) == "-23.60"
    assert format_usd(819) == "0.000819"
    assert format_usd(-1) == "-0.000001"
    with pytest.raises(AssertionError):
        format_usd(819, 2)


def test_money_in_json_is_text() -> None:
    assert money_json(-23_600_000) == {"currency": "USD", "amount": "-23.60", "minor": "-2360"}


@pytest.mark.parametrize(
    ("micro_usd", "text"),
    [(2_950_000, "2.95"), (12_000_000, "12.00"), (1, "0.000001"), (2_500_000, "2.50")],
)
def test_unit_prices_show_two_decimals_or_as_many_as_they_need(micro_usd: int, text: str) -> None:
    assert format_price(micro_usd) == text


def test_a_ratio_is_cut_and_an_exact_amount_shown_as_it_is() -> None:
    assert floor_decimal(16_565_760_000, 165_888_000, 4) == "99.8611"
    assert floor_decimal(99_999_999, 1_000_000, 4) == "99.9999"
    assert format_exact(Exact(84_960_000_000, 3600)) == "84960000000/3600"
