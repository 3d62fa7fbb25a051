"""`spillway experiment`: a shipped question, answered by replications, as tables and as a folder with a page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note

if TYPE_CHECKING:
    from sim.experiments.inputs import Inputs
    from sim.experiments.perform import Performed

LIST, ALL = "list", "all"


def experiment(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(metavar="CODE", help="E0 to E12, `all`, or `list`.")] = LIST,
    preset: Annotated[str, typer.Option("--preset", metavar="small|full", help="How much is run.")] = "small",
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="The number that fixes all randomness.")] = 1,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Another value of an input; again for more.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes to run on.")] = 2,
    where: Annotated[
        str, typer.Option("--executor", metavar="local|dask://HOST:PORT", help="What the runs are handed to.")
    ] = "local",
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder of the results.")] = None,
    results: Annotated[
        Path | None,
        typer.Option("--results", metavar="FILE", help="A page with the marks of `make results` to write them into."),
    ] = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Answer a shipped question: findings with 95 % intervals and what they are held against, and a page of them."""
    session, shape = session_of(ctx), form(csv=csv, md=md)
    if code.lower() == LIST:
        answer(session, lambda: [dict(zip(_COLUMNS, row, strict=True)) for row in _rows()], _listed, fmt=shape)
        return
    from sim.cli.progress import progress_told
    from sim.experiments.folder import document, require_place, write
    from sim.experiments.inputs import read_inputs
    from sim.experiments.perform import perform
    from sim.experiments.registry import experiment as found
    from sim.experiments.registry import there
    from sim.experiments.results import write_results
    from sim.experiments.spread import spread
    from sim.experiments.words import answer as answered
    from sim.sweep.executors import executor as crewed

    every = code.lower() == ALL
    if changes and (every or results):
        raise typer.BadParameter("--set goes with one experiment, and not with --results")
    done = []
    for chosen in [found(each) for each in (there() if every else [code])]:
        inputs = _changed(read_inputs(chosen.inputs), changes or [])
        folder = (out or session.runs / "experiments") / (f"{chosen.code}-{preset}-s{seed}" if every or not out else "")
        require_place(folder)
        with crewed(where, workers) as crew, progress_told(session, f"{chosen.code}, {preset}") as tick:
            done.append(perform(chosen, preset, seed, inputs, spread(crew, tick)))
        write(folder, done[-1])
        note(session, f"page: {folder / 'page.html'}")
    if results is not None:
        write_results(results, done)
    answer(
        session,
        lambda: [document(each) for each in done] if every else document(done[0]),
        lambda: [_table(each) for each in done],
        fmt=shape,
        after="\n".join(answered(each.outcome) for each in done),
    )


def _changed(inputs: "Inputs", changes: list[str]) -> "Inputs":
    pairs = [change.partition("=") for change in changes]
    for (name, equals, _), change in zip(pairs, changes, strict=True):
        if not (name and equals):
            raise typer.BadParameter(f"NAME=VALUE is needed (found {change!r})", param_hint="--set")
    return inputs.changed({name: value for name, _, value in pairs})


_COLUMNS = ("code", "question", "state")


def _rows() -> list[tuple[str, str, str]]:
    from sim.experiments.registry import ENTRIES

    return [(code, entry.title, "" if entry.module else "not there yet") for code, entry in ENTRIES.items()]


def _listed() -> list[Table]:
    return [Table("", _COLUMNS, _rows())]


def _table(done: "Performed") -> Table:
    from sim.experiments.words import band, ours

    rows = [
        (
            finding.name,
            ours(finding),
            finding.unit,
            str(finding.estimate.n) if finding.estimate else "-",
            band(finding.expected) or "-",
            finding.verdict or "-",
        )
        for finding in done.outcome.findings
    ]
    columns = ("figure", "ours, 95 % interval>", "unit", "runs>", "expected>", "verdict")
    return Table(f"{done.experiment.code}: {done.experiment.title}", columns, rows)
