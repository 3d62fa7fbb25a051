"""A PostgreSQL server for the length of a test session: in a folder of its own, on a unix socket only.

The server refuses to run as root; then the user `postgres` runs it. Where there is no server program, tests that want
one are skipped, and say so.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MISSING = "NO POSTGRESQL: install it (Debian: apt-get install postgresql) to run the store's tests on it"
# Our processes are killed, never the server's. No statistics are gathered behind a test's back: a plan that changes
# between two requests would look like a difference between them.
_SETTINGS = "-c listen_addresses='' -c max_connections=40 -c autovacuum=off"


def binaries() -> Path | None:
    """The folder with initdb and pg_ctl, None where the server is not installed or cannot be run."""
    on_path = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = Path(on_path).parent if on_path else debian[-1].parent if debian else None
    return found if found is not None and (os.geteuid() != 0 or _owner()) else None


def _owner() -> str | None:
    """Who runs the server: `postgres` when we are root, else whoever we are."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Start a server and yield the URL of its databases with `{}` for the name; stop it and remove it at the end.

    Args:
        durable: what is committed outlives a power cut, as it does where bills are kept.
    """
    programs, owner = binaries(), _owner()
    assert programs is not None and owner is not None, MISSING
    folder = Path(tempfile.mkdtemp(prefix="spillway-pg-", dir="/tmp"))  # a socket's path must be short
    if os.geteuid() == 0:
        shutil.chown(folder, owner)

    def call(program: str, *arguments: str) -> None:
        who = {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        command = [str(programs / program), *arguments]
        log = folder / "call.log"
        with log.open("ab") as out:
            done = subprocess.run(command, cwd=folder, stdout=out, stderr=out, check=False, timeout=120, **who)  # type: ignore[call-overload]
        assert done.returncode == 0, f"{program}: {log.read_text()}"

    data, settings = str(folder / "data"), f"{_SETTINGS} -c fsync={'on' if durable else 'off'}"
    try:
        call("initdb", "-D", data, "-U", "spillway", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
        call("pg_ctl", "-D", data, "-w", "-l", str(folder / "log"), "-o", f"-k {folder} {settings}", "start")
        try:
            yield f"postgresql://spillway@/{{}}?host={folder}"
        finally:
            call("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fresh_database(urls: str, name: str, template: str = "template0") -> str:
    """Make a database on a server, empty or as a copy of another, and return its URL."""
    import psycopg

    with psycopg.connect(urls.format("postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return urls.format(name)


def drop_database(urls: str, name: str) -> None:
    """Remove a database, whoever is still connected to it."""
    import psycopg

    with psycopg.connect(urls.format("postgres"), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
