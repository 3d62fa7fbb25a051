"""`spillway bill explain`, `simulate`, and the life of invoices in a database: issue, pay, credit-note, void."""

import csv
import io
import json
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from billing.closing.close_month import issue_all, why_open
from billing.closing.of_log import basis_of
from billing.errors import EventError, PriceError
from billing.invoices.document import document_bytes
from billing.log.event import Event, chained
from billing.months import parse_month
from billing.store.books import invoices_in
from billing.store.engine import open_store, reading
from billing.store.ingest import ingest
from billing.store.walls.views import table_of
from run_folders import write_small
from sim.cli import app
from sim.folder.basis import run_basis
from sim.folder.run_folder import read
from sim.scenario.any_terms import parse_any_terms
from sim.scenario.file import parse, show
from sim.scenario.terms import terms_of


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
    told = json.loads(call("bill", "explain", run, "fjord/2026-01/3", "--json").stdout)
    assert told["kind"] == "service_credit" and told["evidence"] and not told["hours"]


@pytest.mark.parametrize("line", ["acme", "acme/2026-01/99", "acme-000009/1", "nobody/2026-01/1", "acme/2026-13/1"])
def test_lines_that_are_not_there(run: str, line: str) -> None:
    done = call("bill", "explain", run, line)
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


def test_other_prices_are_simulated_beside_the_real_ones(run: str, tmp_path: Path) -> None:
    row = '[[price]]\nproduct = "*"\nsku = "*"\nfrom = "2025-01-01T00:00:00Z"\nusd_per_gpu_hour = "5.90"\n'
    prices = tmp_path / "other.toml"
    prices.write_text(row)
    told = json.loads(call("bill", "simulate", run, "--prices", str(prices), "--tenant", "birch", "--json").stdout)
    (one,) = told["invoices"]
    hours = 5_900_000 * 220.7622
    assert abs(one["simulated_total_micro"] - hours) < 10_000
    assert told["price_version"] != told["simulated_price_version"]


def test_a_scenario_may_name_the_transfer_price_of_its_teams() -> None:
    text = show("small")
    shown = terms_of(parse(f'{text}\n[showback]\nusd_per_gpu_hour = "1.40"\n')).showback
    assert shown is not None and shown.price_at("int.research", "h100", "eu", 0) == 1_400_000
    with pytest.raises(PriceError, match="not a transfer price"):
        parse(f'{text}\n[showback]\nprice = "1.40"\n')


@pytest.fixture
def db(run: str, tmp_path: Path) -> str:
    place = str(tmp_path / "books.db")
    assert call("db", "init", "--db", place).exit_code == 0
    assert call("db", "import", run, "--db", place).exit_code == 0
    return place


