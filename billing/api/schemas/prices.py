"""Prices: models and quantities to amounts, quotes, and the price book as a tenant may see it."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from billing.api.schemas.basic import PLAIN, Closed, Id, Money, money
from billing.api.schemas.usage import ExactOut, exact_out
from billing.currency import CURRENCIES, Currency
from billing.metering.meters import METER_CODES
from billing.money import ROUNDINGS, Exact, floor_decimal, format_price
from billing.rating.charge import Step, Units
from billing.rating.price_row import ANY, Model

ITEMS_MAX, EVENTS_MAX, TIERS_MAX = 100, 1_000, 100
Decimal = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$")]
Code = Annotated[str, StringConstraints(pattern="^(" + "|".join(CURRENCIES) + ")$")]
_Time = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9TtZz:.+-]+$")]
_Count = Annotated[int, Field(ge=0, le=10**9)]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PLAIN)]


class TierIn(Closed):
    """One tier of a price; its bound belongs to it. The last one has none."""

    up_to: Decimal | None = Field(default=None, description="Units up to which it reaches.", examples=["100"])
    unit_price: Decimal | None = Field(default=None, description="Per unit, in the currency.", examples=["2.95"])
    rate_percent: Decimal | None = Field(default=None, description="Of graduated_percentage, %.", examples=["1.5"])
    flat: Decimal | None = Field(default=None, description="Due once the tier is reached.", examples=["10"])
    block_size: Decimal | None = Field(default=None, description="Units of a block.", examples=["10"])
    max_blocks: Annotated[int, Field(ge=1, le=10**9)] | None = Field(default=None, description="Blocks of the tier.")
    price: Decimal | None = Field(default=None, description="Of a block that was begun.", examples=["2"])


class ConvertIn(Closed):
    """Units are multiplied or divided, and rounded to whole ones, before they are priced."""

    op: Literal["multiply", "divide"] = Field(description="What is done with `factor`.", examples=["divide"])
    factor: Decimal = Field(description="Above 0.", examples=["1000"])
    rounding: Literal["none", "ceiling", "floor", "half_up"] = Field(default="none", description="To whole units.")


class SeriesIn(Closed):
    """A step of a series of prices."""

    since: _Time = Field(description="From when it holds, RFC 3339.", examples=["2026-11-01T00:00:00Z"])
    unit_price: Decimal = Field(description="Per unit.", examples=["1.20"])


class PriceIn(Closed):
    """A price model: `model` says which of the other fields it needs."""

    model: Model = Field(default="standard", description="How units become money.", examples=["graduated"])
    unit_price: Decimal | None = Field(default=None, description="Of standard: per unit.", examples=["2.95"])
    tiers: Annotated[list[TierIn], Field(max_length=TIERS_MAX)] = Field(default=[], description="Of models with tiers.")
    series: Annotated[list[SeriesIn], Field(max_length=TIERS_MAX)] = Field(default=[], description="Of dynamic.")
    package_size: Decimal | None = Field(default=None, description="Of package: units in one.", examples=["100"])
    package_price: Decimal | None = Field(default=None, description="Of package: for each begun.", examples=["5"])
    rate_percent: Decimal | None = Field(default=None, description="Of percentage, %.", examples=["2.5"])
    fixed_per_event: Decimal | None = Field(default=None, description="Of percentage.", examples=["0.10"])
    free_events: _Count | None = Field(default=None, description="Of percentage: so many pay no fee.")
    min_per_event: Decimal | None = Field(default=None, description="Of percentage.", examples=["0.05"])
    max_per_event: Decimal | None = Field(default=None, description="Of percentage.", examples=["5"])
    convert: ConvertIn | None = Field(default=None, description="Done to the units first.")
    free_units: Decimal | None = Field(default=None, description="Units without charge.", examples=["50"])
    discount_bp: Annotated[int, Field(ge=0, le=10_000)] | None = Field(
        default=None, description="Off the amount, in 0.01 %.", examples=[1500]
    )
    minimum: Decimal | None = Field(default=None, description="Least amount.", examples=["10"])
    maximum: Decimal | None = Field(default=None, description="Most.", examples=["1000"])


class QuantityIn(Closed):
    """What was used, in priced units: GPU-hours, millions of tokens, calls."""

    units: Decimal | None = Field(default=None, description="All of it; null: the sum of `values`.", examples=["150"])
    events: _Count | None = Field(default=None, description="How many events it came in; null: as `values` are.")
    values: Annotated[list[Decimal], Field(max_length=EVENTS_MAX)] = Field(
        default=[], description="Units of each event."
    )
    tier_units: Decimal | None = Field(
        default=None,
        description="The quantity that picks the tier, where that is another: a whole month's, for a part.",
    )
    at: _Time | None = Field(
        default=None, description="When, for a series of prices.", examples=["2026-11-01T05:00:00Z"]
    )


class RatePreview(Closed):
    """A price model and quantities. Each quantity is a line, rated by itself; lines are rounded together."""

    price: PriceIn = Field(description="How units become money.")
    quantities: Annotated[list[QuantityIn], Field(min_length=1, max_length=ITEMS_MAX)] = Field(
        description="One line each."
    )
    currency: Code = Field(default="USD", description="ISO 4217.", examples=["USD"])
    rounding: Literal[tuple(ROUNDINGS)] | None = Field(  # type: ignore[valid-type]
        default=None, description="To the minor unit; null: as documents of the currency."
    )
    month_share: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,4}/[0-9]{1,4}$")] = Field(
        default="1/1", description="Part of a month that fees, minimum and maximum are for.", examples=["10/31"]
    )


class StepOut(Closed):
    """A step of a calculation: the exact amounts of all steps add up to the line's."""

    what: str = Field(description="Which step.", examples=["tier 1"])
    units: str = Field(description="Priced units of this step, as a fraction.", examples=["100/1"])
    price: str | None = Field(description="Of one unit; null where the step is no product.", examples=["2.95"])
    exact: ExactOut = Field(description="Before rounding.")


