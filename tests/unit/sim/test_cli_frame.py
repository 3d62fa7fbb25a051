"""The frame around every command, shown on small commands of our own: flags, failures, exit codes, help."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from sim.cli.choice import choose
from sim.cli.failure import EXIT_CODES, describe
from sim.cli.frame import command, group, hoist, new_app, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form
from sim.errors import SimError


def fail(how: str) -> None:
    """Fail in the way that is asked for."""
    if how == "input":
        raise SimError("impossible size", code="bad", file="x.toml", path="pool[0].nodes", found=0, allowed="1 or more")
    if how == "name":
        choose("esay", ["fcfs", "easy"], "policy", "--policy")
    if how == "file":
        Path("no/such/file").read_text()
    if how == "bug":
        raise ZeroDivisionError("two\nlines")
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "negative":
        raise typer.Exit(1)


def probe(ctx: typer.Context, how: str, count: int = 1, csv: CsvFlag = False, md: MdFlag = False) -> None:
    """Print what the session says, or fail."""
    fail(how)
    session = session_of(ctx)
    table = Table("facts", ("name", "value>"), [("runs", str(session.runs)), ("number", "-1234567.50")])
    answer(session, lambda: {"runs": str(session.runs), "count": count}, lambda: [table], fmt=form(csv=csv, md=md))


app = new_app()
command(app, "probe", "spillway probe ok", "spillway probe ok --json")(probe)
inner = group("inner", "Commands inside.", "spillway inner probe ok")
command(inner, "probe", "spillway inner probe ok")(probe)
app.add_typer(inner)


def call(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env={"SPILLWAY_RUNS": None, "NO_COLOR": None} | (env or {})).invoke(app, list(words))


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "--runs", "here", "inner", "probe", "ok"),
        ("inner", "--json", "probe", "--runs=here", "ok"),
        ("inner", "probe", "ok", "--runs", "here", "--json"),
    ],
)
def test_global_flags_may_stand_anywhere(words: tuple[str, ...]) -> None:
    result = call(*words)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"runs": "here", "count": 1}


def test_words_after_two_dashes_are_left_alone() -> None:
    assert hoist(["probe", "-q", "--", "--json"]) == ["-q", "probe", "--", "--json"]


def test_flag_goes_before_environment_before_default() -> None:
    environment = {"SPILLWAY_RUNS": "there"}
    found = [json.loads(call("--json", "probe", "ok", *extra, env=env).stdout)["runs"]
             for extra, env in (((), {}), ((), environment), (("--runs", "here"), environment))]  # fmt: skip
    assert found == ["runs", "there", "here"]


FAILURES = {
    "bad input": (
        ("probe", "input"),
        "spillway: x.toml: pool[0].nodes: impossible size (found 0; allowed 1 or more)",
        {"code": "bad", "message": "impossible size", "file": "x.toml", "path": "pool[0].nodes", "found": 0,
         "allowed": "1 or more"},
    ),
    "unknown name": (
        ("probe", "name"),
        "spillway: --policy: unknown policy, did you mean 'easy'? (found esay; allowed fcfs, easy)",
        {"code": "unknown_name", "path": "--policy", "found": "esay", "allowed": ["fcfs", "easy"]},
    ),
    "missing file": (
        ("probe", "file"),
        "spillway: no/such/file: no such file or directory",
        {"code": "file", "file": "no/such/file"},
    ),
    "no command in a group": (
        ("inner",),
        "spillway: Missing command (allowed: probe); see 'spillway inner --help'",
        {"code": "usage", "allowed": ["probe"]},
    ),
    "missing value of a global flag": (
        ("probe", "ok", "--runs"),
        "spillway: Invalid value for --runs: a value must follow",
        {"code": "usage", "path": "--runs"},
    ),
    "two forms at once": (
        ("probe", "ok", "--csv", "--md"),
        "spillway: Invalid value: only one form of output at a time (found csv and md); see 'spillway probe --help'",
        {"code": "usage"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("words", "line", "fields"), FAILURES.values(), ids=FAILURES.keys())
def test_a_user_mistake_is_one_line_and_code_2(words: tuple[str, ...], line: str, fields: dict[str, object]) -> None:
    result = call(*words)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"{line}\n")
    in_json = call(*words, "--json")
    error = json.loads(in_json.stdout)["error"]
    assert in_json.exit_code == 2
    assert set(error) == {"code", "message", "file", "path", "found", "allowed"}
    assert {name: error[name] for name in fields} == fields
    assert in_json.stderr.count("\n") == 1


def test_an_unknown_command_is_told_which_there_are() -> None:
    result = call("prob")
    assert result.exit_code == 2 and result.stderr.startswith("spillway: No such command 'prob'")
    assert result.stderr.endswith(" (allowed: probe, inner); see 'spillway --help'\n")
    assert json.loads(call("prob", "--json").stdout)["error"]["allowed"] == ["probe", "inner"]


@pytest.mark.parametrize("words", [("probe", "ok", "--coutn", "2"), ("probe",), ("probe", "ok", "--count", "x")])
def test_a_usage_error_points_to_the_help_of_its_command(words: tuple[str, ...]) -> None:
    result = call(*words)
    assert result.exit_code == 2
    assert result.stderr.startswith("spillway: ") and result.stderr.endswith("see 'spillway probe --help'\n")
    assert result.stderr.count("\n") == 1


def test_a_bug_of_ours_shows_its_traceback_and_the_line_that_repeats_it() -> None:
    result = call("probe", "bug", "--count", "3")
    assert (result.exit_code, result.stdout) == (70, "")
    assert "Traceback" in result.stderr and "ZeroDivisionError" in result.stderr
    assert result.stderr.endswith("To reproduce: spillway probe bug --count 3\n")
    error = json.loads(call("probe", "bug", "--json").stdout)["error"]
    assert error["code"] == "internal" and "spillway probe bug --json" in error["message"]


def test_verbose_shows_the_traceback_of_bad_input_too() -> None:
    assert "Traceback" in call("probe", "input", "-v").stderr


def test_ctrl_c_is_130_and_says_how_to_start_again() -> None:
    result = call("probe", "interrupt")
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr.endswith("To start again: spillway probe interrupt\n")
    assert json.loads(call("--json", "probe", "interrupt").stdout)["error"]["code"] == "interrupted"


def test_a_negative_finding_is_1() -> None:
    assert call("probe", "negative").exit_code == 1


@pytest.mark.parametrize(
    "words", [(), ("--help",), ("-h",), ("probe", "-h"), ("inner", "-h"), ("inner", "probe", "-h")]
)
def test_help_begins_with_examples_and_ends_with_exit_codes(words: tuple[str, ...]) -> None:
    result = call(*words)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "Examples:" and lines[1].startswith("  spillway ")
    ends = [line.split()[0] for line in lines[lines.index("Exit codes:") + 1 :] if line[2] != " "]
    assert ends == [str(code) for code, _ in EXIT_CODES]
    assert max(map(len, lines)) <= 80


def test_tables_for_eyes_for_pipes_and_for_documents() -> None:
    assert call("probe", "ok").stdout == (
        "facts\nname            value\nruns             runs\nnumber  -1,234,567.50\n"
    )
    assert call("probe", "ok", "--csv").stdout == "name,value\nruns,runs\nnumber,-1234567.50\n"
    assert call("probe", "ok", "--md").stdout == (
        "**facts**\n\n| name | value |\n| --- | ---: |\n| runs | runs |\n| number | -1,234,567.50 |\n"
    )


def test_what_is_not_a_user_mistake_is_not_described_as_one() -> None:
    assert describe(ValueError("x")) is None
    assert describe(OSError("without a file")) is None


def program(*words: str) -> list[str]:
    """A process that runs the commands of this file."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_cli_frame as t; t.app()"
    return [sys.executable, "-c", code, *words]


def test_a_reader_that_leaves_early_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(program("probe", "ok"), stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_termination_leaves_by_an_exception_with_143() -> None:
    code = (
        "import os, signal, sim.cli.commands as a\n"
        "signal.signal(signal.SIGTERM, a._terminated)\n"
        "try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "finally: print('cleaned up')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, "cleaned up\n")
