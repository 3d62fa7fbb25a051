"""Hourly usage x price book = line items: one per usage row, exact, with a share of the month's rounded amount."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from billing.columns import row_keys
from billing.metering.meter import UsageTable, require_indices
from billing.money import BP, INT64_MAX, SECONDS_PER_HOUR, format_usd, largest_remainder_by_group, product
from billing.months import month_numbers
from billing.rating.prices import PriceBook
from billing.usage import IntArray, Names

UNIT = "gpu_s"


@dataclass(frozen=True, slots=True)
class LineItemTable:
    """Rated usage, (n,) columns in the order of the usage table.

    `quantity` is in GPU-seconds, `unit_price_micro_usd` per GPU-hour, `factor_bp` the part of it that is charged, so
    the exact amount of a row is `numerator` / `denominator` micro-USD. `numerator` is int64, or Python ints (dtype
    object) where a product would not fit. `meter` and `charge_class` are those of the usage row.
    `amount_micro_usd` is int64: the row's share of the exact sum of its (tenant, month, product, sku, region), rounded
    once to a micro-USD and dealt out by largest remainder. It differs from the exact amount by less than 1.
    """

    tenant: IntArray
    hour_s: IntArray
    product: IntArray
    sku: IntArray
    region: IntArray
    quantity: IntArray
    unit_price_micro_usd: IntArray
    numerator: NDArray[Any]
    amount_micro_usd: IntArray
    meter: IntArray
    charge_class: IntArray
    factor_bp: IntArray
    denominator: int = SECONDS_PER_HOUR

    def __len__(self) -> int:
        return len(self.quantity)

    def amount_usd(self) -> list[str]:
        """Return `amount_micro_usd` as decimal text with 6 decimals."""
        return [format_usd(amount) for amount in self.amount_micro_usd.tolist()]


def rate(names: Names, usage: UsageTable, book: PriceBook, plans: Sequence[str] | None = None) -> LineItemTable:
    """Return the line item of every usage row, priced at the start of its hour.

    `plans` holds the price plan of each of `names.products`; by default their own codes.

    Raises:
        PriceError:  a row has no price.
        UsageError:  an index that `names` does not hold.
    """
    require_indices(names, "usage", tenant=usage.tenant, product=usage.product, region=usage.region, sku=usage.sku)
    price = book.unit_prices(names, usage, plans)
    numerator, denominator = exact_amounts(usage, price)
    return LineItemTable(
        tenant=usage.tenant,
        hour_s=usage.hour_s,
        product=usage.product,
        sku=usage.sku,
        region=usage.region,
        quantity=usage.quantity,
        unit_price_micro_usd=price,
        numerator=numerator,
        amount_micro_usd=largest_remainder_by_group(numerator, denominator, rounding_group(names, usage)),
        meter=usage.meter,
        charge_class=usage.charge_class,
        factor_bp=usage.factor_bp,
        denominator=denominator,
    )


def exact_amounts(usage: UsageTable, price: IntArray) -> tuple[NDArray[Any], int]:
    """Return quantity x price x factor of each row, and the denominator of all of them.

    The denominator stays 3,600 while every second is charged in full or not at all.
    """
    whole = usage.factor_bp == BP
    if (whole | (usage.factor_bp == 0)).all():
        return product(usage.quantity * whole, price), SECONDS_PER_HOUR
    amounts = product(usage.quantity, price)
    if int(np.abs(amounts).max()) > INT64_MAX // BP:
        amounts = amounts.astype(object)
    return amounts * usage.factor_bp, SECONDS_PER_HOUR * BP


def rounding_group(names: Names, usage: UsageTable | LineItemTable) -> IntArray:
    """Return the (tenant, month, product, sku, region, meter) that a row is rounded with, as one int64 per row."""
    month = month_numbers(names.epoch_s, usage.hour_s)
    return row_keys(usage.tenant, month, usage.product, usage.sku, usage.region, usage.meter)
