"""`spillway delay`: what rentals earned, and by how much they delayed each internal job."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.runs import RunArgument, find_run

TOP = 20


def delay(
    ctx: typer.Context,
    run: RunArgument,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="So many of the latest jobs.")] = TOP,
    private: Annotated[
        str | None,
        typer.Option("--private", metavar="T", help="Instead: this tenant's contracts against a cluster of its own."),
    ] = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Say what rentals earned and which internal jobs they delayed, against the same world without rentals."""
    from sim.answers.delay_report import DelayReport, delay_report

    session, shape = session_of(ctx), form(csv=csv, md=md)
    if private is not None:
        _private(session, shape, find_run(session, run), private)
        return
    found: DelayReport = delay_report(find_run(session, run))
    rows = found.rows if csv else found.rows[:top]
    answer(
        session,
        lambda: {"run": found.run, **found.totals, "jobs": rows},
        lambda: [jobs_table(rows, found.totals), *([] if csv else [totals_table(found.totals)])],
        fmt=shape,
    )


def _private(session: Session, shape: str, folder: Path, tenant: str) -> None:
    """The gangs of a tenant's contracts, with their starts in a cluster of its own."""
    from sim.answers.private import alone
    from sim.cli.choice import choose
    from sim.folder.run_folder import read

    rows = alone(folder, choose(tenant, read(folder).names.tenants, "tenant", "--private"))
    later = [row.later_s for row in rows if row.later_s is not None]
    heads = ("job", "product", "GPUs>", "submitted>", "start alone>", "start>", "later by, s>")
    cells = [
        [row.job_id, row.product, str(row.gpus), str(row.submit_s)]
        + ["-" if each is None else str(each) for each in (row.alone_s, row.start_s, row.later_s)]
        for row in rows
    ]
    late = sum(each > 0 for each in later)
    answer(
        session,
        lambda: {
            "run": folder.name,
            "tenant": tenant,
            "later": late,
            "later_s_max": max(later, default=0),
            "jobs": [{**row._asdict(), "later_s": row.later_s} for row in rows],
        },
        lambda: [
            Table(f"Gangs of the contracts of {tenant}, and when a cluster of its own would start them", heads, cells)
        ],
        fmt=shape,
        after=f"{late} of {len(later)} later than alone, by {max(later, default=0)} s at most",
    )


def jobs_table(rows: list[dict[str, Any]], totals: dict[str, Any]) -> Table:
    """Job by job, the latest first."""
    names = ("job_id", "tenant", "product", "gpus", "submit_s", "start_without_s", "start_s", "later_s", "end_later_s")
    heads = (
        "job",
        "tenant",
        "product",
        "GPUs>",
        "submitted>",
        "start without>",
        "start with>",
        "later by, s>",
        "end later by, s>",
    )
    text = [["-" if row[name] is None else str(row[name]) for name in names] for row in rows]
    title = f"Internal jobs with rentals and without, the latest first ({len(rows):,} of {totals['jobs_compared']:,})"
    return Table(title, heads, text)


def totals_table(totals: dict[str, Any]) -> Table:
    """Both sides of the trade."""
    rows = [
        ("charged for on-demand and spot", totals["lent_usd"], "USD"),
        ("after their service credits", totals["lent_net_usd"], "USD"),
        ("charged for contracts, there anyhow", totals["contracts_usd"], "USD"),
        ("internal jobs that started later", str(totals["later"]), f"of {totals['jobs_compared']:,}"),
        ("that started earlier", str(totals["earlier"]), f"of {totals['jobs_compared']:,}"),
        ("all delays together", str(totals["total_s"]), "s, of starts"),
        ("the same, of their ends", str(totals["end_total_s"]), f"s, of {totals['ends_compared']:,} jobs"),
        ("weighted with the GPUs that waited", str(totals["gpu_s"] // 3600), "GPU-h"),
        ("mean delay", str(totals["mean_s"]), "s"),
        ("99 of 100 jobs at most", str(totals["p99_s"]), "s"),
        ("longest delay", str(totals["max_s"]), "s"),
    ]
    if totals["lent_net_usd_per_gpu_h_of_delay"] is not None:
        what = "USD: lending pays if an hour of waiting costs less"
        rows.append(("earned per GPU-hour of delay", totals["lent_net_usd_per_gpu_h_of_delay"], what))
    return Table("What rentals earned, and what they cost in time", ("number", "value>", "unit"), rows)
