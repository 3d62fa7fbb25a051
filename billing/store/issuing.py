"""Issuing a month into a store: one transaction per invoice, with whatever came late for earlier months on it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from sqlalchemy import Connection, Engine, select

from billing.closing.agreed_items import BESIDE, redrawn, wallet_postings
from billing.closing.close_month import Arrived, drawn_at_most, issue_next, require_closed
from billing.closing.correction import Earlier, correction_parts
from billing.closing.month import Basis, Part, month_parts
from billing.errors import BillingError, InvoiceError
from billing.invoices.invoice import Invoice
from billing.months import month_label, parse_month
from billing.store.audit import record
from billing.store.books import entries_in, invoices_in, post, save_invoice, standing_invoice
from billing.store.engine import writing
from billing.store.tables_books import invoice as invoice_table
from tenants.audit.entry import LOCAL

KnownAt = Callable[[int], tuple[Basis, Callable[[str], str]]]


def issue_month(
    engine: Engine,
    basis: Basis | BillingError,
    month: int,
    epoch_s: int,
    arrived: Arrived,
    log_position: int = 0,
    known_at: KnownAt | None = None,
) -> list[Invoice]:
    """Issue the invoices of a month and return them, in the order of the tenants; those that stand stay as they are.

    Args:
        basis:        books of everything that has arrived, or why there are none.
        log_position: of the last event that they were made from.
        known_at:     log position -> (books of what had arrived by then, tenant -> id of the first event after it);
                      None where there is no log, and so nothing that could be late.

    Killed at any point and started again, it ends with the same documents, numbers and entries.

    Raises:
        MonthOpenError: the month is open.
        InvoiceError:   a tenant's amounts have no room in the books; the other tenants have their invoices.
    """
    closed = require_closed(basis, month, epoch_s, arrived)
    before = None if known_at is None else cache(known_at)
    issued: list[Invoice] = []
    refused: InvoiceError | None = None
    for tenant in range(len(closed.books.names.tenants)):
        try:
            with writing(engine) as connection:
                issued += _issued(connection, closed, tenant, month, log_position, before)
        except InvoiceError as error:  # what one tenant has used must not keep a bill from the others
            refused = refused or error
    if refused is not None:
        raise refused
    with writing(engine) as connection:
        post_wallets(connection, closed, month)
    return issued


def _issued(
    connection: Connection, closed: Basis, tenant: int, month: int, log_position: int, before: KnownAt | None
) -> list[Invoice]:
    """Issue the invoice of one tenant, if it is due one that does not stand."""
    word = closed.books.names.tenants[tenant]
    if standing_invoice(connection, word, month_label(month)) is not None:
        return []
    earlier = invoices_in(connection, word)
    parts = month_parts(_drawn_on(connection, closed, earlier), tenant, month)
    if before is not None:
        parts += _late(connection, closed, word, month, log_position, before)
        parts = drawn_at_most(closed, tenant, month, parts)
    if not parts:
        return []
    invoice = issue_next(closed, tenant, month, parts, earlier)
    save_invoice(connection, invoice, log_position)
    return [invoice]


def _drawn_on(connection: Connection, basis: Basis, earlier: Sequence[Invoice]) -> Basis:
    """Return the basis with wallets that go on from what they have paid on invoices that stand, and have lost."""
    moved = entries_in(connection, BESIDE) if basis.books.agreed.wallet else []
    books = redrawn(basis.books, basis.terms, earlier, moved)
    return basis if books is basis.books else replace(basis, books=books)


def post_wallets(connection: Connection, basis: Basis, month: int) -> None:
    """Post what wallets moved beside invoices up to the end of a month, once: also in months that have no invoice."""
    owners = sorted({entry.tenant for entry in basis.books.agreed.wallet})
    earlier = [invoice for owner in owners for invoice in invoices_in(connection, owner)]
    moved = [entry for entry in _drawn_on(connection, basis, earlier).books.agreed.wallet if entry.month <= month]
    posted = {entry.document for entry in entries_in(connection, BESIDE)} if moved else set()
    for entry in moved:
        due = wallet_postings([entry], basis.wallet_kind, basis.terms.currency.code, basis.books.names.epoch_s)
        new = [each for each in due if each.document not in posted]
        post(connection, entry.tenant, new)
        for each in new:
            details = {"account": each.account, "amount_micro": each.amount_micro, "currency": each.currency}
            record(connection, entry.tenant, LOCAL, "wallet.post", each.document, "", details, each.time_s)


def _late(
    connection: Connection, basis: Basis, tenant: str, month: int, position: int, known_at: KnownAt
) -> list[Part]:
    """Return what the events since a tenant's last invoice change in the months that it was invoiced for, as far as the
    terms have late usage billed on the invoice of `month`."""
    columns = invoice_table.c
    mine = select(columns.number, columns.period, columns.log_position).where(
        columns.tenant == tenant, columns.stands == 1
    )
    rows = connection.execute(mine.order_by(columns.period)).all()
    knew = max((row.log_position for row in rows), default=position)
    if knew == position:
        return []
    then, first_late = known_at(knew)
    rule = basis.terms.metering
    earlier = [Earlier(row.number, row.period) for row in rows if rule.due(parse_month(row.period), month)]
    return correction_parts(then, basis, tenant, earlier, first_late(tenant))
