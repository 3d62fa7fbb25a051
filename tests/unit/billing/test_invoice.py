"""Invoices, their life, credit notes and the ledger, on the published cases and on small examples."""

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from billing.errors import InvoiceError
from billing.invoices.credit_note import CreditNote, Return, amount_of, credit_note, whole_invoice
from billing.invoices.document import document_bytes, document_hash, read_credit_note, read_invoice
from billing.invoices.invoice import Heading, draft, with_status
from billing.invoices.ledger import (
    balances,
    check_ledger,
    credit_note_entries,
    invoice_entries,
    payment_entries,
    void_entries,
)
from billing.invoices.lifecycle import Payment, issue, issue_note, open_micro, pay, void
from billing.money import Exact
from invoice_facts import CENT, ISSUED_S, cents, issued, item


def micro(minor: str) -> int:
    return int(minor) * CENT


def percent_bp(text: str) -> int:
    bp = Fraction(text) * 100
    assert bp.denominator == 1
    return int(bp)


@pytest.fixture
def cases_of(case_file: Callable[[str], Path]) -> Callable[[str], list[dict[str, dict[str, str]]]]:
    every = json.loads(case_file("billing_cases.json").read_text())["cases"]
    return lambda kind: [case for case in every if case["kind"] == kind]


def test_published_taxes(cases_of: Callable[[str], list[dict[str, dict[str, str]]]]) -> None:
    for case in cases_of("tax"):
        invoice = draft(
            Heading("acme", "2026-01"),
            [cents(int(case["input"]["net_minor"]), percent_bp(case["input"]["tax_percent"]))],
        )
        assert invoice.tax_micro == micro(case["expect"]["tax_minor"]), case["id"]


def test_published_credit_notes(cases_of: Callable[[str], list[dict[str, dict[str, str]]]]) -> None:
    """Unused days of a paid period are given back, net and tax each rounded once."""
    keys = {
        "credit_note_rounding": ("paid_net_minor", "days_unused"),
        "prorated_with_tax": ("amount_minor", "days_used"),
    }
    for kind, (amount, days) in keys.items():
        for case in cases_of(kind):
            given = case["input"]
            invoice = issued([cents(int(given[amount]), percent_bp(given["tax_percent"]))])
            note = credit_note(invoice, [], [Return(1, int(given[days]), int(given["days_in_period"]))], "refund", "")
            found = {"net_minor": note.net_micro, "tax_minor": note.tax_micro, "total_minor": note.total_micro}
            assert found == {key: micro(value) for key, value in case["expect"].items()}, case["id"]


