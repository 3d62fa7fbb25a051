"""The books in a store, on both engines: lifecycle, idempotence, corrections, checks that find planted faults."""

from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Engine, text

from billing.closing.close_month import Arrived, MonthOpenError, issue_all
from billing.errors import InvoiceError
from billing.invoices.credit_note import Return
from billing.invoices.document import document_bytes, document_hash, document_id
from billing.invoices.invoice import Invoice
from billing.metering.close import MeteringTerms
from billing.store import issuing
from billing.store.books import (
    invoice_of,
    invoices_in,
    notes_of,
    payments_of,
    save_credit_note,
    save_invoice,
    save_payment,
    save_void,
)
from billing.store.check_books import check_books
from billing.store.engine import open_store, reading, writing
from billing.store.issuing import issue_month
from billing.store.migrate import init
from billing_facts import NAMES
from invoice_facts import CENT, cents, issued
from invoicing_process import LATER_S, MONTHS, basis

FINISHED = Arrived(0, finished=True)
WORLD, LATER = 6, 8  # two in which every tenant has invoices of both months


@pytest.fixture
def store(store_place: str) -> Engine:
    engine = open_store(store_place, create=True)
    init(engine)
    return engine


def test_a_store_holds_the_very_documents_that_the_books_give(store: Engine) -> None:
    made = basis(WORLD)
    for month in MONTHS:
        first = issue_month(store, made, month, NAMES.epoch_s, FINISHED)
        assert first and issue_month(store, made, month, NAMES.epoch_s, FINISHED) == []
    with reading(store) as connection:
        assert sorted(map(document_bytes, invoices_in(connection))) == sorted(map(document_bytes, issue_all(made)))
        assert check_books(connection) == []


def test_a_tenant_that_cannot_be_billed_holds_up_no_other(store: Engine) -> None:
    first, *others = sorted({each.tenant for each in issue_all(basis(WORLD)) if each.period == "2026-01"})
    made = issuing.issue_next

    def too_large(closed: Any, tenant: int, *rest: Any) -> Invoice:
        if closed.books.names.tenants[tenant] == first:
            raise InvoiceError("amount too large")
        return made(closed, tenant, *rest)

    with patch.object(issuing, "issue_next", too_large), pytest.raises(InvoiceError, match="too large"):
        issue_month(store, basis(WORLD), MONTHS[0], NAMES.epoch_s, FINISHED)
    with reading(store) as connection:
        assert sorted(each.tenant for each in invoices_in(connection)) == others


def test_an_open_month_is_refused_with_every_reason(store: Engine) -> None:
    with pytest.raises(MonthOpenError, match="still open") as refused:
        issue_month(store, basis(WORLD), MONTHS[0], NAMES.epoch_s, Arrived(NAMES.epoch_s, gaps=[("sim", 2, 4)]))
    assert len(refused.value.reasons) == 2
    with reading(store) as connection:
        assert invoices_in(connection) == []


def test_payments_credits_and_voids_keep_the_books_in_balance(store: Engine) -> None:
    one, two = issued([cents(500, 1_900)]), issued([cents(90)], ordinal=2)
    two = replace_period(two)
    with writing(store) as connection:
        save_invoice(connection, one)
        save_invoice(connection, two)
        assert save_payment(connection, one.number, 100 * CENT, "w1", LATER_S)
        assert not save_payment(connection, one.number, 100 * CENT, "w1", LATER_S)
        with pytest.raises(InvoiceError, match="another payment"):
            save_payment(connection, one.number, 101 * CENT, "w1", LATER_S)
        note = save_credit_note(connection, one.number, [Return(1, 1, 2)], "sla", "down", LATER_S)
        assert note.total_micro == 298 * CENT  # 250.00 and 47.50, half up
        assert save_payment(connection, one.number, 595 * CENT - note.total_micro - 100 * CENT, "w2", LATER_S)
        assert save_void(connection, two.number, LATER_S).status == "void"
    with reading(store) as connection:
        assert invoice_of(connection, one.number).status == "paid"
        assert (len(notes_of(connection)), len(payments_of(connection))) == (1, 2)
        assert check_books(connection) == []
        with pytest.raises(InvoiceError, match="no such invoice"):
            invoice_of(connection, "acme-000009")


def replace_period(invoice: Invoice) -> Invoice:
    return document_with(invoice, period="2026-02")


def document_with(invoice: Invoice, **changes: str) -> Invoice:
    moved = replace(invoice, id="", hash="", **changes)  # type: ignore[arg-type]
    named = replace(moved, id=document_id(moved))
    return replace(named, hash=document_hash(named))


def test_numbers_and_months_are_taken_once(store: Engine) -> None:
    with writing(store) as connection:
        with pytest.raises(InvoiceError, match="next number"):
            save_invoice(connection, issued([cents(5)], ordinal=2))
        save_invoice(connection, issued([cents(5)]))
        with pytest.raises(InvoiceError, match="invoiced already"):
            save_invoice(connection, issued([cents(5)], ordinal=2))


def test_late_events_make_corrections_on_the_next_invoice(store: Engine) -> None:
    """What was known in January is one world, what is known in February another."""
    january, february = MONTHS
    then, now = basis(WORLD), basis(LATER)
    now = replace(now, books=replace(now.books, names=then.books.names), terms=then.terms)
    first = issue_month(store, then, january, NAMES.epoch_s, FINISHED, 10)
    known = then, "late-{}".format
    second = issue_month(store, now, february, NAMES.epoch_s, FINISHED, 20, lambda _: known)
    with reading(store) as connection:
        kept = [each for each in invoices_in(connection) if each.period == "2026-01"]
        assert kept == sorted(first, key=lambda invoice: invoice.number)
        assert check_books(connection) == []
    fixes = [line for invoice in second for line in invoice.lines if line.kind == "correction"]
    assert fixes and {line.cause for line in fixes} <= {f"late-{tenant}" for tenant in then.books.names.tenants}
    assert all(line.description.startswith("correction of ") for line in fixes)


