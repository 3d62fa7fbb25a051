"""Invoices of random books: they are the bills, a replay has the same bytes, and corrections make up for late facts."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.closing.agreed_items import wallet_postings
from billing.closing.close_month import issue_all
from billing.closing.correction import Earlier, correction_parts
from billing.closing.explain import explain, faults_of
from billing.closing.holdings import Held
from billing.closing.month import Basis, Part, month_draft, month_parts, months_with_lines
from billing.invoices.bill import month_bills
from billing.invoices.document import document_bytes
from billing.invoices.invoice import Heading, draft
from billing.invoices.ledger import balances, check_ledger, invoice_entries
from billing.metering.classes import charge_marks, free_rules
from billing.terms import Terms, taxes_from
from billing.usage import SegmentTable
from billing_facts import NAMES, closed_world, price_book, registry, table
from contract_worlds import random_parties

SEEDS = st.integers(0, 10**9)
# Each example makes whole books: some in `make test`, all of them where many were asked for.
FEW = settings(max_examples=settings.default.max_examples if settings.default.max_examples > 100 else 30)
TERMS = Terms(registry(), price_book(), epoch_s=NAMES.epoch_s)
VAT = taxes_from([{"name": "VAT", "tax_bp": 2_000, "product": "bare.spot"}])


def basis(seed: int, terms: Terms = TERMS) -> Basis:
    return Basis(closed_world(seed).books(), terms, (("sim", 1, 9),), "ab" * 32)


@FEW
@given(SEEDS)
def test_invoices_are_the_bills(seed: int) -> None:
    made = basis(seed)
    bills = {
        (bill.tenant, bill.period.label): bill for bill in month_bills(NAMES, made.books.lines, made.books.credits)
    }
    invoices = {(invoice.tenant, invoice.period): invoice for invoice in issue_all(made)}
    assert invoices.keys() == bills.keys()
    for key, invoice in invoices.items():
        lines = sorted((line.quantity, Fraction(*line.exact)) for line in invoice.lines)
        assert lines == sorted((line.quantity_gpu_s, Fraction(*line.exact)) for line in bills[key].lines)
        assert invoice.total_micro == bills[key].total_micro_usd


@FEW
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


@FEW
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


def held_of(seed: int) -> Held:
    """Who held what in a closed world, as its books were made from it."""
    segments = table(SegmentTable, closed_world(seed).segments)
    marks = charge_marks(segments, free_rules(NAMES, registry()))
    return Held(segments, marks, [f"job-{job}" for job in segments.job.tolist()])


@FEW
@given(SEEDS)
def test_every_explanation_adds_up_to_its_line(seed: int) -> None:
    made, held = basis(seed, replace(TERMS, taxes=VAT)), held_of(seed)
    for month, tenant in months_with_lines(made):
        parts = month_parts(made, tenant, month)
        invoice = month_draft(made, tenant, month, parts)
        for line in invoice.lines:
            told = explain(made, invoice, parts, line.number, held)
            assert faults_of(told) == []
            assert (line.kind == "usage") == bool(told.hours) == (told.price is not None) == told.traced
            assert (line.kind == "service_credit") == bool(told.evidence)
            assert sum(hour.quantity for hour in told.hours) == line.quantity


def test_an_explanation_that_leaves_an_hour_or_a_second_out_is_caught() -> None:
    made, held = basis(6), held_of(6)
    month, tenant = months_with_lines(made)[0]
    parts = month_parts(made, tenant, month)
    told = explain(made, month_draft(made, tenant, month, parts), parts, 1, held)
    hour = told.hours[0]
    shorter = replace(told, hours=(hour._replace(holdings=hour.holdings[1:]), *told.hours[1:]))
    assert faults_of(shorter) and faults_of(replace(told, hours=told.hours[1:]))
    assert faults_of(replace(told, rounding=told.rounding._replace(extra=not told.rounding.extra)))


@FEW
@given(SEEDS, SEEDS)
def test_invoices_under_contracts_are_the_bills_and_nothing_is_overdrawn(seed: int, agreed: int) -> None:
    """I8: what contracts and wallets put on invoices, whatever was agreed: to the cent the bills, never below 0 by what
    was paid ahead, and every line explained."""
    who = random_parties(agreed)
    made = Basis(closed_world(seed).books(parties=who), Terms(who, price_book(), epoch_s=NAMES.epoch_s))
    bills = {(bill.tenant, bill.period.label): bill for bill in made.books.month_bills()}
    invoices = [
        (tenant, month, month_draft(made, tenant, month), month_parts(made, tenant, month))
        for month, tenant in months_with_lines(made)
    ]
    assert {(invoice.tenant, invoice.period) for _, _, invoice, _ in invoices} == bills.keys()
    entries = []
    for _, _, invoice, parts in invoices:
        assert invoice.total_micro == bills[invoice.tenant, invoice.period].total_micro_usd
        entries += invoice_entries(replace(invoice, showback=False, id=f"{invoice.tenant} {invoice.period}"))
        for line in invoice.lines:
            assert faults_of(explain(made, invoice, parts, line.number)) == []
    code, epoch_s = made.terms.currency.code, NAMES.epoch_s
    entries += wallet_postings(made.books.agreed.wallet, made.wallet_kind, code, epoch_s)
    assert check_ledger(entries) == []
