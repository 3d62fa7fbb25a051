"""`spillway explain`: why a job waited, where it was placed, why it was evicted; and the evictions of a run."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.runs import RunArgument, find_run

TOP = 20


def explain(
    ctx: typer.Context,
    run: RunArgument,
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="The id of a job of that run.")] = None,
    evictions: Annotated[bool, typer.Option("--evictions", help="Instead of a job: who was evicted for whom.")] = False,
    top: Annotated[int, typer.Option("--top", metavar="N", min=1, help="So many evictions, the dearest first.")] = TOP,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Explain one job of a finished run, in sentences, or the evictions of the run; --json gives codes and numbers."""
    from sim.answers.explain import explain as explanation

    session, shape = session_of(ctx), form(csv=csv, md=md)
    if evictions == (job is not None):
        raise typer.BadParameter("name a job, or --evictions, not both", param_hint="JOB")
    if job is None:
        _evictions(session, find_run(session, run), None if csv else top, shape)
        return
    if shape != "table":
        raise typer.BadParameter("a story is no table; --json is there for programs", param_hint=f"--{shape}")
    told = explanation(find_run(session, run), job)
    answer(session, told.as_dict, list, after="\n".join(told.lines))


def _evictions(session: Session, folder: Path, top: int | None, shape: str) -> None:
    from billing.months import utc_text
    from sim.answers.explain import evictions
    from sim.folder.run_folder import read
    from sim.report.text import usd

    rows = evictions(folder)
    epoch_s = read(folder).names.epoch_s
    shown = rows[:top]
    heads = ("evicted at", "job", "product", "GPUs>", "notice, s>", "for", "its product", "lost work, GPU-s>", "worth>")
    cells = [
        [
            utc_text(epoch_s + row["evicted_s"]),
            row["job_id"],
            row["product"],
            str(row["gpus"]),
            str(row["evicted_s"] - row["noticed_s"]),
            row["by_job_id"] or "-",
            row["by_product"] or "-",
            str(row["lost_gpu_s"]),
            "-" if row["lost_micro_usd"] is None else usd(row["lost_micro_usd"]),
        ]
        for row in shown
    ]
    title = f"Evictions, the dearest first ({len(shown):,} of {len(rows):,})"
    totals = {
        "evictions": len(rows),
        "second_order": sum(row["second_order"] for row in rows),
        "lost_gpu_s": sum(row["lost_gpu_s"] for row in rows),
        "lost_micro_usd": sum(row["lost_micro_usd"] or 0 for row in rows),
    }
    answer(session, lambda: {**totals, "rows": shown}, lambda: [Table(title, heads, cells)], fmt=shape)
