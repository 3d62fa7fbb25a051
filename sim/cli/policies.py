"""`spillway policies`: every policy and lend function that a run may name, in one line each."""

import typer

from sim.cli.frame import session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form


def policies(ctx: typer.Context, csv: CsvFlag = False, md: MdFlag = False) -> None:
    """List the policies and lend functions that `--policy` and `--lend` accept."""
    from sim.answers.policy_list import lends
    from sim.answers.policy_list import policies as listed

    session, shape = session_of(ctx), form(csv=csv, md=md)
    rows, lent = listed(), lends()
    parts = [word for word in rows[0] if word not in ("name", "means")]
    answer(
        session,
        lambda: {"policies": rows, "lends": lent},
        lambda: [
            Table("--policy", ("name", "means"), [[row["name"], row["means"]] for row in rows]),
            Table(
                "Parts of the policies", ("name", *parts), [[row[word] for word in ("name", *parts)] for row in rows]
            ),
            Table("--lend", ("name", "means"), [[row["name"], row["means"]] for row in lent]),
        ],
        fmt=shape,
    )
