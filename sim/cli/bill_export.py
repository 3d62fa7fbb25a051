"""`spillway bill export`: documents, and tables for other people's programs; `spillway bill check`: are those right?"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.runs import find_run
from sim.cli.store import TermsFlag
from sim.errors import SimError

if TYPE_CHECKING:
    from billing.documents.bundle_parts import Bundle
    from billing.documents.focus_check import Checked

ISSUER = "Spillway"
SHOWN_MAX = 40

FormatFlag = Annotated[
    str,
    typer.Option(
        "--format", metavar="FORMAT", help="focus, beancount, hledger, pdf, html, csv, parquet, json or documents."
    ),
]
RunWord = Annotated[
    str | None, typer.Argument(metavar="[RUN]", help="A run folder, a run id or a unique prefix of one, or `last`.")
]
DbFlag = Annotated[
    str | None, typer.Option("--db", metavar="FILE|URL", help="The invoices of this database, not of a run.")
]
TenantFlag = Annotated[str | None, typer.Option("--tenant", metavar="T", help="One tenant.")]
MonthFlag = Annotated[str | None, typer.Option("--month", metavar="YYYY-MM", help="One month.")]
OutFlag = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Where the files go [exports/ and the run's name].")
]
ForceFlag = Annotated[bool, typer.Option("--force", help="Overwrite files of the same names.")]
IssuerFlag = Annotated[str, typer.Option("--issuer", metavar="NAME", help="Who sends the invoices.")]
PaperFlag = Annotated[str, typer.Option("--paper", metavar="a4|letter", help="Size of printed pages.")]
VersionFlag = Annotated[
    str, typer.Option("--focus-version", metavar="1.2|1.4", help="Column names; nobody could check those of 1.4.")
]


def export(
    ctx: typer.Context,
    format_: FormatFlag,
    run: RunWord = None,
    db: DbFlag = None,
    terms: TermsFlag = None,
    tenant: TenantFlag = None,
    month: MonthFlag = None,
    out: OutFlag = None,
    force: ForceFlag = False,
    issuer: IssuerFlag = ISSUER,
    paper: PaperFlag = "a4",
    focus_version: VersionFlag = "1.2",
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Write the invoices and SLA reports of a run, or of a database, as files; says which, with their hashes."""
    from dataclasses import replace

    from billing.documents.export import EXPORTS
    from billing.documents.focus_columns import VERSION_WORDS
    from billing.documents.page import PAPERS
    from sim.cli.choice import choose
    from sim.folder.export_files import write_files

    session, shape = session_of(ctx), form(csv=csv, md=md)
    choose(format_, (*EXPORTS, "parquet"), "format", "--format")
    choose(paper, tuple(PAPERS), "paper", "--paper")
    choose(focus_version, tuple(VERSION_WORDS), "version", "--focus-version")
    if (run is None) == (db is None):
        raise typer.BadParameter("name a run, or a database with --db, not both", ctx=ctx, param_hint="RUN")
    name = db or find_run(session, run or "").resolve().name
    made = _of_run(session, run, issuer, tenant, month) if run else _of_store(name, terms, issuer, tenant, month)
    bundle = replace(made, paper=paper, focus_version=focus_version)
    target = out or Path("exports") / (Path(name).stem if db else name)
    files = write_files(bundle, format_, target, force)
    source = {"db": db} if db else {"run": name}
    answer(
        session,
        lambda: {**source, "format": format_, "folder": str(target), **_totals(bundle), "files": files},
        lambda: [_files_table(target, files)],
        fmt=shape,
    )


def _of_run(session: Session, run: str, issuer: str, tenant: str | None, month: str | None) -> "Bundle":
    from billing.documents.bundle import bundle_of
    from sim.cli.books import require_metered
    from sim.cli.choice import choose
    from sim.folder.basis import run_basis
    from sim.folder.run_folder import read

    opened = read(find_run(session, run))
    require_metered(opened)
    basis = run_basis(opened)
    if tenant is not None:
        choose(tenant, basis.books.names.tenants, "tenant", "--tenant")
    bundle = bundle_of(basis, issuer, tenant, month)
    if not bundle.invoices:
        raise _nothing(tenant, month)
    return bundle


