"""`spillway explain`: why a job waited, where it was placed, why it was evicted."""

from typing import Annotated

import typer

from sim.cli.frame import session_of
from sim.cli.output import answer
from sim.cli.runs import RunArgument, find_run


def explain(
    ctx: typer.Context,
    run: RunArgument,
    job: Annotated[str, typer.Argument(metavar="JOB", help="The id of a job of that run.")],
) -> None:
    """Explain one job of a finished run, in sentences; with --json as reason codes."""
    from sim.explain import explain as explanation

    session = session_of(ctx)
    told = explanation(find_run(session, run), job)
    answer(session, told.as_dict, list, after="\n".join(told.lines))
