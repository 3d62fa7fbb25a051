"""Do the books of a store add up? Every document, number, line, status and entry, as findings."""

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Row, func, select

from billing.contracts.wallet import BOUGHT, EXPIRED
from billing.errors import InvoiceError
from billing.finding import Finding
from billing.invoices.credit_note import CreditNote
from billing.invoices.document import read_credit_note, read_invoice
from billing.invoices.invoice import STATUSES, Invoice
from billing.invoices.ledger import (
    Entry,
    check_ledger,
    credit_note_entries,
    invoice_entries,
    payment_entries,
    void_entries,
)
from billing.invoices.lifecycle import Payment, number_text, open_micro, series_of
from billing.store import tables_books as tables
from billing.store.books import entries_in, payments_of

_BESIDE = "wallet/"  # movements of wallets stand beside the documents, and balance by themselves


def check_books(connection: Connection) -> list[Finding]:
    """Return every fault of the books; an empty list when nothing is lost, double, changed or out of balance."""
    invoices, notes, found = _documents(connection)
    payments, entries = payments_of(connection), entries_in(connection)
    owners = connection.execute(select(tables.ledger_entry.c.document, tables.ledger_entry.c.tenant).distinct()).all()
    found += _numbers(connection)
    found += _states(connection)
    found += _lines(connection, invoices)
    found += _statuses(invoices, notes, payments)
    found += check_ledger(entries)
    found += _postings(invoices, notes, payments, entries)
    found += _owners(invoices, notes, payments, [(document, tenant) for document, tenant in owners])
    return found


def _documents(connection: Connection) -> tuple[list[Invoice], list[CreditNote], list[Finding]]:
    """Return the documents that are whole, and a finding for each that is not what was sealed."""
    invoices, notes, found = [], [], []
    for row in connection.execute(select(tables.invoice).order_by(tables.invoice.c.number, tables.invoice.c.tenant)):
        try:
            invoice = read_invoice(row.document.encode(), row.status)
        except InvoiceError as error:
            found.append(Finding(row.number, f"damaged document: {error.message}", 1))
            continue
        invoices.append(invoice)
        found += _columns(
            row, invoice, ("id", "number", "tenant", "period", "currency", "issued_s", "total_micro", "hash")
        )
        found += _named(row, invoice)
    for row in connection.execute(
        select(tables.credit_note).order_by(tables.credit_note.c.number, tables.credit_note.c.tenant)
    ):
        try:
            note = read_credit_note(row.document.encode())
        except InvoiceError as error:
            found.append(Finding(row.number, f"damaged document: {error.message}", 1))
            continue
        notes.append(note)
        found += _columns(row, note, ("tenant", "id", "number", "invoice", "cause", "issued_s", "total_micro", "hash"))
        found += _named(row, note)
    return invoices, notes, found


def _columns(row: Row[tuple[object, ...]], document: object, names: Sequence[str]) -> Iterator[Finding]:
    mapping = row._mapping
    for name in names:
        if mapping[name] != getattr(document, name):
            yield Finding(str(mapping["number"]), f"columns that differ from the document: {name}", 1)


def _named(row: Row[tuple[object, ...]], document: Invoice | CreditNote) -> Iterator[Finding]:
    """The series and its counter are the parts of a number."""
    series, ordinal = row._mapping["series"], row._mapping["ordinal"]
    if (series, number_text(series_of(document), ordinal)) != (series_of(document), document.number):
        yield Finding(document.number, f"counted as number {ordinal} of {series}", 1)


def _states(connection: Connection) -> Iterator[Finding]:
    """An invoice is issued or paid, and its month's only one; or void, and stands no more."""
    columns = tables.invoice.c
    for number, status, stands in connection.execute(select(columns.number, columns.status, columns.stands)):
        if status not in STATUSES[1:] or stands != (None if status == "void" else 1):
            yield Finding(number, f"status {status!r} with stands = {stands}", 1)
    entry = tables.ledger_entry.c
    posted = select(entry.tenant, func.max(entry.position), func.count()).group_by(entry.tenant).order_by(entry.tenant)
    for tenant, last, count in connection.execute(posted):
        if last != count:
            yield Finding(f"ledger of {tenant}", f"positions up to {last}, entries", count)


