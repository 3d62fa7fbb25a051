"""Invoices and SLA reports as files: which files each format consists of, and the bytes of those that need no library.

Everything is made from one `Bundle`, so all formats say the same. Parquet is written elsewhere, from the tables here.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from billing.documents.bundle_parts import Bundle, Documented
from billing.documents.csv_safe import csv_chunks
from billing.documents.focus import focus_rows
from billing.documents.focus_columns import BY_NAME, FOCUS_VERSION, NAMES_1_4, header
from billing.documents.invoice_data import invoice_data, line_columns
from billing.documents.journal import beancount_text, hledger_text
from billing.documents.log_told import log_told
from billing.documents.note_data import note_as_invoice, note_data
from billing.documents.page import invoice_html, sla_page
from billing.documents.pdf import invoice_pdf, sla_pdf
from billing.documents.sla_data import sla_data
from billing.invoices.invoice import Invoice
from billing.invoices.ledger import Entry, invoice_entries
from billing.money import format_exact, format_usd
from billing.months import utc_text


class Table(NamedTuple):
    """A table of text: columns, rows, and which columns hold words that people chose."""

    names: list[str]
    rows: Iterable[Sequence[str | None]]
    words: frozenset[str]


Files = Iterator[tuple[str, Iterable[bytes]]]  # name of a file, and its bytes in parts
_WORDS = frozenset(("tenant_name", "issuer", "description", "cause", "price_version", "log_range"))


def tables(bundle: Bundle) -> dict[str, Table]:
    """Return invoices, their lines and the hours behind them as tables, by name; exact amounts and decimals as text."""
    invoices = [_invoice_row(each, bundle) for each in bundle.invoices]
    lines = [row for each in bundle.invoices for row in _line_rows(each)]
    hours = (row for each in bundle.invoices for row in _hour_rows(each))
    return {
        "invoices": Table(list(_INVOICE), [list(row) for row in invoices], _WORDS),
        "invoice_lines": Table(list(_LINE), lines, _WORDS),
        "invoice_hours": Table(list(_HOUR), hours, _WORDS),
    }


def focus_table(bundle: Bundle) -> Table:
    """Return the FOCUS rows of all invoices and credit notes, made as they are asked for."""
    names, rounding = header(bundle.focus_version), bundle.currency.rounding
    notes = [Documented(note_as_invoice(note, rounding), {}) for note in bundle.notes]
    own = {new: old for old, new in NAMES_1_4.items()}
    words = frozenset(name for name in names if is_words(own.get(name, name)))
    rows = (
        [row[name] for name in names]
        for each in (*bundle.invoices, *notes)
        for row in focus_rows(each.invoice, each.hours, bundle.parties, bundle.focus_version)
    )
    return Table(names, rows, words)


def is_words(column: str) -> bool:
    """Whether a FOCUS column holds text that people chose: names and descriptions, not codes and numbers."""
    about = BY_NAME.get(column)
    return about is not None and about.kind == "text" and not about.allowed


def document_name(invoice: Invoice) -> str:
    """Return the name of an invoice's file without its ending: its number, or tenant and month of a draft."""
    return f"invoice-{invoice.number or f'draft-{invoice.tenant}-{invoice.period}'}"


def csv_files(bundle: Bundle) -> Files:
    """Yield one CSV file per table."""
    for name, table in tables(bundle).items():
        yield f"{name}.csv", csv_chunks(*table)


def focus_files(bundle: Bundle) -> Files:
    """Yield the FOCUS rows as CSV; a version that nobody could check says so in the file's name."""
    yield f"{focus_name(bundle)}.csv", csv_chunks(*focus_table(bundle))


def focus_name(bundle: Bundle) -> str:
    """Return the name of the FOCUS files without their ending."""
    return f"focus-{bundle.focus_version}{'' if bundle.focus_version == FOCUS_VERSION else '-unverified'}"


def json_files(bundle: Bundle) -> Files:
    """Yield all invoices and reports as one JSON document."""
    document = {
        "invoices": [invoice_data(each.invoice, each.hours, bundle.parties) for each in bundle.invoices],
        "credit_notes": [note_data(note, bundle.parties, bundle.currency.rounding) for note in bundle.notes],
        "sla_reports": [sla_data(report, bundle.parties, origin) for report, origin in bundle.reports],
    }
    yield "invoices.json", [json_bytes(document)]


def document_files(bundle: Bundle) -> Files:
    """Yield one JSON file per invoice and per SLA report: what a tenant's program reads over the API, byte for byte."""
    return _documents(bundle, "json", lambda *made: json_bytes(made[0]), lambda *made: json_bytes(made[0]))


