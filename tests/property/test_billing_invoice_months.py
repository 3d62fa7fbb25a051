"""Invoices of random books: they are the bills, a replay has the same bytes, and corrections make up for late facts."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from billing.closing.close_month import issue_all
from billing.closing.correction import Earlier, correction_parts
from billing.closing.month import Basis, Part, month_draft, month_parts, months_with_lines
from billing.invoices.bill import month_bills
from billing.invoices.document import document_bytes
from billing.invoices.invoice import Heading, draft
from billing.invoices.ledger import balances, check_ledger, invoice_entries
from billing.terms import Terms, taxes_from
from billing_facts import NAMES, closed_world, price_book, registry

SEEDS = st.integers(0, 10**9)
TERMS = Terms(registry(), price_book(), epoch_s=NAMES.epoch_s)
VAT = taxes_from([{"name": "VAT", "tax_bp": 2_000, "product": "bare.spot"}])


def basis(seed: int, terms: Terms = TERMS) -> Basis:
    return Basis(closed_world(seed).books(), terms, (("sim", 1, 9),), "ab" * 32)


@given(SEEDS)
def test_invoices_are_the_bills(seed: int) -> None:
    made = basis(seed)
    bills = {
        (bill.tenant, bill.period.label): bill for bill in month_bills(NAMES, made.books.lines, made.books.credits)
    }
    invoices = {(invoice.tenant, invoice.period): invoice for invoice in issue_all(made)}
    assert invoices.keys() == bills.keys()
    for key, invoice in invoices.items():
        lines = [(line.net_micro, line.quantity, line.exact) for line in invoice.lines]
        assert lines == [(line.amount_micro_usd, line.quantity_gpu_s, line.exact) for line in bills[key].lines]
        assert invoice.total_micro == bills[key].total_micro_usd


@given(SEEDS)
def test_the_same_books_give_the_same_bytes_and_a_balanced_ledger(seed: int) -> None:
    terms = replace(TERMS, taxes=VAT)
    one, same = issue_all(basis(seed, terms)), issue_all(basis(seed, terms))
    assert [*map(document_bytes, one)] == [*map(document_bytes, same)]
    entries = [entry for invoice in one for entry in invoice_entries(invoice)]
    assert check_ledger(entries) == []
    for tenant in NAMES.tenants:
        numbers = [invoice.number for invoice in one if invoice.tenant == tenant]
        assert [int(number[-6:]) for number in numbers] == [*range(1, len(numbers) + 1)]
    owed = sum(
        amount for (account, _), amount in balances(entries).items() if account.startswith(("receivable", "cost"))
    )
    assert owed == sum(invoice.total_micro for invoice in one)


@given(SEEDS, SEEDS)
def test_an_invoice_and_its_corrections_are_the_invoice_of_all_facts(known: int, late: int) -> None:
    """Facts that come late: another world's, for the same tenants and months."""
    before, after = basis(known), basis(late)
    for month, tenant in months_with_lines(before):
        word = NAMES.tenants[tenant]
        first = month_draft(before, tenant, month)
        more = correction_parts(before, after, word, [Earlier("x-1", first.period)], "event-1")
        corrected = draft_of([*month_parts(before, tenant, month), *more])
        whole = month_draft(after, tenant, month)
        assert corrected == whole.net_micro
        assert correction_parts(after, after, word, [Earlier("x-1", first.period)], "event-1") == []
        for part in more:
            assert (part.item.kind, part.item.cause) == ("correction", "event-1")


def draft_of(parts: Sequence[Part]) -> int:
    return draft(Heading("acme", "2026-02"), [part.item for part in parts]).net_micro
