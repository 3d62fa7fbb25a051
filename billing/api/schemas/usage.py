"""Use as a tenant reads it: sums in buckets of time, the rows that they are made of, and the bill of one hour.

Exact amounts stand beside the rounded ones: those add up, whatever is put together, and the rounded ones are for show.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from billing.api.schemas.basic import Closed, Money, moment, money
from billing.currency import currency_of, round_minor, share_minor
from billing.metering.meters import METERS
from billing.money import SECONDS_PER_HOUR, Exact, floor_decimal, format_price, reduced
from billing.settling.buckets import Group, Metered, exact_sum
from billing.store.tenant_usage import HourRow

_BP_PER_PERCENT = 100
_UNITS = {meter.code: meter.unit for meter in METERS}


class ExactOut(Closed):
    """An amount before rounding: numerator / denominator, in millionths of the currency."""

    numerator: str = Field(description="Micro-units, times the denominator.", examples=["84960000"])
    denominator: str = Field(description="Above 0.", examples=["3600"])


class ExcludedOut(Closed):
    """Use that was measured and is not charged."""

    reason: str = Field(description="The charge class that makes it free.", examples=["free.preempted"])
    quantity: str = Field(description="In the unit of the meter.", examples=["7200"])


class MeteredOut(Closed):
    """Use of one meter. `measured` is `billable` and what is excluded, together."""

    meter: str = Field(description="What was metered.", examples=["gpu_s"])
    unit: str = Field(description="What quantities count.", examples=["gpu_s"])
    measured: str = Field(description="All that was used, in `unit`.", examples=["28800"])
    billable: str = Field(description="What is charged, in full or in part, in `unit`.", examples=["21600"])
    excluded: list[ExcludedOut] = Field(description="What is free, by its reason.")


class GroupOut(Closed):
    """Use under one value of each word of `group_by`; words that were not asked for are null."""

    product: str | None = Field(description="Code of the product.", examples=["bare.ondemand"])
    region: str | None = Field(description="Where it ran.", examples=["eu-1"])
    sku: str | None = Field(description="What it ran on.", examples=["h100"])
    meter: str | None = Field(description="What was metered.", examples=["gpu_s"])
    charge_class: str | None = Field(description="Why it is charged, in part, or free.", examples=["billed"])
    meters: list[MeteredOut] = Field(description="Quantities, apart by meter: different units do not add up.")
    amount: Money = Field(description="What it comes to, rounded by itself to the currency's minor unit.")
    exact: ExactOut = Field(description="The same before rounding: groups and buckets add up exactly.")


class BucketOut(Closed):
    """A bucket [from, until): an hour belongs to the one in which it begins."""

    since: str = Field(description="Its begin, RFC 3339 in UTC.", examples=["2026-11-01T00:00:00Z"])
    until: str = Field(description="Its end, not part of it.", examples=["2026-11-02T00:00:00Z"])
    closed: bool = Field(description="Whether all of its hours are closed: what comes later is a correction.")
    groups: list[GroupOut] = Field(description="What was used in it; empty where nothing was.")


class UsageOut(Closed):
    """Use in buckets: a page of them, and the sums over the whole window."""

    bucket: str = Field(description="Length of a bucket.", examples=["day"])
    time_zone: str = Field(description="Whose days, weeks and months.", examples=["Europe/Berlin"])
    group_by: list[str] = Field(description="Words that sums are apart by.", examples=[["product", "region"]])
    snapped_since: str = Field(description="Where the first bucket begins.", examples=["2026-11-01T00:00:00Z"])
    snapped_until: str = Field(description="Where the last bucket ends.", examples=["2026-12-01T00:00:00Z"])
    closed_until: str | None = Field(
        description="Hours before it are closed; null: nothing is yet.", examples=["2026-11-20T12:00:00Z"]
    )
    before: str | None = Field(
        description="The last hour before the window in which something was used; null: none.",
        examples=["2026-01-31T23:00:00Z"],
    )
    after: str | None = Field(description="The first such hour behind the window; null: none.", examples=[None])
    totals: list[GroupOut] = Field(description="The groups over all buckets of the window, not of the page alone.")
    items: list[BucketOut] = Field(description="Buckets of this page, oldest first.")
    next: str | None = Field(description="Pass it as `cursor`, with the rest of the query as it was.")


class HourLine(Closed):
    """A row of use as it is rated."""

    product: str = Field(description="Code of the product.", examples=["bare.ondemand"])
    region: str = Field(description="Where it ran.", examples=["eu-1"])
    sku: str = Field(description="What it ran on.", examples=["h100"])
    meter: str = Field(description="What was metered.", examples=["gpu_s"])
    unit: str = Field(description="What the quantity counts.", examples=["gpu_s"])
    charge_class: str = Field(description="Why it is charged, in part, or free.", examples=["billed"])
    factor_percent: str = Field(description="Part of the price that is charged, %.", examples=["100.00"])
    quantity: str = Field(description="In `unit`.", examples=["28800"])
    unit_price: str | None = Field(
        description="Price in the currency for what the price list names, a GPU-hour for GPU-seconds; null where no "
        "single price applied.",
        examples=["2.95"],
    )
    amount: Money = Field(description="Rounded to the minor unit; lines of an hour's bill add up to its total.")
    exact: ExactOut = Field(description="Before rounding.")


class HourRowOut(HourLine):
    """A row of use with its hour; its amount is rounded by itself."""

    since: str = Field(description="Begin of the hour, RFC 3339 in UTC.", examples=["2026-11-20T12:00:00Z"])
    until: str = Field(description="End of the hour, not part of it.", examples=["2026-11-20T13:00:00Z"])
    closed: bool = Field(description="Whether the hour is closed: what comes later is a correction.")


class HourBill(Closed):
    """What a tenant used in one hour and what it comes to, before contracts, credits and tax: those go by the month."""

    since: str = Field(description="Begin of the hour, RFC 3339 in UTC.", examples=["2026-11-20T12:00:00Z"])
    until: str = Field(description="End of the hour, not part of it.", examples=["2026-11-20T13:00:00Z"])
    closed: bool = Field(description="Whether the hour is closed: what comes later is a correction.")
    total: Money | None = Field(description="The sum, rounded once; null where nothing was used.")
    exact: ExactOut = Field(description="The sum before rounding.")
    lines: list[HourLine] = Field(description="Shares of the total, by largest remainder.")


def group_out(group: Group, by: Sequence[str]) -> GroupOut:
    """Return a group of sums under the words that it was asked by."""
    words = dict.fromkeys(("product", "region", "sku", "meter", "charge_class")) | dict(
        zip(by, group.words, strict=True)
    )
    return GroupOut(
        **words,
        meters=[_metered_out(each) for each in group.meters],
        amount=rounded(group.exact, group.currency),
        exact=exact_out(group.exact),
    )


def exact_out(exact: Exact) -> ExactOut:
    """Return an exact amount."""
    return ExactOut(numerator=str(exact.numerator), denominator=str(exact.denominator))


def exact_of(text: str) -> ExactOut:
    """Return an exact amount from its text, such as "84960000000/3600", in lowest terms: a denominator that it shares
    with others would tell of their meters."""
    return exact_out(exact_in(text))


def exact_in(text: str) -> Exact:
    """Return the exact amount that a text holds, in lowest terms."""
    numerator, _, denominator = text.partition("/")
    return reduced(Exact(int(numerator), int(denominator)))


def rounded(exact: Exact, code: str) -> Money:
    """Return an exact amount in micro-units, rounded by itself to the minor unit of its currency."""
    currency = currency_of(code)
    return money(code, round_minor(exact, currency) * currency.minor_micro)


def hour_row_out(row: HourRow) -> HourRowOut:
    """Return a row of use with its hour."""
    return HourRowOut(
        since=moment(row.hour_s),
        until=moment(row.hour_s + SECONDS_PER_HOUR),
        closed=bool(row.settled),
        **_line(row, rounded(_exact(row), row.currency)),
    )


def hour_bill(hour_s: int, rows: Sequence[HourRow], *, closed: bool) -> HourBill:
    """Return the bill of an hour; `rows` are all of it."""
    currency = currency_of(rows[0].currency) if rows else None
    minors = share_minor([_exact(row) for row in rows], currency) if currency else []
    shares = [money(currency.code, minor * currency.minor_micro) for minor in minors] if currency else []
    return HourBill(
        since=moment(hour_s),
        until=moment(hour_s + SECONDS_PER_HOUR),
        closed=closed,
        total=money(currency.code, sum(minors) * currency.minor_micro) if currency else None,
        exact=exact_out(exact_sum(map(_exact, rows))),
        lines=[HourLine(**_line(row, share)) for row, share in zip(rows, shares, strict=True)],
    )


def _line(row: HourRow, amount: Money) -> dict[str, Any]:
    return {
        "product": row.product,
        "region": row.region,
        "sku": row.sku,
        "meter": row.meter,
        "unit": _UNITS.get(row.meter, ""),
        "charge_class": row.charge_class,
        "factor_percent": floor_decimal(row.factor_bp, _BP_PER_PERCENT, 2),
        "quantity": str(row.quantity),
        "unit_price": None if row.unit_price_micro is None else format_price(row.unit_price_micro),
        "amount": amount,
        "exact": exact_out(_exact(row)),
    }


def _exact(row: HourRow) -> Exact:
    return Exact(int(row.numerator), int(row.denominator))


def _metered_out(metered: Metered) -> MeteredOut:
    return MeteredOut(
        meter=metered.meter,
        unit=_UNITS.get(metered.meter, ""),
        measured=str(metered.measured),
        billable=str(metered.billable),
        excluded=[ExcludedOut(reason=reason, quantity=str(much)) for reason, much in metered.excluded.items()],
    )
