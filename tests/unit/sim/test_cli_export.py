"""`spillway bill export` and `spillway bill check` on a run folder: every format, all or nothing, and found out."""

import hashlib
import json
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner, Result

from billing.documents.export import EXPORTS
from sim.cli import app
from sim.folder.focus_parquet import read_focus

FORMATS = (*EXPORTS, "parquet")


def call(*words: str, runs: Path) -> Result:
    return CliRunner(env={"SPILLWAY_RUNS": str(runs), "NO_COLOR": None}).invoke(app, list(words))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "runs"
    done = call("run", "small", "--days", "1", "--no-report", "--out", str(folder / "one"), runs=folder)
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_is_written_with_hashes_and_never_overwritten_by_accident(
    format_: str, runs: Path, tmp_path: Path
) -> None:
    words = ("bill", "export", "one", "--format", format_, "--out", str(tmp_path / "out"))
    told = json.loads(call(*words, "--json", runs=runs).stdout)
    made = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "out").iterdir()}
    assert {file["file"]: file["sha256"] for file in told["files"]} == made != {}
    refused = call(*words, runs=runs)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "there already" in refused.stderr and "--force" in refused.stderr
    again = json.loads(call(*words, "--force", "--json", runs=runs).stdout)
    assert again["files"] == told["files"], "same input, same bytes"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(made), "no draft is left"


def test_focus_files_of_a_run_are_correct_and_a_changed_cent_is_found(runs: Path, tmp_path: Path) -> None:
    told = json.loads(
        call("bill", "export", "one", "--format", "focus", "--out", str(tmp_path), "--json", runs=runs).stdout
    )
    for file in told["files"]:
        checked = call("bill", "check", str(tmp_path / file["file"]), "--json", runs=runs)
        assert (checked.exit_code, json.loads(checked.stdout)["findings"]) == (0, [])
    assert read_focus(tmp_path / "focus-1.2.csv") == read_focus(tmp_path / "focus-1.2.parquet")
    with duckdb.connect() as connection:
        path = str(tmp_path / "focus-1.2.parquet")
        (total,) = connection.execute("SELECT sum(BilledCost)::VARCHAR FROM read_parquet(?)", [path]).fetchone() or ()
    assert total.removesuffix("0000") == told["total"]
    text = (tmp_path / "focus-1.2.csv").read_text().splitlines()
    cells = text[1].split(",")
    cells[0] = f"{cells[0][:-1]}{(int(cells[0][-1]) + 1) % 10}"
    (tmp_path / "changed.csv").write_text("\n".join([text[0], ",".join(cells), *text[2:]]) + "\n")
    found = call("bill", "check", str(tmp_path / "changed.csv"), runs=runs)
    assert found.exit_code == 1 and "BilledCost" in found.stdout and "total" in found.stdout
    assert call("bill", "check", str(tmp_path / "changed.csv"), "--csv", runs=runs).stdout.startswith("row,rule,column")


def test_one_tenant_and_month_keep_the_numbers_of_the_whole(runs: Path, tmp_path: Path) -> None:
    words = (
        "bill",
        "export",
        "one",
        "--format",
        "html",
        "--tenant",
        "acme",
        "--month",
        "2026-01",
        "--out",
        str(tmp_path),
    )
    files = [file["file"] for file in json.loads(call(*words, "--json", runs=runs).stdout)["files"]]
    assert files == ["invoice-acme-000001.html", "sla-acme-2026-01.html"]
    page = (tmp_path / files[0]).read_text()
    assert "Acme Robotics" in page and "size:A4" in page
    call(*words, "--paper", "letter", "--issuer", "Mine & Co", "--force", runs=runs)
    assert "size:letter" in (tmp_path / files[0]).read_text()
    assert "Mine &amp; Co" in (tmp_path / files[0]).read_text()


def test_names_of_1_4_say_that_they_are_unverified(runs: Path, tmp_path: Path) -> None:
    words = ("bill", "export", "one", "--format", "focus", "--focus-version", "1.4", "--out", str(tmp_path), "--json")
    assert [file["file"] for file in json.loads(call(*words, runs=runs).stdout)["files"]] == [
        "focus-1.4-unverified.csv",
        "focus-1.4-unverified.parquet",
    ]
    for name in ("focus-1.4-unverified.csv", "focus-1.4-unverified.parquet"):
        assert call("bill", "check", str(tmp_path / name), runs=runs).exit_code == 0


