"""Keys made and used as people do: the command line on one store, and signing in with what it showed."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import shake_256
from io import StringIO
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from httpx2 import Response
from sqlalchemy import Connection, delete, insert, select
from starlette.testclient import TestClient
from typer.main import get_command

from billing.api.app import create_app
from billing.log.event import Event
from billing.months import utc_text
from billing.store.door import Door, make_walls, open_door
from billing.store.engine import open_store, reading, writing
from billing.store.ingest import ingest
from billing.store.schema import all_tables
from billing.store.secrets_file import load_secrets
from log_events import chain
from sim.cli import app
from tenants.access.errors import AccessError
from tenants.access.scope import Scope

NOW_S = 1_800_000_000
Backup = dict[str, list[dict[str, Any]]]


def entropy_of(seed: int) -> Callable[[int], bytes]:
    """Bytes that look random and are the same each time."""
    calls = count()
    return lambda n: shake_256(f"{seed}/{next(calls)}".encode()).digest(n)


class Called(NamedTuple):
    """What a command came to."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Both streams."""
        return self.stdout + self.stderr


@dataclass
class Desk:
    """A store, its file of secrets and its file of tombstones, and what the clock says."""

    place: str
    folder: Path
    now_s: int = NOW_S

    def call(self, *words: object, now: bool = True, ok: bool = True) -> Called:
        """Run a command on the store; with `now`, as of the desk's clock."""
        at = ["--at", utc_text(self.now_s)] if now else []
        files = {"SPILLWAY_DB": self.place, "SPILLWAY_SECRETS": str(self.folder / "secrets"), "NO_COLOR": "1"}
        with patch("sim.cli.edge.now_s", lambda: self.now_s):
            done = call([*map(str, words), *at], files)
        assert done.exit_code == 0 or not ok, done.output
        return done

    def tenants(self, *words: object, ok: bool = True) -> Called:
        """Run `spillway tenants ...`, with the desk's tombstones where they are asked for."""
        stones = ["--tombstones", self.folder / "tombstones"] if words[0] in ("delete", "purge") else []
        return self.call("tenants", *words, *stones, ok=ok)

    def create_tenant(self, name: str, *words: object) -> str:
        """Make a tenant and return its id."""
        return self.tenants("create", name, *words).stdout.strip()

    def create_key(self, tenant: str | None, *words: object) -> str:
        """Mint a key and return its text."""
        whose = [] if tenant is None else ["--tenant", tenant]
        return self.call("keys", "create", *whose, *words).stdout.strip()

    @cached_property
    def door(self) -> Door:
        """The door of the store, behind its walls; there must be a key, and so a file of secrets."""
        secrets = load_secrets(self.folder / "secrets")
        make_walls(open_store(self.place), secrets, self.now_s)
        return open_door(self.place, secrets, os.urandom)

    @cached_property
    def client(self) -> TestClient:
        """A client of the API over the store."""
        app = create_app(self.door, load_secrets(self.folder / "secrets"), lambda: self.now_s, os.urandom)
        return TestClient(app, raise_server_exceptions=False)

    def ask(self, key: str, path: str = "/v1/me", method: str = "GET", **more: Any) -> Response:
        """Send a request with a key."""
        return self.client.request(method, path, headers={"Authorization": f"Bearer {key}"}, **more)

    def close(self) -> None:
        """Close the door, if it was ever opened."""
        if "door" in vars(self):
            self.door.close()

    def sign_in(self, text: str) -> Scope:
        """Sign in with a key or token. Raises AccessError."""
        return self.door.sign_in(text, self.now_s)

    def answer_to(self, text: str) -> str:
        """What signing in comes to: "in", or the name of the refusal."""
        try:
            self.sign_in(text)
        except AccessError as refused:
            return type(refused).__name__
        return "in"

    def ingest(self, events: Sequence[Event] | None = None, subject: str = "acme") -> None:
        """Bring usage of a tenant into the log."""
        ingest(open_store(self.place), events or chain(subject, subject=subject))

    def texts(self) -> Iterator[tuple[str, str]]:
        """(table, value as text) of everything in the database."""
        with reading(open_store(self.place)) as connection:
            for name, rows in dump(connection).items():
                yield from ((name, str(value)) for row in rows for value in row.values() if value is not None)

    def files(self) -> Iterator[tuple[str, bytes]]:
        """(name, content) of the store's own files, where it has any; not of the file of secrets."""
        here = Path(self.place)
        if here.is_file():
            yield from ((path.name, path.read_bytes()) for path in here.parent.glob(f"{here.name}*"))

    def digests(self) -> list[str]:
        """The digests of all keys and tokens."""
        rows = self.backup()
        return [row["digest"] for table in ("all_api_key", "all_agent_token") for row in rows[table]]

    @property
    def file_names(self) -> set[str]:
        """What `find` calls the store's files."""
        return {f"file {name[-4:]}" for name, _ in self.files()}

    def find(self, word: str) -> set[str]:
        """The tables, and with SQLite the files, in which a word stands."""
        found = {name for name, text in self.texts() if word in text}
        return found | {f"file {name[-4:]}" for name, content in self.files() if word.encode() in content}

    def backup(self) -> Backup:
        """Everything in the database."""
        with reading(open_store(self.place)) as connection:
            return dump(connection)

    def restore(self, backup: Backup) -> None:
        """Put a backup in the place of everything that is there now."""
        with writing(open_store(self.place)) as connection:
            tables = all_tables().sorted_tables
            for table in reversed(tables):
                connection.execute(delete(table))
            for table in tables:
                if backup[table.name]:
                    connection.execute(insert(table), backup[table.name])


@cache
def _command() -> Any:
    return get_command(app)  # typer builds all commands anew each time that it is asked


def call(words: Sequence[str], environment: Mapping[str, str]) -> Called:
    """Run the command line in this process."""
    out, err = StringIO(), StringIO()
    with patch.dict(os.environ, environment), redirect_stdout(out), redirect_stderr(err):
        try:
            _command().main(list(words))
        except SystemExit as left:
            return Called(int(left.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("the command line always exits")


def dump(connection: Connection) -> Backup:
    """All rows of all tables, by table."""
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in all_tables().sorted_tables
    }
