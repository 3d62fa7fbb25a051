"""`spillway serve` as a process: it answers, refuses to start in one line, and stops when it is told to."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from run_folders import write_small
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


def begun(folder: Path, *words: str) -> tuple[subprocess.Popen[str], str, list[str]]:
    """A service that listens, where it does, and what it said until then."""
    command = [sys.executable, "-m", "sim", "serve", "--port", "0", "--settle-every", "0", *words]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    lines: list[str] = []
    while not (found := re.search(r"at (http://[^\s,;]+)", lines[-1] if lines else "")):
        lines.append(process.stderr.readline())
        assert lines[-1], "".join(lines)
    return process, found[1], lines


def answered(url: str, key: str = "") -> tuple[int, str]:
    """An answer, from a service whose processes may still be on their way."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            return ask(url, key)
        time.sleep(0.1)
    raise AssertionError("nobody answers")


def test_from_nothing_to_a_key_and_several_processes(tmp_path: Path) -> None:
    """One that dies is replaced, and none is left behind."""
    process, url, said = begun(tmp_path, "--init", "--workers", "2", "--access-log")
    try:
        key = next(found[1] for line in said if (found := re.search(r"shown this once: (\S+)", line)))
        assert json.loads(answered(f"{url}/v1/me", key)[1])["role"] == "operator"
        metrics = answered(f"{url}/metrics")[1]
        worker = int(re.findall(r'process="(\d+)"', metrics)[0])
        assert worker != process.pid and "spillway_events 0" in metrics
        os.kill(worker, signal.SIGKILL)
        assert all(answered(f"{url}/v1/me", key)[0] == 200 for _ in range(5))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        left = process.stderr.read()
        assert process.wait(30) == 0, left
        process.stderr.close()
    assert f"process {worker} ended with -9; another takes its place" in left or "stopped" in left
    assert '"route": "/v1/me", "status": 200' in left and "Traceback" not in left and key not in left
    with pytest.raises(OSError):
        ask(f"{url}/healthz")


def test_a_store_without_keys_says_how_to_make_one(tmp_path: Path) -> None:
    process, url, said = begun(tmp_path)
    try:
        assert ask(f"{url}/healthz")[0] == 200
        assert "spillway keys create --role operator" in "".join(said)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr is not None
        process.stderr.close()


@pytest.mark.slow
def test_a_finished_run_is_shown_in_a_store_of_its_own(tmp_path: Path) -> None:
    """The store that one works with is left alone, whatever the environment names."""
    run = write_small(tmp_path / "small")
    process, url, said = begun(tmp_path, "--run", str(run))
    try:
        keys = dict(re.findall(r"key of (?:the )?(\S+): (\S+)", "".join(said)))
        assert json.loads(ask(f"{url}/v1/operator/runs", keys["operator"])[1])["items"][0]["scenario"] == "small"
        assert all(ask(f"{url}/v1/me", key)[0] == 200 for key in keys.values()) and len(keys) > 1
        kept = re.search(r"serving (\S+) at", "".join(said))
        assert kept is not None and Path(kept[1]).exists() and not (tmp_path / "spillway.db").exists()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert "leaked" not in process.stderr.read()  # what DuckDB says of objects that nobody let go
        process.stderr.close()
    assert not Path(kept[1]).parent.exists()
    assert f"keys create --db {kept[1]} --role tenant_admin --tenant" in "".join(said)


def test_a_run_is_shown_with_its_invoices(tmp_path: Path) -> None:
    assert spillway(tmp_path, "run", "small", "--days", "2", "--out", "run", "--no-report", "-q").returncode == 0
    command = [sys.executable, "-m", "sim", "serve", "--run", "run", "--port", "0", "--settle-every", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = ""
        while not (found := re.search(r"at (http://\S+),", told)):
            line = process.stderr.readline()
            assert line, told
            told += line
        key = re.search(r"key of acme: (\S+)", told)
        assert key is not None, told
        status, answer = ask(f"{found[1]}/v1/invoices", key[1])
        process.terminate()
        process.communicate(timeout=30)
    assert status == 200 and [each["period"] for each in json.loads(answer)["items"]] == ["2026-01"]


def noted(process: subprocess.Popen[str], words: str) -> str:
    """What a service says, up to a line with these words."""
    assert process.stderr is not None
    lines: list[str] = []
    while words not in (lines[-1] if lines else ""):
        lines.append(process.stderr.readline())
        assert lines[-1], "".join(lines)
    return "".join(lines)


@pytest.mark.slow
def test_of_two_services_on_a_store_one_works_and_the_other_takes_over(store_place: str, tmp_path: Path) -> None:
    place = ("--db", store_place, "--settle-every", "1")
    first, _, _ = begun(tmp_path, *place, "--init")
    try:
        noted(first, "this process settles")
        second, url, _ = begun(tmp_path, *place)
        try:
            noted(second, "another process settles")
            first.send_signal(signal.SIGKILL)
            first.wait(30)
            noted(second, "this process settles")
            assert ask(f"{url}/healthz")[0] == 200
        finally:
            second.send_signal(signal.SIGTERM)
            assert second.stderr is not None
            left = second.stderr.read()
            assert second.wait(30) == 0, left
            second.stderr.close()
        assert left.splitlines() == ["spillway: stopped; whatever was answered is kept"], "nothing is said to be amiss"
    finally:
        first.kill()
        first.wait()
        assert first.stderr is not None
        first.stderr.close()
