"""`spillway sweep`: one scenario in many ways, over the same seeds, as a table with intervals and differences."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, counted, form, note

if TYPE_CHECKING:
    from sim.stats.estimates import Estimate, QuantileEstimate
    from sim.sweep.table import Row, Shown


def sweep(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="SWEEP", help="A TOML file.")],
    executor: Annotated[
        str, typer.Option("--executor", metavar="local|dask://HOST:PORT", help="Where the runs are done.")
    ] = "local",
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes of this machine.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the runs that are there.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Run nothing: show what is there.")] = False,
    budget_s: Annotated[
        int | None, typer.Option("--budget-s", metavar="S", min=1, help="Stop after so many seconds.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where finished runs are kept.")] = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Run a scenario in every way that SWEEP names; print means with intervals, and what differs."""
    from sim.cli.edge import now_us
    from sim.cli.failure import NEGATIVE
    from sim.cli.progress import progress
    from sim.errors import SimError
    from sim.sweep.arms import plan_of
    from sim.sweep.executors import executor as crew_of
    from sim.sweep.run import asked, run_sweep
    from sim.sweep.spec import load_sweep
    from sim.sweep.store import Store
    from sim.sweep.table import document, shown

    session, shape = session_of(ctx), form(csv=csv, md=md)
    if resume and partial:
        raise typer.BadParameter("--partial runs nothing: there is nothing to resume", param_hint="--partial")
    spec = load_sweep(file)
    plan = plan_of(spec, file)
    store = Store(out or session.runs / f"sweep-{spec.name}")
    ended = True
    if not partial:
        with crew_of(executor, workers or os.cpu_count() or 1) as crew, store.held():
            records = store.records()
            there = len(asked(plan, records, now_us).known(records))
            if there and not resume:
                allowed = "--resume to go on from them, --partial to look at them, or --out DIR to run all anew"
                raise SimError(
                    "runs of this sweep are there already", code="sweep.exists", file=str(store.folder),
                    found=f"{there} runs", allowed=allowed,
                )  # fmt: skip
            with progress(session, f"sweeping {spec.name}") as tick:
                ended = run_sweep(plan, store, crew, now_us, budget_s, tick)
    records = store.records()
    found = shown(plan, asked(plan, records, now_us), records)
    answer(session, lambda: document(spec.name, found), lambda: _tables(spec.name, found), fmt=shape)
    for line in _remarks(found, store.folder, ended=ended and not partial):
        note(session, line)
    if found.failures:
        raise typer.Exit(NEGATIVE)


def _remarks(found: "Shown", folder: Path, *, ended: bool) -> list[str]:
    """What a reader should know beside the tables, for stderr."""
    lines = [f"{found.done} of {found.asked} runs done, in {folder}"]
    if found.failures:
        lines[0] += f", {len(found.failures)} failed: --resume tries them again"
    elif not ended and found.done < found.asked:
        lines[0] += ": --resume goes on"
    if found.too_wide:
        lines.append(f"{counted(found.too_wide, 'arm')} not as narrow as `until` asks, with all its seeds")
    return lines


def _tables(name: str, found: "Shown") -> Sequence[Table]:
    keys = list(dict.fromkeys(key for row in found.rows for key in row.arm.labels))
    heads = [*keys, "metric", "n>", "mean>", "±>", "difference>", "±>", "verdict", "needed n>"]
    compared = found.comparisons > 0
    rows = [
        [*(row.arm.labels.get(key, "") for key in keys), *_cells(row)][: None if compared else len(keys) + 4]
        for row in found.rows
    ]
    tables = [Table(_title(name, found), heads if compared else heads[: len(keys) + 4], rows)]
    spread = [
        [*(row.arm.labels.get(key, "") for key in keys), row.metric, str(row.n), f"{bp / 100:g}", *_ends(each)]
        for row in found.rows
        for bp, each in row.quantiles.items()
    ]
    if spread:
        heads = [*keys, "metric", "n>", "quantile, %>", "value>", "low>", "high>"]
        tables.append(Table("Quantiles over seeds, with 95 % intervals", heads, spread))
    if found.failures:
        failed = [
            [*(each.arm.labels.get(key, "") for key in keys), str(each.seed), each.status, each.reason]
            for each in found.failures
        ]
        tables.append(Table("Runs without a number", [*keys, "seed>", "status", "reason"], failed))
    return tables


def _ends(found: "QuantileEstimate") -> list[str]:
    """A quantile and its interval; an end that the sample is too small for is empty."""
    return ["" if each is None else _number(each, each) for each in (found.value, found.low, found.high)]


def _title(name: str, found: "Shown") -> str:
    """What was run, and at which level the intervals are."""
    words = f"{name}: {found.done} of {found.asked} runs, {len(found.seeds)} seeds; 95 % intervals"
    if found.comparisons > 1:
        words += (
            f"; differences against the first arm at 95 % for all {found.comparisons} of a metric together (Bonferroni)"
        )
    return words


def _cells(row: "Row") -> list[str]:
    mean, half = _pair(row.estimate, row.single)
    cells = [row.metric, str(row.n), mean, half]
    if row.paired is None:
        return [*cells, "", "", "" if row.arm.against is not None else "the first", ""]
    difference, half = _pair(row.paired.difference, None)
    needed = row.paired.needed_n
    return [*cells, difference, half, row.paired.verdict, "" if needed is None else str(needed)]


def _pair(estimate: "Estimate | None", single: float | None) -> tuple[str, str]:
    """A mean and its half-width, as many digits as the half-width is worth."""
    if estimate is None:
        return ("", "") if single is None else (_number(single, single), "single run")
    return _number(estimate.mean, estimate.half_width), _number(estimate.half_width, estimate.half_width)


def _number(value: float, scale: float) -> str:
    """Three digits of `scale`, at most six after the point; whole numbers bare."""
    from math import floor, log10

    if value == int(value) and (not scale or scale == value):
        return str(int(value))
    if not scale:
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return f"{value:.{max(0, min(6, 2 - floor(log10(abs(scale)))))}f}"
