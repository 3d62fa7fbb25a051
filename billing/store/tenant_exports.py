"""What exports of a tenant's month are made of: its invoices, the hours behind them, its credit notes."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import select

from billing.invoices.credit_note import CreditNote
from billing.invoices.document import read_credit_note, read_invoice
from billing.invoices.invoice import Invoice
from billing.store.door import Bound
from billing.store.invoice_hours import KIND
from billing.store.walls.views import view

_INVOICE, _NOTE, _PAPER = view("invoice"), view("credit_note"), view("month_paper")


class Exported(NamedTuple):
    """An invoice, its paper of hours (None where it was not made yet), and its credit notes, oldest first."""

    invoice: Invoice
    hours: Mapping[str, Any] | None
    notes: list[CreditNote]


def exported_of(bound: Bound, tenant: str, period: str) -> list[Exported]:
    """Return a tenant's invoices of a month ("2026-11") that are not void, in the order of their numbers.

    Raises:
        InvoiceError: a document was changed.
    """
    columns = _INVOICE.c
    wanted = select(columns.document, columns.status).where(
        columns.tenant == tenant, columns.period == period, columns.status != "void"
    )
    rows = bound.connection.execute(wanted.order_by(columns.issued_s, columns.number)).all()
    invoices = [read_invoice(row.document.encode(), row.status) for row in rows]
    papers = select(_PAPER.c.kind, _PAPER.c.body).where(
        _PAPER.c.tenant == tenant, _PAPER.c.period == period, _PAPER.c.kind.startswith(KIND, autoescape=True)
    )
    hours = {kind.removeprefix(KIND): json.loads(body) for kind, body in bound.connection.execute(papers)}
    return [Exported(each, hours.get(each.id), _notes(bound, tenant, each.id)) for each in invoices]


def _notes(bound: Bound, tenant: str, invoice: str) -> list[CreditNote]:
    columns = _NOTE.c
    mine = select(columns.document).where(columns.tenant == tenant, columns.invoice == invoice)
    rows = bound.connection.execute(mine.order_by(columns.series, columns.ordinal))
    return [read_credit_note(document.encode()) for (document,) in rows]
