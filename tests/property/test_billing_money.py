"""Rounding: exact sums, shares that add up, and the same answer from the fast way as from the plain one."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from billing.money import (
    INT64_MAX,
    exact_sum,
    exact_sums,
    format_price,
    format_usd,
    largest_remainder,
    largest_remainder_by_group,
    parse_usd,
    product,
    round_half_up,
)

ANY_INT = st.integers(-(10**40), 10**40)
DENOMINATOR = st.integers(1, 10**12)
INT64 = st.integers(-(2**63), INT64_MAX)


def nearest(exact: Fraction) -> int:
    """Half away from zero, in the words of the definition."""
    whole, rest = divmod(abs(exact), 1)
    away = whole + (rest >= Fraction(1, 2))
    return int(away if exact >= 0 else -away)


@given(ANY_INT, DENOMINATOR)
def test_rounding_is_the_definition(numerator: int, denominator: int) -> None:
    assert round_half_up(numerator, denominator) == nearest(Fraction(numerator, denominator))
    assert round_half_up(-numerator, denominator) == -round_half_up(numerator, denominator)


@given(st.lists(ANY_INT, max_size=30), DENOMINATOR)
def test_shares_add_up_and_none_is_a_whole_unit_off(numerators: list[int], denominator: int) -> None:
    shares = largest_remainder(numerators, denominator)
    assert sum(shares) == nearest(Fraction(sum(numerators), denominator))
    assert all(abs(share * denominator - each) < denominator for share, each in zip(shares, numerators, strict=True))


@given(st.lists(st.integers(-(10**6), 10**6), max_size=30), DENOMINATOR)
def test_no_better_share_goes_without(numerators: list[int], denominator: int) -> None:
    """Whoever got the extra unit had at least the remainder of anybody who did not, and came first in a tie."""
    shares = largest_remainder(numerators, denominator)
    rows = [
        (-(each % denominator), row, share > each // denominator)
        for row, (each, share) in enumerate(zip(numerators, shares, strict=True))
    ]
    raised = [got for _, _, got in sorted(rows)]
    assert raised == sorted(raised, reverse=True)


@given(st.lists(ANY_INT, max_size=12), DENOMINATOR)
def test_whole_numbers_are_left_alone(numerators: list[int], denominator: int) -> None:
    whole = [each * denominator for each in numerators]
    assert largest_remainder(whole, denominator) == numerators


@given(
    st.lists(st.tuples(st.integers(0, 10**15), st.integers(-3, 3)), max_size=40), st.sampled_from((1, 3600, 36_000_000))
)
def test_shares_of_columns_are_the_shares_of_their_groups(rows: list[tuple[int, int]], denominator: int) -> None:
    numerators = np.array([each for each, _ in rows], dtype=np.int64)
    group = np.array([label for _, label in rows], dtype=np.int64)
    expected = np.zeros(len(rows), dtype=np.int64)
    for label in set(group.tolist()):
        mine = np.flatnonzero(group == label)
        expected[mine] = largest_remainder(numerators[mine].tolist(), denominator)
    assert largest_remainder_by_group(numerators, denominator, group).tolist() == expected.tolist()
    as_objects = largest_remainder_by_group(numerators.astype(object), denominator, group)
    assert as_objects.tolist() == expected.tolist()


@given(st.lists(st.tuples(INT64, st.booleans()), min_size=1, max_size=60))
def test_sums_are_exact_over_the_whole_range(rows: list[tuple[int, bool]]) -> None:
    values = np.array([value for value, _ in rows], dtype=np.int64)
    first = np.flatnonzero([True, *(starts for _, starts in rows[1:])]).astype(np.int64)
    assert exact_sum(values) == sum(values.tolist())
    parts = np.split(values, first[1:])
    assert exact_sums(values, first) == [sum(part.tolist()) for part in parts]


@given(st.lists(st.tuples(st.integers(0, INT64_MAX), st.integers(0, INT64_MAX)), max_size=10))
def test_products_are_exact_on_both_sides_of_the_guard(rows: list[tuple[int, int]]) -> None:
    quantity = np.array([q for q, _ in rows], dtype=np.int64)
    price = np.array([p for _, p in rows], dtype=np.int64)
    assert product(quantity, price).tolist() == [q * p for q, p in rows]


@given(st.integers(0, INT64_MAX // 2))
def test_what_is_printed_is_read_back(micro_usd: int) -> None:
    assert parse_usd(format_usd(micro_usd)) == parse_usd(format_price(micro_usd)) == micro_usd


def test_canary_rounding_each_part_alone_does_not_add_up() -> None:
    thirds = [1, 1, 1]
    assert sum(round_half_up(each, 3) for each in thirds) != round_half_up(sum(thirds), 3)


def test_canary_floats_do_not_add_up() -> None:
    """Why there are none: a year of hours of one GPU-second at 2.95, one after the other and at once."""
    total = 0.0
    for _ in range(8760):  # not sum(), which makes up for lost digits from Python 3.12 on
        total += 2.95 / 3600
    assert total != 2.95 * 8760 / 3600
