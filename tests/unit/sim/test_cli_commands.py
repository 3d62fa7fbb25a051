"""The commands on a small run: what they print, what they refuse, and that help stays cheap."""

import csv
import io
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from billing.months import hour_period
from sim.cli import app
from sim.cli.books import bills_of, closed_books
from sim.cli.demo import swap


def call(*words: str, runs: Path | None = None) -> Result:
    environment = {"SPILLWAY_RUNS": str(runs) if runs else None, "NO_COLOR": None}
    return CliRunner(env=environment).invoke(app, list(words))


def document(*words: str, runs: Path | None = None) -> dict[str, object]:
    result = call(*words, "--json", runs=runs)
    assert result.exit_code == 0, result.stderr
    found: dict[str, object] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder that holds one run, `one`."""
    folder = tmp_path_factory.mktemp("cli") / "runs"
    done = call("run", "small", "--days", "2", "--out", str(folder / "one"), runs=folder)
    assert done.exit_code == 0, done.stderr
    return folder


# -- help ------------------------------------------------------------------------------------------------------------

COMMANDS = ("run", "demo", "replay", "scenarios", "bill", "sla", "report", "explain", "delay", "compare", "policies")
COMMANDS += ("queue", "reliability", "stream", "doctor")
OURS = {"sim", "tenants"}
# typer, and what typer itself loads.
HELP_MODULES = {"typer", "rich", "click", "shellingham", "annotated_doc", "typing_extensions"}
HEAVY = {"duckdb", "jinja2", "numpy", "scheduler", "billing", "simpy"}


def loaded(code: str) -> set[str]:
    """Top-level modules that are loaded once `code` has run, without the standard library's."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*{{name.split('.')[0] for name in sys.modules}})"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split()) - set(sys.stdlib_module_names)


def show_help(*words: str) -> str:
    return f"from sim.cli import app\ntry: app({[*words, '--help']})\nexcept SystemExit: pass"


def test_help_imports_typer_and_nothing_else() -> None:
    assert loaded(show_help()) - loaded("pass") - OURS <= HELP_MODULES


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_imports_nothing_that_runs(name: str) -> None:
    """Some versions of typer bring pydantic to read a command's parameters; ours brings nothing."""
    assert not loaded(show_help(name)) & HEAVY


def test_help_lists_every_command() -> None:
    text = call("--help").stdout
    assert all(f"\n  {name} " in text for name in COMMANDS)


def test_version() -> None:
    assert call("--version").stdout.startswith("spillway ")


# -- run -------------------------------------------------------------------------------------------------------------


def test_run_names_its_folder_after_what_was_run(tmp_path: Path) -> None:
    first = call("run", "small", "--days", "1", "--lend", "none", "--no-report", runs=tmp_path)
    assert first.exit_code == 0, first.stderr
    (folder,) = tmp_path.iterdir()
    assert folder.name.startswith("small-easy-none-s1-") and not (folder / "report.html").exists()
    assert f"run folder: {folder}" in first.stdout
    again = call("run", "small", "--days", "1", "--lend", "none", runs=tmp_path)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "this run is there already" in again.stderr and again.stderr.count("\n") == 1


def test_run_in_json_is_the_summary_that_is_on_disk(tmp_path: Path) -> None:
    found = document("run", "small", "--days", "1", "--seed", "5", "--out", str(tmp_path / "x"), "--no-report")
    assert found["summary"] == json.loads((tmp_path / "x" / "summary.json").read_text())
    assert tomllib.loads((tmp_path / "x" / "scenario.toml").read_text())["seed"] == 5


