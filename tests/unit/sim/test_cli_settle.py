"""`spillway db settle` says what the offline commands say, and the worker of a service brings it round."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select
from typer.testing import CliRunner

from billing.months import utc_text
from billing.store.engine import open_store, reading, writing
from billing.store.tables_settled import month_paper, settling, usage_hour
from run_folders import write_small
from sim.cli import app
from sim.cli.serve_worker import Job, Worker
from sim.cli.settle_process import Of, SettleProcess
from sim.errors import SimError

# A draft has none of these yet.
OF_ISSUED = ("number", "id", "status", "issued", "hash")


def call(*words: str) -> Any:
    done = CliRunner(env={"NO_COLOR": None}).invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with the log of a run, settled."""
    folder = tmp_path_factory.mktemp("settle")
    run, place = write_small(folder / "one"), str(folder / "books.db")
    call("db", "init", "--db", place)
    call("db", "import", str(run), "--db", place)
    assert call("db", "settle", "--db", place)["error"] is None
    return place


def held(db: str, table: Any) -> list[dict[str, Any]]:
    with reading(open_store(db)) as connection:
        return [dict(row._mapping) for row in connection.execute(select(table))]


def test_hours_are_those_of_the_command(db: str) -> None:
    told = call("bill", "hours", "--db", db)["hours"]
    assert {row["state"] for row in told} == {"closed"}
    keys = ("hour", "tenant", "product", "pool", "meter", "class", "factor_bp", "quantity")
    mine = [
        {
            **row,
            "hour": utc_text(row["hour_s"]),
            "pool": f"{row['region']}/{row['sku']}",
            "class": row["charge_class"],
        }
        for row in held(db, usage_hour)
    ]
    assert {row["settled"] for row in mine} == {1}
    assert sorted([str(row[key]) for key in keys] for row in mine) == sorted(
        [str(row[key]) for key in keys] for row in told
    )


def test_papers_are_those_of_the_export(db: str, tmp_path: Path) -> None:
    call("bill", "issue", "--db", db)
    call("bill", "export", "--db", db, "--format", "json", "--out", str(tmp_path))
    exported = json.loads((tmp_path / "invoices.json").read_text())
    papers = {(row["tenant"], row["period"], row["kind"]): json.loads(row["body"]) for row in held(db, month_paper)}
    assert len(exported["invoices"]) == sum(kind == "draft" for _, _, kind in papers)
    for invoice in exported["invoices"]:
        draft = papers[invoice["tenant"], invoice["period"]["label"], "draft"]
        blank = dict.fromkeys(OF_ISSUED)
        assert json.dumps({**draft, **blank}) == json.dumps({**invoice, **blank})
    for report in exported["sla_reports"]:
        assert json.dumps(papers[report["tenant"], report["month"], "sla"]) == json.dumps(report)


def test_hours_and_what_contracts_add_are_the_draft(db: str) -> None:
    spent: dict[tuple[str, str], Fraction] = {}
    for row in held(db, usage_hour):
        key = row["tenant"], utc_text(row["hour_s"])[:7]
        spent[key] = spent.get(key, Fraction(0)) + Fraction(int(row["numerator"]), int(row["denominator"]))
    agreed = 0
    for row in held(db, month_paper):
        if row["kind"] == "contracts":
            lines = [line for each in json.loads(row["body"]) for line in each["lines"]]
            agreed += len(lines)
            spent[row["tenant"], row["period"]] += sum(Fraction(line["exact"]) for line in lines)
    drafts = {(row["tenant"], row["period"]): row for row in held(db, month_paper) if row["kind"] == "draft"}
    for key, row in drafts.items():
        lines = [line for line in json.loads(row["body"])["lines"] if line["kind"] not in ("service_credit", "wallet")]
        assert sum(Fraction(line["exact_micro"]) for line in lines) == spent[key], key
    assert agreed and set(drafts) == {key for key, amount in spent.items() if amount}


def test_a_process_of_its_own_settles_and_ends_with_whoever_asks(db: str) -> None:
    call("keys", "create", "--role", "operator", "--db", db)
    with writing(open_store(db)) as connection:
        connection.execute(delete(settling))
        connection.execute(delete(usage_hour))
    before = SettleProcess(Of(db, None, None))
    before.settle()
    before.settle()
    assert held(db, usage_hour)
    child = before._process
    assert child is not None and child.stdin is not None
    child.stdin.close()  # as when the service was killed
    assert child.wait(timeout=20) == 0
    gone = SettleProcess(Of(f"{db}.gone", None, None))
    with pytest.raises(SimError, match="no file of secrets"):
        gone.settle()
    gone.close()
    before.close()
    before.settle()  # too late for anything


def test_a_job_that_fails_is_told_once_and_stops_no_other() -> None:
    clock, said, done = [100], list[str](), list[int]()
    faults = ["the disk is full", "the disk is full", "", "the disk is full"]

    def fails() -> None:
        if fault := faults.pop(0):
            raise OSError(fault)

    jobs = [Job("settling", 5, fails), Job("beat", 2, lambda: done.append(clock[0]))]
    worker = Worker(jobs, lambda: clock[0], said.append, lambda: True)
    for clock[0] in range(100, 117):
        worker.round()
    assert done == list(range(100, 117, 2))
    assert said == ["settling: the disk is full", "settling: works again", "settling: the disk is full"]


def test_a_worker_stops_when_told() -> None:
    began: list[int] = []
    worker = Worker([Job("beat", 1, lambda: began.append(1))], lambda: len(began), lambda _text: None, lambda: True)
    worker.start()
    worker.stop()
    worker.round()
    assert len(began) <= 1
