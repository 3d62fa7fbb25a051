from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
import pytest

from billing.errors import PriceError, UsageError
from billing.rating.prices import PriceBook
from billing_facts import HOUR_S, NAMES, ClosedWorld, closed_world, registry
from tenants.errors import TenantError

EMPTY = ClosedWorld([], [], [], [], [], {}, 0)
ONE_HOUR = ClosedWorld([(0, 0, 1, 0, 0, 8, 0, 3600, 4)], [], [], [], [], {(0, 0): 8}, 3600)


def test_a_run_without_anything_closes() -> None:
    closed = EMPTY.books()
    assert (len(closed.usage), len(closed.lines), closed.sla, closed.credits, closed.findings) == (0, 0, [], [], [])


def test_a_partial_last_hour_closes() -> None:
    world = ClosedWorld([(0, 0, 0, 0, 0, 8, 0, 3601, 4)], [], [], [], [], {(0, 0): 8}, 3601)
    assert world.books().findings == []
    assert replace(world, horizon_s=2 * HOUR_S).books().findings[0].count == 8 * 3599


def test_the_price_book_is_asked_for_the_price_plan_of_the_registry() -> None:
    assert ONE_HOUR.books().lines.unit_price_micro_usd.tolist() == [2_953_717]
    closed = ONE_HOUR.books(parties=registry({"bare.ondemand": "bare.spot"}))
    assert closed.lines.unit_price_micro_usd.tolist() == [1_250_000]
    assert closed.findings == []


def test_usage_without_a_price_is_refused() -> None:
    with pytest.raises(PriceError, match=r"no price for product bare\.ondemand, sku h100, region eu"):
        ONE_HOUR.books(book=PriceBook.from_rows([]))


def test_a_product_that_the_registry_does_not_hold_is_refused() -> None:
    with pytest.raises(TenantError, match="unknown product"):
        EMPTY.books(names=replace(NAMES, products=("bare.lease",)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"segments": [(0, 3, 0, 0, 0, 8, 0, 1, 0)]}, r"segments\[0\]\.tenant: value out of range \(found 3;"),
        ({"segments": [(0, 0, 0, 0, 0, 8, 5, 1, 0)]}, r"segments\[0\]\.end_s: ends before it begins"),
        ({"starts": [(0, 0, 9, 0, 1)]}, r"starts\[0\]\.product: value out of range"),
        ({"starts": [(0, 0, 0, 5, 1)]}, r"starts\[0\]\.start_s: ends before it begins"),
        ({"evictions": [(0, 0, 0, 8, 5, 1, 0)]}, r"evictions\[0\]\.evicted_s: ends before it begins"),
        ({"evictions": [(0, 0, 0, -1, 0, 1, 0)]}, r"evictions\[0\]\.gpus: value out of range"),
        ({"outages": [(0, 0, 0, 8, 5, 1)]}, r"outages\[0\]\.until_s: ends before it begins"),
        ({"outages": [(0, 0, 0, -8, 0, 1)]}, r"outages\[0\]\.gpus: value out of range"),
        ({"capacity": [(0, 5, 0, 0, 1)]}, r"capacity\[0\]\.region: value out of range"),
        ({"capacity": [(0, 0, 0, 8, 1)]}, r"capacity\[0\]\.state: value out of range"),
    ],
)
def test_impossible_facts_are_refused_with_table_row_and_column(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        replace(EMPTY, **change).books()


def test_a_guarantee_that_never_ends_is_no_fault() -> None:
    never = (1 << 62) - 1
    replace(EMPTY, evictions=[(0, 0, 2, 8, 0, 60, never)]).books()


def test_books_hold_integers_only() -> None:
    """No number in the books has ever been a binary fraction: every array is int64 and every scalar an int."""
    kinds = set(kinds_in(closed_world(7).books()))
    assert kinds == {"int", "int64", "str", "NoneType"}


def kinds_in(value: Any) -> list[str]:
    """Types of all leaves of a tree of dataclasses, tuples and lists."""
    if isinstance(value, np.ndarray):
        return [value.dtype.name]
    if is_dataclass(value):
        return [kind for field in fields(value) for kind in kinds_in(getattr(value, field.name))]
    if isinstance(value, tuple | list):
        return [kind for part in value for kind in kinds_in(part)]
    return [type(value).__name__]
