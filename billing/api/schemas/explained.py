"""The draft of a month with a forecast, and why a line is what it is, down to who held what and the events of that."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field

from billing.api.schemas.basic import Closed, Money, moment, money, money_told
from billing.api.schemas.prices import StepOut, percent, step_out
from billing.api.schemas.usage import ExactOut, exact_of, exact_out
from billing.closing.explain import Explanation, HourPart, faults_of
from billing.currency import currency_of, round_minor
from billing.log.event import Event, data_of
from billing.money import SECONDS_PER_HOUR, Exact, format_price, parse_signed
from billing.months import month_bounds, parse_month


class DraftLine(Closed):
    """A line of a draft: what it would be if the month were over."""

    number: int = Field(description="Its place.", examples=[1])
    kind: str = Field(description="What it is for.", examples=["usage"])
    description: str = Field(description="For people.", examples=["bare.ondemand, h100 in eu-1"])
    product: str | None = Field(description="Code of the product.", examples=["bare.ondemand"])
    sku: str | None = Field(description="What it ran on.", examples=["h100"])
    region: str | None = Field(description="Where it ran.", examples=["eu-1"])
    quantity: str | None = Field(description="In `unit`.", examples=["28800"])
    unit: str | None = Field(description="What the quantity counts.", examples=["GPU-s"])
    unit_price: str | None = Field(description="In the currency; null where no single price applied.")
    exact: ExactOut = Field(description="Before rounding.")
    net: Money = Field(description="Rounded: lines add up to the net.")
    tax_percent: str = Field(description="Rate of tax, %.", examples=["19.00"])
    tax: Money = Field(description="Its tax.")


class ForecastOut(Closed):
    """What the month comes to if it goes on so: total x hours of the month / hours that are closed, rounded once."""

    hours: int = Field(description="Hours of the month.", examples=[720])
    closed_hours: int = Field(description="Those that are closed.", examples=[480])
    total: Money = Field(description="At the end of the month, with tax.")


class DraftOut(Closed):
    """The invoice of a month as far as it has come. Nothing of it is issued."""

    period: str = Field(description="The month, UTC.", examples=["2026-11"])
    as_of: str | None = Field(description="Hours before it are closed, RFC 3339 in UTC.")
    net: Money = Field(description="Sum of the lines.")
    tax: Money = Field(description="Sum of their tax.")
    total: Money = Field(description="Net and tax.")
    lines: list[DraftLine] = Field(description="In the order of the invoice.")
    forecast: ForecastOut | None = Field(description="Null before an hour of the month is closed.")


class HoldingOut(Closed):
    """Who held GPUs in an hour of a line."""

    allocation: str = Field(description="Id of the allocation's first event, without its ending.")
    gpus: int = Field(description="Held at once.", examples=[8])
    since: str = Field(description="RFC 3339 in UTC.", examples=["2026-11-01T00:00:00Z"])
    until: str = Field(description="RFC 3339 in UTC.", examples=["2026-11-01T01:00:00Z"])
    quantity: str = Field(description="GPU-seconds in this line.", examples=["28800"])
    elsewhere: str = Field(description="GPU-seconds of it that are charged on another line.", examples=["0"])


class HourOut(Closed):
    """An hour of a line: quantity x price x part that is charged."""

    since: str = Field(description="Its begin, RFC 3339 in UTC.", examples=["2026-11-01T00:00:00Z"])
    quantity: str = Field(description="In the unit of the line.", examples=["28800"])
    unit_price: str | None = Field(description="Null where tiers are shared.", examples=["2.95"])
    charge_class: str | None = Field(
        description="Why it is charged, in part, or free; null where the document alone tells.", examples=["billed"]
    )
    factor_percent: str = Field(description="Part of the price that is charged, %.", examples=["100.00"])
    exact: ExactOut = Field(description="Before rounding.")
    holdings: list[HoldingOut] = Field(description="Who held it; their quantities add up to that of the hour.")


class RoundingOut(Closed):
    """How the net amount came about, in minor units: the floor, and one more for the largest remainders."""

    floor: str = Field(description="Whole minor units.", examples=["6796"])
    remainder: ExactOut = Field(description="Below one minor unit.")
    extra: bool = Field(description="Whether it got one more.")
    rank: int = Field(description="Place of the remainder among `lines`; 0: was not rounded here.", examples=[1])
    missing: int = Field(description="So many lines got one more.", examples=[1])
    lines: int = Field(description="Lines that were rounded together.", examples=[3])


class CauseOut(Closed):
    """An event of the tenant's that an allocation of the line comes from."""

    id: str = Field(description="As in the list of events.")
    type: str = Field(description="What happened.", examples=["allocation.started"])
    time: str = Field(description="RFC 3339 in UTC.", examples=["2026-11-01T00:00:00Z"])
    allocation: str = Field(description="Which it is of, as the holdings name it.", examples=["acme-ondemand-0001"])


