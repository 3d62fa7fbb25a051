"""`spillway api`: the API's own description, without a server or a database."""

import typer

from sim.cli.frame import command, group, session_of
from sim.cli.output import answer

app = group("api", "The description of the HTTP API.", "spillway api openapi > openapi.json")


@command(app, "openapi", "spillway api openapi > openapi.json", "spillway api openapi -q")
def openapi(ctx: typer.Context) -> None:
    """Print the API's description, OpenAPI 3.1: what a server gives at /openapi.json."""
    from billing.api.app import described_app

    answer(session_of(ctx), described_app().openapi, list, fmt="json")
