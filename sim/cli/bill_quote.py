"""`spillway bill quote`: what a purchase would cost under given terms, step by step."""

from typing import Annotated

import typer

from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form

TermsArgument = Annotated[
    str, typer.Argument(metavar="TERMS", help="A terms file, a scenario file, or the name of a bundled scenario.")
]
ProductFlag = Annotated[str, typer.Option("--product", metavar="P", help="Code of the product.")]
SkuFlag = Annotated[str, typer.Option("--sku", metavar="S", help="Kind of GPU, or whatever the price row names.")]
RegionFlag = Annotated[str, typer.Option("--region", metavar="R", help="Site; any by default.")]
MeterFlag = Annotated[str, typer.Option("--meter", metavar="M", help="What is counted; GPU-seconds by default.")]
UnitsFlag = Annotated[
    str | None, typer.Option("--units", metavar="N", help="Priced units of the month, such as GPU-hours: 12.5.")
]
EventFlag = Annotated[
    list[str] | None, typer.Option("--event", metavar="N", help="Units of one event; may be given again.")
]
EventsFlag = Annotated[int | None, typer.Option("--events", metavar="N", min=0, help="How many events there were.")]
AtFlag = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="RFC 3339; by default when the newest price has begun.")
]
TenantFlag = Annotated[str, typer.Option("--tenant", metavar="T", help="Who buys, for the tax.")]


def quote_price(
    ctx: typer.Context,
    terms: TermsArgument,
    product: ProductFlag,
    sku: SkuFlag,
    region: RegionFlag = "*",
    meter: MeterFlag = "gpu_s",
    units: UnitsFlag = None,
    event: EventFlag = None,
    events: EventsFlag = None,
    at: AtFlag = None,
    tenant: TenantFlag = "",
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Quote what a month with this usage would cost: the price row, its steps, tax and total. Writes nothing."""
    from billing.documents.quote import quote_json, quote_table
    from billing.metering.meters import METER_CODES
    from billing.money import parse_units
    from billing.months import parse_utc
    from billing.quote import Want, measure_of, quote
    from sim.cli.choice import choose
    from sim.scenario.any_terms import load_any_terms

    session, shape = session_of(ctx), form(csv=csv, md=md)
    if units is None and not event:
        raise typer.BadParameter("give --units, or --event for each event", ctx=ctx)
    agreed = load_any_terms(terms)
    latest_s = max(agreed.book.change_times(), default=agreed.epoch_s)
    told = quote(
        agreed,
        Want(
            product=product,
            sku=sku,
            region=region,
            at_unix_s=latest_s if at is None else parse_utc(at),
            measure=measure_of(
                None if units is None else parse_units(units), [parse_units(each) for each in event or ()], events
            ),
            meter=choose(meter, METER_CODES, "meter", "--meter"),
            tenant=tenant,
        ),
    )
    header, *rows = quote_table(told)
    title = f"{product}, {sku}: {told.rate_id}, {told.row.model}"
    answer(
        session,
        lambda: quote_json(told),
        lambda: [Table(title, [header[0], *(f"{name}>" for name in header[1:])], rows)],
        fmt=shape,
    )
