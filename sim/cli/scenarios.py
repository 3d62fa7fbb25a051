"""`spillway scenarios`: which scenarios there are, what stands in one, whether a file is one."""

from typing import Annotated

import typer

from sim.cli.frame import command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, write

app = group("scenarios", "List, show and check scenarios.", "spillway scenarios list", "spillway scenarios show gap")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The name of a bundled scenario, or a file.")]
FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A TOML file, or the name of a bundled scenario.")]


@command(app, "list", "spillway scenarios list", "spillway scenarios list --json")
def list_(ctx: typer.Context, csv: CsvFlag = False, md: MdFlag = False) -> None:
    """List the bundled scenarios."""
    from sim.scenario.file import bundled, load

    found = [load(name) for name in bundled()]
    sizes = [sum(pool.nodes * pool.gpus_per_node for pool in each.pool) for each in found]
    rows = [
        (each.name, str(each.days), str(gpus), each.policy.name, each.policy.lend, each.title)
        for each, gpus in zip(found, sizes, strict=True)
    ]
    answer(
        session_of(ctx),
        lambda: [
            {"name": each.name, "title": each.title, "days": each.days, "gpus": gpus, "seed": each.seed}
            for each, gpus in zip(found, sizes, strict=True)
        ],
        lambda: [Table("", ("name", "days>", "GPUs>", "policy", "lend", "title"), rows)],
        fmt=form(csv=csv, md=md),
    )


@command(app, "show", "spillway scenarios show gap", "spillway scenarios show gap > mine.toml")
def show(ctx: typer.Context, name: NameArgument) -> None:
    """Print a scenario's TOML, ready to be copied and changed."""
    from sim.scenario.file import show as text_of

    text = text_of(name)
    if session_of(ctx).json:
        answer(session_of(ctx), lambda: {"name": name, "toml": text}, list)
    else:
        write(text)


@command(app, "validate", "spillway scenarios validate mine.toml", "spillway scenarios validate mine.toml --json")
def validate(ctx: typer.Context, file: FileArgument) -> None:
    """Check a scenario file as a run would: keys, sizes, parties, prices. Exit code 2 if something is wrong."""
    from sim.scenario.build import build
    from sim.scenario.file import load
    from sim.scenario.model import guesses

    scenario = load(file)
    jobs = len(build(scenario).jobs.job_id)
    doubtful = len(guesses(scenario))
    answer(
        session_of(ctx),
        lambda: {"ok": True, "file": file, "name": scenario.name, "jobs": jobs, "guesses": doubtful},
        list,
        after=f"{file}: ok; {jobs:,} jobs in {scenario.days:,} days, {doubtful:,} inputs are guesses",
    )


@command(app, "schema", "spillway scenarios schema > scenario.schema.json", "spillway scenarios schema -q")
def schema(ctx: typer.Context) -> None:
    """Print the JSON schema of scenario files, for editors."""
    from sim.scenario.schema import schema as document

    answer(session_of(ctx), document, list, fmt="json")
