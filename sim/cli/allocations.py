"""`spillway allocations`: what a tenant held, when, and on which nodes by its own names for them."""

from typing import Annotated

import typer

from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.runs import RunArgument, find_run

SHOWN = 50  # rows for people; CSV, Markdown and JSON hold all


def allocations(
    ctx: typer.Context,
    run: RunArgument,
    tenant: Annotated[str, typer.Option("--tenant", metavar="T", help="Whose allocations.")],
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show a tenant's own allocations. Nodes go by names that only this tenant is told."""
    from sim.answers.allocations import COLUMNS, allocations_of
    from sim.folder.run_folder import read

    session, shape = session_of(ctx), form(csv=csv, md=md)
    folder = find_run(session, run)
    rows = allocations_of(read(folder), tenant)
    shown = rows if shape != "table" else rows[:SHOWN]
    columns = tuple(f"{name}>" if name in ("gpus", "start_s", "end_s") else name for name in (*COLUMNS, "nodes"))
    cells = [[*(str(row[name]) for name in COLUMNS), " ".join(row["nodes"])] for row in shown]
    left = len(rows) - len(shown)
    answer(
        session,
        lambda: {"run": folder.name, "tenant": tenant, "allocations": rows},
        lambda: [Table(f"Allocations of {tenant}", columns, cells)],
        fmt=shape,
        after=f"{left} more: --csv or --json shows all" if left else "",
    )
