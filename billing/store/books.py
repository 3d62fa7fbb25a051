"""Writing the books: each document, its lines and its ledger entries in one transaction, and the number with them.

All functions work inside the caller's transaction (`engine.writing`), which holds the one writer's lock: between
asking for the last number of a series and taking the next, nobody else can. Killed at any moment, a store holds a
document with its number, its entries and its row of the audit log, or nothing of it.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Table, func, insert, select, update

from billing.errors import InvoiceError
from billing.invoices.credit_note import CreditNote, Return, credit_note
from billing.invoices.document import document_bytes, read_credit_note, read_invoice
from billing.invoices.invoice import Invoice
from billing.invoices.ledger import Entry, credit_note_entries, invoice_entries, payment_entries, void_entries
from billing.invoices.lifecycle import Payment, issue_note, pay, require_issued_by, series_of, void
from billing.store import tables_books as tables
from billing.store.audit import record
from tenants.audit.entry import LOCAL


def save_invoice(connection: Connection, invoice: Invoice, log_position: int = 0, actor: str = LOCAL) -> None:
    """Keep an issued invoice: its bytes, its lines, its ledger entries, and that `actor` issued it.

    Raises:
        InvoiceError: its number is not the next of its series, or the tenant's month has an invoice that stands.
    """
    ordinal = _next_ordinal(connection, tables.invoice, invoice.tenant, series_of(invoice))
    if int(invoice.number.rpartition("-")[2]) != ordinal:
        raise InvoiceError("not the next number", path=invoice.number, allowed=f"number {ordinal} of its series")
    if (found := standing_invoice(connection, invoice.tenant, invoice.period)) is not None:
        path = f"{invoice.tenant}, {invoice.period}"
        raise InvoiceError("month is invoiced already", code="duplicate", path=path, found=found.number)
    row = {name: getattr(invoice, name) for name in ("id", "number", "tenant", "period", "currency", "status")}
    row |= {"series": series_of(invoice), "ordinal": ordinal, "stands": 1, "issued_s": invoice.issued_s}
    row |= {"total_micro": invoice.total_micro, "hash": invoice.hash, "log_position": log_position}
    connection.execute(insert(tables.invoice), row | {"document": document_bytes(invoice).decode()})
    names = ("number", "kind", "product", "net_micro", "tax_micro", "cause")
    lines = [
        {"tenant": invoice.tenant, "invoice": invoice.id} | {name: getattr(line, name) for name in names}
        for line in invoice.lines
    ]
    if lines:
        connection.execute(insert(tables.invoice_line), lines)
    post(connection, invoice.tenant, invoice_entries(invoice))
    details = {name: getattr(invoice, name) for name in ("id", "period", "currency", "total_micro", "hash")}
    record(connection, invoice.tenant, actor, "invoice.issue", invoice.number, "", details, invoice.issued_s)


def save_credit_note(
    connection: Connection,
    number: str,
    returns: Sequence[Return],
    cause: str,
    reason: str,
    issued_s: int,
    actor: str = LOCAL,
) -> CreditNote:
    """Make and keep the credit note that gives back parts of an invoice, and return it.

    Raises:
        InvoiceError: as `billing.invoices.credit_note`, or no such invoice.
    """
    invoice = invoice_of(connection, number)
    drafted = credit_note(invoice, notes_of(connection, invoice.id), returns, cause, reason)
    ordinal = _next_ordinal(connection, tables.credit_note, drafted.tenant, series_of(drafted))
    require_issued_by(invoice, issued_s, f"credit note on {number}")
    note = issue_note(drafted, ordinal, issued_s)
    row = {
        name: getattr(note, name)
        for name in ("tenant", "id", "number", "invoice", "cause", "issued_s", "total_micro", "hash")
    }
    row |= {"series": series_of(note), "ordinal": ordinal, "document": document_bytes(note).decode()}
    connection.execute(insert(tables.credit_note), row)
    post(connection, note.tenant, credit_note_entries(note))
    details = {name: getattr(note, name) for name in ("id", "cause", "currency", "total_micro", "hash")}
    record(connection, note.tenant, actor, "credit_note.issue", note.number, reason, details, issued_s)
    return note


def save_payment(
    connection: Connection, number: str, amount_micro: int, reference: str, time_s: int, actor: str = LOCAL
) -> bool:
    """Keep a payment; False if that very payment is there already, which is no error.

    Raises:
        InvoiceError: as `lifecycle.pay`, no such invoice, or another payment under the same reference.
    """
    invoice = invoice_of(connection, number)
    payment = Payment(invoice.id, invoice.tenant, invoice.currency, amount_micro, reference, time_s)
    paid = payments_of(connection, invoice.id)
    if payment in paid:
        return False
    if reference in (each.reference for each in paid):
        message = "another payment has this reference"
        raise InvoiceError(message, code="conflict", path=f"payment of {number}", found=reference)
    after = pay(invoice, notes_of(connection, invoice.id), paid, payment)
    connection.execute(insert(tables.payment), payment._asdict())
    _set_status(connection, after)
    post(connection, payment.tenant, payment_entries(payment))
    details = {"reference": reference, "currency": payment.currency, "amount_micro": amount_micro}
    record(connection, payment.tenant, actor, "payment.note", number, "", details, time_s)
    return True


def save_void(connection: Connection, number: str, voided_s: int, actor: str = LOCAL) -> Invoice:
    """Make an invoice void and return it: its number stays taken, its entries are taken back.

    Raises:
        InvoiceError: as `lifecycle.void`, or no such invoice.
    """
    invoice = invoice_of(connection, number)
    mine = [each for each in invoices_in(connection, invoice.tenant) if series_of(each) == series_of(invoice)]
    later = mine[mine.index(invoice) + 1 :]
    after = void(invoice, notes_of(connection, invoice.id), payments_of(connection, invoice.id), later)
    require_issued_by(invoice, voided_s, f"invoice {number}")
    _set_status(connection, after)
    post(connection, after.tenant, void_entries(invoice, voided_s))
    record(connection, after.tenant, actor, "invoice.void", number, "", {"id": invoice.id}, voided_s)
    return after


def post(connection: Connection, tenant: str, entries: Sequence[Entry]) -> None:
    """Add entries to a tenant's part of the ledger, in their order."""
    if not entries:
        return
    columns = tables.ledger_entry.c
    mine = select(func.coalesce(func.max(columns.position), 0)).where(columns.tenant == tenant)
    last = connection.execute(mine).scalar_one()
    rows = [{"tenant": tenant, "position": at} | entry._asdict() for at, entry in enumerate(entries, last + 1)]
    connection.execute(insert(tables.ledger_entry), rows)


