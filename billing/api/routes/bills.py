"""Routes of bills: invoices, credit notes, the ledger. Reading alone: documents are issued at the machine."""

from typing import Annotated, Literal

from fastapi import Path, Query

from billing.api.call import Call, Calling
from billing.api.moments import Month
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Problem
from billing.api.schemas.basic import Page
from billing.api.schemas.bills import (
    CreditNoteHead,
    InvoiceFull,
    InvoiceHead,
    LedgerEntry,
    credit_note_head,
    invoice_full,
    invoice_head,
    ledger_entry,
)
from billing.api.table import Routes
from billing.months import month_bounds, parse_month
from billing.store import tenant_reads as store

routes = Routes()
Account = Annotated[str | None, Query(min_length=1, max_length=128, description="Entries of one account alone.")]
Status = Annotated[Literal["issued", "paid", "void"] | None, Query(description="How they stand.")]
Number = Annotated[str, Path(min_length=1, max_length=128)]


@routes.get("/v1/invoices", Page[InvoiceHead])
def list_invoices(
    call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, period: Month = None, status: Status = None
) -> Page[InvoiceHead]:
    """List the tenant's invoices, oldest first."""
    return invoice_page(call, call.tenant, limit, cursor, period, status)


def invoice_page(
    call: Call, tenant: str, limit: int, cursor: str | None, period: str | None, status: str | None = None
) -> Page[InvoiceHead]:
    """Return a page of a tenant's invoices as the caller may see them."""
    after = call.after(cursor, int, str)
    with call.reading() as bound:
        found = store.invoices_of(bound, tenant, period, after, limit + 1, status)
    rows, following = call.page(found, limit, lambda row: (row.issued_s, row.number))
    return Page[InvoiceHead](items=[invoice_head(row) for row in rows], next=following)


@routes.get("/v1/invoices/{number}", InvoiceFull)
def read_invoice(call: Calling, number: Number) -> InvoiceFull:
    """Read one of the tenant's invoices with its lines."""
    with call.reading() as bound:
        found = store.invoice_of(bound, call.tenant, number)
    if found is None:
        raise Problem("not_found")
    return invoice_full(found)


@routes.get("/v1/credit-notes", Page[CreditNoteHead])
def list_credit_notes(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[CreditNoteHead]:
    """List the tenant's credit notes, oldest first."""
    after = call.after(cursor, int, str)
    with call.reading() as bound:
        found = store.credit_notes_of(bound, call.tenant, after, limit + 1)
    rows, following = call.page(found, limit, lambda note: (note.issued_s, note.number))
    return Page[CreditNoteHead](items=[credit_note_head(note) for note in rows], next=following)


@routes.get("/v1/ledger", Page[LedgerEntry])
def list_ledger(
    call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, period: Month = None, account: Account = None
) -> Page[LedgerEntry]:
    """List what was posted for the tenant, oldest first."""
    after = call.after(cursor, int, str, int, str, int)
    within = None if period is None else month_bounds(0, parse_month(period))
    with call.reading() as bound:
        found = store.ledger_of(bound, call.tenant, after, limit + 1, within, account)
    rows, following = call.page(
        found, limit, lambda row: (row.time_s, row.document, row.line, row.account, row.amount_micro)
    )
    return Page[LedgerEntry](items=[ledger_entry(row) for row in rows], next=following)