def test_one_note_per_line_comes_to_the_invoice(cases_of: Callable[[str], list[dict[str, dict[str, str]]]]) -> None:
    for case in cases_of("credit_notes_cover_invoice"):
        rate = percent_bp(case["input"]["tax_percent"])
        invoice = issued([cents(int(line), rate) for line in case["input"]["lines_minor"]])
        notes: list[CreditNote] = []
        for line in invoice.lines:
            notes.append(credit_note(invoice, notes, [Return(line.number)], "refund", ""))
        assert (
            sum(note.total_micro for note in notes)
            == invoice.total_micro
            == micro(case["expect"]["invoice_total_minor"])
        )
        assert [note.total_micro // CENT for note in notes] == [8200, 8199, 6900, 10200]


def test_rounding_does_not_drift(cases_of: Callable[[str], list[dict[str, dict[str, str]]]]) -> None:
    """81 lines that would lose two cents if each were rounded for itself, and an allowance of exactly 100.00."""
    for case in cases_of("rounding_drift"):
        used, included = Fraction(case["input"]["exact_credits_used"]), int(case["input"]["included"])
        part = Exact(int(used * 10**6), 81)
        allowance = item(Exact(-included * 10**6), kind="discount", fixed_micro=-included * 10**6)
        invoice = draft(Heading("acme", "2026-01"), [*[item(part)] * 81, allowance])
        assert invoice.net_micro == int(Fraction(case["expect"]["exact_overage_cents"]) * 10**6)
        assert invoice.lines[-1].net_micro == -included * 10**6


def test_life_of_an_invoice() -> None:
    invoice = issued([cents(10_000, 2_000)])
    assert (invoice.number, invoice.status, invoice.total_micro) == ("acme-000001", "issued", 12_000 * CENT)
    half = Payment(invoice.id, "acme", "USD", 6_000 * CENT, "wire-1", ISSUED_S + 5)
    assert pay(invoice, [], [], half).status == "issued"
    note = issue_note(credit_note(invoice, [], [Return(1, 1, 4)], "goodwill", "slow start"), 1, ISSUED_S + 6)
    assert (note.number, note.total_micro) == ("acme-CN-000001", 3_000 * CENT)
    rest = half._replace(amount_micro=3_000 * CENT, reference="wire-2")
    paid = pay(invoice, [note], [half], rest)
    assert (paid.status, open_micro(paid, [note], [half, rest])) == ("paid", 0)
    assert document_bytes(paid) == document_bytes(invoice)
    entries = [*invoice_entries(invoice), *payment_entries(half), *credit_note_entries(note), *payment_entries(rest)]
    assert check_ledger(entries) == []
    assert balances(entries) == {
        ("cash", "USD"): 9_000 * CENT,
        ("receivable:acme", "USD"): 0,
        ("reduction:goodwill", "USD"): 2_500 * CENT,
        ("revenue:bare.spot", "USD"): -10_000 * CENT,
        ("tax_payable", "USD"): -1_500 * CENT,
    }


def test_a_void_invoice_leaves_no_trace_in_the_balances() -> None:
    invoice = issued([cents(100, 700), cents(31)])
    entries = [*invoice_entries(invoice), *void_entries(invoice, ISSUED_S + 1)]
    assert void(invoice, [], []).status == "void"
    assert set(balances(entries).values()) == {0}


def test_wallets_and_prepayments_are_owed_until_they_are_drawn() -> None:
    bought = issued([item(Exact(900 * CENT), kind="wallet"), item(Exact(500 * CENT), kind="prepayment")])
    drawn = issued([cents(700), item(Exact(0), kind="wallet", fixed_micro=-700 * CENT)], ordinal=2)
    assert drawn.total_micro == 0
    entries = [*invoice_entries(bought), *invoice_entries(drawn)]
    assert balances(entries)["wallet:acme", "USD"] == -200 * CENT
    assert balances(entries)["deferred:acme", "USD"] == -500 * CENT
    overdrawn = issued([item(Exact(0), kind="wallet", fixed_micro=-201 * CENT)], ordinal=3)
    assert [finding.count for finding in check_ledger([*entries, *invoice_entries(overdrawn)])] == [CENT]


def test_show_back_moves_cost_and_never_money() -> None:
    shown = issued([cents(4_200)], Heading("lab", "2026-01", showback=True))
    assert (shown.number, shown.tax_micro) == ("lab-SB-000001", 0)
    assert balances(invoice_entries(shown)) == {
        ("cost:lab", "USD"): 4_200 * CENT,
        ("showback_clearing", "USD"): -4_200 * CENT,
    }
    with pytest.raises(InvoiceError, match="not due"):
        pay(shown, [], [], Payment(shown.id, "lab", "USD", CENT, "w", 0))


def test_ids_and_hashes_follow_from_the_content() -> None:
    one, same = issued([cents(5)]), issued([cents(5)])
    assert (one, document_bytes(one)) == (same, document_bytes(same))
    assert one.id != issued([cents(5)], ordinal=2).id != issued([cents(6)]).id
    assert one.hash == document_hash(with_status(one, "paid"))


def test_documents_come_back_from_their_bytes_and_a_changed_one_is_refused() -> None:
    invoice = issued(
        [item(Exact(2**70 + 1, 3600), tax_bp=700), cents(-3)], Heading("acme", "2026-01", "v1", (("sim", 1, 9),))
    )
    assert read_invoice(document_bytes(invoice), "issued") == invoice
    note = issue_note(credit_note(invoice, [], [Return(1, 1, 3)], "sla", "é"), 1, ISSUED_S)
    assert read_credit_note(document_bytes(note)) == note
    for data in (b"{", b"[]", document_bytes(note), document_bytes(invoice).replace(b"acme", b"acne")):
        with pytest.raises(InvoiceError):
            read_invoice(data, "issued")


def test_an_unbalanced_ledger_is_found() -> None:
    entries = invoice_entries(issued([cents(5, 700)]))
    entries[1] = entries[1]._replace(amount_micro=entries[1].amount_micro + 1)
    assert {finding.where for finding in check_ledger(entries)} == {entries[1].document, "ledger"}


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([item(Exact(1), kind="tip")], "no such kind"),
        ([item(Exact(1), tax_bp=10_001)], "tax rate"),
        ([item(Exact(1), fixed_micro=1)], "whole minor units"),
        ([item(Exact(1))._replace(until_s=0)], "ends before it begins"),
    ],
)
def test_items_that_no_invoice_can_hold(items: list, words: str) -> None:
    with pytest.raises(InvoiceError, match=words):
        draft(Heading("acme", "2026-01"), items)


