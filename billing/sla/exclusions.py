"""Time that no service level counts: taken out of what was kept and out of what was promised, and shown with its cause.

Exclusions may overlap; a second is excluded once, by the one that began first.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from billing.errors import UsageError
from billing.sla.credit import Key
from billing.usage import ANY, ExclusionTable, Names
from tenants.exclusion import EXCLUSION_CAUSES, Exclusion

NO_EXCLUSIONS = ExclusionTable(*(np.zeros(0, dtype=np.int64) for _ in range(7)))


class Interval(NamedTuple):
    """[from_s, until_s) is excluded; `cause` is an index into EXCLUSION_CAUSES."""

    from_s: int
    until_s: int
    cause: int


class ExcludedTime(NamedTuple):
    """GPU-seconds that do not count: those held in [from_s, until_s), and those that a fault took away."""

    cause: str
    from_s: int
    until_s: int
    held_gpu_s: int
    lost_gpu_s: int


class Excluded(NamedTuple):
    """Excluded time of one key."""

    key: Key
    time: ExcludedTime


def exclusion_table(names: Names, exclusions: Sequence[Exclusion]) -> ExclusionTable:
    """Return the exclusions with dense indices for names.

    Raises:
        UsageError: one names a tenant, product, region or SKU that `names` does not hold.
    """
    rows = [
        (
            _index(exclusion.tenant, names.tenants, row, "tenant"),
            _index(exclusion.product, names.products, row, "product"),
            _index(exclusion.region, names.regions, row, "region"),
            _index(exclusion.sku, names.skus, row, "sku"),
            exclusion.from_s,
            exclusion.until_s,
            EXCLUSION_CAUSES.index(exclusion.cause),
        )
        for row, exclusion in enumerate(exclusions)
    ]
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), 7)
    return ExclusionTable(*(np.ascontiguousarray(columns[:, place]) for place in range(7)))


def intervals(table: ExclusionTable, tenant: int, product: int, place: tuple[int, int] | None) -> list[Interval]:
    """Return what is excluded for one tenant, product and (region, SKU), in order, no two of them overlapping.

    Where the place is not known (None), only exclusions of every place count.
    """
    region, sku = place or (ANY, ANY)
    fits = np.isin(table.tenant, (ANY, tenant)) & np.isin(table.product, (ANY, product))
    fits &= np.isin(table.region, (ANY, region)) & np.isin(table.sku, (ANY, sku))
    columns = (table.from_s[fits].tolist(), table.until_s[fits].tolist(), table.cause[fits].tolist())
    found: list[Interval] = []
    for from_s, until_s, cause in sorted(zip(*columns, strict=True)):
        begins_s = max(from_s, found[-1].until_s if found else from_s)
        if until_s > begins_s:
            found.append(Interval(begins_s, until_s, cause))
    return found


def cut(excluded: Sequence[Interval], from_s: int, until_s: int) -> tuple[list[tuple[int, int]], list[Interval]]:
    """Return the parts of [from_s, until_s) that count, and those that do not, both in order of time."""
    counts, out, at_s = [], [], from_s
    for interval in excluded:
        begins_s, ends_s = max(interval.from_s, from_s), min(interval.until_s, until_s)
        if begins_s < ends_s:
            if at_s < begins_s:
                counts.append((at_s, begins_s))
            out.append(Interval(begins_s, ends_s, interval.cause))
            at_s = ends_s
    if at_s < until_s:
        counts.append((at_s, until_s))
    return counts, out


def _index(name: str | None, known: Sequence[str], row: int, column: str) -> int:
    if name is None:
        return ANY
    if name not in known:
        allowed = ", ".join(known)
        raise UsageError(f"unknown {column}", path=f"sla_exclusion[{row}].{column}", found=name, allowed=allowed)
    return known.index(name)
