"""Grouping rows of int64 columns: the one trick that the meter, the rating and the bills share."""

from math import prod
from typing import NamedTuple

import numpy as np

from billing.errors import UsageError
from billing.money import INT64_MAX
from billing.sorting import stable_order
from billing.usage import IntArray


class Groups(NamedTuple):
    """Rows put together by key: `order` lists the rows group by group, group i starts at order[first[i]]."""

    order: IntArray
    first: IntArray


def row_keys(*columns: IntArray) -> IntArray:
    """Return one int64 per row that is equal where the rows are equal and sorts as the rows do (first column first).

    Columns are packed by their ranges when the product of the ranges has room, which the guard computes in Python
    ints; otherwise the rows are ranked, which is slower and always fits.
    """
    if len(columns[0]) == 0:
        return np.zeros(0, dtype=np.int64)
    low = [int(column.min()) for column in columns]
    span = [int(column.max()) - least + 1 for column, least in zip(columns, low, strict=True)]
    if prod(span) > INT64_MAX:
        return _ranks(*columns)
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column, least, width in zip(columns, low, span, strict=True):
        key = key * width + (column - least)
    return key


def group_rows(*columns: IntArray) -> Groups:
    """Return the groups of equal rows, in ascending order of `columns`; inside a group rows keep their order."""
    order, ascending = stable_order(row_keys(*columns))
    return Groups(order, run_starts(ascending))


def run_starts(values: IntArray) -> IntArray:
    """Return the first row of each run of equal values."""
    if len(values) == 0:
        return np.zeros(0, dtype=np.int64)
    return np.flatnonzero(np.concatenate(([True], values[1:] != values[:-1]))).astype(np.int64)


def require_columns(table: str, rows: dict[str, IntArray]) -> None:
    """Refuse a table whose columns are not int64 vectors of one length.

    Raises:
        UsageError: naming the table, the column, its dtype and shape.
    """
    count = len(next(iter(rows.values())))
    for name, column in rows.items():
        if column.dtype != np.int64 or column.shape != (count,):
            found, allowed = f"{column.dtype} {column.shape}", f"int64 ({count},)"
            raise UsageError("wrong column", code="bad_table", path=f"{table}.{name}", found=found, allowed=allowed)


def require_range(table: str, name: str, column: IntArray, low: int, high: int) -> None:
    """Refuse values outside low..high (both allowed), naming the first offending row.

    Raises:
        UsageError: naming table, row, column, value and range.
    """
    wrong = np.flatnonzero((column < low) | (column > high))
    if len(wrong):
        row = int(wrong[0])
        raise UsageError(
            "value out of range",
            path=f"{table}[{row}].{name}",
            found=int(column[row]),
            allowed=f"{low} to {high}",
        )


def require_interval(table: str, low_name: str, low: IntArray, high_name: str, high: IntArray) -> None:
    """Refuse rows in which `high` is below `low`, naming the first.

    Raises:
        UsageError: naming table, row and both values.
    """
    wrong = np.flatnonzero(high < low)
    if len(wrong):
        row = int(wrong[0])
        allowed = f"{low_name} = {int(low[row])} or later"
        raise UsageError(
            "ends before it begins", path=f"{table}[{row}].{high_name}", found=int(high[row]), allowed=allowed
        )


def _ranks(*columns: IntArray) -> IntArray:
    order = np.lexsort(columns[::-1])
    changed = np.zeros(len(order), dtype=np.int64)
    for column in columns:
        changed[1:] |= column[order[1:]] != column[order[:-1]]
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.cumsum(changed)
    return rank
