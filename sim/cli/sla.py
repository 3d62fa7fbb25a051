"""`spillway sla`: what was promised to renters, and what was kept."""

from typing import Annotated

import typer

from sim.cli.frame import command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, write
from sim.cli.runs import RunArgument, find_run

app = group(
    "sla", "Service levels of a finished run.", "spillway sla show last", "spillway sla show last --tenant acme"
)

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
    "spillway sla show last --format html > sla.html",
)
def show(
    ctx: typer.Context,
    run: RunArgument,
    tenant: TenantFlag = None,
    month: MonthFlag = None,
    evidence: EvidenceFlag = False,
    format_: FormatFlag = "table",
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show promises and what was kept, per tenant, product and month, with the service credits."""
    from billing.documents.bill import csv_text
    from billing.documents.sla import sla_html, sla_json, sla_rows
    from billing.documents.sla_evidence import evidence_rows, reports_json
    from billing.sla.report import sla_reports
    from sim.cli.books import closed_books, period_of
    from sim.cli.choice import choose
    from sim.cli.documents import levels_table

    session = session_of(ctx)
    shape = form(csv=csv, md=md, fmt=choose(format_, ("table", "json", "html"), "format", "--format"))
    books = closed_books(find_run(session, run))
    names, rows, credits = books.names, books.sla, books.credits
    if tenant is not None:
        index = names.tenants.index(choose(tenant, names.tenants, "tenant", "--tenant"))
        rows = [row for row in rows if row.tenant == index]
        credits = [credit for credit in credits if credit.key.tenant == index]
    if (period := period_of(books, None, month)[0]) is not None:
        rows = [row for row in rows if row.month == period.month]
        credits = [credit for credit in credits if credit.key.month == period.month]
    if shape == "html" and not session.json:
        write(sla_html(names, rows, credits))
        return
    reports = sla_reports(names, rows, credits, books.excluded)
    table = evidence_rows(reports) if evidence else sla_rows(names, rows)
    answer(
        session,
        lambda: {**sla_json(names, rows, credits), "reports": reports_json(reports)},
        lambda: [_evidence_table(table) if evidence else levels_table(names, rows)],
        fmt=shape,
        full_csv=lambda: csv_text(table),
    )


def _evidence_table(rows: list[list[str]]) -> Table:
    """The evidence as it fits a terminal: the first digits of a hash are enough to see which rows belong together."""
    columns = [f"{name}>" if name in ("job", "gpus", "gpu_s", "credit_usd") else name for name in rows[0]]
    return Table("Evidence, times in UTC", columns, [[*row[:-1], row[-1][:12]] for row in rows[1:]])
