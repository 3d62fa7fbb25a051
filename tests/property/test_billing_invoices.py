"""I6 and I7: lines, tax, total and ledger always agree; credit notes never exceed an invoice and can reach it."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from billing.errors import InvoiceError
from billing.invoices.credit_note import CreditNote, Return, credit_note, whole_invoice
from billing.invoices.document import document_bytes, read_credit_note, read_invoice
from billing.invoices.invoice import Heading, Invoice, Item, draft
from billing.invoices.ledger import balances, check_ledger, credit_note_entries, invoice_entries
from billing.invoices.lifecycle import issue_note
from billing.money import BP, Exact
from invoice_facts import CENT, ISSUED_S, issued, item, items


def nearest_cent(amount: Fraction) -> int:
    """The slow, obvious rounding: half away from zero."""
    whole = int(abs(amount) / CENT + Fraction(1, 2))
    return (whole if amount >= 0 else -whole) * CENT


def faults(invoice: Invoice, asked: list[Item]) -> list[str]:
    """What of I6 an invoice breaks; written without the functions that made it."""
    found = []
    fixed = sum(each.fixed_micro for each in asked if each.fixed_micro is not None)
    loose = sum((Fraction(*each.exact) for each in asked if each.fixed_micro is None), Fraction(0))
    if sum(line.net_micro for line in invoice.lines) != invoice.net_micro:
        found.append("lines are not the net")
    if invoice.net_micro != nearest_cent(loose) + fixed:
        found.append("net is not its exact sum, rounded once")
    for rate in {each.tax_bp for each in asked}:
        of_rate = [line for line in invoice.lines if line.tax_bp == rate]
        tax = nearest_cent(Fraction(sum(line.net_micro for line in of_rate) * rate, BP))
        if sum(line.tax_micro for line in of_rate) != tax:
            found.append(f"tax at {rate} is not that of the net")
    if invoice.net_micro + invoice.tax_micro != invoice.total_micro:
        found.append("total is not net and tax")
    for line, each in zip(invoice.lines, asked, strict=True):
        if each.fixed_micro is None and abs(line.net_micro - Fraction(*each.exact)) >= CENT:
            found.append(f"line {line.number} is a cent or more off")
    if balances(invoice_entries(invoice)).get(("receivable:acme", "USD"), 0) != invoice.total_micro:
        found.append("ledger does not move by the total")
    return found


@given(items())
def test_lines_tax_total_and_ledger_agree(asked: list[Item]) -> None:
    invoice = issued(asked)
    assert faults(invoice, asked) == []
    assert all(each.count == 0 for each in check_ledger(invoice_entries(invoice)) if each.where == invoice.id)
    assert read_invoice(document_bytes(invoice), "issued") == invoice


def rounded_line_by_line(heading: Heading, asked: list[Item]) -> Invoice:
    """A broken draft: what rounding each line for itself would give."""
    parts = [each._replace(fixed_micro=nearest_cent(Fraction(*each.exact))) for each in asked]
    return draft(heading, parts)


def test_a_draft_that_rounds_line_by_line_is_caught() -> None:
    asked = [Item("usage", "p", "", Exact(CENT, 2), "x", 0, 1)] * 2
    assert faults(rounded_line_by_line(Heading("acme", "2026-01"), asked), asked)


@given(items(least=0), st.lists(st.tuples(st.integers(0, 7), st.integers(1, 6), st.integers(1, 6)), max_size=6))
def test_credit_notes_never_exceed_an_invoice_and_can_reach_it(
    asked: list[Item], wishes: list[tuple[int, int, int]]
) -> None:
    invoice = issued(asked)
    notes: list[CreditNote] = []
    for line, numerator, denominator in wishes:
        try:
            note = credit_note(invoice, notes, [Return(line + 1, numerator, denominator)], "refund", "")
        except InvoiceError:
            continue
        notes.append(issue_note(note, len(notes) + 1, ISSUED_S))
        assert read_credit_note(document_bytes(notes[-1])) == notes[-1]
        assert 0 <= sum(each.total_micro for each in notes) <= invoice.total_micro
    rest = whole_invoice(invoice, notes)
    if rest:
        notes.append(issue_note(credit_note(invoice, notes, rest, "refund", ""), len(notes) + 1, ISSUED_S))
    assert sum(note.net_micro for note in notes) == invoice.net_micro
    assert sum(note.total_micro for note in notes) == invoice.total_micro
    entries = [*invoice_entries(invoice), *(entry for note in notes for entry in credit_note_entries(note))]
    assert balances(entries).get(("receivable:acme", "USD"), 0) == 0 == balances(entries).get(("tax_payable", "USD"), 0)


@given(items(), st.randoms(use_true_random=False))
def test_the_order_of_items_changes_no_total(asked: list[Item], rng: object) -> None:
    shuffled = list(asked)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = issued(asked), issued(shuffled)
    assert (one.net_micro, one.tax_micro, one.total_micro) == (other.net_micro, other.tax_micro, other.total_micro)


def test_a_cent_that_two_tax_rates_claim_goes_to_the_lower_one() -> None:
    """Two and a half cents each: the odd one would cost a cent of tax on one line, and none on the other."""
    asked = [item(Exact(5 * CENT, 2), tax_bp=rate) for rate in (2_000, 0)]
    for each in (asked, asked[::-1]):
        invoice = issued(each)
        assert {(line.tax_bp, line.net_micro) for line in invoice.lines} == {(0, 3 * CENT), (2_000, 2 * CENT)}
        assert invoice.tax_micro == 0
