"""`spillway bill`: the bills of a finished run."""

from typing import Annotated

import typer

from sim.cli.frame import command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, answer, form, note
from sim.cli.runs import RunArgument, find_run

app = group(
    "bill",
    "Bills of a finished run, of a database, or of a file of usage.",
    "spillway bill show last",
    "spillway bill show last --tenant acme --hour 2026-03-01T05:00Z",
)

TenantFlag = Annotated[str | None, typer.Option("--tenant", metavar="T", help="One tenant.")]
HourFlag = Annotated[
    str | None, typer.Option("--hour", metavar="H", help="One hour: seconds since the epoch, or RFC 3339.")
]
MonthFlag = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="One month.")]
FormatFlag = Annotated[str, typer.Option("--format", metavar="table|json|csv", help="Form of the answer.")]


@command(app, "show", "spillway bill show last --tenant acme --month 2026-03", "spillway bill show last --format csv")
def show(
    ctx: typer.Context,
    run: RunArgument,
    tenant: TenantFlag = None,
    hour: HourFlag = None,
    month: MonthFlag = None,
    format_: FormatFlag = "table",
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show the bills of a run: the sums of all tenants, or every line of one tenant."""
    from billing.documents.bill import bill_json
    from sim.cli.books import bills_of, closed_books, contract_lines_of, lines_csv, period_of, totals
    from sim.cli.choice import choose
    from sim.cli.documents import bill_table, contracts_table, totals_table

    session = session_of(ctx)
    shape = form(csv=csv, md=md, fmt=choose(format_, ("table", "json", "csv"), "format", "--format"))
    if hour is not None and month is not None:
        raise typer.BadParameter("--hour and --month exclude each other", ctx=ctx)
    folder = find_run(session, run)
    books = closed_books(folder)
    if tenant is not None:
        choose(tenant, books.names.tenants, "tenant", "--tenant")
    period, remark = period_of(books, hour, month)
    if remark:
        note(session, remark)
    bills = bills_of(books, tenant, period)
    when = period.label if period else "whole run"
    agreed = contract_lines_of(books, tenant, period)
    answer(
        session,
        lambda: {
            "run": folder.name,
            "tenant": tenant,
            "period": when,
            "totals": totals(bills),
            "bills": [bill_json(bill) for bill in bills],
        },
        lambda: [
            bill_table(bills, f"Bill of {tenant}, {when}") if tenant else totals_table(bills, f"Bills, {when}"),
            *([contracts_table(agreed, f"Contracts of {tenant}, {when}")] if tenant and agreed else []),
        ],
        fmt=shape,
        full_csv=lambda: lines_csv(bills),
    )
