"""`spillway quota`: what tenants made of their quotas and budgets."""

from typing import Annotated, Any

import typer

from sim.cli.frame import command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.runs import RunArgument, find_run

app = group(
    "quota", "Quotas and budgets of a finished run.", "spillway quota show last", "spillway quota show last --csv"
)


@command(app, "show", "spillway quota show last", "spillway quota show runs/labs --json")
def show(
    ctx: typer.Context,
    run: RunArgument,
    tenant: Annotated[
        str | None, typer.Option("--tenant", metavar="T", help="What this tenant may be told: its own rows.")
    ] = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show what each tenant used, borrowed and lent, in GPU-hours, and its budget by month."""
    from sim.answers.quota import quota_of_tenant
    from sim.cli.choice import choose
    from sim.folder.run_folder import read

    session = session_of(ctx)
    opened = read(find_run(session, run))
    found: dict[str, Any] = opened.summary().get("quota", {"tenants": [], "budgets": []})
    if tenant is not None:
        found = quota_of_tenant(found, choose(tenant, opened.names.tenants, "tenant", "--tenant"))
    after = "" if found["tenants"] or found["budgets"] else "this run had neither quotas nor budgets"
    answer(session, lambda: found, lambda: _tables(found), fmt=form(csv=csv, md=md), after=after)


def _tables(found: dict[str, Any]) -> list[Table]:
    """GPU-seconds as GPU-hours, cut to one decimal."""
    tenants = [
        [row["tenant"], row["region"], row["sku"], str(row["nominal_gpus"]), str(row["used_gpus_max"])]
        + [_gpu_hours(row[f"{what}_gpu_s"]) for what in ("used", "borrowed", "lent")]
        for row in found["tenants"]
    ]
    budgets = [
        [row["tenant"], row["month"], *(_gpu_hours(row[f"{what}_gpu_s"]) for what in ("used", "soft", "hard"))]
        for row in found["budgets"]
    ]
    heads = ("tenant", "region", "sku", "nominal>", "most held>", "used>", "borrowed>", "lent>")
    return [
        Table("Quotas: nominal and most held in GPUs, the rest in GPU-hours", heads, tenants),
        Table("Budgets, in GPU-hours", ("tenant", "month", "used>", "soft stop>", "hard stop>"), budgets),
    ]


def _gpu_hours(gpu_s: int | None) -> str:
    return "" if gpu_s is None else f"{gpu_s // 3600}.{gpu_s % 3600 // 360}"
