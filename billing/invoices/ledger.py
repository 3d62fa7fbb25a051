"""The ledger: double entry, append-only. Each document's entries add up to 0, and each names the line it came from.

Amounts are int micro-units, debit above 0. Accounts (BILLING 9.9):

    receivable:TENANT        what a tenant owes              revenue:PRODUCT      what was earned
    cash                     payments                        reduction:CAUSE      credits and discounts, by cause
    tax_payable              tax to be handed on             wallet:TENANT        bought and not yet drawn
    cost:TENANT              what a team used (show-back)    deferred:TENANT      paid ahead and not yet earned
    showback_clearing        the other side of it

    invoice issued           debit receivable (and what reduces it: reduction, wallet, deferred); credit revenue, tax
    credit note              debit reduction, tax            credit receivable
    payment                  debit cash                      credit receivable
    invoice void             the entries of its issue with the signs turned
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from billing.finding import Finding
from billing.invoices.credit_note import CreditNote
from billing.invoices.invoice import Invoice, InvoiceLine
from billing.invoices.lifecycle import Payment

CASH, TAX_PAYABLE, SHOWBACK_CLEARING = "cash", "tax_payable", "showback_clearing"
# Where a line's net amount is booked, if not as revenue of its product.
_OWED = {"wallet": "wallet", "prepayment": "deferred"}
# Causes of what is paid ahead of a floor when its term begins, and of what that takes off each month.
_PAID_AHEAD = ("/commitment_upfront", "/commitment_paid")
_REDUCES = ("service_credit", "discount", "adjustment")


class Entry(NamedTuple):
    """One side of a movement. `document` is the id of an invoice or credit note, or "REFERENCE of ID" for a payment;
    `line` the number of its line, 0 for the document as a whole; `time_s` Unix seconds."""

    account: str
    amount_micro: int
    currency: str
    document: str
    line: int
    time_s: int


def invoice_entries(invoice: Invoice) -> list[Entry]:
    """Return the entries of an invoice's issue: the total first, then line by line net and tax, zeros left out."""
    debtor = f"cost:{invoice.tenant}" if invoice.showback else f"receivable:{invoice.tenant}"
    moves = [(debtor, invoice.total_micro, 0)]
    for line in invoice.lines:
        account = SHOWBACK_CLEARING if invoice.showback else line_account(line)
        moves += [(account, -line.net_micro, line.number), (TAX_PAYABLE, -line.tax_micro, line.number)]
    return _entries(moves, invoice.currency, invoice.id, invoice.issued_s)


def credit_note_entries(note: CreditNote) -> list[Entry]:
    """Return the entries of a credit note."""
    debtor = f"cost:{note.tenant}" if note.showback else f"receivable:{note.tenant}"
    moves = [(debtor, -note.total_micro, 0)]
    for line in note.lines:
        reduced = f"{_OWED[line.kind]}:{note.tenant}" if line.kind in _OWED else f"reduction:{note.cause}"
        account = SHOWBACK_CLEARING if note.showback else reduced
        moves += [(account, line.net_micro, line.number), (TAX_PAYABLE, line.tax_micro, line.number)]
    return _entries(moves, note.currency, note.id, note.issued_s)


def payment_entries(payment: Payment) -> list[Entry]:
    """Return the entries of a payment."""
    moves = [(CASH, payment.amount_micro, 0), (f"receivable:{payment.tenant}", -payment.amount_micro, 0)]
    return _entries(moves, payment.currency, f"{payment.reference} of {payment.invoice}", payment.time_s)


def void_entries(invoice: Invoice, voided_s: int) -> list[Entry]:
    """Return the entries that take an invoice's issue back."""
    return [entry._replace(amount_micro=-entry.amount_micro, time_s=voided_s) for entry in invoice_entries(invoice)]


def line_account(line: InvoiceLine) -> str:
    """Return the account in which the net amount of an invoice's line is booked."""
    if line.cause.endswith(_PAID_AHEAD):
        return f"deferred:{line.tenant}"
    if line.kind in _OWED:
        return f"{_OWED[line.kind]}:{line.tenant}"
    if line.kind in _REDUCES:
        return f"reduction:{line.kind}"
    return f"revenue:{line.product or line.kind}"


def balances(entries: Iterable[Entry]) -> dict[tuple[str, str], int]:
    """Return the balance of each (account, currency), sorted, those of 0 included."""
    sums: dict[tuple[str, str], int] = {}
    for entry in entries:
        key = entry.account, entry.currency
        sums[key] = sums.get(key, 0) + entry.amount_micro
    return dict(sorted(sums.items()))


def check_ledger(entries: Sequence[Entry]) -> list[Finding]:
    """Return the documents, and the currencies, whose entries do not add up to 0, and wallets that were overdrawn."""
    sums: dict[tuple[str, str], int] = {}
    for entry in entries:
        for key in ((entry.document, entry.currency), ("ledger", entry.currency)):
            sums[key] = sums.get(key, 0) + entry.amount_micro
    found = [
        Finding(where, f"micro-{currency} that do not balance", off) for (where, currency), off in sums.items() if off
    ]
    for (account, currency), balance in balances(entries).items():
        if account.startswith(("wallet:", "deferred:")) and balance > 0:
            found.append(Finding(account, f"micro-{currency} drawn beyond what was bought", balance))
    return found


def _entries(moves: Sequence[tuple[str, int, int]], currency: str, document: str, time_s: int) -> list[Entry]:
    return [Entry(account, amount, currency, document, line, time_s) for account, amount, line in moves if amount]