def _of_store(db: str, terms: str | None, issuer: str, tenant: str | None, month: str | None) -> "Bundle":
    """The invoices that stand in a database, each with the books that it was made from."""
    from functools import cache

    from billing.closing.month import Basis
    from billing.documents.bundle import kept_bundle
    from billing.errors import BillingError
    from billing.store.books import entries_in, invoices_in, notes_of, position_of
    from billing.store.engine import reading
    from billing.store.log_basis import basis_at
    from sim.cli.store import current_store, terms_for

    engine = current_store(db)
    agreed = terms_for(engine, terms)
    with reading(engine) as connection:

        @cache
        def basis_of(position: int) -> Basis:
            basis = basis_at(connection, agreed, position)[0].basis
            if isinstance(basis, BillingError):
                raise basis
            return basis

        kept = [
            (invoice, basis_of(position_of(connection, invoice)))
            for invoice in invoices_in(connection, tenant)
            if month in (None, invoice.period) and invoice.status != "void"
        ]
        if not kept:
            raise _nothing(tenant, month)
        whole = tenant is None and month is None
        notes = [note for invoice, _ in kept for note in notes_of(connection, invoice.id)]
        return kept_bundle(kept, issuer, notes, entries_in(connection) if whole else None)


def _nothing(tenant: str | None, month: str | None) -> SimError:
    found = ", ".join(filter(None, (tenant, month))) or None
    allowed = "a tenant with an invoice, and a month for which there is one"
    return SimError("nothing to export", code="export.empty", path="--tenant, --month", found=found, allowed=allowed)


def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="FOCUS rows: a .csv or .parquet file.")],
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Check FOCUS rows strictly: columns, values, costs, sums by line, tax and invoice. Exit code 1 with findings."""
    from billing.documents.focus_check import check as check_rows
    from sim.folder.focus_parquet import read_focus

    session, shape = session_of(ctx), form(csv=csv, md=md)
    checked = check_rows(*read_focus(file))
    shown = checked.findings if shape == "csv" else checked.findings[:SHOWN_MAX]
    answer(
        session,
        lambda: {
            "file": str(file),
            "focus_version": checked.version,
            "rows": checked.rows,
            "findings": [finding._asdict() for finding in checked.findings],
        },
        lambda: [_findings_table(file, checked, shown)] if checked.findings or shape != "table" else [],
        fmt=shape,
        after="" if checked.findings else f"{file}: {checked.rows:,} rows of FOCUS {checked.version}, nothing to find",
    )
    if checked.findings:
        raise typer.Exit(NEGATIVE)


def _totals(bundle: "Bundle") -> dict[str, Any]:
    from billing.money import format_usd

    invoices = [each.invoice for each in bundle.invoices]
    total = sum(invoice.total_micro for invoice in invoices)
    currency = bundle.currency
    return {
        "invoices": len(invoices),
        "sla_reports": len(bundle.reports),
        "currency": currency.code,
        "total": format_usd(total, currency.decimals),
    }


def _files_table(target: Path, files: Iterable[dict[str, Any]]) -> Table:
    rows = [[file["file"], str(file["bytes"]), file["sha256"][:16]] for file in files]
    return Table(f"Written to {target}", ("file", "bytes>", "sha256"), rows)


def _findings_table(file: Path, checked: "Checked", shown: Iterable[Any]) -> Table:
    count = len(checked.findings)
    title = (
        f"{count:,} finding{'' if count == 1 else 's'} in {checked.rows:,} rows of FOCUS {checked.version}, {file.name}"
    )
    return Table(title, ("row>", "rule", "column", "found", "allowed"), list(_cells(shown)))


def _cells(findings: Iterable[Any]) -> Iterator[list[str]]:
    for finding in findings:
        yield [str(finding.row), *finding[1:]]