def _numbers(connection: Connection) -> Iterator[Finding]:
    for noun, table in (("invoice", tables.invoice), ("credit note", tables.credit_note)):
        rows = connection.execute(select(table.c.tenant, table.c.series, table.c.ordinal))
        series: dict[tuple[str, str], list[int]] = {}
        for tenant, name, ordinal in rows:
            series.setdefault((tenant, name), []).append(ordinal)
        for (_, name), ordinals in sorted(series.items()):
            if missing := set(range(1, max(ordinals) + 1)) - set(ordinals):
                yield Finding(f"{noun}s of {name}", f"numbers missing, the first is {min(missing)}", len(missing))


def _lines(connection: Connection, invoices: Sequence[Invoice]) -> Iterator[Finding]:
    names = ("number", "kind", "product", "net_micro", "tax_micro", "cause")
    held: dict[str, set[tuple[object, ...]]] = {}
    for row in connection.execute(select(tables.invoice_line)):
        held.setdefault(row.invoice, set()).add(tuple(row._mapping[name] for name in names))
    for invoice in invoices:
        lines = {tuple(getattr(line, name) for name in names) for line in invoice.lines}
        if off := len(lines ^ held.pop(invoice.id, set())):
            yield Finding(invoice.number, "rows of lines that differ from the document", off)
    for number, rows in held.items():
        yield Finding(number, "rows of lines without an invoice", len(rows))


def _statuses(
    invoices: Sequence[Invoice], notes: Sequence[CreditNote], payments: Sequence[Payment]
) -> Iterator[Finding]:
    notes_on: dict[str, list[CreditNote]] = {}
    paid_on: dict[str, list[Payment]] = {}
    for note in notes:
        notes_on.setdefault(note.invoice, []).append(note)
    for payment in payments:
        paid_on.setdefault(payment.invoice, []).append(payment)
    for invoice in invoices:
        mine, paid = notes_on.get(invoice.id, []), paid_on.get(invoice.id, [])
        left = open_micro(invoice, mine, paid)
        if sum(note.total_micro for note in mine) > max(0, invoice.total_micro):
            yield Finding(invoice.number, "micro-units given back beyond the invoice", -left)
        if invoice.status == "paid" and left > 0:
            yield Finding(invoice.number, f"micro-{invoice.currency} open, though it is paid", left)
        if invoice.status == "void" and (mine or paid):
            yield Finding(invoice.number, "credit notes and payments of a void invoice", len(mine) + len(paid))


def _postings(
    invoices: Sequence[Invoice], notes: Sequence[CreditNote], payments: Sequence[Payment], entries: Sequence[Entry]
) -> Iterator[Finding]:
    """Entries that no document accounts for, and those of documents that are not in the ledger. When an invoice became
    void is known to the ledger alone: all of these entries have one time."""
    last_s: dict[str, int] = {}
    for entry in entries:
        last_s[entry.document] = entry.time_s
    due: Counter[Entry] = Counter()
    for invoice in invoices:
        due.update(invoice_entries(invoice))
        if invoice.status == "void":
            due.update(void_entries(invoice, last_s.get(invoice.id, 0)))
    for note in notes:
        due.update(credit_note_entries(note))
    for payment in payments:
        due.update(payment_entries(payment))
    held = Counter(entry for entry in entries if not entry.document.startswith(_BESIDE))
    yield from _beside(entries)
    for what, more in (("entries missing", due - held), ("entries that no document has", held - due)):
        documents = Counter({entry.document: 0 for entry in more})
        for entry, count in more.items():
            documents[entry.document] += count
        for document, count in sorted(documents.items()):
            yield Finding(f"ledger, {document}", what, count)


def _owners(
    invoices: Sequence[Invoice],
    notes: Sequence[CreditNote],
    payments: Sequence[Payment],
    held: Sequence[tuple[str, str]],
) -> Iterator[Finding]:
    """Entries that stand in the ledger of another tenant than their document's. `held`: (document, tenant)."""
    owner = {invoice.id: invoice.tenant for invoice in invoices}
    owner |= {note.id: note.tenant for note in notes}
    owner |= {entry.document: payment.tenant for payment in payments for entry in payment_entries(payment)}
    for document, tenant in sorted(held):
        if owner.get(document, tenant) != tenant:
            yield Finding(f"ledger, {document}", f"entries in the ledger of {tenant}, not of {owner[document]}", 1)


def _beside(entries: Sequence[Entry]) -> Iterator[Finding]:
    """What wallets move beside documents: each is filled once, and expires once."""
    sides = Counter(entry.document for entry in entries if entry.document.startswith(_BESIDE))
    for document, count in sorted(sides.items()):
        if count != 2 or document.rpartition("/")[2] not in (BOUGHT, EXPIRED):
            yield Finding(f"ledger, {document}", "entries of a wallet that no wallet makes", count)
