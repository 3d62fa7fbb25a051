"""`spillway bill preview`: a file of use, priced and drafted; lines that cannot be billed are told and kept apart."""

import gzip
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sim.cli import app
from use_files import HEADER, TERMS_TOML

ROWS = (
    "a,acme,bare.ondemand,eu,h100,8,2026-03-01T00:30:00Z,2026-03-01T02:30:00Z",
    "b,acme,bare.spot,eu,b200,4,2026-03-31T20:00:00Z,2026-04-01T08:00:00Z",
    "c,birch,bare.spot,eu,b200,1,2026-03-08T00:00:00Z,2026-03-09T00:00:00Z",
)


def preview(*words: object) -> Result:
    return CliRunner().invoke(app, ["bill", "preview", *(str(word) for word in words)])


@pytest.fixture
def terms(tmp_path: Path) -> Path:
    path = tmp_path / "terms.toml"
    path.write_text(TERMS_TOML)
    return path


def written(folder: Path, *rows: str, name: str = "use.csv") -> Path:
    path, text = folder / name, "\n".join([HEADER, *rows]) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def test_use_becomes_drafts_by_month_and_tenant_with_tax(tmp_path: Path, terms: Path) -> None:
    done = preview(written(tmp_path, *ROWS, name="use.csv.gz"), "--terms", terms, "--json")
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["intervals"], document["rejected"], document["findings"]) == (3, 0, [])
    sums = {(each["tenant"], each["period"]): each["total_micro"] for each in document["drafts"]}
    assert sums == {
        ("acme", "2026-03"): (47_200_000 + 20_000_000) * 12 // 10,
        ("birch", "2026-03"): 36_000_000,
        ("acme", "2026-04"): 40_000_000 * 12 // 10,
    }
    table = preview(written(tmp_path, *ROWS), "--terms", terms)
    assert "Draft for acme, 2026-03" in table.stdout and "80.64" in table.stdout
    assert "16.0000  GPU-hour" in table.stdout  # in the unit that is priced


def test_rejected_lines_are_told_and_all_of_them_kept(tmp_path: Path, terms: Path) -> None:
    bad = [f"x{n},nobody,bare.spot,eu,b200,1,0,1" for n in range(7)]
    aside = tmp_path / "aside.csv"
    done = preview(written(tmp_path, *ROWS, *bad), "--terms", terms, "--quarantine", aside, "--json")
    assert done.exit_code == 1
    assert (
        "line 5, x0: unknown tenant 'nobody'" in done.stderr
        and f"2 more lines were rejected: see {aside}" in done.stderr
    )
    assert len(aside.read_text().splitlines()) == 8
    assert json.loads(done.stdout)["rejected"] == 7


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[:-9], lambda whole: b"id" + whole, lambda whole: whole[:-8] * 2]
)
def test_a_gzip_file_that_is_damaged_is_refused_in_one_line(
    tmp_path: Path, terms: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "use.csv.gz"
    path.write_bytes(damage(gzip.compress(written(tmp_path, *ROWS).read_bytes())))
    done = preview(path, "--terms", terms)
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert "cut short or damaged" in done.stderr and not done.stdout


def test_rejected_lines_run_nothing_in_a_spreadsheet(tmp_path: Path, terms: Path) -> None:
    aside = tmp_path / "aside.csv"
    preview(written(tmp_path, "=cmd|calc,nobody,bare.spot,eu,b200,1,0,1"), "--terms", terms, "--quarantine", aside)
    assert aside.read_text().splitlines()[1] == "2,'=cmd|calc,unknown tenant 'nobody'"


def test_bills_of_local_months_add_up_to_those_of_utc_months(tmp_path: Path, terms: Path) -> None:
    """I10: daylight saving begins inside the month, and the month ends hours after the one of UTC."""
    path = written(tmp_path, *ROWS)
    utc, local = (
        json.loads(preview(path, "--terms", terms, "--json", "--timezone", zone).stdout)["bills"]
        for zone in ("UTC", "America/New_York")
    )
    assert {bill["period"]["label"] for bill in local} == {"2026-02", "2026-03", "2026-04"}
    sums = [
        sum((Fraction(bill["totals"]["exact_charges_micro_usd"]) for bill in bills), Fraction(0))
        for bills in (utc, local)
    ]
    assert sums[0] == sums[1] == 47_200_000 + 20_000_000 + 30_000_000 + 40_000_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "excel"], "unknown format"),
        (["--timezone", "Mars/Base"], "unknown time zone"),
        (["--format", "sacct"], "column is missing"),
        (["--until", "soon"], "not a time"),
    ],
)
def test_a_wrong_word_is_one_line_and_exit_code_2(tmp_path: Path, terms: Path, words: list[str], message: str) -> None:
    done = preview(written(tmp_path, *ROWS), "--terms", terms, *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr and done.stderr.count("\n") == 1


def test_contracts_are_in_the_drafts_too(tmp_path: Path, terms: Path) -> None:
    """A node is reserved for a day; half of the day is used, and the term charge covers all of it."""
    terms.write_text(
        f"""epoch = "2026-03-01T00:00:00Z"
{TERMS_TOML}
[[price]]
product = "bare.reserved"
sku = "h100"
from = "2026-01-01T00:00:00Z"
usd_per_gpu_hour = "2"

[[contract]]
id = "acme-day"
tenant = "acme"
product = "bare.reserved"
region = "eu"
sku = "h100"
nodes = 1
gpus_per_node = 8
from_s = 0
until_s = 86400
charge = "term"
"""
    )
    use = written(
        tmp_path,
        "a,acme,bare.reserved,eu,h100,8,2026-03-01T00:00:00Z,2026-03-01T12:00:00Z",
        "b,acme,bare.spot,us,b200,1,2026-03-02T00:00:00Z,2026-03-02T01:00:00Z",
    )
    done = preview(use, "--terms", terms, "--json")
    assert done.exit_code == 0, done.stderr
    (draft,) = json.loads(done.stdout)["drafts"]
    assert draft["net_micro"] == 24 * 8 * 2_000_000 + 1_250_000
    assert {line["kind"] for line in draft["lines"]} == {"usage", "reservation"}
