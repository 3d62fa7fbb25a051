"""`spillway report`: the page of a finished run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.frame import Session, session_of
from sim.cli.output import answer, note
from sim.cli.picture_file import require_drawable, write_picture
from sim.cli.runs import RunArgument, find_run
from sim.errors import SimError

if TYPE_CHECKING:
    from sim.folder.run_folder import RunFolder

PAGE = "report.html"

TraceFlag = Annotated[
    Path | None, typer.Option("--trace", metavar="FILE", help="Write a trace for ui.perfetto.dev; `.gz` packs it.")
]
GanttFlag = Annotated[
    Path | None, typer.Option("--gantt", metavar="FILE", help="Draw who holds which node: .svg or .png.")
]
AtFlag = Annotated[int | None, typer.Option("--at", metavar="S", min=0, help="Moment of the Gantt; its end without.")]
HoursFlag = Annotated[int, typer.Option("--hours", metavar="H", min=1, max=100_000, help="Hours before and after it.")]
OpenFlag = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]


def report(
    ctx: typer.Context,
    run: RunArgument,
    open_: OpenFlag = False,
    trace: TraceFlag = None,
    gantt: GanttFlag = None,
    at: AtFlag = None,
    hours: HoursFlag = 48,
) -> None:
    """Print the path of a run's page; draw the page first if the run has none."""
    from sim.answers.trace import write_trace
    from sim.folder import run_folder

    session = session_of(ctx)
    folder = run_folder.read(find_run(session, run))
    if trace is not None:
        note(session, f"{write_trace(folder, trace):,} events in {trace}")
    if gantt is not None:
        _draw_gantt(folder, gantt, folder.manifest["horizon_s"] if at is None else at, hours)
        note(session, f"drew {gantt}")
    page = folder.path / PAGE
    if PAGE in folder.manifest["files"]:
        folder.file(PAGE)  # refuses a damaged one
    elif not page.is_file():
        _draw(session, folder, page)
    answer(session, lambda: {"run": folder.path.name, "report": str(page)}, list, after=str(page))
    if open_:
        open_page(page)


def open_page(page: Path) -> None:
    """Show a page in the user's browser."""
    import webbrowser

    webbrowser.open(page.resolve().as_uri())


def _draw_gantt(folder: "RunFolder", out: Path, at_s: int, hours: int) -> None:
    """Raises SimError: no extra to draw with, another kind of file, or no place for it."""
    from sim.answers.gantt import gantt

    require_drawable(out, "--gantt")
    write_picture(gantt(folder.path, at_s, hours), out)


def _draw(session: Session, folder: "RunFolder", page: Path) -> None:
    """Draw a page that was left out, from the run itself: the scenario gives the same run again, and that is checked.

    Raises:
        SimError: the run was not metered, or this program's run of the scenario is another one.
    """
    from sim.cli.books import require_metered
    from sim.cli.produce import about, draw, simulate
    from sim.scenario.file import parse
    from sim.settle import settle
    from sim.summary import summarise

    require_metered(folder)
    scenario = parse(folder.scenario_toml(), str(folder.path / "scenario.toml"))
    result = simulate(session, scenario)
    books = settle(result)
    summary, found = summarise(result, books), folder.summary()
    if any(found.get(key) != value for key, value in summary.items()):
        made = folder.manifest["made_with"].get("spillway")
        message, allowed = "running the scenario again gives another run", "the version of spillway that made it"
        raise SimError(message, code="run.differs", file=str(folder.path), found=f"made with {made}", allowed=allowed)
    draft = page.with_name(f".{page.name}.draft")
    draft.write_text(draw(about(scenario), result, books, found), encoding="utf-8", newline="\n")
    draft.replace(page)
    note(session, "the page had been left out: drawn now")