class RatedLine(Closed):
    """What a quantity comes to."""

    steps: list[StepOut] = Field(description="How it comes about.")
    exact: ExactOut = Field(description="Before rounding.")
    amount: Money = Field(description="Rounded: lines add up to the total, by largest remainder.")


class Rated(Closed):
    """What quantities come to under a price."""

    lines: list[RatedLine] = Field(description="In the order of the quantities.")
    exact: ExactOut = Field(description="The sum before rounding.")
    total: Money = Field(description="The sum, rounded once.")


class QuoteMeter(Closed):
    """Use of a meter beside GPU time."""

    meter: Literal[METER_CODES] = Field(  # type: ignore[valid-type]
        description="What is counted.", examples=["tokens_out"]
    )
    units: Decimal = Field(description="In priced units: millions of tokens.", examples=["12.5"])
    events: _Count | None = Field(default=None, description="How many events, for prices per event.")


class WantedQuote(Closed):
    """What would be used in a month. `gpus` times `hours` are the GPU-hours."""

    product: Id = Field(description="Code of the product.", examples=["bare.ondemand"])
    region: _Word = Field(default=ANY, description="Where; * is any.", examples=["eu-1"])
    sku: _Word = Field(description="Kind of GPU.", examples=["h100"])
    gpus: Annotated[int, Field(ge=0, le=1_000_000)] = Field(default=0, description="Held at a time.", examples=[8])
    hours: Annotated[int, Field(ge=0, le=744)] = Field(default=0, description="Hours of the month.", examples=[720])
    meters: Annotated[list[QuoteMeter], Field(max_length=20)] = Field(default=[], description="Beside GPU time.")
    at: _Time | None = Field(default=None, description="When, RFC 3339; null: now.", examples=["2026-11-01T00:00:00Z"])


class QuoteLine(Closed):
    """A meter of the quote, step by step."""

    meter: str = Field(description="What is counted.", examples=["gpu_s"])
    price_unit: str = Field(description="What a price is for.", examples=["GPU-hour"])
    model: str = Field(description="Price model.", examples=["standard"])
    steps: list[StepOut] = Field(description="How it comes about.")
    exact: ExactOut = Field(description="Before rounding.")
    net: Money = Field(description="Rounded: lines add up to the net, by largest remainder.")
    tax_percent: str = Field(description="Rate of tax, %.", examples=["19.00"])
    tax: Money = Field(description="Its tax.")


class QuoteOut(Closed):
    """What a month with this use and no other would cost. Nothing is kept and nothing reserved; contracts, credits and
    wallets are not in it."""

    at: str = Field(description="Prices of this time.", examples=["2026-11-01T00:00:00Z"])
    valid_until: str | None = Field(description="When a price changes next, as far as is known; null: no change is.")
    lines: list[QuoteLine] = Field(description="One for each meter.")
    net: Money = Field(description="Sum of the lines.")
    tax: Money = Field(description="Sum of their tax.")
    total: Money = Field(description="Net and tax.")


def step_out(step: Step) -> StepOut:
    """Return a step."""
    price = None if step.price_micro is None else format_price(step.price_micro)
    return StepOut(what=step.what, units=_fraction(step.units), price=price, exact=exact_out(step.amount))


def rated(lines: Sequence[tuple[tuple[Step, ...], Exact]], minors: Sequence[int], whole: Exact, by: Currency) -> Rated:
    """Return lines with their shares of the rounded sum, in minor units."""
    return Rated(
        lines=[
            RatedLine(
                steps=[step_out(step) for step in steps],
                exact=exact_out(exact),
                amount=money(by.code, minor * by.minor_micro),
            )
            for (steps, exact), minor in zip(lines, minors, strict=True)
        ],
        exact=exact_out(whole),
        total=money(by.code, sum(minors) * by.minor_micro),
    )


def percent(tax_bp: int) -> str:
    """Return basis points as percent."""
    return floor_decimal(tax_bp, 100, 2)


def _fraction(units: Units) -> str:
    return f"{units.numerator}/{units.denominator}"
