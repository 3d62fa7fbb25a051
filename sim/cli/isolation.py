"""`spillway isolation`: how the nodes of a run changed hands."""

from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.cli.runs import RunArgument, find_run

if TYPE_CHECKING:
    from sim.folder.run_folder import RunFolder


def isolation(
    ctx: typer.Context,
    run: RunArgument,
    node: Annotated[
        str | None, typer.Option("--node", metavar="NODE", help="The life of one node: REGION/SKU/ROW.")
    ] = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Show networks programmed, nodes scrubbed, refused starts and quarantines of a run with [isolation]."""
    from sim.folder.run_folder import read

    session, shape = session_of(ctx), form(csv=csv, md=md)
    folder = find_run(session, run)
    opened = read(folder)
    if node is not None:
        _life(session, opened, node, shape)
    else:
        _totals(session, opened, shape)


def _totals(session: Session, run: "RunFolder", shape: str) -> None:
    from sim.answers.isolation import COUNTS, failures, totals

    pools, wrong, checked = totals(run), failures(run), run.summary()["isolation"]["nodes_checked"]
    names = [*COUNTS, "scrubbing_gpu_s"]
    heads = ("region", "sku", *(f"{name.replace('_', ' ').replace(' gpu s', ', GPU-s')}>" for name in names))
    answer(
        session,
        lambda: {"run": run.path.name, "pools": pools, "failures": wrong, "nodes_checked": checked},
        lambda: [
            Table(
                "How nodes changed hands",
                heads,
                [[str(row[name]) for name in ("region", "sku", *names)] for row in pools],
            ),
            Table(
                "What went wrong",
                ("why", "times>", "nodes>"),
                [[row["why"], str(row["times"]), str(row["nodes"])] for row in wrong],
            ),
        ],
        fmt=shape,
        after=f"Invariants were held against the plant {checked:,} times, node by node. Hardware is modelled.",
    )


def _life(session: Session, run: "RunFolder", node: str, shape: str) -> None:
    from sim.answers.isolation import life_of

    changes = life_of(run, node)
    cells = [["" if part is None else str(part) for part in change] for change in changes]
    answer(
        session,
        lambda: {"run": run.path.name, "node": node, "changes": [change._asdict() for change in changes]},
        lambda: [Table(f"Node {node}", ("at_s>", "until_s>", "state", "job", "tenant", "why"), cells)],
        fmt=shape,
    )
