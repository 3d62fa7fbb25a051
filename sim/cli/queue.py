"""`spillway queue`: who waits at one moment of a run, why, and until when."""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.runs import RunArgument, find_run

SHOWN = 200  # rows for people; CSV, Markdown and JSON hold all


def queue(
    ctx: typer.Context,
    run: RunArgument,
    at: Annotated[
        str | None, typer.Option("--at", metavar="T", help="Seconds since the epoch, or RFC 3339; default: the end.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option("--tenant", metavar="T", help="What this tenant may be told: its own jobs, in steps.")
    ] = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show the jobs that wait at a moment of a finished run, with reasons and expected starts."""
    from sim.answers.queue import waiting_at
    from sim.cli.choice import choose
    from sim.cli.when import parse_second
    from sim.folder.run_folder import read

    session, shape = session_of(ctx), form(csv=csv, md=md)
    folder = find_run(session, run)
    opened = read(folder)
    horizon_s = int(opened.manifest["horizon_s"])
    at_s = horizon_s - 1 if at is None else parse_second(at, opened.names.epoch_s, horizon_s)
    if tenant is not None:
        choose(tenant, opened.names.tenants, "tenant", "--tenant")
        _of_tenant(session, shape, folder, tenant, at_s)
        return
    rows = waiting_at(folder, at_s)
    columns = ("job", "tenant", "product", "gpus>", "waited_s>", "reason", "start_in_s>", "early_in_s>", "late_in_s>")

    def cells(row: "tuple[object, ...]") -> list[str]:
        job_id, tenant, product, gpus, since_s, reason, _, *times = row
        assert isinstance(since_s, int)
        ahead = [str(time - at_s) if isinstance(time, int) else "?" for time in times]
        return [str(job_id), str(tenant), str(product), str(gpus), str(at_s - since_s), str(reason), *ahead]

    shown = rows if shape != "table" else rows[:SHOWN]
    left = len(rows) - len(shown)
    answer(
        session,
        lambda: {"run": folder.name, "at_s": at_s, "waiting": [row._asdict() for row in rows]},
        lambda: [Table(f"{len(rows)} jobs wait at {at_s} s", columns, [cells(row) for row in shown])],
        fmt=shape,
        after=f"{left} more: --csv or --json shows all" if left else "",
    )


def _of_tenant(session: Session, shape: str, folder: Path, tenant: str, at_s: int) -> None:
    """The queue as one tenant may see it."""
    from sim.answers.queue import told_to_tenant, waiting_at
    from tenants.isolation.told import moment_of

    as_of_s = moment_of(at_s)
    rows = told_to_tenant(waiting_at(folder, as_of_s), tenant, as_of_s)
    columns = ("job", "product", "gpus>", "waited_s>", "reason", "start_within_s>")
    cells = [[*map(str, row[:-1]), "?" if row.start_within_s is None else str(row.start_within_s)] for row in rows]
    answer(
        session,
        lambda: {"run": folder.name, "tenant": tenant, "at_s": as_of_s, "waiting": [row._asdict() for row in rows]},
        lambda: [Table(f"{len(rows)} jobs of {tenant} wait at {as_of_s} s", columns, cells)],
        fmt=shape,
    )
