"""`spillway bill explain`: why a line of an invoice is what it is, down to the allocations of each hour."""

from typing import Annotated

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, answer, form
from sim.cli.runs import RunArgument, find_run

LineArgument = Annotated[
    str, typer.Argument(metavar="LINE", help="Invoice number and line, such as acme-000001/2; or acme/2026-03/2.")
]


def explain_line(ctx: typer.Context, run: RunArgument, line: LineArgument, csv: CsvFlag = False) -> None:
    """Explain one line of an invoice: its price, its rounding, its hours, and who held what in each. Exit code 1 if it
    does not add up."""
    from billing.closing.explain import faults_of
    from billing.closing.find_line import explain_named
    from billing.documents.bill import csv_text
    from billing.documents.explanation import explanation_json, explanation_text, hours_table
    from sim.cli.books import require_metered
    from sim.folder.basis import run_basis, run_held
    from sim.folder.run_folder import read

    session, shape = session_of(ctx), form(csv=csv, md=False)
    opened = read(find_run(session, run))
    require_metered(opened)
    basis = run_basis(opened)
    told = explain_named(basis, line, run_held(opened, basis.terms))
    answer(
        session,
        lambda: explanation_json(told),
        list,
        fmt=shape,
        after=explanation_text(told),
        full_csv=lambda: csv_text(hours_table(told)),
    )
    if faults_of(told):
        raise typer.Exit(NEGATIVE)
