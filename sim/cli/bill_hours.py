"""`spillway bill hours`: the hourly usage of the log, which hours are closed, and what came too late for them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.bill_issue import TenantFlag
from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note
from sim.cli.store import DEFAULT, DbFlag, TermsFlag, current_store, terms_for

if TYPE_CHECKING:
    from billing.log.late import LateHours

KnownFlag = Annotated[
    int | None, typer.Option("--known", metavar="N", help="Close hours by the first N events; the rest is late.")
]
HEADS = ("hour", "tenant", "product", "pool", "meter", "class", "quantity>", "state", "cause")


def hours(
    ctx: typer.Context,
    tenant: TenantFlag = None,
    known: KnownFlag = None,
    terms: TermsFlag = None,
    db: DbFlag = DEFAULT,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show the hourly usage of the log: closed hours, hours that are still open and why, and late differences."""
    from billing.log.late import late_hours
    from billing.log.watermark import behind, watermark
    from billing.months import utc_text
    from billing.store.engine import reading
    from billing.store.reader import events_in
    from sim.cli.choice import choose

    session, engine = session_of(ctx), current_store(db)
    agreed = terms_for(engine, terms)
    with reading(engine) as connection:
        events = list(events_in(connection))
    found = late_hours(events, agreed, len(events) if known is None else known)
    if tenant is not None:
        choose(tenant, found.names.tenants, "tenant", "--tenant")
    rows = [row for row in _rows(found) if tenant in (None, row["tenant"])]
    told = events if known is None else events[:known]
    last_s = max((event.time_s for event in told), default=0)
    reasons = behind(watermark(told), last_s)
    for reason in reasons:
        note(session, reason)
    closed = utc_text(found.names.epoch_s + found.closed.until_s)
    answer(
        session,
        lambda: {"closed_until": closed, "open_because": reasons, "hours": rows},
        lambda: [
            Table(
                f"Hours; closed before {closed}",
                HEADS,
                [[str(row[head.rstrip(">")]) for head in HEADS] for row in rows],
            )
        ],
        fmt=form(csv=csv, md=md),
    )


def _rows(found: "LateHours") -> list[dict[str, Any]]:
    """Closed rows, then what was late for them, then rows of open hours, each in the order of tenants and hours."""
    from billing.metering.sums import part_of

    closed = [(row, "closed", "") for row in _words(found, found.closed.usage)]
    late = [
        (row, "late", f"{cause.source}/{cause.id}")
        for row, cause in zip(_words(found, found.deltas), found.causes, strict=True)
    ]
    still = part_of(found.usage, found.usage.hour_s >= found.closed.until_s)
    still_open = [(row, "open", "") for row in _words(found, still)]
    return [{**row, "state": state, "cause": cause} for row, state, cause in (*closed, *late, *still_open)]


def _words(found: "LateHours", usage: Any) -> list[dict[str, Any]]:
    from dataclasses import fields

    from billing.metering.classes import CLASSES
    from billing.metering.meters import METER_CODES
    from billing.months import utc_text

    names = found.names
    columns = {field.name: getattr(usage, field.name).tolist() for field in fields(usage)}
    return [
        {
            "hour": utc_text(names.epoch_s + columns["hour_s"][row]),
            "tenant": names.tenants[columns["tenant"][row]],
            "product": names.products[columns["product"][row]],
            "pool": f"{names.regions[columns['region'][row]]}/{names.skus[columns['sku'][row]]}",
            "meter": METER_CODES[columns["meter"][row]],
            "class": CLASSES[columns["charge_class"][row]],
            "factor_bp": columns["factor_bp"][row],
            "quantity": columns["quantity"][row],
        }
        for row in range(len(usage))
    ]