def test_life_of_invoices_in_a_database(db: str) -> None:
    drafts = json.loads(call("bill", "issue", "--dry-run", "--db", db, "--json").stdout)["invoices"]
    done = call("bill", "issue", "--db", db, "--json")
    issued = json.loads(done.stdout)["invoices"]
    assert "goes on until 2026-02-01T00:00:00Z, its sources ended by 2026-01-" in done.stderr
    assert [each["total_micro"] for each in drafts] == [each["total_micro"] for each in issued]
    assert json.loads(call("bill", "issue", "--db", db, "--json").stdout)["invoices"] == []
    at = ("--at", "2026-02-15T00:00:00Z", "--db", db)
    for _ in range(2):
        assert call("bill", "pay", "acme-000001", "100.50", "--reference", "w1", *at).exit_code == 0
    done = call("bill", "credit-note", "acme-000001", "--line", "2", "--part", "1/3", "--cause", "goodwill", *at)
    assert done.stdout == "acme-CN-000001: 122.51 USD of acme-000001\n"
    assert call("bill", "void", "birch-000001", *at).stdout == "birch-000001: void\n"
    again = json.loads(call("bill", "issue", "--db", db, "--json").stdout)["invoices"]
    assert [each["number"] for each in again] == ["birch-000002"]
    with reading(open_store(db)) as connection:
        told = connection.execute(select(table_of(connection, "notice").c["type", "object"])).all()
    assert ("invoice.voided", "birch-000001") in told and not [row for row in told if row[0] == "invoice.paid"]
    listed = json.loads(call("bill", "invoices", "--db", db, "--tenant", "acme", "--json").stdout)["invoices"]
    assert listed[0]["open_micro"] == listed[0]["total_micro"] - 100_500_000 - 122_510_000
    assert call("db", "check", "--db", db).exit_code == 0
    assert "no invoice of tenant zed" in call("bill", "invoices", "--db", db, "--tenant", "zed").stderr
    early = ("--at", "2026-01-31T23:59:59Z", "--db", db)
    refused = {
        "payment e of acme-000001: earlier than": ("pay", "acme-000001", "1", "--reference", "e", *early),
        "credit note on acme-000001: earlier than": ("credit-note", "acme-000001", "--cause", "x", *early),
        "invoice birch-000002: earlier than": ("void", "birch-000002", *early),
        "no such invoice": ("pay", "acme-000009", "1", "--reference", "x", *at),
        "cannot take": ("pay", "acme-000001", "99999", "--reference", "x", *at),
        "another payment": ("pay", "acme-000001", "1", "--reference", "w1", *at),
        "paid or credited": ("void", "acme-000001", *at),
        "not a part": ("credit-note", "acme-000001", "--line", "1", "--part", "half", "--cause", "x", *at),
        "name it with --line": ("credit-note", "acme-000001", "--part", "1/2", "--cause", "x", *at),
        "no such line (found 0": ("credit-note", "acme-000001", "--line", "0", "--cause", "x", *at),
        "(found '99999.00'; allowed 0.01 to ": ("pay", "acme-000001", "99999", "--reference", "y", *at),
        "not a month": ("issue", "--month", "January", "--db", db),
        "no such line": ("explain", "acme-000001", "--db", db),
    }
    for words, command in refused.items():
        answer = call("bill", *command)
        assert (answer.exit_code, words in answer.stderr) == (2, True), command


def test_a_database_has_the_documents_of_the_run(run: str, db: str) -> None:
    """The same bytes: numbers, ids, hashes, the log's range and hash; and the same explanations."""
    call("bill", "issue", "--db", db)
    basis = run_basis(read(Path(run)))
    with reading(open_store(db)) as connection:
        kept = [document_bytes(invoice) for invoice in invoices_in(connection)]
    assert sorted(kept) == sorted(document_bytes(invoice) for invoice in issue_all(basis))
    for line in ("acme-000001/2", "fjord-000001/1"):
        ours, theirs = (
            json.loads(call("bill", "explain", *words, "--json").stdout) for words in ((run, line), (line, "--db", db))
        )
        assert ours == theirs


