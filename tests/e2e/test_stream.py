"""A simulation streams into a live service over HTTP; service and stream are both killed with SIGKILL in the middle.

The log, the invoices, the SLA reports and the exports are those of the same run, imported when it was over, byte for
byte.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from billing.log.event import Event
from billing.store.engine import open_store, reading
from billing.store.reader import events_in
from billing.store.tables_log import event as event_table
from sim.cli import app

EXPORTS = ("json", "focus")
RUN = ("small", "--days", "2", "--seed", "5")
PATIENCE_S = 90


def spillway(*words: object) -> str:
    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code == 0, done.output
    return done.stdout


@contextmanager
def process(*words: object) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "sim", *map(str, words)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        assert started.stdout is not None and started.stderr is not None
        started.stdout.close()
        started.stderr.close()


def address_of(server: subprocess.Popen[str]) -> str:
    assert server.stderr is not None
    lines: list[str] = []
    while not (found := re.search(r"at (http://[^\s,;]+)", lines[-1] if lines else "")):
        lines.append(server.stderr.readline())
        assert lines[-1], "".join(lines)
    return found[1]


def told(place: str) -> int:
    store = open_store(place)
    with reading(store) as connection:
        count: int = connection.execute(select(func.count()).select_from(event_table)).scalar_one()
    store.dispose()
    return count


def wait_until(happened: Callable[[], bool], *alive: subprocess.Popen[str]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < until_s and all(each.poll() is None for each in alive)
        time.sleep(0.05)


def log_of(place: str) -> list[Event]:
    store = open_store(place)
    with reading(store) as connection:
        found = list(events_in(connection))
    store.dispose()
    return found


def documents(place: str, out: Path) -> dict[str, bytes]:
    """Every file that can be exported of a store once its months are invoiced."""
    spillway("bill", "issue", "--db", place)
    for name in EXPORTS:
        spillway("bill", "export", "--db", place, "--format", name, "--out", out / name)
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_a_run_that_streams_is_billed_as_one_that_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streams(str(tmp_path / "spillway.db"), tmp_path, monkeypatch)


@pytest.mark.slow
def test_so_it_is_in_postgresql(postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streams(postgres_url, tmp_path, monkeypatch)


def streams(store_place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stream into a store through two kills, and hold it to one that the run was imported into."""
    monkeypatch.chdir(tmp_path)  # beside a store that is no file, checkpoints go where one stands
    monkeypatch.setenv("SPILLWAY_SECRETS", str(tmp_path / "secrets"))
    offline, key = str(tmp_path / "offline.db"), tmp_path / "key"
    for place in (offline, store_place):
        spillway("db", "init", "--db", place)
    made = spillway("keys", "create", "--role", "operator", "--scope", "usage:write", "--db", store_place, "--json")
    key.write_text(json.loads(made)["key"])
    if store_place.startswith("postgresql"):
        spillway("db", "roles", "--db", store_place)
    spillway("run", *RUN, "--no-report", "--out", tmp_path / "run")
    spillway("db", "import", tmp_path / "run", "--db", offline)
    events = log_of(offline)

    serve = ("serve", "--db", store_place, "--settle-every", 0, "--checkpoint-every", 0)
    with process(*serve, "--port", 0) as server:
        url = address_of(server)
        stream = ("stream", *RUN, "--to", url, "--key-file", key, "--json")
        with process(*stream, "--pace", 60_000) as first:
            wait_until(lambda: told(store_place) > len(events) // 8, server, first)
            server.send_signal(signal.SIGKILL)
            server.wait()
            half = told(store_place)
            assert 0 < half < len(events)
            with process(*serve, "--port", url.rpartition(":")[2]) as again:
                address_of(again)
                wait_until(
                    lambda: told(store_place) > half + len(events) // 8, again, first
                )  # it has waited, and goes on
                first.send_signal(signal.SIGKILL)
                first.wait()
                with process(*stream, "--fast") as last:
                    said, faults = last.communicate(timeout=PATIENCE_S)
                assert last.returncode == 0, faults
    counts = json.loads(said)
    assert counts["duplicates"] > half and counts["new"] > 0
    assert log_of(store_place) == events
    online = documents(store_place, tmp_path / "online")
    assert online and online == documents(offline, tmp_path / "imported")
