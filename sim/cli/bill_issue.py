"""`spillway bill issue | invoices | pay | credit-note | void`: the life of invoices, in the database."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.audit_checkpoint import checkpoint_closing
from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note
from sim.cli.store import DEFAULT, DbFlag, TermsFlag, current_store, terms_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from billing.finding import Finding
    from billing.invoices.invoice import Invoice
    from billing.store.issuing import Tell

NumberArgument = Annotated[str, typer.Argument(metavar="NUMBER", help="The number of an invoice, such as acme-000001.")]
AtFlag = Annotated[str, typer.Option("--at", metavar="TIME", help="When, as RFC 3339 in UTC: no clock is asked.")]
MonthFlag = Annotated[
    str | None, typer.Option("--month", metavar="YYYY-MM", help="One month; else all that can be closed.")
]
DryFlag = Annotated[bool, typer.Option("--dry-run", help="Show the drafts; issue nothing.")]
TenantFlag = Annotated[str | None, typer.Option("--tenant", metavar="T", help="One tenant.")]


def issue(
    ctx: typer.Context,
    month: MonthFlag = None,
    terms: TermsFlag = None,
    dry_run: DryFlag = False,
    db: DbFlag = DEFAULT,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Close months of the log and issue their invoices; those that stand stay as they are. A month that cannot be
    closed says exactly why."""
    from billing.closing.close_month import MonthOpenError, require_closed, why_open
    from billing.closing.month import month_draft, months_with_lines
    from billing.errors import BillingError
    from billing.months import month_bounds, month_label, parse_month
    from billing.store.engine import reading
    from billing.store.issuing import issue_month
    from billing.store.log_basis import basis_at, known_at
    from billing.store.reader import quarantined

    session, engine = session_of(ctx), current_store(db)
    agreed = terms_for(engine, terms)
    invoices: list[Invoice] = []
    with reading(engine) as connection:
        (basis, arrived, _), position = basis_at(connection, agreed)
        known = known_at(connection, agreed)
        if month is not None:
            months = [parse_month(month)]
        elif isinstance(basis, BillingError):
            raise basis
        else:
            months = sorted({each for each, _ in months_with_lines(basis)})
        for each in months:
            ends_s = agreed.epoch_s + month_bounds(agreed.epoch_s, each)[1]
            if month is None and not arrived.finished and arrived.until_s < ends_s:
                note(session, f"{month_label(each)} is still open")
                _tell(session, why_open(basis, each, agreed.epoch_s, arrived))
                continue
            try:
                closed = require_closed(basis, each, agreed.epoch_s, arrived)
            except MonthOpenError as open_:
                _tell(session, open_.reasons)
                raise
            _tell_if_short(session, month_label(each), agreed.epoch_s + closed.books.horizon_s, ends_s)
            if dry_run:
                invoices += [month_draft(closed, who, each) for when, who in months_with_lines(closed) if when == each]
            else:
                invoices += issue_month(engine, closed, each, agreed.epoch_s, arrived, position, known, telling())
        aside = len(quarantined(connection))
    if aside:
        note(session, f"{aside} records in quarantine are on no invoice: see `spillway db status`")
    if not invoices:
        note(session, "nothing to invoice that has no invoice yet")
    answer(
        session,
        lambda: {"issued": not dry_run, "invoices": [summary(invoice) for invoice in invoices]},
        lambda: [invoices_table("Drafts" if dry_run else "Issued", invoices)],
        fmt=form(csv=csv, md=md),
    )
    checkpoint_closing(session, engine, db, new=bool(invoices) and not dry_run)


def telling() -> "Tell":
    """Return what tells tenants of the invoices that are issued at this machine."""
    from billing.store.paper_notices import tells_of_invoices
    from sim.cli.edge import now_s
    from tenants.access.scope import local_scope

    return tells_of_invoices(local_scope(), now_s())


def _tell_if_short(session: Session, month: str, told_s: int, ends_s: int) -> None:
    """Say so where a month is invoiced whose sources have all ended before it did. Unix seconds."""
    from billing.months import utc_text

    if told_s < ends_s:
        until = f"{month} goes on until {utc_text(ends_s)}, its sources ended by {utc_text(told_s)}"
        note(session, f"{until}: what is told later is corrected on the next invoice")


def _tell(session: Session, reasons: "Sequence[Finding]") -> None:
    for reason in reasons:
        note(session, f"{reason.where}: {reason.count} {reason.what}")


def invoices(
    ctx: typer.Context, tenant: TenantFlag = None, db: DbFlag = DEFAULT, csv: CsvFlag = False, md: MdFlag = False
) -> None:
    """List the invoices of the database, with what is still to be paid."""
    from billing.invoices.lifecycle import open_micro
    from billing.store.books import invoices_in, notes_of, payments_of
    from billing.store.engine import reading

    with reading(current_store(db)) as connection:
        found = invoices_in(connection, tenant)
        left = {
            invoice.id: open_micro(invoice, notes_of(connection, invoice.id), payments_of(connection, invoice.id))
            for invoice in found
        }
    session = session_of(ctx)
    if not found:
        note(session, "no invoice" + (f" of tenant {tenant}" if tenant else "") + " in this database")
    answer(
        session,
        lambda: {"invoices": [{**summary(invoice), "open_micro": left[invoice.id]} for invoice in found]},
        lambda: [invoices_table("Invoices", found, left)],
        fmt=form(csv=csv, md=md),
    )


