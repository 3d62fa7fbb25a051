import numpy as np
import pytest

from billing.columns import group_rows, require_columns, require_interval, require_range, row_keys, run_starts
from billing.errors import UsageError


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_keys_sort_as_the_rows_do() -> None:
    columns = ints(1, 0, 1, 0), ints(-5, 7, -6, 7), ints(3, 3, 3, 2)
    order = np.argsort(row_keys(*columns), kind="stable")
    assert order.tolist() == [3, 1, 2, 0]


def test_columns_too_wide_to_pack_are_ranked_with_the_same_result() -> None:
    rng = np.random.default_rng(1)
    narrow = [rng.integers(-3, 3, 200) for _ in range(4)]
    wide = [column * 2**40 for column in narrow]  # four ranges of 2**42: no room in an int64
    packed, ranked = row_keys(*narrow), row_keys(*wide)
    assert (np.argsort(packed, kind="stable") == np.argsort(ranked, kind="stable")).all()
    assert len(np.unique(packed)) == len(np.unique(ranked))
    assert ranked.max() < 200


def test_groups_come_in_order_and_keep_their_rows_in_order() -> None:
    order, first = group_rows(ints(2, 1, 2, 1, 0))
    assert order.tolist() == [4, 1, 3, 0, 2]
    assert first.tolist() == [0, 1, 3]


def test_nothing_has_no_groups() -> None:
    order, first = group_rows(ints(), ints())
    assert (len(order), len(first), len(run_starts(ints()))) == (0, 0, 0)


@pytest.mark.parametrize(
    "column", [np.zeros(3), np.zeros(2, dtype=np.int64), np.zeros((3, 1), dtype=np.int64), np.zeros(3, dtype=np.int32)]
)
def test_a_column_of_another_shape_or_type_is_refused(column: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"starts\.start_s: wrong column"):
        require_columns("starts", {"job": ints(1, 2, 3), "start_s": column})


def test_the_first_bad_row_is_named() -> None:
    with pytest.raises(UsageError, match=r"^outages\[1\]\.gpus: value out of range \(found -4; allowed 0 to 9\)$"):
        require_range("outages", "gpus", ints(3, -4, 11), 0, 9)
    with pytest.raises(UsageError, match=r"^starts\[1\]\.start_s: ends before it begins \(found 6; allowed p"):
        require_interval("starts", "pending_s", ints(5, 7), "start_s", ints(5, 6))
