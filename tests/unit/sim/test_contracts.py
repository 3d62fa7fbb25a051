"""Contracts from a scenario to bills, the run folder and the command line: the bundled `wholesale`, shortened."""

import dataclasses
import json
from fractions import Fraction
from pathlib import Path

import pytest

from billing.books import Books
from billing.closing.agreed_items import contract_basis
from billing.closing.close_month import issue_all
from billing.closing.explain import explain, faults_of
from billing.closing.month import Basis, month_parts, with_book
from billing.closing.of_log import basis_of
from billing.contracts.hour_rows import contract_hours
from billing.contracts.state import contract_states
from billing.documents.bundle import bundle_of
from billing.documents.export import focus_table
from billing.documents.focus_check import check
from billing.errors import BillingError
from billing.invoices.document import document_bytes
from billing.invoices.ledger import balances, check_ledger, invoice_entries
from billing.months import parse_month
from billing.rating.prices import PriceBook
from sim.cli import app
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.folder import run_folder
from sim.folder.basis import run_basis
from sim.folder.books import read_books
from sim.folder.log import events_of
from sim.result import RunResult
from sim.scenario.build import build
from sim.scenario.file import load, parse, show
from sim.settle import settle
from sim.summary import summarise

DAY_S, HOUR_S = 86_400, 3_600
FEES = ("reservation_unused",)


@pytest.fixture(scope="module")
def finished() -> tuple[RunResult, Books]:
    result = run(build(load("wholesale")), policy="easy", lend="all_idle", seed=1)
    return result, settle(result)


@pytest.fixture(scope="module")
def folder(finished: tuple[RunResult, Books], tmp_path_factory: pytest.TempPathFactory) -> Path:
    result, books = finished
    out = tmp_path_factory.mktemp("runs") / "wholesale"
    return run_folder.write(out, result, books, "wholesale", show("wholesale"), summarise(result, books))


def test_the_scheduler_keeps_what_has_been_delivered() -> None:
    rows = build(load("wholesale")).reservations
    assert [(row.nodes, row.from_s // DAY_S) for row in rows] == [(8, 0), (8, 2), (16, 3), (14, 6), (14, 7)]
    assert rows[-1].until_s > 10**15  # renewed for ever


def test_the_bill_of_a_wholesale_contract_adds_up(finished: tuple[RunResult, Books]) -> None:
    _, books = finished
    assert books.findings == []
    (racks, hours) = contract_states(books.agreed.lines)
    # 8 nodes of 8 GPUs for two days, 16 for five, 14 from the time at which the recall is due.
    assert racks.entitled_gpu_s == 8 * DAY_S * (8 * 2 + 16 * 5 + 14 * 2)
    assert racks.undelivered_gpu_s == 8 * DAY_S * (8 + 2)
    charged = sum(
        Fraction(line.exact.numerator, line.exact.denominator)
        for bill in books.month_bills()
        for line in bill.lines
        if bill.tenant == "fjord" and line.kind in ("usage", "reservation")
    )
    delivered_s = racks.entitled_gpu_s - racks.undelivered_gpu_s
    assert charged == Fraction(delivered_s * 2_350_000, HOUR_S)  # the term, used or not
    assert Fraction(*hours.committed) == 60 * 10**6 * 9 * 24


def test_what_was_paid_ahead_is_neither_lost_nor_earned_twice(finished: tuple[RunResult, Books]) -> None:
    result, books = finished
    bills = books.month_bills()
    paid = -sum(bill.wallet_micro_usd for bill in bills)
    assert paid == (30_000 + 500 + 4_000) * 10**6
    prepaid = 30_000 * 10**6
    earned = summarise(result, books)["money"]["external"]["micro_usd"]
    rented = [bill for bill in bills if bill.tenant != "lab"]
    assert earned - summarise(result, books)["money"]["credits"]["micro_usd"] == (
        sum(bill.total_micro_usd for bill in rented) - prepaid + paid
    )


def test_a_run_folder_gives_back_what_was_agreed(finished: tuple[RunResult, Books], folder: Path) -> None:
    assert read_books(run_folder.read(folder)).agreed == finished[1].agreed


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ("contracts", "fjord-racks"),
        ("wallet", "acme-welcome"),
        ("alerts", "acme-month"),
        ("isolation", "us-1"),
    ],
)
def test_commands_show_it(command: str, word: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for flags in (["--json"], []):
        with pytest.raises(SystemExit) as left:
            app([command, str(folder), *flags])
        shown = capsys.readouterr().out
        assert left.value.code == 0 and word in shown
        assert not flags or json.loads(shown)["run"] == "wholesale"


def test_a_tenant_that_is_not_there_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        app(["wallet", str(folder), "--csv", "--tenant", "acne"])
    assert left.value.code == 2 and "did you mean 'acme'?" in capsys.readouterr().err


def test_bill_show_tells_used_from_unused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        app(["bill", "show", str(folder), "--tenant", "fjord"])
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("reservation used", "reservation unused", "true up", "paid from wallet"))


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "nodes = 16, delivered",
            "nodes = 99, delivered",
            "contract[0].steps[0].nodes: larger than its pool (found 99",
        ),
        (
            'charge = "term"',
            'gpus_per_node = 4\ncharge = "term"',
            "contract[0].gpus_per_node: not as its pool (found 4",
        ),
    ],
)
def test_a_contract_must_fit_its_pool(old: str, new: str, line: str) -> None:
    text = show("wholesale")
    assert old in text
    with pytest.raises(ScenarioError) as caught:
        parse(text.replace(old, new), "w.toml")
    assert str(caught.value).startswith(f"w.toml: {line}")


