"""Sweeps as people run them: stopped by hand, with workers that die, beside somebody who looks, and over Dask."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from house_rules import ROOT

SWEEP = """
name = "try"
scenario = "small"
seeds = 8
metrics = ["money.external_net.usd", "utilisation.allocated.bp"]
[grid]
days = [10]
policy.lend = ["none", "all_idle"]
"""


def spillway(*words: str) -> list[str]:
    return [sys.executable, "-m", "sim", "sweep", *words]


def until(there: Callable[[], bool], seconds: int = 60) -> None:
    ends = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < ends, "nothing came"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Worker processes, without the one that tracks resources."""
    found = subprocess.run(["pgrep", "-P", str(pid), "-f", "spawn_main"], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def records(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "runs").glob("*.json")}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "try.toml").write_text(SWEEP)
    return tmp_path / "try.toml"


@pytest.fixture
def whole(file: Path, tmp_path: Path) -> tuple[dict[str, bytes], str]:
    """What a sweep gives that nobody disturbs: its records, and its table."""
    words = spillway(str(file), "--workers", "2", "--out", str(tmp_path / "whole"), "--json")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["runs"] == {"asked": 16, "done": 16, "failed": 0}
    return records(tmp_path / "whole"), done.stdout


@pytest.mark.slow
def test_a_sweep_that_is_stopped_goes_on_where_it_was(
    file: Path, tmp_path: Path, whole: tuple[dict[str, bytes], str]
) -> None:
    """A worker is killed, somebody looks, Ctrl-C: exit code 130, whole records; resumed, the bytes are the same."""
    out = tmp_path / "out"
    words = spillway(str(file), "--workers", "2", "--out", str(out), "--json")
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: len(records(out)) >= 2)
        workers = children(process.pid)
        os.kill(workers[0], signal.SIGKILL)
        looked = subprocess.run(
            [*spillway(str(file), "--out", str(out), "--partial", "--json")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert 2 <= json.loads(looked.stdout)["runs"]["done"] <= 16
        busy = subprocess.run(
            spillway(str(file), "--out", str(out), "--resume"), cwd=ROOT, capture_output=True, text=True, check=False
        )
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=30)[1]
    assert process.returncode == 130 and len(records(out)) < 16
    assert busy.returncode == 2 and "another process is at this sweep" in busy.stderr
    assert told.splitlines()[-1].startswith("spillway: interrupted; nothing half-written was left")
    until(lambda: not any(Path(f"/proc/{worker}/cmdline").exists() for worker in workers[1:]))
    assert sorted(path.suffix for path in (out / "runs").iterdir()) == [".json"] * len(records(out))
    resumed = subprocess.run([*words, "--resume"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (records(out), resumed.stdout) == whole


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[tuple[str, list["subprocess.Popen[bytes]"]]]:
    """A Dask scheduler and its workers, each a process of its own: the address, and the workers."""
    told = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": ROOT}
    start = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    running = [subprocess.Popen([*start, "--no-dashboard", "--scheduler-file", str(told)], **quiet)]  # type: ignore[call-overload]
    try:
        until(lambda: told.exists() and told.read_text().endswith("}"))
        address = json.loads(told.read_text())["address"]
        one = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
        for number in range(workers):
            place = ["--local-directory", str(folder / f"worker-{number}"), "--no-nanny"]
            running.append(subprocess.Popen([*one, *place], **quiet))  # type: ignore[call-overload]
        client = pytest.importorskip("distributed").Client(address)
        client.wait_for_workers(workers, timeout=60)
        client.close()
        yield address.replace("tcp://", "dask://"), running[1:]
    finally:
        for process in running[::-1]:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_bytes_and_a_killed_worker_loses_nothing(
    file: Path, tmp_path: Path, whole: tuple[dict[str, bytes], str]
) -> None:
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    out = tmp_path / "out"
    with cluster(tmp_path, 2) as (address, workers):
        words = spillway(str(file), "--executor", address, "--out", str(out), "--json")
        with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            until(lambda: len(records(out)) >= 2)
            workers[0].kill()
            assert len(records(out)) < 16
            answer = process.communicate(timeout=120)[0]
        assert (process.returncode, records(out), answer) == (0, *whole)
