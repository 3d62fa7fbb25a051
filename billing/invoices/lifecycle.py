"""Draft, issued, paid, void: which moves there are, and what each needs. An issued document never changes.

Numbers run per tenant without a gap, void documents keep theirs; invoices, credit notes and show-back each have a
series of their own. Ids follow from the content, so that a replay of the same books gives the same bytes.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from billing.errors import InvoiceError
from billing.invoices.credit_note import CreditNote, numbered, require_name
from billing.invoices.document import document_hash, document_id
from billing.invoices.invoice import Invoice, with_status
from billing.money import format_price, format_usd
from billing.months import utc_text


class Payment(NamedTuple):
    """Money that came in for an invoice. `reference` is the bank's or the payer's and is unique per invoice."""

    invoice: str
    tenant: str
    currency: str
    amount_micro: int
    reference: str
    time_s: int


def series_of(document: Invoice | CreditNote) -> str:
    """Return the name of the series that numbers a document: "acme", "acme-CN" or "lab-SB"."""
    suffix = "-CN" if isinstance(document, CreditNote) else "-SB" if document.showback else ""
    return f"{document.tenant}{suffix}"


def number_text(series: str, ordinal: int) -> str:
    """Return "acme-000001"; `ordinal` counts from 1."""
    return f"{series}-{ordinal:06d}"


def issue(draft: Invoice, ordinal: int, issued_s: int) -> Invoice:
    """Return the invoice with its number, id and hash; from here on it is never changed.

    A total below 0 is owed to the tenant: late corrections may outweigh a small month.

    Raises:
        InvoiceError: not a draft.
    """
    path = f"invoice of {draft.tenant}, {draft.period}"
    if draft.status != "draft":
        raise InvoiceError("issued already", path=path, found=draft.number, allowed="a draft")
    named = replace(draft, number=number_text(series_of(draft), ordinal), issued_s=issued_s, status="issued")
    known = replace(named, id=document_id(named))
    return replace(known, hash=document_hash(known))


def issue_note(note: CreditNote, ordinal: int, issued_s: int) -> CreditNote:
    """Return the credit note with its number, id and hash.

    Raises:
        InvoiceError: issued already.
    """
    if note.number:
        raise InvoiceError("issued already", path=f"credit note on {note.invoice_number}", found=note.number)
    named = numbered(note, number_text(series_of(note), ordinal), issued_s)
    known = replace(named, id=document_id(named))
    return replace(known, hash=document_hash(known))


def open_micro(invoice: Invoice, notes: Sequence[CreditNote], payments: Sequence[Payment]) -> int:
    """Return what is still to be paid; below 0 where a paid invoice was credited and money is owed to the tenant.

    Nobody pays show-back, nor what is void.
    """
    if invoice.status == "void" or invoice.showback:
        return 0
    given_back = sum(note.total_micro for note in notes)
    return invoice.total_micro - given_back - sum(payment.amount_micro for payment in payments)


def require_issued_by(invoice: Invoice, time_s: int, path: str) -> None:
    """Refuse to book on an invoice before there was one. Raises InvoiceError."""
    if time_s < invoice.issued_s:
        allowed = f"{utc_text(invoice.issued_s)}, when it was issued, or later"
        raise InvoiceError("earlier than the invoice", path=path, found=utc_text(time_s), allowed=allowed)


def pay(invoice: Invoice, notes: Sequence[CreditNote], payments: Sequence[Payment], payment: Payment) -> Invoice:
    """Return the invoice after a payment: paid once nothing is open.

    Raises:
        InvoiceError: not due, another currency, earlier than the invoice, not in whole minor units, not above 0,
            or more than is open.
    """
    path = f"payment {payment.reference} of {invoice.number or 'a draft'}"
    if invoice.status != "issued" or invoice.showback:
        found = "show-back" if invoice.showback else invoice.status
        raise InvoiceError("invoice is not due", path=path, found=found, allowed="an issued invoice")
    require_name(payment.reference, f"payment of {invoice.number}, reference")
    if payment.currency != invoice.currency:
        raise InvoiceError("another currency", path=path, found=payment.currency, allowed=invoice.currency)
    require_issued_by(invoice, payment.time_s, path)
    left, minor_micro = open_micro(invoice, notes, payments), invoice.money.minor_micro
    if not 0 < payment.amount_micro <= left or payment.amount_micro % minor_micro:
        decimals = invoice.money.decimals
        least, most = format_usd(minor_micro, decimals), format_usd(left, decimals)
        allowed = f"{least} to {most} {invoice.currency}, with {decimals} decimals"
        found = format_price(payment.amount_micro)
        raise InvoiceError("cannot take that amount", path=path, found=found, allowed=allowed)
    return with_status(invoice, "paid" if payment.amount_micro == left else "issued")


def correction_text(number: str, description: str) -> str:
    """Return the description of a line that corrects an invoice: it begins with the invoice's number."""
    return f"correction of {number}: {description}"


def builds_on(later: Invoice, earlier: Invoice) -> bool:
    """Whether what an invoice bills for the past goes on from an earlier one: one corrects the other, or both correct
    the months before them."""
    begins = correction_text(earlier.number, "")
    corrected = any(line.kind == "correction" and line.description.startswith(begins) for line in later.lines)
    return corrected or any(line.kind == "correction" for line in earlier.lines)


def void(
    invoice: Invoice, notes: Sequence[CreditNote], payments: Sequence[Payment], later: Sequence[Invoice] = ()
) -> Invoice:
    """Return the invoice as void; its number stays taken, and the period may be invoiced again.

    Args:
        later: the invoices of the same series that were issued after it.

    Raises:
        InvoiceError: not issued, something was paid or credited (then only a credit note can undo it), or a later
            invoice that stands builds on it: a correction would be billed twice, or never.
    """
    path = f"invoice {invoice.number or 'draft'}"
    if invoice.status != "issued":
        raise InvoiceError("only an issued invoice can become void", path=path, found=invoice.status, allowed="issued")
    if notes or payments:
        found = f"{len(notes)} credit notes, {len(payments)} payments"
        raise InvoiceError("something was paid or credited", path=path, found=found, allowed="a credit note instead")
    for other in later:
        if other.status != "void" and builds_on(other, invoice):
            allowed = f"{other.number} void first, or a credit note instead"
            raise InvoiceError(
                "a later invoice builds on its corrections", path=path, found=other.number, allowed=allowed
            )
    return with_status(invoice, "void")
