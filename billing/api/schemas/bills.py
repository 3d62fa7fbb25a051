"""Bills as their tenant reads them: without the places of events in the log, which count what others did."""

from urllib.parse import quote

from billing.api.schemas.basic import Closed, Money, moment, money
from billing.invoices.credit_note import CreditNote
from billing.invoices.invoice import Invoice, InvoiceLine
from billing.money import floor_decimal, format_price
from billing.store.tenant_reads import InvoiceRow, LedgerRow


class InvoiceHead(Closed):
    """An invoice in a list."""

    number: str
    period: str
    status: str
    issued: str
    total: Money
    lines_at: str
    document_at: str


class Line(Closed):
    """One line of an invoice. `quantity` counts `unit`; `unit_price` is null where no single price applied."""

    number: int
    kind: str
    description: str
    product: str
    sku: str
    region: str
    quantity: str
    unit: str
    unit_price: str | None
    net: Money
    tax_percent: str
    tax: Money
    since: str
    until: str


class InvoiceFull(Closed):
    """An invoice with its lines."""

    number: str
    id: str
    period: str
    status: str
    issued: str
    net: Money
    tax: Money
    total: Money
    lines: list[Line]
    hash: str
    document_at: str


class CreditNoteHead(Closed):
    """What was given back of an invoice, and why."""

    number: str
    invoice: str
    cause: str
    reason: str
    issued: str
    net: Money
    tax: Money
    total: Money


class LedgerEntry(Closed):
    """One side of a movement, debit above 0."""

    time: str
    document: str
    line: int
    account: str
    amount: Money


def invoice_head(row: InvoiceRow) -> InvoiceHead:
    """Return an invoice for a list."""
    total = money(row.currency, row.total_micro)
    return InvoiceHead(
        number=row.number,
        period=row.period,
        status=row.status,
        issued=moment(row.issued_s),
        total=total,
        lines_at=_path(row.number, "lines"),
        document_at=_path(row.number, "document"),
    )


def invoice_full(invoice: Invoice) -> InvoiceFull:
    """Return an invoice with its lines."""
    code = invoice.currency
    return InvoiceFull(
        number=invoice.number,
        id=invoice.id,
        period=invoice.period,
        status=invoice.status,
        issued=moment(invoice.issued_s),
        net=money(code, invoice.net_micro),
        tax=money(code, invoice.tax_micro),
        total=money(code, invoice.total_micro),
        lines=[line_out(line, code) for line in invoice.lines],
        hash=invoice.hash,
        document_at=_path(invoice.number, "document"),
    )


def credit_note_head(note: CreditNote) -> CreditNoteHead:
    """Return a credit note."""
    return CreditNoteHead(
        number=note.number,
        invoice=note.invoice_number,
        cause=note.cause,
        reason=note.reason,
        issued=moment(note.issued_s),
        net=money(note.currency, note.net_micro),
        tax=money(note.currency, note.tax_micro),
        total=money(note.currency, note.total_micro),
    )


def ledger_entry(row: LedgerRow) -> LedgerEntry:
    """Return an entry of the ledger."""
    return LedgerEntry(
        time=moment(row.time_s),
        document=row.document,
        line=row.line,
        account=row.account,
        amount=money(row.currency, row.amount_micro),
    )


def line_out(line: InvoiceLine, code: str) -> Line:
    """Return a line of an invoice."""
    return Line(
        number=line.number,
        kind=line.kind,
        description=line.description,
        product=line.product,
        sku=line.sku,
        region=line.region,
        quantity=str(line.quantity),
        unit=line.unit,
        unit_price=None if line.unit_price_micro is None else format_price(line.unit_price_micro),
        net=money(code, line.net_micro),
        tax_percent=floor_decimal(line.tax_bp, 100, 2),
        tax=money(code, line.tax_micro),
        since=moment(line.from_s),
        until=moment(line.until_s),
    )


def _path(number: str, part: str) -> str:
    return f"/v1/invoices/{quote(number, safe='')}/{part}"
