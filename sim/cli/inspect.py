"""`spillway inspect`: which attacks on the isolation of tenants were tried, and what held."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, answer, form, note, to_csv, write
from sim.cli.when import AtFlag, at_or_now

if TYPE_CHECKING:
    from tenants.isolation.evidence import Backend, Evidence

_DETAILS_MAX = 3  # so many properties, asked for by name, are shown in full

FormatFlag = Annotated[str, typer.Option("--format", metavar="table|json|html", help="Form of the answer.")]
PropertyFlag = Annotated[list[str] | None, typer.Option("--property", metavar="ID", help="These only; repeatable.")]
CategoryFlag = Annotated[str | None, typer.Option("--category", metavar="NAME", help="One category only.")]
ControlFlag = Annotated[str | None, typer.Option("--control", metavar="NAME", help="Evidence for one control only.")]
BackendFlag = Annotated[str | None, typer.Option("--backend", metavar="sqlite|postgres", help="One database only.")]
MutantsFlag = Annotated[bool, typer.Option("--mutants", help="Every planted fault, and whether it was caught.")]
ReplayFlag = Annotated[str | None, typer.Option("--replay", metavar="ID", help="Repeat one property, and tell all.")]
SeedFlag = Annotated[int | None, typer.Option("--seed", metavar="N", min=0, help="Another seed for all attacks.")]
EvidenceFlag = Annotated[
    Path | None, typer.Option("--evidence", metavar="FILE", help="Run nothing: read evidence or a pack.")
]
PackFlag = Annotated[Path | None, typer.Option("--pack", metavar="FILE", help="Also write the evidence, with a root.")]
VerifyFlag = Annotated[Path | None, typer.Option("--verify", metavar="PACK", help="Check a pack, and nothing else.")]
SecretsFlag = Annotated[
    Path | None,
    typer.Option("--secrets", envvar="SPILLWAY_SECRETS", metavar="FILE", help="What packs are signed with."),
]
StrictFlag = Annotated[bool, typer.Option("--strict", help="Exit code 1 also where something is untested.")]


def inspect(
    ctx: typer.Context,
    format_: FormatFlag = "table",
    property_: PropertyFlag = None,
    category: CategoryFlag = None,
    control: ControlFlag = None,
    backend: BackendFlag = None,
    mutants: MutantsFlag = False,
    replay: ReplayFlag = None,
    seed: SeedFlag = None,
    evidence: EvidenceFlag = None,
    pack: PackFlag = None,
    verify: VerifyFlag = None,
    secrets: SecretsFlag = None,
    strict: StrictFlag = False,
    at: AtFlag = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Attack the isolation of tenants, property by property, and show what held; exit code 1 if anything did not."""
    from billing.months import utc_text
    from sim.cli import inspect_tables as tables
    from sim.cli.choice import choose
    from sim.cli.inspect_pack import verify_pack, write_pack
    from sim.inspector import words
    from tenants.isolation.catalogue import chosen
    from tenants.isolation.inspect import inspect as judge

    session, made = session_of(ctx), utc_text(at_or_now(at))
    shape = form(csv=csv, md=md, fmt=choose(format_, ("table", "json", "html"), "format", "--format"))
    if verify is not None:
        verify_pack(session, verify, secrets, shape)
        return
    if evidence is not None and (replay is not None or seed is not None):
        raise typer.BadParameter("--evidence runs nothing: neither --replay nor --seed goes with it")
    ids = _ids(property_, replay, alone=not category and not control)
    properties = chosen(ids, category, control, flag="--property" if replay is None else "--replay")
    database = _backend(backend)
    narrowed = [each.id for each in properties] if ids or category or control else []
    found, absent = _evidence(session, evidence, secrets, narrowed, database, seed, tell=replay is not None)
    if pack is not None:
        write_pack(session, pack, found, secrets, made)
    report = judge(properties, found, backend=database, **({"absent": absent} if absent else {}))
    if shape == "html" and not session.json:
        from sim.inspector.page import render

        write(render(report, made))
    else:
        details = bool(ids) and len(properties) <= _DETAILS_MAX and not mutants
        answer(
            session,
            lambda: words.report_json(report),
            lambda: tables.tables(report, mutants=mutants, details=details),
            fmt=shape,
            after=words.summary(report) if shape == "table" else "",
            full_csv=lambda: to_csv(tables.faults(report) if mutants else tables.flat(report)),
        )
    if report.red(strict=strict):
        raise typer.Exit(NEGATIVE)


def _ids(named: list[str] | None, replay: str | None, *, alone: bool) -> list[str]:
    if replay is None:
        return named or []
    if named or not alone:
        raise typer.BadParameter("--replay names its one property: no other choice goes with it")
    return [replay]


def _backend(text: str | None) -> "Backend | None":
    from sim.cli.choice import choose
    from tenants.isolation.evidence import Backend

    if text is None:
        return None
    names = {"sqlite": Backend.SQLITE, "postgres": Backend.POSTGRESQL, "postgresql": Backend.POSTGRESQL}
    return names[choose(text, tuple(names), "database", "--backend")]


def _evidence(
    session: Session,
    file: Path | None,
    secrets: Path | None,
    ids: list[str],
    database: "Backend | None",
    seed: int | None,
    *,
    tell: bool,
) -> "tuple[list[Evidence], str]":
    """The evidence in a file, or of a run made now; and why there is none, where nothing can be run."""
    from sim.cli.inspect_pack import read_evidence_or_pack
    from sim.inspector.attacks import NEEDED, checkout, run_attacks
    from tenants.isolation.inspect import strangers

    if file is not None:
        found = read_evidence_or_pack(file, secrets)
        if unknown := strangers(found):
            note(session, f"{file}: the catalogue has no {', '.join(unknown)}")
        return found, "the evidence says nothing of it"
    root = checkout()
    if root is None:
        note(session, f"nothing can be attacked here: this needs {NEEDED}")
        return [], "no attack was run: no checkout with tests here"
    return run_attacks(root, ids, database, seed, quiet=session.quiet, verbose=tell or session.verbose), ""
