"""`spillway api`: the API's own description, and a receiver of webhooks, without a server or a database."""

import typer

from sim.cli.api_listen import listen
from sim.cli.frame import command, group, session_of
from sim.cli.output import answer

app = group("api", "The HTTP API: its description, and trying its webhooks.", "spillway api openapi > openapi.json")
command(app, "listen", "spillway api listen webhook.secret", "spillway api listen webhook.secret --port 9000")(listen)


@command(app, "openapi", "spillway api openapi > openapi.json", "spillway api openapi -q")
def openapi(ctx: typer.Context) -> None:
    """Print the API's description, OpenAPI 3.1: what a server gives at /openapi.json."""
    from billing.api.app import described_app

    answer(session_of(ctx), described_app().openapi, list, fmt="json")
