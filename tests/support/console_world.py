"""The console on a real store with a run in it, on a real socket: what a browser is pointed at.

The run is 45 days of the small scenario, billed and settled, so that there are invoices, an open month and incidents.
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from billing.api.app import create_app
from billing.console.app import with_console
from billing.store.api_terms import TermsSource
from billing.store.door import open_door
from billing.store.secrets_file import load_secrets
from served import served
from sim.answers.runs_port import Runs
from sim.cli import app
from sim.cli.bill_export import ISSUER
from sim.cli.db_settle import given_terms, parse_terms
from tenants.access.limits import Limit, Limits

DAYS = "45"
_FREE = Limit(1_000_000, 60, 1_000_000)


class ConsoleWorld(NamedTuple):
    """Where the console is, and who may come: keys by the words below."""

    url: str
    keys: dict[str, str]
    folder: Path


def spillway(folder: Path, *words: str) -> str:
    """What a command printed, with the store in a folder."""
    environment = {"SPILLWAY_DB": str(folder / "spillway.db"), "SPILLWAY_RUNS": str(folder / "runs"), "NO_COLOR": "1"}
    done = CliRunner(env=environment).invoke(app, list(words))
    assert done.exit_code == 0, f"{words}: {done.stderr}"
    return done.stdout


@contextmanager
def console_world(folder: Path) -> Iterator[ConsoleWorld]:
    """Make the store and serve the console over it."""
    run = str(folder / "runs" / "small")
    spillway(folder, "run", "small", "--days", DAYS, "--out", run, "--no-report", "-q")
    spillway(folder, "db", "init")
    spillway(folder, "db", "import", run, "-q")
    spillway(folder, "bill", "issue", "-q")
    spillway(folder, "db", "settle", "-q")
    who = {
        "acme": ("--tenant", "acme", "--role", "tenant_admin"),
        "acme/member": ("--tenant", "acme", "--role", "member"),
        "operator": ("--role", "operator"),
        "auditor": ("--role", "auditor"),
    }
    keys = {
        name: json.loads(spillway(folder, "keys", "create", *words, "--json"))["key"] for name, words in who.items()
    }
    secrets = load_secrets(folder / "spillway.db.secrets")
    door = open_door(str(folder / "spillway.db"), secrets, os.urandom)
    try:
        api = create_app(
            door,
            secrets,
            lambda: int(time.time()),
            os.urandom,
            limits=Limits(_FREE, _FREE, _FREE),
            runs=Runs(lambda: [Path(run)]),
            terms=TermsSource(parse_terms, given_terms(None), ISSUER),
        )
        with served(with_console(api)) as url:
            yield ConsoleWorld(url, keys, folder)
    finally:
        door.close()
