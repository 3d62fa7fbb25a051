"""`spillway sla`: what was promised to renters, and what was kept."""

from typing import Annotated

import typer

from sim.cli.frame import command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, answer, form, write
from sim.cli.runs import RunArgument, find_run

app = group(
    "sla", "Service levels of a finished run.", "spillway sla show last", "spillway sla show last --tenant acme"
)

TenantFlag = Annotated[str | None, typer.Option("--tenant", metavar="T", help="One tenant.")]
FormatFlag = Annotated[str, typer.Option("--format", metavar="table|json|html", help="Form of the answer.")]


@command(app, "show", "spillway sla show last --tenant acme", "spillway sla show last --format html > sla.html")
def show(
    ctx: typer.Context,
    run: RunArgument,
    tenant: TenantFlag = None,
    format_: FormatFlag = "table",
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show promises and what was kept, per tenant, product and month, with the service credits."""
    from billing.documents.bill import csv_text
    from billing.documents.sla import sla_html, sla_json, sla_rows
    from sim.cli.books import closed_books
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
    if shape == "html" and not session.json:
        write(sla_html(names, rows, credits))
        return
    answer(
        session,
        lambda: sla_json(names, rows, credits),
        lambda: [levels_table(names, rows)],
        fmt=shape,
        full_csv=lambda: csv_text(sla_rows(names, rows)),
    )