def test_what_came_late_is_corrected_on_the_next_invoice_and_can_be_explained(tmp_path: Path) -> None:
    """A job of January is told of after January was invoiced; a second job makes February's invoice."""
    terms = tmp_path / "terms.toml"
    terms.write_text(TERMS)
    place, head = str(tmp_path / "late.db"), ("--terms", str(terms), "--db", str(tmp_path / "late.db"))
    call("db", "init", "--db", place)
    engine = open_store(place)
    ingest(engine, told("meter", [*job("one", JANUARY_S, JANUARY_S + 7_200), tick(FEBRUARY_S)]))
    told_open = call("bill", "issue", "--month", "2026-02", *head)
    assert (told_open.exit_code, told_open.stderr.count("still open: nothing is known past 2026-02-01")) == (2, 2)
    odd = told("meter", job("one", JANUARY_S, JANUARY_S + 3_600))
    assert ingest(engine, [odd[1], EventError("malformed", path="line 9")]).conflict_count == 1
    done = call("bill", "issue", *head)
    assert (done.exit_code, "2 records in quarantine are on no invoice" in done.stderr) == (0, True), done.stderr
    late = [*job("late", JANUARY_S + 90_000, JANUARY_S + 93_600), ("end", "source.ended", MARCH_S, {})]
    ingest(engine, told("repair", late))
    after = [tick(FEBRUARY_S), *job("two", FEBRUARY_S + 3_600, FEBRUARY_S + 7_200), tick(MARCH_S)]
    ingest(engine, told("meter", [*job("one", JANUARY_S, JANUARY_S + 7_200), *after]))
    done = call("bill", "issue", "--month", "2026-02", *head)
    assert done.exit_code == 0, done.stderr
    with reading(engine) as connection:
        january, february = invoices_in(connection)
    assert (january.total_micro, february.total_micro) == (2 * 8 * 2_000_000, 2 * 8 * 2_000_000)
    (fix,) = [line for line in february.lines if line.kind == "correction"]
    assert (fix.quantity, fix.net_micro, fix.cause) == (8 * 3_600, 16_000_000, "repair/late.started")
    assert fix.description == "correction of acme-000001: bare.ondemand, h100 in eu"
    for line in range(1, len(february.lines) + 1):
        done = call("bill", "explain", f"acme-000002/{line}", "--json", *head)
        assert json.loads(done.stdout)["adds_up"], done.stderr


def test_what_lies_in_quarantine_holds_every_month_that_it_is_about() -> None:
    """Tokens of January, told in February, without a price; an allocation from January to March with an odd end."""
    tokens = {"meter": "tokens_out", "quantity": 5, "product": "bare.ondemand", "region": "eu", "sku": "h100"}
    span = {"from_s": FEBRUARY_S - 3_600, "until_s": FEBRUARY_S}
    late: Told = ("tokens", "usage.metered", FEBRUARY_S + 600, {**tokens, **span})
    begun, (id_, type_, at_s, data) = job("long", FEBRUARY_S - 86_400, MARCH_S + 86_400)
    last: Told = ("end", "source.ended", MARCH_S + 90_000, {})
    odd = [begun, (id_, type_, at_s, {**data, "cause": "x"}), last]
    for facts, held in (([late, last], (True, True, False)), (odd, (True, True, True))):
        basis, arrived, _ = basis_of(told("meter", facts), parse_any_terms(TERMS))
        months = [parse_month(f"2026-0{number}") for number in (1, 2, 3)]
        assert tuple(bool(why_open(basis, month, JANUARY_S, arrived)) for month in months) == held


JANUARY_S, FEBRUARY_S, MARCH_S = 1_767_225_600, 1_769_904_000, 1_772_323_200
TERMS = """
epoch = "2026-01-01T00:00:00Z"

[[tenant]]
id = "acme"
name = "Acme"
kind = "external"

[[price]]
product = "bare.ondemand"
sku = "*"
from = "2025-01-01T00:00:00Z"
usd_per_gpu_hour = "2"
"""


Told = tuple[str, str, int, dict[str, object]]


def told(source: str, facts: list[Told]) -> list[Event]:
    return list(chained(source, ((id_, type_, at_s, "acme", data) for id_, type_, at_s, data in facts)))


def tick(at_s: int) -> Told:
    """Something that moves the clock of a source and costs nobody anything."""
    idle = {"hour_s": at_s - 3_600, "region": "eu", "sku": "h100", "state": "idle.no_demand", "gpu_s": 1}
    return (f"tick-{at_s}", "capacity.recorded", at_s, idle)


def job(name: str, start_s: int, end_s: int) -> list[Told]:
    place = {"product": "bare.ondemand", "region": "eu", "sku": "h100", "gpus": 8}
    return [
        (f"{name}.started", "allocation.started", start_s, {"allocation": name, "job": name, **place}),
        (f"{name}.ended", "allocation.ended", end_s, {"allocation": name, "cause": "finished"}),
    ]
