"""Adding up tables of usage, row by row of equal key: chunks of one meter, other meters, and differences."""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from billing.columns import group_rows
from billing.errors import UsageError
from billing.metering.meter import UsageTable
from billing.money import BP, INT64_MAX, exact_sums
from billing.usage import MeteredTable


def add_up(*tables: UsageTable) -> UsageTable:
    """Return the sum of tables of usage: sorted, each key once, without rows that come to 0.

    Raises:
        UsageError: a sum has no room in an int64.
    """
    *keys, quantity = (np.concatenate([getattr(table, each.name) for table in tables]) for each in fields(UsageTable))
    if not len(quantity):
        return tables[0]
    order, first = group_rows(*keys)
    if int(np.abs(quantity).max()) > INT64_MAX // len(quantity):
        sums = exact_sums(quantity[order], first)
        if max(map(abs, sums)) > INT64_MAX:
            raise UsageError("quantity too large for one hour", found=max(sums), allowed=f"at most {INT64_MAX}")
        total = np.array(sums, dtype=np.int64)
    else:
        total = np.add.reduceat(quantity[order], first)
    row = order[first][total != 0]
    return UsageTable(*[*(column[row] for column in keys), total[total != 0]])


def negative(usage: UsageTable) -> UsageTable:
    """Return usage that takes away what `usage` gives."""
    return UsageTable(*[*(getattr(usage, each.name) for each in fields(usage)[:-1]), -usage.quantity])


def metered_usage(metered: MeteredTable) -> UsageTable:
    """Return what is no GPU time as usage that is charged in full; keys may repeat."""
    none = np.zeros_like(metered.quantity)
    keys = metered.tenant, metered.hour_s, metered.region, metered.sku, metered.product, metered.meter
    return UsageTable(*keys, none, none + BP, metered.quantity)


def empty_usage() -> UsageTable:
    """Return usage without a row."""
    return UsageTable(*(np.zeros(0, dtype=np.int64) for _ in fields(UsageTable)))


def part_of(usage: UsageTable, rows: Sequence[bool] | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> UsageTable:
    """Return some rows of usage, in the same order."""
    return UsageTable(*(getattr(usage, each.name)[rows] for each in fields(usage)))
