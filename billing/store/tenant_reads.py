"""What a tenant may read of the store: its documents, its ledger, its events; through the views of the wall.

Each function takes what the door has bound, and the tenant whose data are meant: for a tenant that is itself, and the
engine gives nothing else whatever is asked. Lists are read a page at a time (`billing.store.pages`).
"""

from typing import NamedTuple

from sqlalchemy import select

from billing.errors import InvoiceError
from billing.invoices.credit_note import CreditNote
from billing.invoices.document import read_credit_note, read_invoice
from billing.invoices.invoice import Invoice
from billing.store.door import Bound
from billing.store.pages import Key, page
from billing.store.walls.views import view


class EventRow(NamedTuple):
    """An event as its tenant sees it: without its place in the log and its link to others."""

    source: str
    id: str
    type: str
    time_s: int
    data: str


class InvoiceRow(NamedTuple):
    """An invoice without its lines. Amounts are micro-units of its currency."""

    number: str
    period: str
    currency: str
    status: str
    issued_s: int
    total_micro: int


class LedgerRow(NamedTuple):
    """One side of a movement. `document` is the id of what caused it, `line` the number of its line, 0: all of it."""

    time_s: int
    document: str
    line: int
    account: str
    amount_micro: int
    currency: str


_INVOICE, _NOTE, _LEDGER, _EVENT = view("invoice"), view("credit_note"), view("ledger_entry"), view("event")


def events_of(bound: Bound, tenant: str, after: Key | None, limit: int) -> list[EventRow]:
    """Return a page of a tenant's events by (time_s, source, id)."""
    wanted = page(_EVENT, EventRow._fields, ("time_s", "source", "id"), after, limit)
    return [EventRow._make(row) for row in bound.connection.execute(wanted.where(_EVENT.c.subject == tenant))]


def invoices_of(
    bound: Bound, tenant: str, period: str | None, after: Key | None, limit: int, status: str | None = None
) -> list[InvoiceRow]:
    """Return a page of a tenant's invoices by (issued_s, number), of all months or of one ("2026-11"), of any status or
    of one."""
    wanted = page(_INVOICE, InvoiceRow._fields, ("issued_s", "number"), after, limit)
    wanted = wanted.where(_INVOICE.c.tenant == tenant)
    if period is not None:
        wanted = wanted.where(_INVOICE.c.period == period)
    if status is not None:
        wanted = wanted.where(_INVOICE.c.status == status)
    return [InvoiceRow._make(row) for row in bound.connection.execute(wanted)]


def invoice_of(bound: Bound, tenant: str, number: str) -> Invoice | None:
    """Return a tenant's invoice, None if it has none of that number.

    Raises:
        InvoiceError: the document was changed.
    """
    columns = _INVOICE.c
    wanted = select(columns.document, columns.status).where(columns.tenant == tenant, columns.number == number)
    row = bound.connection.execute(wanted).one_or_none()
    if row is None:
        return None
    invoice = read_invoice(row.document.encode(), row.status)
    if invoice.tenant != tenant:
        raise InvoiceError("document is another tenant's", code="damaged", path=invoice.number)
    return invoice


def credit_notes_of(bound: Bound, tenant: str, after: Key | None, limit: int) -> list[CreditNote]:
    """Return a page of a tenant's credit notes by (issued_s, number). Raises InvoiceError: a document was changed."""
    wanted = page(_NOTE, ("document",), ("issued_s", "number"), after, limit).where(_NOTE.c.tenant == tenant)
    return [read_credit_note(document.encode()) for (document,) in bound.connection.execute(wanted)]


def ledger_of(
    bound: Bound,
    tenant: str,
    after: Key | None,
    limit: int,
    within: tuple[int, int] | None = None,
    account: str | None = None,
) -> list[LedgerRow]:
    """Return a page of a tenant's ledger by (time_s, document, line, account, amount_micro).

    Args:
        within:  what was posted in [from_s, until_s), Unix seconds; None: at any time.
        account: of one account; None: of all.
    """
    order = ("time_s", "document", "line", "account", "amount_micro")
    wanted = page(_LEDGER, LedgerRow._fields, order, after, limit).where(_LEDGER.c.tenant == tenant)
    if within is not None:
        wanted = wanted.where(_LEDGER.c.time_s >= within[0], _LEDGER.c.time_s < within[1])
    if account is not None:
        wanted = wanted.where(_LEDGER.c.account == account)
    return [LedgerRow._make(row) for row in bound.connection.execute(wanted)]
