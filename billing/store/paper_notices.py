"""What a tenant is told of documents of its own: issued, paid, voided. In the transaction that keeps it."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from billing.currency import currency_of
from billing.invoices.credit_note import CreditNote
from billing.invoices.invoice import Invoice
from billing.money import money_json
from billing.store.door import Bound
from billing.store.notices import notify
from tenants.access.scope import Scope


def tells_of_invoices(scope: Scope, now_s: int) -> Callable[[Connection, Invoice], None]:
    """Return what tells a tenant of its invoice at Unix second `now_s`, and of each service credit on it."""

    def tell(connection: Connection, invoice: Invoice) -> None:
        bound, named = Bound(connection, scope), {"number": invoice.number, "period": invoice.period}
        notify(bound, invoice.tenant, "invoice.issued", invoice.number, _head(invoice), now_s)
        for line in invoice.lines:
            if line.kind == "service_credit":
                body = named | {"line": line.number, "net": _money(line.net_micro, invoice.currency)}
                notify(bound, invoice.tenant, "sla.credited", invoice.number, body, now_s)

    return tell


def tell_of_credit_note(bound: Bound, note: CreditNote, invoice: Invoice, now_s: int) -> None:
    """Tell a tenant that something of an invoice was given back, at Unix second `now_s`."""
    total = _money(note.total_micro, note.currency)
    body = {"number": note.number, "invoice": invoice.number, "cause": note.cause, "total": total}
    notify(bound, note.tenant, "credit_note.issued", note.number, body, now_s)


def tell_of_payment(bound: Bound, invoice: Invoice, now_s: int) -> None:
    """Tell a tenant at Unix second `now_s` that a payment was the last of its invoice; of one before, nothing.

    The payer's reference is not in it: whose details the audit log erases must not stay here.
    """
    if invoice.status == "paid":
        notify(bound, invoice.tenant, "invoice.paid", invoice.number, _head(invoice), now_s)


def tell_of_void(bound: Bound, invoice: Invoice, now_s: int) -> None:
    """Tell a tenant that its invoice was taken back, at Unix second `now_s`."""
    notify(bound, invoice.tenant, "invoice.voided", invoice.number, _head(invoice), now_s)


def _head(invoice: Invoice) -> dict[str, Any]:
    total = _money(invoice.total_micro, invoice.currency)
    return {"number": invoice.number, "period": invoice.period, "total": total}


def _money(micro: int, currency: str) -> dict[str, str]:
    return money_json(micro, currency, currency_of(currency).decimals)
