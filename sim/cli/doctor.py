"""`spillway doctor`: is this machine fit to run Spillway?"""

import typer

from sim.cli.failure import NEGATIVE
from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form


def doctor(ctx: typer.Context, csv: CsvFlag = False, md: MdFlag = False) -> None:
    """Check this machine: one line per check; exit code 1 if one failed."""
    from sim.doctor import checks

    rows = checks()
    words = [(row.name, "ok" if row.ok else "FAILED", row.detail) for row in rows]
    answer(
        session_of(ctx),
        lambda: {"ok": all(row.ok for row in rows), "checks": [row._asdict() for row in rows]},
        lambda: [Table("", ("check", "result", "detail"), words)],
        fmt=form(csv=csv, md=md),
    )
    if not all(row.ok for row in rows):
        raise typer.Exit(NEGATIVE)
