"""Everything about a run's or a book's months that can be exported: issued invoices with their hours, SLA reports."""

from collections.abc import Sequence

from billing.closing.agreed_items import wallet_postings
from billing.closing.close_month import issue_all
from billing.closing.month import Basis, log_of, month_parts
from billing.documents.bundle_parts import Bundle, Documented
from billing.documents.hours import HourShare
from billing.documents.month_hours import hours_behind
from billing.documents.parties import parties_of
from billing.documents.sla_data import Origin
from billing.invoices.credit_note import CreditNote
from billing.invoices.invoice import Invoice
from billing.invoices.ledger import Entry
from billing.months import month_label, parse_month
from billing.sla.report import SlaReport, sla_reports


def bundle_of(basis: Basis, issuer: str, tenant: str | None = None, month: str | None = None) -> Bundle:
    """Return the invoices of finished books, all months closed, and their SLA reports; of one tenant or month if named.

    Numbers are those that the invoices have among all.

    Raises:
        InvoiceError: a month that cannot be closed; the line says why.
    """
    books = basis.books
    chosen = [
        invoice for invoice in issue_all(basis) if tenant in (None, invoice.tenant) and month in (None, invoice.period)
    ]
    reports = [
        (report, _origin(basis, report))
        for report in _reports(basis)
        if tenant in (None, report.tenant) and month in (None, report.month)
    ]
    moved = [
        entry
        for entry in books.agreed.wallet
        if tenant in (None, entry.tenant) and month in (None, month_label(entry.month))
    ]
    return Bundle(
        [Documented(invoice, _hours(basis, invoice)) for invoice in chosen],
        reports,
        parties_of(basis.terms.registry, issuer),
        basis.terms.currency,
        postings=wallet_postings(moved, basis.wallet_kind, basis.terms.currency.code, books.names.epoch_s),
    )


def kept_bundle(
    kept: Sequence[tuple[Invoice, Basis]],
    issuer: str,
    notes: Sequence[CreditNote] = (),
    entries: Sequence[Entry] | None = None,
) -> Bundle:
    """Return invoices that were issued before, each with the basis that it was made from, at least one; and their SLA
    reports. `notes` are the credit notes on them, `entries` the whole ledger as it was kept; None: that of the
    invoices.

    Lines that corrected earlier months have no hours of their own.
    """
    # As months close, so that books kept in two places give the same files.
    kept = sorted(kept, key=lambda pair: (pair[0].period, pair[1].books.names.tenants.index(pair[0].tenant)))
    last = kept[-1][1]
    reports = [
        (report, _origin(basis, report))
        for invoice, basis in kept
        for report in _reports(basis)
        if (report.tenant, report.month) == (invoice.tenant, invoice.period)
    ]
    return Bundle(
        [Documented(invoice, _hours(basis, invoice)) for invoice, basis in kept],
        sorted(reports, key=lambda pair: (last.books.names.tenants.index(pair[0].tenant), pair[0].month)),
        parties_of(last.terms.registry, issuer),
        last.terms.currency,
        entries=entries,
        notes=notes,
    )


def _reports(basis: Basis) -> list[SlaReport]:
    books = basis.books
    return sla_reports(books.names, books.sla, books.credits, books.excluded)


def _origin(basis: Basis, report: SlaReport) -> Origin:
    """What a report says about where it comes from: of the log, the tenant's own events alone, as on its invoice."""
    log = log_of(basis, basis.books.names.tenants.index(report.tenant), parse_month(report.month))
    return Origin(basis.terms.currency, basis.price_versions[report.tenant], *log)


def _hours(basis: Basis, invoice: Invoice) -> dict[int, list[HourShare]]:
    tenant = basis.books.names.tenants.index(invoice.tenant)
    return hours_behind(basis, month_parts(basis, tenant, parse_month(invoice.period)))
