"""The price book as a tenant may see it, and the terms of the house as operators set them."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from billing.api.schemas.basic import Closed, moment
from billing.api.schemas.prices import ConvertIn, SeriesIn
from billing.api.schemas.sources import TERMS_CHARS_MAX
from billing.metering.meters import METER_CODES, METERS
from billing.money import format_price
from billing.rating.price_row import PriceRow


class TierOut(Closed):
    """A tier of a price."""

    up_to: str | None = Field(description="Units up to which it reaches.", examples=["100"])
    unit_price: str | None = Field(description="Per unit.", examples=["2.95"])
    rate_percent: str | None = Field(description="%.", examples=["1.5"])
    flat: str | None = Field(description="Due once it is reached.", examples=["10"])
    block_size: str | None = Field(description="Units of a block.", examples=["10"])
    max_blocks: int | None = Field(description="Blocks of the tier.", examples=[5])
    price: str | None = Field(description="Of a block.", examples=["2"])


class PriceOut(Closed):
    """A dated price: what is left out has its usual value."""

    plan: str = Field(description="Price plan: that of the products in `products`.", examples=["bare.ondemand"])
    products: list[str] = Field(
        description="Codes of products that it prices; none: any.", examples=[["bare.ondemand"]]
    )
    sku: str = Field(description="Kind of GPU; * is any.", examples=["h100"])
    region: str = Field(description="Where; * is any.", examples=["*"])
    meter: str = Field(description="What is counted.", examples=["gpu_s"])
    price_unit: str = Field(description="What a price is for.", examples=["GPU-hour"])
    since: str = Field(description="From when it holds, RFC 3339 in UTC.", examples=["2026-01-01T00:00:00Z"])
    until: str | None = Field(description="Until when; null: until a later one of its kind.")
    model: str = Field(description="Price model.", examples=["standard"])
    unit_price: str | None = Field(description="Per unit, of standard.", examples=["2.95"])
    tiers: list[TierOut] = Field(description="Of models with tiers.")
    series: list[SeriesIn] = Field(description="Of dynamic.")
    package_size: str | None = Field(description="Of package.", examples=["100"])
    package_price: str | None = Field(description="Of package.", examples=["5"])
    rate_percent: str | None = Field(description="Of percentage, %.", examples=["2.5"])
    fixed_per_event: str | None = Field(description="Of percentage.", examples=["0.10"])
    free_events: int = Field(description="Of percentage.", examples=[0])
    min_per_event: str | None = Field(description="Of percentage.", examples=["0.05"])
    max_per_event: str | None = Field(description="Of percentage.", examples=["5"])
    free_units: str = Field(description="Units without charge.", examples=["0"])
    convert: ConvertIn | None = Field(description="Done to the units first.")
    discount_bp: int = Field(description="Off the amount, in 0.01 %.", examples=[0])
    minimum: str | None = Field(description="Least amount of a month.", examples=["10"])
    maximum: str | None = Field(description="Most of a month.", examples=["1000"])
    proration: str = Field(description="How fees of a part of a month are reckoned.", examples=["none"])


class PriceBookHead(Closed):
    """A version of the price book."""

    version: int = Field(description="Counts from 1; 0: as the house began.", examples=[3])
    created: str | None = Field(description="RFC 3339 in UTC.", examples=["2026-11-01T09:00:00Z"])
    current: bool = Field(description="Whether it is the one in force.")


class PriceBookOut(Closed):
    """The prices of a version that the tenant may see: those of everybody, and those of its own contracts."""

    version: int = Field(description="Counts from 1; 0: as the house began.", examples=[3])
    currency: str = Field(description="Of all prices, ISO 4217.", examples=["USD"])
    rounding: str = Field(description="Of documents.", examples=["HALF_UP"])
    prices: list[PriceOut] = Field(description="In the order of the book: the most exact fit holds, then the latest.")


class TermsText(Closed):
    """The terms of the house: prices, taxes, products, tenants and what was agreed with them."""

    terms: Annotated[str, StringConstraints(min_length=1, max_length=TERMS_CHARS_MAX)] = Field(
        description="The text of a terms file, TOML.", examples=['currency = "USD"']
    )


class TermsKept(Closed):
    """The terms in force, or those that were kept just now. The `ETag` is for `If-Match`."""

    version: int = Field(description="Counts from 1; 0: as the log's sources were noted.", examples=[3])
    hash: str = Field(description="Hex SHA-256 of the text.", examples=["0" * 64])
    created: str | None = Field(description="RFC 3339 in UTC.", examples=["2026-11-01T09:00:00Z"])
    terms: str = Field(description="The text.", examples=['currency = "USD"'])


def price_out(row: PriceRow, products: list[str]) -> PriceOut:
    """Return a dated price."""
    plain = ("package_size", "package_price", "rate_percent", "min_per_event", "max_per_event", "minimum", "maximum")
    price = row.unit_price if row.usd_per_gpu_hour is None else row.usd_per_gpu_hour
    return PriceOut(
        plan=row.product,
        products=products,
        sku=row.sku,
        region=row.region,
        meter=row.meter,
        price_unit=METERS[METER_CODES.index(row.meter)].price_unit,
        since=moment(row.from_unix_s),
        until=None if row.until is None else moment(row.until_unix_s),
        model=row.model,
        unit_price=_text(price),
        tiers=[TierOut(**_texts(tier.model_dump())) for tier in row.tiers],
        series=[SeriesIn(since=moment(at_s), unit_price=format_price(micro)) for at_s, micro in row.series_micro],
        free_events=row.free_events,
        convert=None if row.convert is None else ConvertIn(**_texts(row.convert.model_dump())),
        discount_bp=row.discount_bp,
        proration=row.proration,
        fixed_per_event=str(row.fixed_per_event),
        free_units=str(row.free_units),
        **{name: _text(getattr(row, name)) for name in plain},
    )


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value if name == "max_blocks" else _text(value) for name, value in values.items()}


def _text(value: str | int | None) -> str | None:
    return None if value is None else str(value)
