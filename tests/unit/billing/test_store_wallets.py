"""Wallets in a store: what an invoice has drawn stands, also when late facts change what its month comes to."""

from dataclasses import replace
from pathlib import Path

import pytest

from billing.closing.close_month import Arrived
from billing.closing.explain import faults_of
from billing.closing.find_line import explain_kept
from billing.closing.month import Basis
from billing.finding import Finding
from billing.invoices.ledger import balances
from billing.store import issuing
from billing.store.books import entries_in, invoices_in
from billing.store.check_books import check_books
from billing.store.engine import open_store, reading
from billing.store.issuing import issue_month
from billing.store.migrate import init
from billing.terms import Terms
from billing_facts import NAMES, closed_world, price_book, registry
from invoicing_process import MONTHS
from tenants.registry import Registry
from tenants.wallet import Wallet

FINISHED = Arrived(0, finished=True)
WORLDS = ((6, 8), (8, 6), (13, 6), (20, 8), (6, 27), (27, 8))  # what was known in January, and in February


def wallets(amount: str) -> Registry:
    known = registry()
    mine = (
        Wallet(id="gift", tenant="acme", amount="5", priority=0),
        Wallet(id="deposit", tenant="acme", amount=amount, priority=1, paid=True),
        Wallet(id="brief", tenant="birch", amount=amount, expires_s=1, paid=True),
    )
    return Registry(tenants=known.tenants, products=known.products, wallets=mine)


def basis(world: int, who: Registry) -> Basis:
    return Basis(closed_world(world).books(parties=who), Terms(who, price_book(), epoch_s=NAMES.epoch_s))


def issued_with_late_facts(place: Path, then: int, now: int) -> tuple[list[Finding], dict[tuple[str, str], int]]:
    """Issue January as it was known then, February as it is known now; return the findings and the balances."""
    engine = open_store(str(place), create=True)
    init(engine)
    who = wallets("25")
    before, after = basis(then, who), basis(now, who)
    issue_month(engine, before, MONTHS[0], NAMES.epoch_s, FINISHED, 10)
    issue_month(engine, after, MONTHS[1], NAMES.epoch_s, FINISHED, 20, lambda _: (before, "late-{}".format))
    with reading(engine) as connection:
        assert {invoice.period for invoice in invoices_in(connection)} == {"2026-01", "2026-02"}
        return check_books(connection), balances(entries_in(connection))


@pytest.mark.parametrize(("then", "now"), WORLDS)
def test_no_wallet_pays_twice(then: int, now: int, tmp_path: Path) -> None:
    findings, held = issued_with_late_facts(tmp_path / "spillway.db", then, now)
    assert findings == []
    assert held.get(("wallet:birch", "USD"), 0) == 0  # drawn or lost at its expiry, and nothing is left of it
    assert 0 <= -held[("wallet:acme", "USD")] <= 25 * 10**6


def test_wallets_that_forget_what_they_paid_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuing, "redrawn", lambda books, terms, invoices, posted: books)
    found = []
    for number, (then, now) in enumerate(WORLDS):
        findings, held = issued_with_late_facts(tmp_path / f"{number}.db", then, now)
        found += [*findings, *([held] if held.get(("wallet:birch", "USD")) else [])]
    assert found


def test_terms_without_wallets_keep_their_books() -> None:
    made = basis(6, registry())
    assert issuing.redrawn(made.books, made.terms, []) is made.books and replace(made) == made


@pytest.mark.parametrize(("then", "now"), WORLDS)
def test_what_was_lost_at_expiry_pays_no_invoice_that_is_made_later(then: int, now: int, tmp_path: Path) -> None:
    """February is issued first: what a wallet bought in January, and what was left of it, is posted all the same."""
    engine = open_store(str(tmp_path / "spillway.db"), create=True)
    init(engine)
    before, after = (basis(world, wallets("25")) for world in (then, now))
    issue_month(engine, before, MONTHS[1], NAMES.epoch_s, FINISHED, 10)
    with reading(engine) as connection:
        assert check_books(connection) == []
    issue_month(engine, after, MONTHS[0], NAMES.epoch_s, FINISHED, 20, lambda _: (before, "late-{}".format))
    with reading(engine) as connection:
        assert check_books(connection) == []


@pytest.mark.parametrize(("then", "now"), WORLDS)
def test_lines_beside_what_a_wallet_paid_are_explained_after_late_facts(then: int, now: int, tmp_path: Path) -> None:
    """February's wallet goes on from what January's invoice drew, not from what January comes to now."""
    place = tmp_path / "spillway.db"
    issued_with_late_facts(place, then, now)
    with reading(open_store(str(place))) as connection:
        invoices = invoices_in(connection)
    for invoice in invoices:
        known = basis(then if invoice.period == "2026-01" else now, wallets("25"))
        for line in invoice.lines:
            assert faults_of(explain_kept(known, invoice, line.number)) == []


@pytest.mark.parametrize(("then", "now"), ((8, 6), (13, 6), (13, 27)))
def test_no_wallet_pays_more_than_late_facts_leave_of_an_invoice(then: int, now: int, tmp_path: Path) -> None:
    place = tmp_path / "spillway.db"
    findings, _ = issued_with_late_facts(place, then, now)
    with reading(open_store(str(place))) as connection:
        (late,) = (each for each in invoices_in(connection, "acme") if each.period == "2026-02")
    drawn = sum(line.net_micro for line in late.lines if line.cause.startswith("wallet/"))
    assert findings == []
    assert late.net_micro >= 0 or drawn == 0