class ExplainedOut(Closed):
    """Why a line is what it is: the line to its hours, the hours to who held what, that to events."""

    invoice: str | None = Field(description="Number; null: a draft.", examples=["acme-000007"])
    period: str = Field(description="The month, UTC.", examples=["2026-11"])
    line: int = Field(description="Its number.", examples=[1])
    kind: str = Field(description="What it is for.", examples=["usage"])
    description: str = Field(description="For people.")
    explained: bool = Field(
        description="Whether the tenant's own events come to this very line; else it is only what is said of it."
    )
    why_not: str | None = Field(
        description="What the line rests on beside the tenant's own events; null where it is explained.",
        examples=["capacity of the contract that others held meanwhile"],
    )
    exact: ExactOut = Field(description="Before rounding.")
    net: Money = Field(description="Rounded.")
    tax_percent: str = Field(description="Rate of tax, %.", examples=["19.00"])
    tax: Money = Field(description="Its tax.")
    quantity: str | None = Field(description="In `unit`.", examples=["28800"])
    unit: str | None = Field(description="What the quantity counts.", examples=["GPU-s"])
    steps: list[StepOut] = Field(description="From units to the exact amount.")
    rounding: RoundingOut | None = Field(description="From the exact amount to the net.")
    hours: list[HourOut] = Field(description="Oldest first; their exact amounts add up to the line's.")
    events: list[CauseOut] = Field(description="What the holdings come from.")
    adds_up: bool = Field(description="Whether holdings, hours and steps add up to the line.")
    faults: list[str] = Field(description="Where they do not.")


def draft_out(period: str, paper: Mapping[str, Any], closed_s: int | None) -> DraftOut:
    """Return the draft of a month from its paper. `closed_s`: hours before this Unix second are closed."""
    code = paper["currency"]
    total_micro = parse_signed(paper["total"])
    return DraftOut(
        period=period,
        as_of=None if closed_s is None else moment(closed_s),
        net=money_told(code, paper["net"]),
        tax=money_told(code, paper["tax"]),
        total=money(code, total_micro),
        lines=[draft_line(line, code) for line in paper["lines"]],
        forecast=None if closed_s is None else forecast(period, total_micro, code, closed_s),
    )


def forecast(period: str, total_micro: int, code: str, closed_s: int) -> ForecastOut | None:
    """Return what a month comes to if it goes on as in its closed hours; None before there are any."""
    from_s, until_s = month_bounds(0, parse_month(period))
    hours = (until_s - from_s) // SECONDS_PER_HOUR
    closed = min(hours, (closed_s - from_s) // SECONDS_PER_HOUR)
    if closed <= 0:
        return None
    currency = currency_of(code)
    minor = round_minor(Exact(total_micro * hours, closed), currency)
    return ForecastOut(hours=hours, closed_hours=closed, total=money(code, minor * currency.minor_micro))


def draft_line(line: Mapping[str, Any], code: str) -> DraftLine:
    """Return a line of a draft."""
    own = ("exact", "net", "tax")
    return DraftLine(
        **{name: line[name] for name in DraftLine.model_fields if name not in own},
        exact=exact_of(line["exact_micro"]),
        net=money_told(code, line["net"]),
        tax=money_told(code, line["tax"]),
    )


def explained_out(told: Explanation, events: Sequence[Event]) -> ExplainedOut:
    """Return an explanation, with those of a tenant's events that its holdings come from."""
    line, code, faults = told.line, told.invoice.currency, faults_of(told)
    rounding = told.rounding
    return ExplainedOut(
        invoice=told.invoice.number or None,
        period=told.invoice.period,
        line=line.number,
        kind=line.kind,
        description=line.description,
        explained=True,
        why_not=None,
        exact=exact_out(line.exact),
        net=money(code, line.net_micro),
        tax_percent=percent(line.tax_bp),
        tax=money(code, line.tax_micro),
        quantity=str(line.quantity) if line.unit else None,
        unit=line.unit or None,
        steps=[step_out(step) for step in told.steps],
        rounding=RoundingOut(
            floor=str(rounding.floor),
            remainder=exact_out(rounding.remainder),
            extra=rounding.extra,
            rank=rounding.rank,
            missing=rounding.missing,
            lines=rounding.lines,
        ),
        hours=[_hour(hour) for hour in told.hours],
        events=_causes(told, events),
        adds_up=not faults,
        faults=[f"{fault.where}: {fault.count} {fault.what}" for fault in faults],
    )


def _hour(hour: HourPart) -> HourOut:
    return HourOut(
        since=moment(hour.hour_s),
        quantity=str(hour.quantity),
        unit_price=None if hour.unit_price_micro is None else format_price(hour.unit_price_micro),
        charge_class=hour.charge_class,
        factor_percent=percent(hour.factor_bp),
        exact=exact_out(hour.exact),
        holdings=[
            HoldingOut(
                allocation=each.allocation,
                gpus=each.gpus,
                since=moment(each.from_s),
                until=moment(each.until_s),
                quantity=str(each.quantity),
                elsewhere=str(each.elsewhere),
            )
            for each in hour.holdings
        ],
    )


def _causes(told: Explanation, events: Sequence[Event]) -> list[CauseOut]:
    first = {each.allocation for hour in told.hours for each in hour.holdings}
    named = {event.id: data_of(event).get("allocation") for event in events}
    begun = {id_.removesuffix(".started"): name for id_, name in named.items()}
    held = {name: begin for begin, name in begun.items() if begin in first and name is not None}
    return [
        CauseOut(id=event.id, type=event.type, time=moment(event.time_s), allocation=held[named[event.id]])
        for event in sorted(events, key=lambda each: (each.time_s, each.id))
        if named[event.id] in held
    ]
