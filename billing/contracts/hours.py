"""Contracts by the hour: dense columns, one row per hour of [0, horizon), so that all arithmetic is exact and short."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from billing.errors import PriceError
from billing.metering.meter import billed_usage
from billing.money import SECONDS_PER_HOUR
from billing.rating.prices import PriceBook
from billing.usage import IntArray, Names
from tenants.capacity import spans
from tenants.contract import Contract


class Pool(NamedTuple):
    """Dense indices of a region and a SKU."""

    region: int
    sku: int


@dataclass(frozen=True, slots=True)
class Owed:
    """GPU-seconds of a contract in each hour, (hours,) int64: promised == delivered + late + recalled.

    `in_force_s` is how many seconds of the hour lie inside of the term.
    """

    promised: IntArray
    delivered: IntArray
    late: IntArray
    recalled: IntArray
    in_force_s: IntArray


def hour_count(horizon_s: int) -> int:
    """Return how many hours [0, horizon_s) touches."""
    return -(-horizon_s // SECONDS_PER_HOUR)


def owed(contract: Contract, gpus_per_node: int, horizon_s: int) -> Owed:
    """Return what a contract promises and has in each hour before the horizon. Cost: O(spans + hours)."""
    columns = [np.zeros(hour_count(horizon_s), dtype=np.int64) for _ in range(5)]
    for span in spans(contract):
        levels = [nodes * gpus_per_node for nodes in (span.promised, span.delivered, span.late, span.recalled)]
        for column, level in zip(columns, [*levels, 1], strict=True):
            add_level(column, level, span.from_s, min(span.until_s, horizon_s))
    return Owed(*columns)


def add_level(column: IntArray, level: int, from_s: int, until_s: int) -> None:
    """Add `level` x seconds of [from_s, until_s) to each hour of `column`, in place."""
    if until_s <= from_s or not level:
        return
    first, last = from_s // SECONDS_PER_HOUR, (until_s - 1) // SECONDS_PER_HOUR
    column[first : last + 1] += level * SECONDS_PER_HOUR
    column[first] -= level * (from_s - first * SECONDS_PER_HOUR)
    column[last] -= level * ((last + 1) * SECONDS_PER_HOUR - until_s)


def hourly_prices(
    names: Names, book: PriceBook, plans: tuple[str, ...], product: int, pool: Pool, hours: IntArray
) -> IntArray:
    """Return the price of a GPU-hour of `product` at the start of each of `hours` (numbers, not seconds).

    Raises:
        PriceError: an hour has no price, or one that is not the same for every GPU-hour.
    """

    none, one = np.zeros_like(hours), np.ones_like(hours)
    region, sku = np.full_like(hours, pool.region), np.full_like(hours, pool.sku)
    rows = billed_usage(none, hours * SECONDS_PER_HOUR, region, sku, np.full_like(hours, product), one)
    numbers = book.row_numbers(names, rows, plans)
    for number in np.unique(numbers).tolist():
        if not book.rows[number].is_linear:
            message, allowed = "reserved capacity needs one price for every GPU-hour", "no tiers, packages or fees"
            raise PriceError(message, path=f"price[{number}].model", found=book.rows[number].model, allowed=allowed)
    return book.micro_of(names, rows, numbers)
