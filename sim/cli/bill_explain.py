"""`spillway bill explain`: why a line of an invoice is what it is, down to the allocations of each hour."""

from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, answer, form
from sim.cli.runs import find_run
from sim.cli.store import TermsFlag

if TYPE_CHECKING:
    from billing.closing.explain import Explanation

Words = Annotated[
    list[str], typer.Argument(metavar="[RUN] LINE", help="LINE is acme-000001/2, or acme/2026-03/2 of a run.")
]
DbFlag = Annotated[
    str | None, typer.Option("--db", metavar="FILE|URL", help="Explain an invoice of this database, not of a run.")
]


def explain_line(
    ctx: typer.Context, words: Words, db: DbFlag = None, terms: TermsFlag = None, csv: CsvFlag = False
) -> None:
    """Explain one line of an invoice: its price, its rounding, its hours, and who held what in each. Exit code 1 if it
    does not add up."""
    from billing.closing.explain import faults_of
    from billing.documents.bill import csv_text
    from billing.documents.explanation import explanation_json, explanation_text, hours_table

    session, shape = session_of(ctx), form(csv=csv, md=False)
    if len(words) != (2 if db is None else 1):
        hint = "RUN LINE" if db is None else "LINE"
        raise typer.BadParameter(f"expected {hint}, found {len(words)} words", param_hint=hint)
    told = _of_run(session, *words) if db is None else _of_store(db, words[0], terms)
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


def _of_run(session: Session, run: str, line: str) -> "Explanation":
    from billing.closing.find_line import explain_named
    from sim.cli.books import require_metered
    from sim.folder.basis import run_basis, run_held
    from sim.folder.run_folder import read

    opened = read(find_run(session, run))
    require_metered(opened)
    basis = run_basis(opened)
    return explain_named(basis, line, run_held(opened, basis.terms))


def _of_store(db: str, line: str, terms: str | None) -> "Explanation":
    from billing.closing.find_line import explain_kept, split_name
    from billing.errors import BillingError
    from billing.store.books import invoice_of, position_of
    from billing.store.engine import reading
    from billing.store.log_basis import basis_at
    from sim.cli.store import current_store, terms_for

    number, place = split_name(line)
    engine = current_store(db)
    agreed = terms_for(engine, terms)
    with reading(engine) as connection:
        invoice = invoice_of(connection, number)
        (basis, _, held), _ = basis_at(connection, agreed, position_of(connection, invoice))
    if isinstance(basis, BillingError):
        raise basis
    return explain_kept(basis, invoice, place, held)
