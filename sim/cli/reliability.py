"""`spillway reliability`: how often a job of this size stops, what checkpoints are worth, how many spares to keep."""

from typing import Annotated, Any

import typer

from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form


def reliability(
    ctx: typer.Context,
    nodes: Annotated[int, typer.Option("--nodes", metavar="N", min=1, max=10**7, help="Nodes of the job.")],
    rate: Annotated[
        float | None,
        typer.Option(
            "--rate", metavar="R", min=0, max=1e6, help="Failures per 1,000 node-days, of one kind of hazard."
        ),
    ] = None,
    mttf_hours: Annotated[
        float | None,
        typer.Option(
            "--mttf-hours", metavar="H", min=1e-6, max=1e9, help="Instead: its measured mean hours to failure."
        ),
    ] = None,
    failures: Annotated[
        int | None, typer.Option("--failures", metavar="N", min=1, max=10**9, help="Instead: failures counted ...")
    ] = None,
    days: Annotated[
        float | None, typer.Option("--days", metavar="D", min=1e-6, max=1e6, help="... over so many days.")
    ] = None,
    interval: Annotated[
        int, typer.Option("--interval", metavar="S", min=1, max=10**9, help="Seconds of work between checkpoints.")
    ] = 3600,
    write: Annotated[
        int, typer.Option("--write", metavar="S", min=0, max=10**9, help="Seconds of a blocking write.")
    ] = 0,
    restart: Annotated[
        int, typer.Option("--restart", metavar="S", min=0, max=10**9, help="Seconds of a restart.")
    ] = 300,
    length_hours: Annotated[
        float, typer.Option("--length-hours", metavar="H", min=0, max=1e9, help="Length of the job, for its survival.")
    ] = 24,
    repair_days: Annotated[
        float, typer.Option("--repair-days", metavar="D", min=0, max=1e6, help="Days of a repair, for the spares.")
    ] = 0.5,
    target: Annotated[
        float, typer.Option("--target", metavar="F", min=0.01, max=0.9999, help="Share of time to be work.")
    ] = 0.9,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Size checkpoints and hot spares of a job, from closed forms; no run is needed."""
    from sim.measures.reliability import sizes

    shape = form(csv=csv, md=md)
    hazard = _rate(nodes, rate, mttf_hours, failures, days)
    found = sizes(
        nodes,
        hazard,
        interval_s=interval,
        write_s=write,
        restart_s=restart,
        length_s=length_hours * 3600,
        repair_days=repair_days,
        target=target,
    )
    answer(session_of(ctx), lambda: found, lambda: [_table(found)], fmt=shape)


def _rate(nodes: int, rate: float | None, mttf_hours: float | None, failures: int | None, days: float | None) -> float:
    """The one hazard that was named, per 1,000 node-days."""
    from sim.measures.reliability import rate_from_count, rate_from_mttf

    if (failures is None) != (days is None):
        raise typer.BadParameter("--failures and --days belong together")
    named = [
        name
        for name, value in (("--rate", rate), ("--mttf-hours", mttf_hours), ("--failures", failures))
        if value is not None
    ]
    if len(named) != 1:
        raise typer.BadParameter(
            f"name one hazard: --rate, --mttf-hours, or --failures with --days (found {' and '.join(named) or 'none'})"
        )
    if rate is not None:
        return rate
    if mttf_hours is not None:
        return rate_from_mttf(mttf_hours, nodes)
    assert failures is not None and days is not None
    return rate_from_count(failures, days, nodes)


def _table(found: dict[str, Any]) -> Table:
    ettr, spares, stops = found["ettr"], found["spares"], found["stops"]

    def told(value: float | None, digits: int) -> str:
        return "never" if value is None else f"{value:.{digits}f}"

    rows = [
        ("failures per 1,000 node-days", told(found["rate_per_1000_node_days"], 2)),
        ("mean hours between stops", told(found["mttf_h"], 2)),
        ("chance to run through", told(found["survival"], 4)),
        ("stops on the way", told(stops["mean"], 1)),
        *(
            []
            if stops["low"] is None
            else [("  95 times in 100 between", f"{stops['low']:.0f} and {stops['high']:.0f}")]
        ),
        ("share of time that is work, exact", told(ettr["exact"], 4)),
        ("  stops during restarts too (Daly)", told(ettr["daly"], 4)),
        ("  published linear form", told(ettr["linear"], 4)),
        ("checkpoint interval by Young, s", told(found["interval_young_s"], 0)),
        ("checkpoint interval by Daly, s", told(found["interval_daly_s"], 0)),
        (f"interval and restart that give {found['target']:g}, s", told(found["reach_s"], 0)),
        ("spares that are enough in 99 % of the time", str(spares["p99"])),
        ("spares that are enough in 99.9 %", str(spares["p999"])),
    ]
    return Table("", ("figure", "value>"), rows)
