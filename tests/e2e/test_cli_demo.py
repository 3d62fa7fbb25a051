"""The demo from end to end, as a process: a short version of what `make demo` does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

DAYS = "100"  # long enough for the first gap
FILES = {
    *("manifest.json", "scenario.toml", "summary.json", "jobs.parquet", "allocations.parquet", "hourly_usage.parquet"),
    *("line_items.parquet", "capacity.parquet", "sla.parquet", "tape.jsonl.gz", "report.html"),
    *("waits.parquet", "evictions.parquet", "internal_delay.parquet"),
    *("contracts.parquet", "wallets.parquet", "spend_alerts.parquet"),
}


def spillway(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPILLWAY_RUNS")}
    command = [sys.executable, "-m", "sim", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder in which the demo has run, and what it said."""
    folder = tmp_path_factory.mktemp("demo")
    done = spillway("demo", "--days", DAYS, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, done


def test_the_demo_prints_its_tables_and_the_path_of_its_page(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = demo
    heads = ("Utilisation", "Money", "Who is delayed", "Bill of", "Service levels", "Does it add up")
    places = [done.stdout.index(f"\n{head}" if number else head) for number, head in enumerate(heads)]
    assert places == sorted(places)
    assert done.stdout.endswith("\npage: runs/demo/report.html\n")
    assert {path.name for path in (folder / "runs" / "demo").iterdir()} == FILES
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_rentals_fill_the_cluster_pay_and_delay_nobody_beyond_the_bound(
    demo: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    summary = json.loads((demo[0] / "runs" / "demo" / "summary.json").read_text())
    assert summary["residual_gpu_s"] == 0 and summary["findings"] == []
    assert summary["money"]["external"]["micro_usd"] > 0
    assert summary["reclaim"]["over_bound"] == 0
    assert summary["reclaim"]["wait_s_max"] <= summary["reclaim"]["bound_s"]
    use = summary["utilisation"]
    assert use["allocated"]["bp"] >= use["busy"]["bp"] >= use["goodput"]["bp"] > 0
    assert summary["internal_delay"]["baseline_lend"] == "none"


def test_the_tables_agree_with_the_summary(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    """The same numbers once more, from the Parquet files alone."""
    folder = demo[0] / "runs" / "demo"
    summary = json.loads((folder / "summary.json").read_text())

    def one(sql: str) -> int:
        with duckdb.connect() as connection:
            row = connection.execute(sql.replace("@", f"{folder}/")).fetchone()
        assert row is not None
        return int(row[0])

    use = summary["utilisation"]
    assert one("SELECT sum(gpu_s) FROM '@capacity.parquet'") == use["installed_gpu_s"]
    assert one("SELECT sum(gpu_s) FROM '@hourly_usage.parquet'") == use["allocated"]["gpu_s"]
    assert one("SELECT sum(gpus * (end_s - start_s)) FROM '@allocations.parquet'") == use["allocated"]["gpu_s"]
    assert one("SELECT sum(gpus * stalled_s) FROM '@allocations.parquet'") == (
        use["allocated"]["gpu_s"] - use["busy"]["gpu_s"]
    )
    assert one("SELECT count(*) FROM '@jobs.parquet'") == summary["jobs"]["total"]
    assert one("SELECT sum(preemptions) FROM '@jobs.parquet'") == summary["interruptions"]["evictions"]


def test_same_seed_same_bytes_and_another_seed_another_run(
    demo: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    first = demo[0] / "runs" / "demo"
    assert spillway("demo", "--days", DAYS, "--out", "again", "--quiet", cwd=tmp_path).returncode == 0
    assert {path.name for path in (tmp_path / "again").iterdir()} == FILES
    differing = [
        name for name in sorted(FILES) if (first / name).read_bytes() != (tmp_path / "again" / name).read_bytes()
    ]
    assert differing == []
    assert spillway("demo", "--days", "5", "--seed", "2", "--out", "other", cwd=tmp_path).returncode == 0
    assert (tmp_path / "other" / "jobs.parquet").read_bytes() != (first / "jobs.parquet").read_bytes()


def test_a_new_demo_takes_the_place_of_the_old_one_and_of_nothing_else(tmp_path: Path) -> None:
    for days in ("2", "1"):
        assert spillway("demo", "--days", days, cwd=tmp_path).returncode == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["demo"]
    assert json.loads((tmp_path / "runs" / "demo" / "manifest.json").read_text())["horizon_s"] == 86_400
    demo = tmp_path / "runs" / "demo"
    (demo / "thesis.txt").write_text("years of work")
    before = sorted(demo.iterdir())
    refused = spillway("demo", "--days", "2", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert sorted(demo.iterdir()) == before


def test_the_demo_in_json_is_one_document(tmp_path: Path) -> None:
    done = spillway("demo", "--days", "20", "--json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert set(found) == {"run", "report", "summary", "without_rentals", "bill", "sla"}
    assert found["bill"]["period"]["kind"] == "hour"


@pytest.mark.parametrize(
    ("sent", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_a_stopped_demo_leaves_nothing_half_written(tmp_path: Path, sent: signal.Signals, code: int, word: str) -> None:
    """Ten years of the demo take long enough to be stopped in the middle."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sim", "demo", "--days", "3650", "--json", "--runs", str(tmp_path / "runs")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(2)
    process.send_signal(sent)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert json.loads(stdout)["error"]["code"] == word
    assert word in stderr and "Traceback" not in stderr
    assert list(tmp_path.rglob("*")) == []