REFUSED = {
    "unknown scenario": (["run", "smal"], "did you mean 'small'"),
    "unknown policy": (["run", "small", "--policy", "esay"], "--policy: unknown policy, did you mean 'easy'"),
    "unknown lend": (["run", "small", "--lend", "al_idle"], "--lend: unknown lend function, did you mean 'all_idle'"),
    "negative seed": (["run", "small", "--seed", "-1"], "seed"),
    "no days": (["run", "small", "--days", "0"], "days"),
    "bad format": (["bill", "show", "one", "--format", "tabel"], "did you mean 'table'"),
    "unknown run": (["bill", "show", "two"], "RUN: unknown run"),
    "unknown tenant": (["bill", "show", "one", "--tenant", "acem"], "did you mean 'acme'"),
    "hour and month": (["bill", "show", "one", "--hour", "0", "--month", "2026-01"], "exclude each other"),
    "hour outside": (["bill", "show", "one", "--hour", "999999999"], "--hour: outside the run"),
    "no hour": (["bill", "show", "one", "--hour", "noon"], "--hour: not a time"),
    "no month": (["bill", "show", "one", "--month", "2026-13"], "not a month"),
    "month outside": (["bill", "show", "one", "--month", "2031-01"], "--month: run does not touch that month"),
    "unknown tenant of an SLA": (["sla", "show", "one", "--tenant", "x"], "--tenant: unknown tenant"),
    "not a scenario file": (["scenarios", "validate", __file__], "is not TOML"),
    "unknown job": (["explain", "one", "no-such-job"], "job"),
    "unknown trace format": (["replay", __file__, "--format", "swg"], "did you mean 'swf'"),
    "no size": (["replay", __file__, "--format", "swf"], "--nodes"),
    "zero nodes": (["replay", __file__, "--format", "swf", "--nodes", "0", "--gpus-per-node", "1"], "--nodes"),
    "missing trace": (
        ["replay", "no/such", "--format", "swf", "--nodes", "1", "--gpus-per-node", "1", "--out", "never"],
        "no/such",
    ),
    "not a trace": (
        ["replay", __file__, "--format", "swf", "--nodes", "1", "--gpus-per-node", "1", "--out", "never"],
        "line 1",
    ),
    "missing tape": (["replay", "no/such", "--format", "tape"], "no/such"),
    "unknown estimates": (
        ["replay", __file__, "--format", "swf", "--nodes", "1", "--gpus-per-node", "1", "--estimates", "perfect"],
        "estimates",
    ),
}