def test_a_wallet_in_another_currency_is_refused() -> None:
    text = show("wholesale").replace('amount = "500"', 'amount = "500"\ncurrency = "EUR"')
    with pytest.raises(BillingError) as caught:
        build(parse(text, "w.toml"))
    line = "w.toml: wallet[0].currency: not the currency of the bills (found 'EUR'; allowed USD)"
    assert str(caught.value) == line


def test_the_ledger_of_contracts_and_wallets_balances_and_focus_rows_are_right(folder: Path) -> None:
    """What was paid ahead has been drawn to the cent, and no wallet more than was bought."""
    bundle = bundle_of(run_basis(run_folder.read(folder)), "us")
    entries = [*bundle.postings, *(entry for each in bundle.invoices for entry in invoice_entries(each.invoice))]
    assert check_ledger(entries) == []
    held = {account: amount for (account, _), amount in balances(entries).items()}
    assert held["deferred:fjord"] == held["deferred:acme"] == held["wallet:acme"] == 0
    focus = focus_table(bundle)
    assert check(focus.names, list(focus.rows)).findings == []


def test_an_invoice_is_the_bill_of_its_month(finished: tuple[RunResult, Books], folder: Path) -> None:
    bundle = bundle_of(run_basis(run_folder.read(folder)), "us")
    invoiced = {(each.invoice.tenant, each.invoice.period): each.invoice.total_micro for each in bundle.invoices}
    billed = {(bill.tenant, bill.period.label): bill.total_micro_usd for bill in finished[1].month_bills()}
    assert invoiced == billed


def test_another_price_book_changes_the_fee_of_a_term(folder: Path) -> None:
    basis = run_basis(run_folder.read(folder))
    rows = [row.model_dump(by_alias=True, exclude_defaults=True) for row in basis.terms.book.rows]
    for row in rows:
        row["usd_per_gpu_hour"] = "4.70" if row["product"] == "bare.reserved" else row["usd_per_gpu_hour"]
    dearer = with_book(basis, PriceBook.from_mappings(rows))

    def fees(books: Books) -> Fraction:
        kinds = ("reservation_unused", "remedy_late", "remedy_recalled")
        return sum((Fraction(*line.exact) for line in books.agreed.lines if line.kind in kinds), Fraction(0))

    assert fees(dearer.books) == 2 * fees(basis.books) > 0


def test_the_log_of_a_run_gives_the_very_same_invoices(folder: Path) -> None:
    run_ = run_folder.read(folder)
    basis = run_basis(run_)
    of_log = basis_of(events_of(run_), basis.terms).basis
    assert isinstance(of_log, Basis)
    assert list(map(document_bytes, issue_all(of_log))) == list(map(document_bytes, issue_all(basis)))


def test_the_hours_of_a_contract_add_up_to_its_lines(finished: tuple[RunResult, Books], folder: Path) -> None:
    basis = run_basis(run_folder.read(folder))
    rows = contract_hours(contract_basis(basis.books, basis.terms), "fjord-racks")
    (racks, _) = contract_states(finished[1].agreed.lines)
    assert sum(row.promised for row in rows) == racks.entitled_gpu_s
    assert all(row.used + row.unused + row.lent + row.late + row.recalled == row.promised for row in rows)
    fee = sum(
        Fraction(*line.exact) for line in finished[1].agreed.lines if line.kind in FEES and line.tenant == "fjord"
    )
    assert sum(Fraction(*row.fee) for row in rows) == fee
    parts = ("commitment_covered", "commitment_on_demand")
    drawn = [
        Fraction(*line.effective) for line in finished[1].agreed.lines if line.kind in parts and line.tenant == "acme"
    ]
    by_hour = contract_hours(contract_basis(basis.books, basis.terms), "acme-hours")
    assert sum(Fraction(*row.drawn) for row in by_hour if row.drawn) == sum(drawn)
    with pytest.raises(BillingError, match="unknown contract"):
        contract_hours(contract_basis(basis.books, basis.terms), "fjord")


def test_hours_are_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        app(["contracts", str(folder), "--hours", "fjord-racks", "--csv"])
    first = capsys.readouterr().out.splitlines()[1]
    assert left.value.code == 0 and first.startswith("2026-01-26T00:00:00Z,64.0000,")


def test_every_line_of_a_contract_is_explained_and_adds_up(folder: Path) -> None:
    basis, followed = run_basis(run_folder.read(folder)), set()
    for invoice in issue_all(basis):
        tenant = basis.books.names.tenants.index(invoice.tenant)
        parts = month_parts(basis, tenant, parse_month(invoice.period))
        for line in invoice.lines:
            told = explain(basis, invoice, parts, line.number)
            assert faults_of(told) == []
            if told.hours and line.kind != "usage":
                followed.add(line.cause)
                fewer = dataclasses.replace(told, hours=told.hours[1:])
                assert faults_of(fewer) != []  # an hour that is missing is found
    kinds = ("reservation_unused", "remedy_late", "remedy_recalled")
    assert followed == {*(f"fjord-racks/{kind}" for kind in kinds), "acme-hours/commitment_unused"}