def test_no_invoice_that_a_correction_builds_on_becomes_void(store: Engine) -> None:
    """January invoiced again holds what came late; February's correction of it would bill that twice. The last goes
    first."""
    january, february = MONTHS
    then, now = basis(WORLD), basis(LATER)
    now = replace(now, books=replace(now.books, names=then.books.names), terms=then.terms)
    first = issue_month(store, then, january, NAMES.epoch_s, FINISHED, 10)
    second = issue_month(store, now, february, NAMES.epoch_s, FINISHED, 20, lambda _: (then, str))
    corrected = [each for each in second if any(line.kind == "correction" for line in each.lines)]
    assert corrected
    for late in corrected:
        (early,) = [each.number for each in first if each.tenant == late.tenant]
        with writing(store) as connection:
            with pytest.raises(InvoiceError, match=f"builds on its corrections.*{late.number}"):
                save_void(connection, early, LATER_S)
            assert [save_void(connection, each, LATER_S).status for each in (late.number, early)] == ["void", "void"]


def test_no_invoice_with_corrections_becomes_void_before_a_later_one(store: Engine) -> None:
    """Made again, it would correct from where the later one began, and what lies between would never be billed."""
    january, february = MONTHS
    then, now = basis(WORLD), basis(LATER)
    now = replace(now, books=replace(now.books, names=then.books.names), terms=then.terms)
    issue_month(store, then, january, NAMES.epoch_s, FINISHED, 10)
    second = issue_month(store, now, february, NAMES.epoch_s, FINISHED, 20, lambda _: (then, str))
    (late, *_) = [
        each for each in second if any(line.kind == "correction" for line in each.lines) and not each.showback
    ]
    march = issued([cents(5)], ordinal=3)
    last = document_with(march, tenant=late.tenant, number=f"{late.tenant}-000003", period="2026-03")
    with writing(store) as connection:
        save_invoice(connection, last, 30)
        with pytest.raises(InvoiceError, match="builds on its corrections"):
            save_void(connection, late.number, LATER_S)


FAULTS = {
    "numbers missing": "UPDATE all_invoice SET ordinal = 9 WHERE ordinal = 2",
    "rows of lines": "UPDATE all_invoice_line SET net_micro = net_micro + 10000 WHERE number = 1",
    "do not balance": "UPDATE all_ledger_entry SET amount_micro = amount_micro + 1 WHERE position = 1",
    "columns that differ": "UPDATE all_invoice SET total_micro = total_micro + 1 WHERE ordinal = 2",
    "damaged document": "UPDATE all_invoice SET document = replace(document, '2026-01', '2026-03')",
    "though it is paid": "UPDATE all_invoice SET status = 'paid' WHERE total_micro > 0",
    "entries missing": "DELETE FROM all_ledger_entry WHERE position = 2",
    "stands = 2": "UPDATE all_invoice SET stands = 2 WHERE ordinal = 2",
    "stands = None": "UPDATE all_invoice SET stands = NULL WHERE ordinal = 2",
    "status 'draft'": "UPDATE all_invoice SET status = 'draft' WHERE ordinal = 2",
    "counted as number": "UPDATE all_invoice SET series = series || '-x' WHERE ordinal = 2",
    "entries that no": "UPDATE all_ledger_entry SET time_s = 1 WHERE position = 1",
    "positions up to": "UPDATE all_ledger_entry SET position = 999 WHERE position = 2",
    "that no wallet makes": "INSERT INTO all_ledger_entry VALUES ('a', 999, 'cash', 0, 'USD', 'wallet/w/twice', 0, 0)",
    "entries that no document has": "INSERT INTO all_ledger_entry VALUES ('a', 999, 'cash', 1, 'USD', 'x', 0, 0)",
}


def test_planted_faults_are_found(store: Engine) -> None:
    made = basis(WORLD)
    for month in MONTHS:
        issue_month(store, made, month, NAMES.epoch_s, FINISHED)
    for words, fault in FAULTS.items():
        with pytest.raises(KeyError), writing(store) as connection:  # which takes the fault back
            connection.execute(text(fault))
            assert [finding for finding in check_books(connection) if words in finding.what], words
            raise KeyError
    with reading(store) as connection:
        assert check_books(connection) == []


@pytest.mark.parametrize(("rule", "corrected"), [("never", False), ("look_back", True), ("next_invoice", True)])
def test_the_terms_say_whether_late_usage_is_billed(store: Engine, rule: str, corrected: bool) -> None:
    january, february = MONTHS
    then, now = basis(WORLD), basis(LATER)
    agreed = replace(then.terms, metering=MeteringTerms(late_usage=rule))
    now = replace(now, books=replace(now.books, names=then.books.names), terms=agreed)
    issue_month(store, then, january, NAMES.epoch_s, FINISHED, 10)
    known = then, "late-{}".format
    second = issue_month(store, now, february, NAMES.epoch_s, FINISHED, 20, lambda _: known)
    assert any(line.kind == "correction" for invoice in second for line in invoice.lines) == corrected
