"""Hourly usage x price book = line items: one per usage row, exact, with a share of the month's rounded amount."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from billing.columns import row_keys
from billing.metering.meter import UsageTable, require_indices
from billing.money import SECONDS_PER_HOUR, format_usd, largest_remainder_by_group, product
from billing.months import month_numbers
from billing.rating.prices import PriceBook
from billing.usage import IntArray, Names

UNIT = "gpu_s"


@dataclass(frozen=True, slots=True)
class LineItemTable:
    """Rated usage, (n,) columns in the order of the usage table.

    `quantity` is in GPU-seconds, `unit_price_micro_usd` per GPU-hour, so the exact amount of a row is `numerator` /
    `denominator` micro-USD. `numerator` is int64, or Python ints (dtype object) where a product would not fit.
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
    numerator = product(usage.gpu_s, price)
    return LineItemTable(
        tenant=usage.tenant,
        hour_s=usage.hour_s,
        product=usage.product,
        sku=usage.sku,
        region=usage.region,
        quantity=usage.gpu_s,
        unit_price_micro_usd=price,
        numerator=numerator,
        amount_micro_usd=largest_remainder_by_group(numerator, SECONDS_PER_HOUR, rounding_group(names, usage)),
    )


def rounding_group(names: Names, usage: UsageTable | LineItemTable) -> IntArray:
    """Return the (tenant, month, product, sku, region) that a row's rounding belongs to, as one int64 per row."""
    month = month_numbers(names.epoch_s, usage.hour_s)
    return row_keys(usage.tenant, month, usage.product, usage.sku, usage.region)