def pay(
    ctx: typer.Context,
    number: NumberArgument,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="Decimal text, such as 100.50.")],
    reference: Annotated[str, typer.Option("--reference", metavar="R", help="The payer's; unique per invoice.")],
    at: AtFlag,
    db: DbFlag = DEFAULT,
) -> None:
    """Note a payment. The same payment again changes nothing."""
    from billing.invoices.lifecycle import open_micro
    from billing.money import format_usd, parse_usd
    from billing.months import parse_utc
    from billing.store.books import invoice_of, notes_of, payments_of, save_payment
    from billing.store.door import Bound
    from billing.store.engine import writing
    from billing.store.paper_notices import tell_of_payment
    from sim.cli.edge import now_s
    from tenants.access.scope import local_scope

    amount_micro = parse_usd(amount)
    with writing(current_store(db)) as connection:
        new = save_payment(connection, number, amount_micro, reference, parse_utc(at))
        invoice = invoice_of(connection, number)
        if new:
            tell_of_payment(Bound(connection, local_scope()), invoice, now_s())
        left = open_micro(invoice, notes_of(connection, invoice.id), payments_of(connection, invoice.id))
    paid, still = (format_usd(each, invoice.money.decimals) for each in (amount_micro, left))
    words = "noted" if new else "was noted already"
    told = f"{number}: {paid} {invoice.currency} under {reference} {words}; {invoice.status}, {still} still open"
    document = {**summary(invoice), "payment": reference, "new": new, "open_micro": left}
    answer(session_of(ctx), lambda: document, list, after=told)


def credit_note(
    ctx: typer.Context,
    number: NumberArgument,
    cause: Annotated[str, typer.Option("--cause", metavar="WORD", help="Names the account: goodwill, sla, refund...")],
    at: AtFlag,
    line: Annotated[int | None, typer.Option("--line", metavar="N", help="One line; else all that is left.")] = None,
    part: Annotated[
        str | None, typer.Option("--part", metavar="N/D", help="So much of the line's net amount [1/1]; needs --line.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="For people.")] = "",
    db: DbFlag = DEFAULT,
) -> None:
    """Give back a line of an invoice, part of it, or all that is left of the invoice."""
    from billing.invoices.credit_note import parse_return, whole_invoice
    from billing.money import format_usd
    from billing.months import parse_utc
    from billing.store.books import invoice_of, notes_of, save_credit_note
    from billing.store.door import Bound
    from billing.store.engine import writing
    from billing.store.paper_notices import tell_of_credit_note
    from sim.cli.edge import now_s
    from tenants.access.scope import local_scope

    if part is not None and line is None:
        raise typer.BadParameter("is a part of one line: name it with --line", param_hint="--part")
    with writing(current_store(db)) as connection:
        invoice = invoice_of(connection, number)
        wishes = (
            whole_invoice(invoice, notes_of(connection, invoice.id))
            if line is None
            else [parse_return(line, part or "1/1")]
        )
        made = save_credit_note(connection, number, wishes, cause, reason, parse_utc(at))
        tell_of_credit_note(Bound(connection, local_scope()), made, invoice, now_s())
    document = {"number": made.number, "id": made.id, "invoice": number, "total_micro": made.total_micro}
    told = f"{made.number}: {format_usd(made.total_micro, invoice.money.decimals)} {made.currency} of {number}"
    answer(session_of(ctx), lambda: document, list, after=told)


def void(ctx: typer.Context, number: NumberArgument, at: AtFlag, db: DbFlag = DEFAULT) -> None:
    """Make an invoice void that nobody has paid: its number stays taken, its month may be invoiced again."""
    from billing.months import parse_utc
    from billing.store.books import save_void
    from billing.store.door import Bound
    from billing.store.engine import writing
    from billing.store.paper_notices import tell_of_void
    from sim.cli.edge import now_s
    from tenants.access.scope import local_scope

    with writing(current_store(db)) as connection:
        invoice = save_void(connection, number, parse_utc(at))
        tell_of_void(Bound(connection, local_scope()), invoice, now_s())
    answer(session_of(ctx), lambda: summary(invoice), list, after=f"{number}: void")


def summary(invoice: "Invoice") -> dict[str, Any]:
    """The head of an invoice as plain data."""
    keys = ("number", "id", "tenant", "period", "status", "currency", "net_micro", "tax_micro", "total_micro", "hash")
    return {**{key: getattr(invoice, key) for key in keys}, "lines": len(invoice.lines)}


def invoices_table(title: str, found: "list[Invoice]", left: dict[str, int] | None = None) -> Table:
    """One row per invoice."""
    from billing.money import format_usd

    heads = ["number", "tenant", "period", "status", "lines>", "net>", "tax>", "total>", "currency"]
    rows = []
    for invoice in found:
        decimals = invoice.money.decimals
        amounts = [format_usd(each, decimals) for each in (invoice.net_micro, invoice.tax_micro, invoice.total_micro)]
        who = [invoice.number or "-", invoice.tenant, invoice.period, invoice.status, str(len(invoice.lines))]
        still = [format_usd(left[invoice.id], decimals)] if left is not None else []
        rows.append([*who, *amounts, invoice.currency, *still])
    return Table(title, [*heads, *(["open>"] if left is not None else [])], rows)