def test_moves_that_are_refused() -> None:
    invoice = issued([cents(100), cents(0)])
    note = issue_note(credit_note(invoice, [], whole_invoice(invoice), "refund", ""), 1, ISSUED_S)
    payment = Payment(invoice.id, "acme", "USD", 40 * CENT, "w", ISSUED_S)
    refused: list[tuple[str, Callable[[], object]]] = [
        ("issued already", lambda: issue(invoice, 2, 0)),
        ("issued already", lambda: issue_note(note, 2, 0)),
        ("cannot give back", lambda: credit_note(invoice, [note], [Return(1, 1, 100)], "refund", "")),
        ("cannot give back", lambda: credit_note(invoice, [], [Return(1, 101, 100)], "refund", "")),
        ("nothing was charged", lambda: credit_note(invoice, [], [Return(2)], "refund", "")),
        ("no such line", lambda: credit_note(invoice, [], [Return(3)], "refund", "")),
        ("nothing to give back", lambda: credit_note(invoice, [], [], "refund", "")),
        ("not due", lambda: credit_note(with_status(invoice, "void"), [], [Return(1)], "refund", "")),
        ("not a name", lambda: credit_note(invoice, [], [Return(1)], "", "")),
        ("not a name", lambda: credit_note(invoice, [], [Return(1)], "a\nb", "")),
        ("not a name", lambda: pay(invoice, [], [], payment._replace(reference=" "))),
        ("another currency", lambda: pay(invoice, [], [], payment._replace(currency="EUR"))),
        ("cannot take", lambda: pay(invoice, [], [], payment._replace(amount_micro=101 * CENT))),
        ("cannot take", lambda: pay(invoice, [], [payment], payment._replace(amount_micro=61 * CENT))),
        ("cannot take", lambda: pay(invoice, [], [], payment._replace(amount_micro=1))),
        ("not due", lambda: pay(with_status(invoice, "void"), [], [], payment)),
        ("paid or credited", lambda: void(invoice, [], [payment])),
        ("paid or credited", lambda: void(invoice, [note], [])),
        ("only an issued", lambda: void(with_status(invoice, "paid"), [], [])),
    ]
    for words, move in refused:
        with pytest.raises(InvoiceError, match=words):
            move()


def test_a_credit_of_a_sum_of_money() -> None:
    invoice = issued([cents(300, 2_000)])
    note = credit_note(invoice, [], [amount_of(invoice, 1, 100 * CENT)], "goodwill", "agreed")
    assert (note.net_micro, note.tax_micro) == (100 * CENT, 20 * CENT)


def test_a_positive_line_cannot_be_given_back_beyond_the_invoice() -> None:
    """100.00 less a service credit of 10.00: the whole of line 1 is more than was ever owed."""
    invoice = issued([cents(10_000), item(Exact(0), kind="service_credit", fixed_micro=-1_000 * CENT)])
    with pytest.raises(InvoiceError, match="more than the invoice has left"):
        credit_note(invoice, [], [Return(1)], "refund", "")
    assert credit_note(invoice, [], whole_invoice(invoice), "refund", "").total_micro == invoice.total_micro


def test_status_is_no_part_of_the_document() -> None:
    assert b"status" not in document_bytes(issued([cents(1)]))
    assert replace(issued([cents(1)]), status="paid").hash == issued([cents(1)]).hash


def test_an_amount_that_books_cannot_hold_is_refused() -> None:
    """Each line has room in an int64; together with its tax, or with another, it has not."""
    most = 9_223_372_036_854_770_000
    assert draft(Heading("acme", "2026-01"), [item(Exact(most))]).total_micro == most
    for wrong in ([item(Exact(most), tax_bp=1_900)], [item(Exact(most)), item(Exact(10**9))]):
        with pytest.raises(InvoiceError, match="amount too large"):
            draft(Heading("acme", "2026-01"), wrong)
