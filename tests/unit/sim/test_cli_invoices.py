"""`spillway bill explain`: a line down to its allocations, in text, JSON and CSV, and what is refused."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner, Result

from run_folders import write_small
from sim.cli import app


def call(*words: str) -> Result:
    return CliRunner(env={"NO_COLOR": None}).invoke(app, list(words))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_small(tmp_path_factory.mktemp("invoices") / "one"))


def test_a_line_is_explained_down_to_its_allocations(run: str) -> None:
    told = json.loads(call("bill", "explain", run, "acme-000001/1", "--json").stdout)
    assert (told["tenant"], told["period"], told["adds_up"], told["faults"]) == ("acme", "2026-01", True, [])
    assert sum(hour["quantity"] for hour in told["hours"]) == told["quantity"]
    for hour in told["hours"]:
        assert sum(holding["quantity"] for holding in hour["holdings"]) == hour["quantity"]
    same = json.loads(call("bill", "explain", run, "acme/2026-01/1", "--json").stdout)
    assert same == told
    rows = list(csv.DictReader(io.StringIO(call("bill", "explain", run, "acme/2026-01/1", "--csv").stdout)))
    assert sum(int(row["gpu_s"]) for row in rows) == told["quantity"]


def test_an_explanation_is_told_in_sentences(run: str) -> None:
    said = call("bill", "explain", run, "acme/2026-01/1").stdout
    assert said.startswith("Line 1 of acme-000001 (acme, 2026-01)")
    assert said.endswith("Everything adds up: holdings to hours, hours to the line.\n")


def test_a_credit_shows_its_outages(run: str) -> None:
    told = json.loads(call("bill", "explain", run, "fjord/2026-01/2", "--json").stdout)
    assert told["kind"] == "service_credit" and told["evidence"] and not told["hours"]


@pytest.mark.parametrize("line", ["acme", "acme/2026-01/99", "acme-000009/1", "nobody/2026-01/1", "acme/2026-13/1"])
def test_lines_that_are_not_there(run: str, line: str) -> None:
    done = call("bill", "explain", run, line)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
