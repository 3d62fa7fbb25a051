"""`spillway run`: one scenario, one policy, one seed, from arrivals to bills, into a run folder."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, answer, form, note

OutFlag = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Run folder to write: new or empty.")]
SeedFlag = Annotated[int | None, typer.Option("--seed", metavar="N", help="The number that fixes all randomness.")]
DaysFlag = Annotated[int | None, typer.Option("--days", metavar="D", help="Shorter or longer horizon.")]
LendFlag = Annotated[str | None, typer.Option("--lend", metavar="NAME", help="What is rented out.")]
NoReasonsFlag = Annotated[bool, typer.Option("--no-reasons", help="Do not note what jobs wait for: a faster run.")]
EngineFlag = Annotated[
    str, typer.Option("--engine", metavar="auto|python|numba", help="What computes it; the result is the same.")
]
PolicyFlag = Annotated[str | None, typer.Option("--policy", metavar="NAME", help="How the scheduler decides.")]


def run(
    ctx: typer.Context,
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A TOML file, or the name of a bundled one.")],
    out: OutFlag = None,
    seed: SeedFlag = None,
    policy: PolicyFlag = None,
    lend: LendFlag = None,
    days: DaysFlag = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Also run the world without rentals, to say whom they delay.")
    ] = False,
    no_reasons: NoReasonsFlag = False,
    engine: EngineFlag = "auto",
    no_report: Annotated[bool, typer.Option("--no-report", help="Do not draw report.html.")] = False,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Run one scenario under one policy and seed; write a run folder, print its headline numbers."""
    from scheduler.policies import POLICIES
    from scheduler.policy.lend import LENDS
    from sim.cli.choice import choose
    from sim.cli.headline import headline
    from sim.cli.produce import about, deliver, exit_by, simulate
    from sim.engine.engines import ENGINES
    from sim.folder.run_folder import require_free
    from sim.scenario.file import load, override

    session, shape = session_of(ctx), form(csv=csv, md=md)
    if policy is not None:
        choose(policy, list(POLICIES), "policy", "--policy")
    if lend is not None:
        choose(lend, list(LENDS), "lend function", "--lend")
    choose(engine, ENGINES, "engine", "--engine")
    chosen = override(load(scenario), seed=seed, days=days, policy=policy, lend=lend)
    words, way = about(chosen), chosen.policy
    folder = out or default_folder(session, words.name, f"{way.name}-{way.lend}-s{chosen.seed}", words.toml)
    require_free(folder)
    without = simulate(session, chosen, lend="none", label="without rentals:", engine=engine) if baseline else None
    result = simulate(session, chosen, reasons=not no_reasons, engine=engine)
    done = deliver(session, folder, result, words, baseline=without, page=not no_report)
    answer(
        session,
        lambda: {"run": str(folder), "id": folder.name, "summary": done.summary},
        lambda: [headline(done.summary, f"{words.name}: {words.title}" if words.title else words.name)],
        fmt=shape,
        after=f"run folder: {folder}",
    )
    if shape != "table":
        note(session, f"run folder: {folder}")
    exit_by(done)


def default_folder(session: Session, name: str, variant: str, text: str) -> Path:
    """A place in the runs folder whose name says what was run; the same run asks for the same place.

    Raises:
        SimError: that run is there already; it would be the same bytes.
    """
    from hashlib import sha256

    from sim.errors import SimError

    folder = session.runs / f"{name}-{variant}-{sha256(text.encode()).hexdigest()[:6]}"
    if folder.exists():
        hint = f"`spillway report {folder.name}` to look at it, or --out DIR for another copy"
        raise SimError("this run is there already", code="run.exists", file=str(folder), allowed=hint)
    return folder
