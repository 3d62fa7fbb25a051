"""`spillway serve` as a process: it answers, refuses to start in one line, and stops when it is told to."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sim.cli import app


def spillway(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sim", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a key: SQLite."""
    place = tmp_path_factory.mktemp("serve")
    assert spillway(place, "db", "init").returncode == 0
    assert spillway(place, "tenants", "create", "Acme", "--id", "acme").returncode == 0
    made = spillway(place, "keys", "create", "--tenant", "acme", "--role", "tenant_admin", "--json")
    assert made.returncode == 0, made.stderr
    (place / "key").write_text(json.loads(made.stdout)["key"])
    return place


@pytest.fixture
def server(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "sim", "serve", "--port", "0", "--settle-every", "0"]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    lines: list[str] = []
    while not (found := re.search(r"at (http://[^\s,;]+)", lines[-1] if lines else "")):
        lines.append(process.stderr.readline())
        assert lines[-1], "".join(lines)
    yield process, found[1]
    process.kill()
    process.wait()
    process.stderr.close()


def ask(url: str, key: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_it_answers_until_it_is_told_to_stop(server: tuple[subprocess.Popen[str], str], folder: Path) -> None:
    process, url = server
    key = (folder / "key").read_text()
    assert ask(f"{url}/healthz") == (200, '{"status":"ok"}')
    assert ask(f"{url}/readyz")[0] == 200
    status, told = ask(f"{url}/v1/me", key)
    assert (status, json.loads(told)["tenant"]) == (200, "acme")
    assert ask(f"{url}/v1/me", key[:-1])[0] == ask(f"{url}/v1/me")[0] == 401
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 0
    assert process.stderr is not None
    left = process.stderr.read()
    assert "stopped" in left and "Traceback" not in left and key not in left
    assert (folder / "spillway.db.witness").read_text().count("\n") == 1, (
        "witnessed at the start, and nothing new since"
    )


def test_it_refuses_in_one_line_what_it_cannot_serve(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for words, said in (
            (("--db", str(tmp_path / "absent.db")), "no such database"),
            (("--secrets", str(tmp_path / "absent.secrets")), "no file of secrets"),
            (("--port", port), "address already in use"),
            (("--host", "no.such.host.invalid"), "--host, --port"),
            (("--port", "70000"), "less than or equal to 65535"),
        ):
            done = CliRunner().invoke(app, ["serve", *words])
            assert done.exit_code == 2, (words, done.stderr)
            assert said in done.stderr and "Traceback" not in done.stderr, (words, done.stderr)
