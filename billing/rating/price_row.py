"""One `[[price]]` table: who pays what, from when until when, and by which price model.

Amounts and unit numbers are decimal text (at most 6 decimals) or whole numbers, kept as they are written; `plan` is
what they mean, in whole micro-units and exact fractions. A price is per `price_unit` of the meter: a GPU-hour, a
million tokens, a call, a GB. Which keys a model needs and takes is in `billing.rating.row_check`.
"""

from datetime import datetime
from fractions import Fraction
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator

from billing.errors import BillingError
from billing.metering.meters import GPU_S, METER_CODES, METERS
from billing.money import BP, parse_percent, parse_units, parse_usd
from billing.months import parse_utc
from billing.rating.plan import Plan, Rung
from tenants.model import BasisPoints, Confidence, Record, Title

ANY = "*"
NEVER_S = 253_370_764_800  # the year 9999: a price without an end
Number = str | int
Key = tuple[str, str, str, str]  # product or price plan, SKU, region, meter
Model = Literal[
    "standard",
    "graduated",
    "volume",
    "package",
    "percentage",
    "graduated_percentage",
    "block_all_tiers",
    "block_top_tier",
    "dynamic",
]


class Tier(Record):
    """One row of `tiers`. Bounds are inclusive; without `up_to` or `max_blocks` a tier has no end."""

    up_to: Number | None = None
    unit_price: Number | None = None
    rate_percent: Number | None = None
    flat: Number = 0
    block_size: Number | None = None
    max_blocks: Annotated[int, Field(ge=1)] | None = None
    price: Number | None = None


class Convert(Record):
    """Units are multiplied or divided by `factor` and rounded to whole ones before anything else is done to them."""

    op: Literal["multiply", "divide"]
    factor: Number
    rounding: Literal["none", "ceiling", "floor", "half_up"] = "none"


