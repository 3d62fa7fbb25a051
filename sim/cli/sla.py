"""`spillway sla`: what was promised to renters, and what was kept."""

from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.frame import Session, command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note, write
from sim.cli.runs import find_run
from sim.cli.store import TermsFlag

if TYPE_CHECKING:
    from billing.books import Books

app = group(
    "sla", "Service levels of a finished run.", "spillway sla show last", "spillway sla show last --tenant acme"
)

RunOrNone = Annotated[str | None, typer.Argument(metavar="[RUN]", help="A run, as elsewhere; none with --db.")]
DbFlag = Annotated[str | None, typer.Option("--db", metavar="PLACE", help="The log of this database, not a run.")]
TenantFlag = Annotated[str | None, typer.Option("--tenant", metavar="T", help="One tenant.")]
MonthFlag = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="One month.")]
EvidenceFlag = Annotated[
    bool, typer.Option("--evidence", help="What credits rest on, with hashes, and the time that did not count.")
]
FormatFlag = Annotated[str, typer.Option("--format", metavar="table|json|html", help="Form of the answer.")]


@command(
    app,
    "show",
    "spillway sla show last --tenant acme",
    "spillway sla show last --month 2026-01 --evidence",
    "spillway sla show --db books.db --tenant acme --json",
    "spillway sla show last --format html > sla.html",
)
def show(
    ctx: typer.Context,
    run: RunOrNone = None,
    tenant: TenantFlag = None,
    month: MonthFlag = None,
    evidence: EvidenceFlag = False,
    db: DbFlag = None,
    terms: TermsFlag = None,
    format_: FormatFlag = "table",
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show promises and what was kept, per tenant, product and month, with the service credits."""
    from billing.documents.bill import csv_text
    from billing.documents.sla import sla_html, sla_json, sla_rows
    from billing.documents.sla_evidence import evidence_rows, reports_json
    from billing.sla.report import sla_reports
    from sim.cli.books import period_of
    from sim.cli.choice import choose
    from sim.cli.documents import levels_table

    session = session_of(ctx)
    shape = form(csv=csv, md=md, fmt=choose(format_, ("table", "json", "html"), "format", "--format"))
    books = _books(session, run, db, terms)
    names, rows, credits, currency = books.names, books.sla, books.credits, books.currency
    if tenant is not None:
        index = names.tenants.index(choose(tenant, names.tenants, "tenant", "--tenant"))
        rows = [row for row in rows if row.tenant == index]
        credits = [credit for credit in credits if credit.key.tenant == index]
    if (period := period_of(books, None, month)[0]) is not None:
        rows = [row for row in rows if row.month == period.month]
        credits = [credit for credit in credits if credit.key.month == period.month]
    if shape == "html" and not session.json:
        write(sla_html(names, rows, credits, currency))
        return
    reports = sla_reports(names, rows, credits, books.excluded)
    table = evidence_rows(reports, currency) if evidence else sla_rows(names, rows, currency)
    if evidence and len(table) == 1:
        note(session, "no credit was due, and no time was excluded")
    answer(
        session,
        lambda: {**sla_json(names, rows, credits, currency), "reports": reports_json(reports, currency)},
        lambda: [_evidence_table(table) if evidence else levels_table(names, rows, currency)],
        fmt=shape,
        full_csv=lambda: csv_text(table),
    )


def _books(session: Session, run: str | None, db: str | None, terms: str | None) -> "Books":
    """The books of a run, or those that the log of a database comes to now."""
    if (run is None) == (db is None):
        raise typer.BadParameter("expected a run, or --db", param_hint="RUN")
    if run is not None:
        from sim.cli.books import closed_books

        return closed_books(find_run(session, run))
    from billing.errors import BillingError
    from billing.store.engine import reading
    from billing.store.log_basis import basis_at
    from sim.cli.store import current_store, terms_for

    engine = current_store(str(db))
    agreed = terms_for(engine, terms)
    with reading(engine) as connection:
        (basis, _, _), _ = basis_at(connection, agreed)
    if isinstance(basis, BillingError):
        raise basis
    return basis.books


def _evidence_table(rows: list[list[str]]) -> Table:
    """The evidence as it fits a terminal: the first digits of a hash are enough to see which rows belong together."""
    right = [name in ("job", "gpus", "gpu_s") or name.startswith("credit_") for name in rows[0]]
    columns = [f"{name}>" if numeric else name for name, numeric in zip(rows[0], right, strict=True)]
    return Table("Evidence, times in UTC", columns, [[*row[:-1], row[-1][:12]] for row in rows[1:]])
