"""`spillway replay` on a small log, and on tapes: equal, different, damaged."""

import gzip
import json
import shutil
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from sim.cli import app

# The golden case of EASY: 8 nodes; job -> (submit, nodes, run), and the start that backfilling gives it.
JOBS = {1: (0, 4, 10), 2: (1, 6, 20), 3: (2, 2, 100), 4: (3, 2, 100), 5: (4, 2, 5)}
EASY = {"1": 0, "3": 2, "5": 4, "2": 10, "4": 30}
FCFS = {"1": 0, "2": 10, "3": 10, "4": 30, "5": 30}
SIZE = ("--nodes", "8", "--gpus-per-node", "1")


def call(*words: str, runs: Path | None = None) -> Result:
    return CliRunner(env={"SPILLWAY_RUNS": str(runs) if runs else None}).invoke(app, list(words))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The golden case as a log, with a row that holds no processors."""
    rows = [
        f"{job} {submit} -1 {run} {nodes} -1 -1 {nodes} {run} -1 1 {job % 2} -1 -1 -1 -1 -1 -1"
        for job, (submit, nodes, run) in JOBS.items()
    ]
    rows.append("6 5 -1 10 0 -1 -1 0 10 -1 1 1 -1 -1 -1 -1 -1 -1")
    file = tmp_path / "golden.swf"
    file.write_text("; UnixStartTime: 0\n" + "\n".join(rows) + "\n")
    return file


def starts(folder: Path) -> dict[str, int]:
    with duckdb.connect() as connection:
        query = f"SELECT job_id, start_s FROM '{folder}/jobs.parquet' ORDER BY start_s, job_id"
        return dict(connection.execute(query).fetchall())


@pytest.mark.parametrize(("policy", "expected"), [("easy", EASY), ("fcfs", FCFS)])
@pytest.mark.parametrize("extra", [(), ("--schedule-only",), ("--estimates", "actual")])
def test_a_log_is_scheduled_as_the_golden_case_says(
    log: Path, tmp_path: Path, policy: str, expected: dict[str, int], extra: tuple[str, ...]
) -> None:
    out = tmp_path / "out"
    result = call("replay", str(log), "--format", "swf", *SIZE, "--policy", policy, *extra, "--out", str(out))
    assert result.exit_code == 0, result.stderr
    assert starts(out) == expected
    assert result.stdout.startswith(f"golden on 8 x 1 GPUs, {policy}, ")
    assert result.stderr == "spillway: golden.swf: line 7: refused: zero GPUs (1)\n"
    assert (out / "report.html").exists() != ("--schedule-only" in extra)


def test_a_replay_without_a_place_names_its_own_folder(log: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    result = call("replay", str(log), "--format", "swf", *SIZE, "--json", "-q", runs=runs)
    assert result.exit_code == 0 and result.stderr == ""
    found = json.loads(result.stdout)
    assert found["id"].startswith("golden-easy-") and Path(found["run"]).parent == runs
    settings = (runs / found["id"] / "scenario.toml").read_text()
    assert "[replay]" in settings and str(tmp_path) not in settings
    assert call("bill", "show", "last", runs=runs).exit_code == 0


def test_a_run_that_was_not_metered_has_neither_bills_nor_a_page(log: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert call("replay", str(log), "--format", "swf", *SIZE, "--schedule-only", "--out", str(out)).exit_code == 0
    for words in (("bill", "show"), ("sla", "show"), ("report",)):
        result = call(*words, str(out))
        assert result.exit_code == 2 and "was not metered" in result.stderr and result.stderr.count("\n") == 1


def test_ticks_of_any_unit_can_be_scheduled_but_not_metered(tmp_path: Path) -> None:
    submit = 10**11
    file = tmp_path / "ticks.swf"
    rest = "-1 5 1 -1 -1 1 5 -1 1 1 -1 -1 -1 -1 -1 -1"
    file.write_text(f"1 0 {rest}\n2 {submit} {rest}\n")
    words = ("replay", str(file), "--format", "swf", *SIZE, "--out", str(tmp_path / "out"))
    refused = call(*words)
    assert refused.exit_code == 2 and "--schedule-only" in refused.stderr
    assert not (tmp_path / "out").exists()
    assert call(*words, "--schedule-only").exit_code == 0
    assert starts(tmp_path / "out") == {"1": 0, "2": submit}


# -- tapes -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tape") / "one"
    assert call("run", "small", "--days", "1", "--out", str(out), "--no-report").exit_code == 0
    return out


def test_a_tape_makes_every_decision_again(run_folder: Path) -> None:
    for tape in (run_folder, run_folder / "tape.jsonl.gz"):
        result = call("replay", str(tape), "--format", "tape")
        assert result.exit_code == 0 and result.stdout.startswith("equal: every decision of ")
    by_name = call("replay", "last", "--format", "tape", "--json", runs=run_folder.parent)
    assert json.loads(by_name.stdout)["equal"] is True


def test_canary_a_changed_decision_is_found_at_its_line(run_folder: Path, tmp_path: Path) -> None:
    lines = gzip.decompress((run_folder / "tape.jsonl.gz").read_bytes()).decode().splitlines()
    number = next(place for place, line in enumerate(lines) if place and json.loads(line)[2])
    step = json.loads(lines[number])
    step[2][0][1] += 1
    lines[number] = json.dumps(step)
    file = tmp_path / "tape.jsonl"
    file.write_text("\n".join(lines))
    result = call("replay", str(file), "--format", "tape")
    assert result.exit_code == 1
    first, recorded, replayed = result.stdout.splitlines()
    assert first.startswith(f"differs at line {number + 1} of the tape")
    assert recorded.startswith("recorded: [") and replayed.startswith("replayed: [")
    assert recorded.split(":", 1)[1] != replayed.split(":", 1)[1]
    in_json = call("replay", str(file), "--format", "tape", "--json")
    assert in_json.exit_code == 1 and json.loads(in_json.stdout)["first_difference"]["line"] == number + 1


def test_a_tape_in_a_run_folder_must_be_whole_even_if_it_was_cut_between_two_steps(
    run_folder: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(run_folder, tmp_path / "copy")
    lines = gzip.decompress((copy / "tape.jsonl.gz").read_bytes()).splitlines(keepends=True)
    (copy / "tape.jsonl.gz").write_bytes(gzip.compress(b"".join(lines[:100])))
    for tape in (copy, copy / "tape.jsonl.gz"):
        result = call("replay", str(tape), "--format", "tape")
        assert result.exit_code == 2 and "damaged run folder" in result.stderr
    result = call("replay", str(tmp_path / "no.jsonl.gz"), "--format", "tape")
    assert result.exit_code == 2 and "no.jsonl.gz: cannot be read: No such file" in result.stderr


def test_damaged_tapes_are_refused(run_folder: Path, tmp_path: Path) -> None:
    whole = (run_folder / "tape.jsonl.gz").read_bytes()
    texts = {"cut": whole[:-100], "empty": b"", "binary": b"\x00\xff\xfe" * 99, "words": b"no tape\n"}
    for name, content in texts.items():
        file = tmp_path / name
        file.write_bytes(content)
        result = call("replay", str(file), "--format", "tape")
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1), name
        assert str(file) in result.stderr


@pytest.mark.parametrize("flag", [("--nodes", "3"), ("--policy", "easy"), ("--out", "x"), ("--schedule-only",)])
def test_what_a_tape_cannot_heed_is_refused_rather_than_ignored(run_folder: Path, flag: tuple[str, ...]) -> None:
    result = call("replay", str(run_folder), "--format", "tape", *flag)
    assert result.exit_code == 2 and f"{flag[0]}: does not go with --format tape" in result.stderr


def test_a_job_is_explained_in_sentences_and_in_codes(run_folder: Path) -> None:
    with duckdb.connect() as connection:
        query = f"SELECT job_id FROM '{run_folder}/jobs.parquet' WHERE preemptions > 0 LIMIT 1"
        (job,) = connection.execute(query).fetchone() or ("",)
    told = call("explain", str(run_folder), job)
    assert told.exit_code == 0 and told.stdout.startswith(f"{job}: ") and "is told to leave" in told.stdout
    codes = [moment["code"] for moment in json.loads(call("explain", str(run_folder), job, "--json").stdout)["moments"]]
    assert any(code.startswith("evicting") for code in codes)
