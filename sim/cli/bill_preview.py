"""`spillway bill preview`: what the use in a file would be invoiced as. Nothing is written into any books."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session, session_of
from sim.cli.intake import INTERVAL_FORMATS, ClockFlag, ProductFlag, RegionFlag, SkuFlag, reader_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note

if TYPE_CHECKING:
    from billing.intake.record import Rejected
    from billing.intake.stream import Taken
    from billing.invoices.bill import Bill
    from billing.invoices.invoice import Invoice
    from billing.terms import Terms

SHOWN_MAX = 5  # rejected lines that are told on stderr

FormatFlag = Annotated[str, typer.Option("--format", metavar="NAME", help="What FILE is: intervals, sacct.")]
TermsFlag = Annotated[str, typer.Option("--terms", metavar="TOML", help="Terms file: tenants, products, prices.")]
UntilFlag = Annotated[
    str | None, typer.Option("--until", metavar="T", help="Time (RFC 3339) up to which open intervals are held.")
]
ZoneFlag = Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="Bill by local months of this zone.")]
QuarantineFlag = Annotated[
    str | None, typer.Option("--quarantine", metavar="CSV", help="File for rejected lines: line, id, reason.")
]


def preview(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Use of a real cluster; may be gzipped.")],
    terms: TermsFlag,
    format_: FormatFlag = "intervals",
    product: ProductFlag = "",
    region: RegionFlag = "",
    sku: SkuFlag = "",
    until: UntilFlag = None,
    timezone: ZoneFlag = None,
    clock: ClockFlag = "UTC",
    quarantine: QuarantineFlag = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show what the use in a file would be invoiced as, by the final engine. Exit code 1 if lines were rejected."""
    from billing.closing.preview import local_bills, usage_basis
    from billing.closing.preview import preview as drafts_of
    from billing.intake.record import Defaults
    from billing.metering.local_months import zone_of
    from billing.months import parse_utc
    from sim.cli.choice import choose
    from sim.scenario.any_terms import load_any_terms

    session = session_of(ctx)
    choose(format_, INTERVAL_FORMATS, "format", "--format")
    agreed = load_any_terms(terms)
    zones = zone_of(clock), zone_of(timezone) if timezone else None
    rejected: list[Rejected] = []
    with _sink(quarantine, rejected) as put:
        reader = reader_of(file, format_, Defaults(product, region, sku), zones[0])
        taken = _take(reader, agreed, put, parse_utc(until) if until else None)
    basis = usage_basis(taken.names, taken.usage, agreed, taken.span_s[1] - agreed.epoch_s)
    drafts = [] if zones[1] else drafts_of(basis)
    bills = list(local_bills(basis, zones[1])) if zones[1] else []
    _tell(session, taken, rejected, quarantine)
    document = {
        "file": file,
        "intervals": taken.intervals,
        "rejected": taken.rejected,
        "passed": taken.passed,
        "findings": [finding._asdict() for finding in basis.books.findings],
    }
    answer(
        session,
        lambda: {**document, **_documents(drafts, bills)},
        lambda: _tables(drafts, bills),
        fmt=form(csv=csv, md=md),
    )
    if taken.rejected or basis.books.findings:
        raise typer.Exit(NEGATIVE)


def _take(reader: Any, terms: "Terms", put: Any, until_s: int | None) -> "Taken":
    from billing.intake.stream import take_in

    return take_in(reader, terms, put, until_s)


@contextlib.contextmanager
def _sink(file: str | None, kept: "list[Rejected]") -> Iterator[Any]:
    """Where rejected lines go: the first few are kept to be told, all of them into a file if one was named."""
    import csv
    from pathlib import Path

    from billing.documents.csv_safe import guarded

    with contextlib.ExitStack() as stack:
        rows = None
        if file is not None:
            rows = csv.writer(stack.enter_context(Path(file).open("w", encoding="utf-8", newline="")))
            rows.writerow(("line", "id", "reason"))

        def put(line: "Rejected") -> None:
            if rows is not None:
                rows.writerow((line.line, guarded(line.id), guarded(line.reason)))
            if len(kept) < SHOWN_MAX:
                kept.append(line)

        yield put


def _tell(session: Session, taken: "Taken", rejected: "list[Rejected]", file: str | None) -> None:
    for what, count in taken.passed.items():
        note(session, f"{what}, with nothing to bill: {count:,}")
    for line in rejected:
        note(session, f"line {line.line}, {line.id or 'no id'}: {line.reason}")
    if taken.rejected > len(rejected):
        where = f"see {file}" if file else "name a file with --quarantine for all of them"
        note(session, f"and {taken.rejected - len(rejected):,} more lines were rejected: {where}")


def _documents(drafts: "list[Invoice]", bills: "list[Bill]") -> dict[str, Any]:
    import json

    from billing.documents.bill import bill_json
    from billing.invoices.document import document_bytes

    return {
        "drafts": [json.loads(document_bytes(draft)) for draft in drafts],
        "bills": [bill_json(bill) for bill in bills],
    }


def _tables(drafts: "list[Invoice]", bills: "list[Bill]") -> list[Table]:
    from billing.currency import currency_of
    from billing.documents.invoice_data import line_columns
    from billing.money import format_usd
    from sim.cli.documents import bill_table

    tables = [bill_table([bill], f"Bill of {bill.tenant}, {bill.period.label}") for bill in bills]
    for draft in drafts:
        decimals = currency_of(draft.currency).decimals
        # In the units that are priced, as on the invoice.
        names = ("description", "priced_quantity", "priced_unit", "unit_price", "net")
        lines = [line_columns(line, decimals) for line in draft.lines]
        rows = [[line[name] or "" for name in names] for line in lines]
        sums = (("net", draft.net_micro), ("tax", draft.tax_micro), ("total", draft.total_micro))
        rows += [[word, "", "", "", format_usd(amount, decimals)] for word, amount in sums]
        heads = ("line", "quantity>", "unit", "price>", f"{draft.currency}>")
        tables.append(Table(f"Draft for {draft.tenant}, {draft.period}", heads, rows))
    return tables
