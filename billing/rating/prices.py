"""The price book: dated prices by product, SKU and region. An unknown price is an error, never 0.

A row applies from its `from` until a later row of the same key takes over. `"*"` stands for any product, SKU or region.
For an hour, the row is chosen among those that apply at the start of that hour: the most specific first (a named
product outweighs a named SKU, which outweighs a named region), then the latest `from`. Products are looked up under
their price plan, which is their own code unless the registry says otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np
from pydantic import ConfigDict, Field, field_validator

from billing.columns import group_rows
from billing.errors import BillingError, PriceError
from billing.metering.meter import UsageTable
from billing.money import parse_usd
from billing.months import parse_utc, utc_text
from billing.toml_rows import read_row
from billing.usage import IntArray, Names
from tenants.model import Confidence, Record, Title

ANY = "*"


class PriceRow(Record):
    """One `[[price]]` table. Text is kept as written; `from_unix_s` and `micro_usd` are what it means."""

    model_config = ConfigDict(populate_by_name=True)

    product: str = Field(min_length=1)
    sku: str = Field(min_length=1)
    region: str = Field(default=ANY, min_length=1)
    from_: str = Field(alias="from", description="RFC 3339 time from which the price applies")
    usd_per_gpu_hour: str | int = Field(description="decimal string (at most 6 decimals) or whole USD; 0 is a price")
    source: Title = "not stated"
    as_of: str = ""
    confidence: Confidence = "guess"

    @field_validator("from_", mode="before")
    @classmethod
    def _readable_time(cls, value: object) -> object:
        text = value.isoformat() if isinstance(value, datetime) else value  # TOML has times of its own
        if isinstance(text, str):
            _as_value_error(parse_utc, text)
        return text

    @field_validator("usd_per_gpu_hour", mode="before")
    @classmethod
    def _exact_price(cls, value: object) -> object:
        _as_value_error(parse_usd, value)
        return value

    @property
    def from_unix_s(self) -> int:
        return parse_utc(self.from_)

    @property
    def micro_usd(self) -> int:
        """Price of one GPU-hour in micro-USD."""
        return parse_usd(self.usd_per_gpu_hour)


@dataclass(frozen=True, slots=True)
class PriceBook:
    """Price rows, checked against each other. Make one with `from_rows` or `from_mappings`."""

    rows: tuple[PriceRow, ...]

    @classmethod
    def from_rows(cls, rows: Sequence[PriceRow], *, file: str | None = None) -> Self:
        """Return a book of `rows`.

        Raises:
            PriceError: two rows share product, sku, region and time.
        """
        seen: dict[tuple[str, str, str, int], int] = {}
        for number, row in enumerate(rows):
            first = seen.setdefault((row.product, row.sku, row.region, row.from_unix_s), number)
            if first != number:
                raise PriceError(
                    f"same product, sku, region and time as price[{first}]",
                    code="duplicate",
                    file=file,
                    path=f"price[{number}]",
                    found=f"{row.product}, {row.sku}, {row.region}, {row.from_}",
                )
        return cls(tuple(rows))

    @classmethod
    def from_mappings(cls, rows: Sequence[Mapping[str, Any]], *, file: str | None = None) -> Self:
        """Return a book of rows as TOML or JSON gives them.

        Raises:
            PriceError: naming the row, the key, what was found and what is allowed.
        """
        return cls.from_rows(
            [read_row(PriceRow, row, f"price[{number}]", file) for number, row in enumerate(rows)], file=file
        )

    def row_at(self, product: str, sku: str, region: str, at_unix_s: int) -> PriceRow:
        """Return the row that prices one GPU-hour at a time. `product` is a price plan.

        Raises:
            PriceError: no row applies.
        """
        applying = [row for row in self._matching(product, sku, region) if row.from_unix_s <= at_unix_s]
        if not applying:
            raise _unknown(product, sku, region, at_unix_s)
        return max(applying, key=lambda row: (_specificity(row), row.from_unix_s))

    def unit_prices(self, names: Names, usage: UsageTable, plans: Sequence[str] | None = None) -> IntArray:
        """Return the price of each row of `usage` at the start of its hour, (n,) int64 micro-USD per GPU-hour.

        `plans` holds the price plan of each of `names.products`; by default their own codes.

        Raises:
            PriceError: a row has no price.
        """
        at_unix_s = names.epoch_s + usage.hour_s
        prices = np.empty(len(usage), dtype=np.int64)
        order, first = group_rows(usage.product, usage.sku, usage.region)
        for rows in np.split(order, first[1:]) if len(first) else ():
            some = rows[0]
            plan = (names.products if plans is None else plans)[usage.product[some]]
            key = plan, names.skus[usage.sku[some]], names.regions[usage.region[some]]
            change_s, micro_usd = self._timeline(*key)
            step = np.searchsorted(change_s, at_unix_s[rows], side="right") - 1
            if step.min() < 0:
                raise _unknown(*key, int(at_unix_s[rows].min()))
            prices[rows] = micro_usd[step]
        return prices

    def unmatched(self, names: Names, plans: Sequence[str] | None = None) -> list[PriceRow]:
        """Return the rows that name a product, SKU or region outside `names`: a general book, or a slip of the pen."""
        products = {ANY, *(names.products if plans is None else plans)}
        skus, regions = {ANY, *names.skus}, {ANY, *names.regions}
        return [
            row for row in self.rows if row.product not in products or row.sku not in skus or row.region not in regions
        ]

    def _matching(self, product: str, sku: str, region: str) -> list[PriceRow]:
        return [
            row
            for row in self.rows
            if row.product in (product, ANY) and row.sku in (sku, ANY) and row.region in (region, ANY)
        ]

    def _timeline(self, product: str, sku: str, region: str) -> tuple[IntArray, IntArray]:
        """Return (times of change, ascending; the price from each on); both empty when no row can ever apply.

        One pass, since a spot series may bring a row per hour: the latest price of each specificity is kept, and the
        most specific of them holds. Of rows with one time, the last entry holds, as all of them have been seen by then.
        """
        latest: dict[tuple[bool, bool, bool], int] = {}
        change_s, price = [], []
        for row in sorted(self._matching(product, sku, region), key=lambda row: row.from_unix_s):
            latest[_specificity(row)] = row.micro_usd
            change_s.append(row.from_unix_s)
            price.append(latest[max(latest)])
        return np.array(change_s, dtype=np.int64), np.array(price, dtype=np.int64)


def _specificity(row: PriceRow) -> tuple[bool, bool, bool]:
    return row.product != ANY, row.sku != ANY, row.region != ANY


def _unknown(product: str, sku: str, region: str, at_unix_s: int) -> PriceError:
    what = f"no price for product {product}, sku {sku}, region {region} at {utc_text(at_unix_s)}"
    allowed = "a [[price]] row that applies; a price of 0 must be written down"
    return PriceError(what, code="unknown_price", allowed=allowed)


def _as_value_error(parse: Any, value: object) -> None:
    """Call `parse` for its refusal only, in the one form of error that pydantic takes from a validator."""
    try:
        parse(value)
    except BillingError as error:
        raise ValueError(f"{error.message}; write {error.allowed}") from None