def invoices_in(connection: Connection, tenant: str | None = None) -> list[Invoice]:
    """Return the invoices of one tenant or of all, void ones too, in the order of their series.

    Raises:
        InvoiceError: a document that was changed.
    """
    wanted = select(tables.invoice.c.document, tables.invoice.c.status)
    if tenant is not None:
        wanted = wanted.where(tables.invoice.c.tenant == tenant)
    columns = tables.invoice.c
    rows = connection.execute(wanted.order_by(columns.series, columns.tenant, columns.ordinal))
    return [read_invoice(document.encode(), status) for document, status in rows]


def invoice_of(connection: Connection, number: str) -> Invoice:
    """Return the invoice of a number, or of an id.

    Raises:
        InvoiceError: there is none, or several tenants have one: "lab-SB-000001" is lab's show-back, and lab-SB's bill.
    """
    columns = tables.invoice.c
    name = columns.id if number.startswith("inv_") else columns.number
    wanted = select(columns.document, columns.status).where(name == number).order_by(columns.tenant)
    rows = connection.execute(wanted).all()
    if not rows:
        raise InvoiceError("no such invoice", code="unknown_invoice", path="NUMBER", found=number)
    found = [read_invoice(row.document.encode(), row.status) for row in rows]
    if len(found) > 1:
        message, ids = "several tenants have an invoice of this number", ", ".join(each.id for each in found)
        raise InvoiceError(message, code="ambiguous_invoice", path="NUMBER", found=number, allowed=f"an id: {ids}")
    return found[0]


def position_of(connection: Connection, invoice: Invoice) -> int:
    """Return the position of the log that an invoice was made from. The invoice must be there."""
    wanted = select(tables.invoice.c.log_position).where(
        tables.invoice.c.tenant == invoice.tenant, tables.invoice.c.id == invoice.id
    )
    return int(connection.execute(wanted).scalar_one())


def standing_invoice(connection: Connection, tenant: str, period: str) -> Invoice | None:
    """Return the invoice of a tenant's month that is not void, if there is one."""
    columns = tables.invoice.c
    mine = (columns.tenant == tenant) & (columns.period == period) & (columns.stands == 1)
    row = connection.execute(select(columns.document, columns.status).where(mine)).one_or_none()
    return None if row is None else read_invoice(row.document.encode(), row.status)


def notes_of(connection: Connection, invoice_id: str | None = None) -> list[CreditNote]:
    """Return the credit notes on an invoice, or all of them, oldest first."""
    columns = tables.credit_note.c
    wanted = select(columns.document).order_by(columns.series, columns.tenant, columns.ordinal)
    if invoice_id is not None:
        wanted = wanted.where(columns.invoice == invoice_id)
    return [read_credit_note(document.encode()) for (document,) in connection.execute(wanted)]


def payments_of(connection: Connection, invoice_id: str | None = None) -> list[Payment]:
    """Return the payments of an invoice, or all of them, in order of time."""
    columns = tables.payment.c
    wanted = select(*(columns[name] for name in Payment._fields)).order_by(columns.time_s, columns.reference)
    if invoice_id is not None:
        wanted = wanted.where(columns.invoice == invoice_id)
    return [Payment._make(row) for row in connection.execute(wanted)]


def entries_in(connection: Connection, documents: str = "") -> list[Entry]:
    """Return the ledger, tenant by tenant in order of posting, or that of documents whose names begin so."""
    columns = tables.ledger_entry.c
    wanted = select(*(columns[name] for name in Entry._fields)).order_by(columns.tenant, columns.position)
    if documents:
        wanted = wanted.where(columns.document.startswith(documents, autoescape=True))
    return [Entry._make(row) for row in connection.execute(wanted)]


def _set_status(connection: Connection, invoice: Invoice) -> None:
    stands = None if invoice.status == "void" else 1
    wanted = update(tables.invoice).where(tables.invoice.c.tenant == invoice.tenant, tables.invoice.c.id == invoice.id)
    connection.execute(wanted.values(status=invoice.status, stands=stands))


def _next_ordinal(connection: Connection, table: Table, tenant: str, series: str) -> int:
    columns = table.c
    mine = (columns.tenant == tenant) & (columns.series == series)
    last = connection.execute(select(func.max(columns.ordinal)).where(mine)).scalar_one()
    return int(last or 0) + 1
