"""Invoices of a run, exported by command and added up by programs of others; service levels of its log by command."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from foreign_ledgers import accepts
from run_folders import write_small
from sim.cli import app

FILES = {"beancount": "books.beancount", "hledger": "books.journal"}


def call(*words: str | Path) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("form", FILES)
def test_exported_books_of_a_run_are_taken_by_the_program_they_are_for(form: str, tmp_path: Path) -> None:
    run = write_small(tmp_path / "run")
    call("bill", "export", run, "--format", form, "--out", tmp_path / "out")
    journal = (tmp_path / "out" / FILES[form]).read_text()
    assert accepts(form, journal, tmp_path) == (True, "")
    off_by_one = re.sub(r"(?<=  )(-?[0-9]+)\.", lambda found: f"{int(found[1]) + 1}.", journal, count=1)
    assert not accepts(form, off_by_one, tmp_path)[0]


def test_service_levels_of_a_log_are_those_of_its_run(tmp_path: Path) -> None:
    run, db = write_small(tmp_path / "run"), tmp_path / "books.db"
    call("db", "init", "--db", db)
    call("db", "import", run, "--db", db)
    of_run, of_log = (json.loads(call("--json", "sla", "show", *where)) for where in ([run], ["--db", db]))
    assert of_run == of_log and of_run["credits"]
    evidence = of_run["credits"][0]["evidence"][0]
    assert evidence["outage"] == f"{evidence['job']}.1.outage.started"
    listed = call("sla", "show", "--db", db, "--evidence", "--csv").splitlines()
    assert listed[0].startswith("tenant,product,month,what,job") and evidence["outage"] in listed[1]