class SeriesStep(Record):
    """A step of a series of prices: `unit_price` holds for hours that start at `from` or later."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    unit_price: Number

    @field_validator("from_", mode="before")
    @classmethod
    def _readable_time(cls, value: object) -> object:
        return readable_time(value)


class PriceRow(Record):
    """One `[[price]]` table. Text is kept as written; the properties are what it means."""

    model_config = ConfigDict(populate_by_name=True)

    product: str = Field(min_length=1)
    sku: str = Field(min_length=1)
    region: str = Field(default=ANY, min_length=1)
    meter: Literal[METER_CODES] = METER_CODES[GPU_S]  # type: ignore[valid-type]
    from_: str = Field(alias="from", description="RFC 3339 time from which the price applies")
    until: str | None = Field(default=None, description="RFC 3339 time; without it until a later row of the same key")
    model: Model = "standard"
    usd_per_gpu_hour: Number | None = Field(
        default=None, description="decimal string (at most 6 decimals) or whole USD; 0 is a price"
    )
    unit_price: Number | None = Field(default=None, description="the same in the currency of the terms, per price unit")
    tiers: Annotated[tuple[Tier, ...], Field(strict=False)] = ()
    series: Annotated[tuple[SeriesStep, ...], Field(strict=False)] = ()
    package_size: Number | None = None
    package_price: Number | None = None
    rate_percent: Number | None = None
    fixed_per_event: Number = 0
    free_events: Annotated[int, Field(ge=0)] = 0
    min_per_event: Number | None = None
    max_per_event: Number | None = None
    convert: Convert | None = None
    free_units: Number = 0
    discount_bp: BasisPoints = 0
    minimum: Number | None = None
    maximum: Number | None = None
    proration: Literal["none", "days", "fixed_30_days", "hours"] = "none"
    source: Title = "not stated"
    as_of: str = ""
    confidence: Confidence = "guess"

    @field_validator("from_", "until", mode="before")
    @classmethod
    def _readable_time(cls, value: object) -> object:
        return readable_time(value)

    @field_validator("usd_per_gpu_hour", mode="before")
    @classmethod
    def _exact_price(cls, value: object) -> object:
        as_value_error(parse_usd, value)
        return value

    @cached_property
    def from_unix_s(self) -> int:
        """First second in which the price applies."""
        return parse_utc(self.from_)

    @cached_property
    def until_unix_s(self) -> int:
        """First second in which it no longer does; `NEVER_S` if no end is stated."""
        return NEVER_S if self.until is None else parse_utc(self.until)

    @cached_property
    def per(self) -> int:
        """Base units of the meter in one priced unit: 3,600 GPU-seconds in a GPU-hour."""
        return METERS[METER_CODES.index(self.meter)].per

    @cached_property
    def micro_usd(self) -> int:
        """Price of one unit in micro-units of the currency; of a model with tiers or packages, that of its first unit.

        What the market side asks for, where a price must be one number. Rounded down for packages.
        """
        rung, factor = self.plan.rungs[0], self.plan.factor
        per_unit = Fraction(rung.price_micro * rung.block.denominator, rung.block.numerator or 1) * factor
        return int(per_unit * (BP - self.discount_bp) // BP)

    def micro_at(self, at_unix_s: int) -> int:
        """Return `micro_usd` at a time: of a series, the price of the latest step."""
        return max(
            ((from_s, micro) for from_s, micro in self.series_micro if from_s <= at_unix_s), default=(0, self.micro_usd)
        )[1]

    @cached_property
    def is_linear(self) -> bool:
        """Whether an hour costs its quantity times one price, whatever else was used in the month."""
        return self.model in ("standard", "dynamic") and self.plan.is_plain

    @cached_property
    def series_micro(self) -> tuple[tuple[int, int], ...]:
        """(Unix time from which, price in micro-units) of each step of a series."""
        return tuple((parse_utc(step.from_), parse_usd(step.unit_price)) for step in self.series)

    @cached_property
    def plan(self) -> Plan:
        """The row in integers and fractions. Raises BillingError for a number that is not exact."""
        convert = self.convert
        factor = Fraction(1) if convert is None else parse_units(convert.factor)
        if convert is not None and convert.op == "divide":
            factor = Fraction(factor.denominator, factor.numerator)
        return Plan(
            model=self.model,
            rungs=_rungs(self),
            factor=factor,
            rounding="none" if convert is None else convert.rounding,
            free_units=parse_units(self.free_units),
            fixed_per_event_micro=parse_usd(self.fixed_per_event),
            free_events=self.free_events,
            min_per_event_micro=_micro(self.min_per_event),
            max_per_event_micro=_micro(self.max_per_event),
            discount_bp=self.discount_bp,
            minimum_micro=_micro(self.minimum),
            maximum_micro=_micro(self.maximum),
        )


def key_of(row: PriceRow) -> Key:
    """Return what a row prices: rows of one key follow each other in time."""
    return row.product, row.sku, row.region, row.meter


def readable_time(value: object) -> object:
    """Return a time as text, checked. Raises ValueError, as pydantic wants it from a validator."""
    text = value.isoformat() if isinstance(value, datetime) else value  # TOML has times of its own
    if isinstance(text, str):
        as_value_error(parse_utc, text)
    return text


def as_value_error(parse: Any, value: object) -> None:
    """Call `parse` for its refusal only, in the one form of error that pydantic takes from a validator."""
    try:
        parse(value)
    except BillingError as error:
        raise ValueError(f"{error.message}; write {error.allowed}") from None


def _rungs(row: PriceRow) -> tuple[Rung, ...]:
    """Return the tiers of a row; a model without tiers has one that never ends."""
    if row.model == "package":
        return (Rung(None, parse_usd(row.package_price), Fraction(0), parse_units(row.package_size)),)
    if row.model == "percentage":
        return (Rung(None, parse_percent(row.rate_percent), Fraction(0)),)
    if row.model == "dynamic":
        return (Rung(None, row.series_micro[0][1], Fraction(0)),)
    if row.model == "standard":
        price = row.unit_price if row.usd_per_gpu_hour is None else row.usd_per_gpu_hour
        return (Rung(None, parse_usd(price), Fraction(0)),)
    if row.model in ("block_all_tiers", "block_top_tier"):
        return _block_rungs(row.tiers)
    percent = row.model == "graduated_percentage"
    return tuple(
        Rung(
            None if tier.up_to is None else parse_units(tier.up_to),
            parse_percent(tier.rate_percent) if percent else parse_usd(tier.unit_price),
            Fraction(parse_usd(tier.flat)),
        )
        for tier in row.tiers
    )


def _block_rungs(tiers: tuple[Tier, ...]) -> tuple[Rung, ...]:
    """Return tiers of blocks. The last one also takes what lies past its end: nothing that was used goes unbilled."""
    rungs, end = [], Fraction(0)
    for number, tier in enumerate(tiers, start=1):
        size = parse_units(tier.block_size)
        end += size * (tier.max_blocks or 0)
        rungs.append(Rung(None if number == len(tiers) else end, parse_usd(tier.price), Fraction(0), size))
    return tuple(rungs)


def _micro(value: Number | None) -> Fraction | None:
    return None if value is None else Fraction(parse_usd(value))
