"""`spillway compare`: runs side by side, and their differences against the first."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note
from sim.cli.runs import find_run

if TYPE_CHECKING:
    from sim.answers.compare import Comparison, Metric

RunsArgument = Annotated[
    list[str], typer.Argument(metavar="RUN RUN...", help="Two runs or more; the first is what others are held against.")
]


def compare(
    ctx: typer.Context,
    runs: RunsArgument,
    force: Annotated[bool, typer.Option("--force", help="Also runs of different worlds.")] = False,
    by_seed: Annotated[
        bool, typer.Option("--paired", help="Runs of several seeds: means, and differences within each seed.")
    ] = False,
    pareto: Annotated[
        str | None, typer.Option("--pareto", metavar="X;Y", help="With --paired: who has least of X and most of Y.")
    ] = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Put finished runs side by side: use, money, delays, evictions, waits by cause; differences against the first."""
    from sim.answers.compare import compare as compared

    session, shape = session_of(ctx), form(csv=csv, md=md)
    if len(runs) < 2:
        raise typer.BadParameter("two runs or more", param_hint="RUN")
    if by_seed or pareto:
        from sim.answers.paired_runs import paired_runs
        from sim.cli.compare_paired import paired_document, paired_tables

        axes = _axes(pareto) if pareto else None
        pairs = paired_runs([find_run(session, text) for text in runs], axes)
        answer(session, lambda: paired_document(pairs), lambda: paired_tables(pairs, axes), fmt=shape)
        return
    found = compared([find_run(session, text) for text in runs], force)
    for text in found.world_differences:
        note(session, f"not the same world: {text}")
    answer(session, lambda: document(found), lambda: tables(found), fmt=shape)


def _axes(text: str) -> tuple[str, str]:
    """The two numbers of a front; names hold commas, so they stand apart by `;`."""
    x, semicolon, y = text.partition(";")
    if not (x.strip() and semicolon and y.strip()):
        raise typer.BadParameter(f"two numbers as X;Y (found {text!r})", param_hint="--pareto")
    return x.strip(), y.strip()


def document(found: "Comparison") -> dict[str, Any]:
    """The comparison for programs."""

    def listed(metrics: Sequence["Metric"]) -> list[dict[str, Any]]:
        return [{**metric._asdict(), "differences": metric.differences} for metric in metrics]

    return {
        "runs": found.runs,
        "same_world": not found.world_differences,
        "world_differences": found.world_differences,
        "metrics": listed(found.metrics),
        "waits": listed(found.waits),
    }


def tables(found: "Comparison") -> list[Table]:
    """What was run, the numbers, and what jobs waited for."""
    letters = [chr(ord("A") + place) if place < 26 else str(place + 1) for place in range(len(found.runs))]
    rows = [[letter, *map(str, run.values())] for letter, run in zip(letters, found.runs, strict=True)]
    who = Table("Runs", ("", "run", "scenario", "policy", "lend", "seed>"), rows)
    heads = ["number", "unit", *(f"{letter}>" for letter in letters)]
    heads += [f"{letter} - {letters[0]}>" for letter in letters[1:]]
    return [
        who,
        Table("Side by side", heads, [_row(metric) for metric in found.metrics]),
        *(
            [Table("Waiting by cause, seconds of all jobs of a band", heads, [_row(wait) for wait in found.waits])]
            if found.waits
            else []
        ),
    ]


def _row(metric: "Metric") -> list[str]:
    unit = {"bp": "%", "s": "s", "micro_usd": "USD", "count": "", "milli": ""}[metric.unit]
    values = [_text(value, metric.unit) for value in metric.values]
    return [metric.name, unit, *values, *(_text(value, metric.unit) for value in metric.differences[1:])]


def _text(value: int | None, unit: str) -> str:
    """A number as it stands in a table; `-` for none."""
    from billing.money import format_usd

    if value is None:
        return "-"
    if unit == "micro_usd":
        return format_usd(value, 2)
    places = {"bp": 2, "milli": 3}.get(unit, 0)
    if not places:
        return str(value)
    whole, rest = divmod(abs(value), 10**places)
    return f"{'-' if value < 0 else ''}{whole}.{rest:0{places}d}"