@pytest.mark.parametrize(("words", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_bad_input_is_one_line_and_code_2(runs: Path, words: list[str], said: str) -> None:
    before = sorted(runs.iterdir())
    result = call(*words, runs=runs)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("spillway: ") and result.stderr.count("\n") == 1
    assert said in result.stderr
    in_json = call(*words, "--json", runs=runs)
    assert in_json.exit_code == 2
    assert set(json.loads(in_json.stdout)) == {"error"}
    assert sorted(runs.iterdir()) == before and not Path("never").exists()


def test_an_output_folder_that_is_not_empty_is_refused(runs: Path) -> None:
    before = (runs / "one" / "manifest.json").read_bytes()
    for words in (("run", "small"), ("demo",)):
        result = call(*words, "--days", "1", "--out", str(runs / "one"), runs=runs)
        assert result.exit_code == 2 and "output folder is not empty" in result.stderr
    assert (runs / "one" / "manifest.json").read_bytes() == before


def test_a_swap_that_fails_leaves_the_old_demo(tmp_path: Path) -> None:
    place = tmp_path / "demo"
    place.mkdir()
    (place / "manifest.json").write_text("old")
    with pytest.raises(FileNotFoundError):
        swap(tmp_path / "absent", place)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert (place / "manifest.json").read_text() == "old"
    draft = tmp_path / ".demo.new"
    draft.mkdir()
    (draft / "manifest.json").write_text("new")
    swap(draft, place)
    assert [path.name for path in tmp_path.iterdir()] == ["demo"]
    assert (place / "manifest.json").read_text() == "new"


# -- which run -------------------------------------------------------------------------------------------------------


def test_a_run_is_a_folder_an_id_a_unique_prefix_or_the_last(runs: Path) -> None:
    pages = {document("report", text, runs=runs)["report"] for text in (str(runs / "one"), "one", "on", "last")}
    assert pages == {str(runs / "one" / "report.html")}


def test_no_runs_and_ambiguous_prefixes_say_what_to_do(tmp_path: Path) -> None:
    none = call("bill", "show", "last", runs=tmp_path / "absent")
    assert none.exit_code == 2 and "no runs there" in none.stderr and "spillway demo" in none.stderr
    for name in ("ab", "ac"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("{}")
    assert "prefix fits several runs (found a; allowed ab, ac)" in call("report", "a", runs=tmp_path).stderr
    folder = call("report", str(tmp_path), runs=tmp_path)
    assert "not a run folder" in folder.stderr
    damaged = call("report", "ab", runs=tmp_path)
    assert damaged.exit_code == 2 and damaged.stderr.count("\n") == 1


# -- bill, sla -------------------------------------------------------------------------------------------------------


def cents(text: str) -> int:
    whole, part = text.split(".")
    return int(whole + part)


def test_bills_add_up_to_the_revenue_of_the_summary(runs: Path) -> None:
    summary = json.loads((runs / "one" / "summary.json").read_text())
    totals = document("bill", "show", "last", runs=runs)["totals"]
    money = summary["money"]
    charged = cents(money["external"]["usd"]) + cents(money["internal"]["usd"])
    assert isinstance(totals, dict)
    assert int(totals["charges"]["minor"]) == charged
    assert int(totals["service_credits"]["minor"]) == -cents(money["credits"]["usd"])


def test_the_bill_of_a_tenant_has_lines_in_every_form(runs: Path) -> None:
    words = ("bill", "show", "one", "--tenant", "acme")
    table = call(*words, runs=runs).stdout
    assert table.startswith("Bill of acme, whole run\n") and "bare.ondemand" in table
    rows = list(csv.DictReader(io.StringIO(call(*words, "--format", "csv", runs=runs).stdout)))
    assert rows == list(csv.DictReader(io.StringIO(call(*words, "--csv", runs=runs).stdout)))
    lines = [row for row in rows if row["line"] != "total"]
    assert sum(cents(row["amount_usd"]) for row in lines) == cents(rows[-1]["amount_usd"])
    assert call(*words, "--md", runs=runs).stdout.startswith("**Bill of acme, whole run**\n\n| line |")
    bills = document(*words, runs=runs)["bills"]
    assert bills == json.loads(call(*words, "--format", "json", runs=runs).stdout)["bills"]


def test_hours_of_a_bill_add_up_to_its_quantity(runs: Path) -> None:
    whole = document("bill", "show", "one", "--tenant", "acme", runs=runs)["totals"]
    books = closed_books(runs / "one")
    hours = [
        sum(bill.quantity_gpu_s for bill in bills_of(books, "acme", hour_period(books.names.epoch_s, hour_s)))
        for hour_s in range(0, 2 * 86_400, 3_600)
    ]
    assert isinstance(whole, dict)
    assert sum(hours) == whole["gpu_s"] > 0
    for number in (0, 17, 47):  # the command says what the function says, which is asked for all of them
        told = document("bill", "show", "one", "--tenant", "acme", "--hour", str(number * 3_600), runs=runs)["totals"]
        assert isinstance(told, dict) and told["gpu_s"] == hours[number]


@pytest.mark.parametrize(
    ("text", "label", "remark"),
    [
        ("7200", "2026-01-01T02:00:00Z", ""),
        ("2026-01-01T02:00Z", "2026-01-01T02:00:00Z", ""),
        ("2026-01-01T04:00:00+02:00", "2026-01-01T02:00:00Z", ""),
        ("7300", "2026-01-01T02:00:00Z", "is not on the hour: showing the hour from 7200 s"),
        ("2", "2026-01-01T00:00:00Z", "--hour counts seconds, not hours"),
    ],
)
def test_an_hour_is_seconds_or_a_time_and_never_an_index(runs: Path, text: str, label: str, remark: str) -> None:
    result = call("bill", "show", "one", "--hour", text, "--json", runs=runs)
    assert json.loads(result.stdout)["period"] == label
    assert remark in result.stderr and bool(remark) == bool(result.stderr)
    assert call("bill", "show", "one", "--hour", text, "--quiet", runs=runs).stderr == ""


def test_service_levels_in_every_form(runs: Path) -> None:
    table = call("sla", "show", "one", runs=runs).stdout
    assert table.startswith("Service levels: ") and "bare.spot" in table
    rows = document("sla", "show", "one", "--tenant", "acme", runs=runs)["rows"]
    assert isinstance(rows, list) and {row["tenant"] for row in rows} == {"acme"}
    assert "terms" in call("sla", "show", "one", "--csv", runs=runs).stdout.splitlines()[0]
    assert call("sla", "show", "one", "--format", "html", runs=runs).stdout.startswith("<!doctype html>")


# -- report, scenarios, doctor ---------------------------------------------------------------------------------------


def test_a_page_that_was_left_out_is_drawn_as_the_run_would_have(runs: Path, tmp_path: Path) -> None:
    assert call("run", "small", "--days", "2", "--out", str(tmp_path / "bare"), "--no-report").exit_code == 0
    result = call("report", str(tmp_path / "bare"))
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'bare' / 'report.html'}\n"
    assert (tmp_path / "bare" / "report.html").read_bytes() == (runs / "one" / "report.html").read_bytes()


def test_scenarios_are_listed_shown_validated_and_described() -> None:
    listed = json.loads(call("scenarios", "list", "--json").stdout)
    assert {"gap", "rsc", "small"} <= {each["name"] for each in listed}
    assert tomllib.loads(call("scenarios", "show", "small").stdout)["name"] == "small"
    assert call("scenarios", "validate", "small").stdout.startswith("small: ok; ")
    assert document("scenarios", "validate", "small")["ok"] is True
    assert "pool" in json.loads(call("scenarios", "schema").stdout)["properties"]


def test_a_faulty_scenario_is_refused_with_its_key(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(call("scenarios", "show", "small").stdout.replace("gpus_per_node", "gpus_per_nodes"))
    result = call("scenarios", "validate", str(file))
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert str(file) in result.stderr and "gpus_per_node" in result.stderr


def test_doctor_is_one_line_a_check() -> None:
    result = call("doctor")
    checks = document("doctor")["checks"]
    assert isinstance(checks, list) and len(result.stdout.splitlines()) == len(checks) + 1


def test_doctor_exits_with_1_when_a_check_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    import sim.doctor

    monkeypatch.setattr(sim.doctor, "checks", lambda: [sim.doctor.Check("disk", False, "full")])
    result = call("doctor")
    assert result.exit_code == 1 and "FAILED" in result.stdout


# -- reliability -------------------------------------------------------------------------------------------------------


def test_reliability_sizes_checkpoints_and_spares() -> None:
    words = ("reliability", "--nodes", "2048", "--rate", "3.79", "--repair-days", "3", "--write", "60")
    found = document(*words)
    assert found["spares"] == {"p99": 35, "p999": 40}
    assert round(found["ettr"]["daly"], 3) == 0.809  # type: ignore[index]
    assert "mean hours between stops" in call(*words).stdout


def test_reliability_takes_one_hazard_by_rate_by_mean_time_or_by_count() -> None:
    by_count = document("reliability", "--nodes", "2048", "--failures", "419", "--days", "54")
    assert round(by_count["rate_per_1000_node_days"], 2) == 3.79  # type: ignore[call-overload]
    assert by_count["stops"]["low"] is None  # type: ignore[index]
    whole = ("reliability", "--nodes", "2048", "--failures", "419", "--days", "54", "--length-hours", "1296")
    assert [round(value) for value in document(*whole)["stops"].values()] == [419, 379, 459]  # type: ignore[attr-defined]
    assert "379 and 459" in call(*whole).stdout
    by_time = document("reliability", "--nodes", "128", "--mttf-hours", "7.9")
    assert round(by_time["rate_per_1000_node_days"], 2) == 23.73  # type: ignore[call-overload]
    for words in ((), ("--rate", "1", "--mttf-hours", "2"), ("--failures", "3")):
        refused = call("reliability", "--nodes", "8", *words)
        assert refused.exit_code == 2 and "--failures" in refused.stderr