def test_a_database_gives_the_very_files_of_the_run_that_it_was_filled_from(runs: Path, tmp_path: Path) -> None:
    db = str(tmp_path / "x.db")
    for words in (("db", "init"), ("db", "import", "one"), ("bill", "issue")):
        done = call(*words, "--db", db, runs=runs)
        assert done.exit_code == 0, done.stderr
    for format_ in ("focus", "html", "json", "csv", "hledger"):
        for name, source in (("run", ("one",)), ("store", ("--db", db))):
            out = str(tmp_path / name / format_)
            done = call("bill", "export", *source, "--format", format_, "--out", out, runs=runs)
            assert done.exit_code == 0, done.stderr
        run, store = ({path.name: path.read_bytes() for path in sorted((tmp_path / name / format_).iterdir())}
                      for name in ("run", "store"))  # fmt: skip
        assert run == store
    words = ("bill", "credit-note", "acme-000001", "--cause", "goodwill", "--at", "2026-02-15T00:00:00Z", "--db", db)
    assert call(*words, runs=runs).exit_code == 0
    for format_ in ("html", "json", "hledger"):
        out = tmp_path / "noted"
        assert call("bill", "export", "--db", db, "--format", format_, "--out", str(out), runs=runs).exit_code == 0
    assert "Credit note acme-CN-000001" in (out / "credit-note-acme-CN-000001.html").read_text()
    assert json.loads((out / "invoices.json").read_text())["credit_notes"][0]["of_invoice"] == "acme-000001"
    assert "crn_" in (out / "books.journal").read_text()
    for words in (("one", "--db", db), ()):
        done = call("bill", "export", *words, "--format", "csv", runs=runs)
        assert done.exit_code == 2 and "name a run, or a database" in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("one", "--format", "xlsx"), "unknown format"),
        (("one", "--format", "pdf", "--paper", "a5"), "unknown paper"),
        (("one", "--format", "csv", "--tenant", "acm"), "did you mean"),
        (("one", "--format", "csv", "--month", "2027-01"), "nothing to export"),
        (("one", "--format", "focus", "--focus-version", "1.3"), "unknown version"),
    ],
)
def test_what_cannot_be_exported_is_refused_and_nothing_written(
    words: tuple[str, ...], told: str, runs: Path, tmp_path: Path
) -> None:
    done = call("bill", "export", *words, "--out", str(tmp_path / "out"), runs=runs)
    assert done.exit_code == 2 and told in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "data"), [("a.txt", b""), ("a.csv", b"\xff\xfe"), ("a.parquet", b"PAR1")])
def test_what_is_no_table_is_refused_in_one_line(name: str, data: bytes, runs: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    done = call("bill", "check", str(tmp_path / name), runs=runs)
    assert done.exit_code == 2 and name in done.stderr and done.stderr.count("\n") == 1


def test_an_empty_or_foreign_table_has_findings(runs: Path, tmp_path: Path) -> None:
    for text in ("", "a,b\n1,2\n", "a,b\n1\n"):
        (tmp_path / "a.csv").write_text(text)
        assert call("bill", "check", str(tmp_path / "a.csv"), runs=runs).exit_code == 1


def test_contracts_are_correct_focus_rows_by_the_hour(runs: Path, tmp_path: Path) -> None:
    """A scenario with reserved capacity, floors, prepayments and wallets: all of it adds up, and capacity has hours."""
    done = call("run", "wholesale", "--no-report", "--out", str(tmp_path / "run"), runs=runs)
    assert done.exit_code == 0, done.stderr
    words = ("bill", "export", str(tmp_path / "run"), "--format", "focus", "--out", str(tmp_path / "out"))
    assert call(*words, runs=runs).exit_code == 0
    checked = call("bill", "check", str(tmp_path / "out" / "focus-1.2.parquet"), "--json", runs=runs)
    assert json.loads(checked.stdout)["findings"] == []
    with duckdb.connect() as connection:
        kinds = connection.execute(
            "SELECT CapacityReservationStatus, CommitmentDiscountStatus, count(*) > 10 FROM read_parquet(?)"
            " GROUP BY ALL ORDER BY ALL",
            [str(tmp_path / "out" / "focus-1.2.parquet")],
        ).fetchall()
    assert ("Used", None, True) in kinds and ("Unused", None, True) in kinds
    assert any(status == "Unused" for _, status, _ in kinds)