def json_bytes(data: Mapping[str, Any]) -> bytes:
    """Return plain data as the JSON of all our files."""
    return (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode()


def html_files(bundle: Bundle) -> Files:
    """Yield one page per invoice and per SLA report."""
    return _documents(
        bundle, "html", lambda *made: invoice_html(*made).encode(), lambda *made: sla_page(*made).encode()
    )


def pdf_files(bundle: Bundle) -> Files:
    """Yield one PDF per invoice and per SLA report. Raises DocumentError without typst."""
    return _documents(bundle, "pdf", invoice_pdf, sla_pdf)


Draw = Callable[[Mapping[str, Any], str], str | bytes]


def _documents(bundle: Bundle, ending: str, invoice: Draw, report: Draw) -> Files:
    for each in bundle.invoices:
        data = invoice_data(each.invoice, each.hours, bundle.parties)
        yield f"{document_name(each.invoice)}.{ending}", [_bytes(invoice(data, bundle.paper))]
    for note in bundle.notes:
        data = note_data(note, bundle.parties, bundle.currency.rounding)
        yield f"credit-note-{note.number}.{ending}", [_bytes(invoice(data, bundle.paper))]
    for level, origin in bundle.reports:
        data = sla_data(level, bundle.parties, origin)
        yield f"sla-{level.tenant}-{level.month}.{ending}", [_bytes(report(data, bundle.paper))]


def beancount_files(bundle: Bundle) -> Files:
    """Yield the ledger of the issued invoices as one beancount journal."""
    yield "books.beancount", [beancount_text(_entries(bundle), _numbers(bundle)).encode()]


def hledger_files(bundle: Bundle) -> Files:
    """Yield the ledger of the issued invoices as one hledger journal."""
    yield "books.journal", [hledger_text(_entries(bundle), _numbers(bundle)).encode()]


def _entries(bundle: Bundle) -> list[Entry]:
    if bundle.entries is not None:
        return list(bundle.entries)
    issued = [each.invoice for each in bundle.invoices if each.invoice.status != "draft"]
    entries = [*bundle.postings, *(entry for invoice in issued for entry in invoice_entries(invoice))]
    return sorted(entries, key=lambda entry: entry.time_s)  # of one time, in the order of the documents


def _numbers(bundle: Bundle) -> dict[str, str]:
    """The numbers of invoices and credit notes, by their ids: what people find a document by in a journal."""
    of_invoices = {each.invoice.id: each.invoice.number for each in bundle.invoices}
    return of_invoices | {note.id: note.number for note in bundle.notes}


def _bytes(made: str | bytes) -> bytes:
    return made.encode() if isinstance(made, str) else made


# By the name of the format; focus and parquet files come in Parquet, too, from `focus_table` and `tables`.
EXPORTS: dict[str, Callable[[Bundle], Files]] = {
    "focus": focus_files,
    "beancount": beancount_files,
    "hledger": hledger_files,
    "pdf": pdf_files,
    "html": html_files,
    "csv": csv_files,
    "json": json_files,
    "documents": document_files,
}


_ID = ("invoice", "tenant", "period")
_INVOICE = (
    *_ID,
    *("id", "status", "issued", "issuer", "tenant_name", "currency", "net", "tax", "total", "lines", "rounding"),
    *("price_version", "log_range", "log_hash", "hash", "showback"),
)
_LINE = (
    *_ID,
    *("number", "kind", "description", "product", "sku", "region", "meter", "quantity", "unit", "priced_quantity"),
    *(
        "priced_unit",
        "unit_price",
        "exact_micro",
        "currency",
        "net",
        "tax_percent",
        "tax",
        "from_utc",
        "until_utc",
        "cause",
    ),
)
_HOUR = (*_ID, "line", "from_utc", "until_utc", "quantity", "factor_bp", "exact_micro")


def _ids(invoice: Invoice) -> list[str | None]:
    return [invoice.number or None, invoice.tenant, invoice.period]


def _invoice_row(each: Documented, bundle: Bundle) -> list[str | None]:
    invoice, decimals = each.invoice, each.invoice.money.decimals
    log = "; ".join("{source} {first} to {last}".format(**each) for each in log_told(invoice.log_range))
    amounts = [format_usd(micro, decimals) for micro in (invoice.net_micro, invoice.tax_micro, invoice.total_micro)]
    return [
        *_ids(invoice),
        *(invoice.id or None, invoice.status, utc_text(invoice.issued_s) if invoice.issued_s else None),
        *(bundle.parties.issuer, bundle.parties.tenants.get(invoice.tenant, invoice.tenant), invoice.currency),
        *amounts,
        *(str(len(invoice.lines)), invoice.rounding, invoice.price_version or None, log or None),
        *(invoice.log_hash or None, invoice.hash or None, "true" if invoice.showback else "false"),
    ]


def _line_rows(each: Documented) -> Iterator[list[str | None]]:
    decimals = each.invoice.money.decimals
    for line in each.invoice.lines:
        data = {**line_columns(line, decimals), "currency": each.invoice.currency}
        data |= {"from_utc": data["from"], "until_utc": data["until"]}  # `from` is a word of SQL
        cells = [data[name] for name in _LINE[len(_ID) :]]
        yield [*_ids(each.invoice), *(None if cell is None else str(cell) for cell in cells)]


def _hour_rows(each: Documented) -> Iterator[list[str | None]]:
    for line in each.invoice.lines:
        for hour in each.hours.get(line.number, ()):
            times = utc_text(hour.from_s), utc_text(hour.until_s)
            exact = format_exact(hour.exact)
            yield [*_ids(each.invoice), str(line.number), *times, str(hour.quantity), str(hour.factor_bp), exact]
