"""`spillway replay`: a recorded workload from arrival to bills, or a tape through the core alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, answer, form, note
from sim.cli.run import EngineFlag, LendFlag, NoReasonsFlag, OutFlag, PolicyFlag, default_folder
from sim.cli.runs import find_run
from sim.errors import SimError

if TYPE_CHECKING:
    from sim.cli.produce import Outcome

TAPE = "tape"
LEND = "all_idle"  # unless it is said; a trace without rentals has nobody to lend to


def replay(
    ctx: typer.Context,
    trace: Annotated[str, typer.Argument(metavar="TRACE", help="A trace file; for a tape also a run.")],
    format_: Annotated[str, typer.Option("--format", metavar="swf|philly-chronus|tape", help="What TRACE is.")],
    nodes: Annotated[int | None, typer.Option("--nodes", metavar="N", min=1, help="Nodes of the cluster.")] = None,
    gpus_per_node: Annotated[
        int | None, typer.Option("--gpus-per-node", metavar="G", min=1, help="GPUs of each node.")
    ] = None,
    policy: PolicyFlag = None,
    lend: LendFlag = None,
    estimates: Annotated[
        str | None, typer.Option("--estimates", metavar="requested|actual", help="Run times that the scheduler sees.")
    ] = None,
    schedule_only: Annotated[bool, typer.Option("--schedule-only", help="No metering, no bills, no page.")] = False,
    no_reasons: NoReasonsFlag = False,
    engine: EngineFlag = "auto",
    out: OutFlag = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Replay a trace into a run folder; or a run's tape, to compare every decision with the recorded one."""
    from scheduler.policies import POLICIES, own_lend
    from scheduler.policy.lend import LENDS
    from sim.cli.choice import choose
    from sim.cli.headline import headline
    from sim.cli.produce import exit_by
    from sim.traces.readers import READERS

    session, shape = session_of(ctx), form(csv=csv, md=md)
    choose(format_, (*READERS, TAPE), "format", "--format")
    if format_ == TAPE:
        size = {"--nodes": nodes, "--gpus-per-node": gpus_per_node}
        given = {**size, "--policy": policy, "--lend": lend, "--estimates": estimates, "--out": out}
        given |= {"--schedule-only": schedule_only or None, "--no-reasons": no_reasons or None}
        given |= {"--engine": None if engine == "auto" else engine}
        _refuse(ctx, given)
        _compare(session, trace)
        return
    setup = Setup(
        format_,
        _size(ctx, "--nodes", nodes),
        _size(ctx, "--gpus-per-node", gpus_per_node),
        choose(policy or "easy", list(POLICIES), "policy", "--policy"),
        choose(estimates or "requested", ("requested", "actual"), "estimates", "--estimates"),
        not schedule_only,
        choose(lend or own_lend(policy or "") or LEND, list(LENDS), "lend function", "--lend"),
    )
    title, done = _replay(session, Path(trace), setup, out, reasons=not no_reasons, engine=engine)
    answer(
        session,
        lambda: {"run": str(done.folder), "id": done.folder.name, "summary": done.summary},
        lambda: [headline(done.summary, title)],
        fmt=shape,
        after=f"run folder: {done.folder}",
    )
    if shape != "table":
        note(session, f"run folder: {done.folder}")
    exit_by(done)


class Setup(NamedTuple):
    """How a trace is replayed."""

    trace_format: str
    nodes: int
    gpus_per_node: int
    policy: str
    estimates: str
    metered: bool
    lend: str


def _size(ctx: typer.Context, flag: str, size: int | None) -> int:
    if size is None:
        raise typer.BadParameter("is needed: a trace does not say how large its cluster is", ctx=ctx, param_hint=flag)
    return size


def _refuse(ctx: typer.Context, given: Mapping[str, object]) -> None:
    """Refuse flags that a tape has no use for: what is ignored is taken for heeded."""
    for flag, value in given.items():
        if value is not None:
            raise typer.BadParameter("does not go with --format tape: a tape says it all", ctx=ctx, param_hint=flag)


def _replay(
    session: Session, path: Path, setup: Setup, out: Path | None, *, reasons: bool, engine: str
) -> "tuple[str, Outcome]":
    """Read a trace, run it and write its folder; return the run's title, too.

    Raises:
        SimError, BillingError: not such a trace, an impossible cluster, or no place for the folder.
    """
    from scheduler.policies import policy_by_name
    from sim.cli.produce import About, deliver
    from sim.cli.progress import progress
    from sim.engine.run import run
    from sim.folder.run_folder import require_free
    from sim.replay import world_of_trace
    from sim.traces.readers import read

    if out is not None:
        require_free(out)
    found = read(path, setup.trace_format, estimates="actual" if setup.estimates == "actual" else "requested")
    name = Path(found.file.removesuffix(".gz")).stem
    title = f"{name} on {setup.nodes:,} x {setup.gpus_per_node} GPUs, {setup.policy}, {setup.estimates} estimates"
    toml = _setup_toml(path, setup)
    folder = out or default_folder(session, name, setup.policy, toml)
    ticks = policy_by_name(setup.policy).looks_back
    world = world_of_trace(found, setup.nodes, setup.gpus_per_node, metered=setup.metered, ticks=ticks)
    last_s = int(world.jobs.submit_s[-1])
    with progress(session, f"replaying {found.file}") as tick:
        # The run has no horizon: how many submissions have been seen is all that can be known of its progress.
        watch = (lambda now_s, _: tick(min(now_s, last_s), last_s)) if tick else None
        result = run(
            world, setup.policy, setup.lend, metered=setup.metered, reasons=reasons, progress=watch, engine=engine
        )
    return title, deliver(session, folder, result, About(name, title, "", toml), metered=setup.metered)


def _setup_toml(path: Path, setup: Setup) -> str:
    """What stands as scenario.toml: the replay's own settings, and the products and prices that every replay uses."""
    from hashlib import file_digest

    from sim.replay import defaults_text
    from sim.scenario.toml_text import to_toml

    with path.open("rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    settings = {"file": path.name, "sha256": sha256, **setup._asdict()}
    return f"# A replayed trace: its settings, then what a trace does not say.\n\n{to_toml({'replay': settings})}\n" + (
        defaults_text()
    )


def _tape(session: Session, text: str) -> Path:
    """Return the run folder of a tape where it lies in one, whose manifest knows how long it is; else the file.

    Raises SimError: neither a file nor a run.
    """
    from sim.folder.manifest import MANIFEST
    from sim.folder.run_folder import TAPE

    path = Path(text)
    if path.is_file():
        return path.parent if path.name == TAPE and (path.parent / MANIFEST).is_file() else path
    if not path.exists() and path.suffix:
        raise SimError("cannot be read: No such file or directory", file=text, allowed=f"a {TAPE}, or a run")
    return find_run(session, text)


def _compare(session: Session, text: str) -> None:
    """Feed a tape to the core and say whether every decision was made again; exit code 1 if not."""
    from sim.folder.tape import replay as compare

    found = compare(_tape(session, text))
    different = found.first_difference
    lines = [f"equal: every decision of {found.steps:,} steps was made again"]
    if different is not None:
        lines = [
            f"differs at line {different.line} of the tape, at {different.now_s:,} s",
            f"recorded: {different.recorded}",
            f"replayed: {different.replayed}",
        ]
    answer(
        session,
        lambda: {
            "equal": found.equal,
            "steps": found.steps,
            "first_difference": different._asdict() if different else None,
        },
        list,
        after="\n".join(lines),
    )
    if not found.equal:
        raise typer.Exit(NEGATIVE)
