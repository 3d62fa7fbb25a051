"""Issuing a month into a store: one transaction per invoice, with whatever came late for earlier months on it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache, partial
from typing import NamedTuple

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
Transaction = Callable[[], AbstractContextManager[Connection]]
Tell = Callable[[Connection, Invoice], None]


def _nobody(_connection: Connection, _invoice: Invoice) -> None:
    """Tell nobody."""


class Issuing(NamedTuple):
    """Beside what is issued, how.

    Attributes:
        log_position: of the last event that the books were made from.
        known_at:     log position -> (books of what had arrived by then, tenant -> id of the first event after it);
                      None where there is no log, and so nothing that could be late.
        actor:        who issues, for the audit log.
        tenant:       the only one to issue for; None: all.
        tell:         called with each invoice in the transaction that keeps it.
    """

    log_position: int = 0
    known_at: KnownAt | None = None
    actor: str = LOCAL
    tenant: str | None = None
    tell: Tell = _nobody


class Issued(NamedTuple):
    """The invoices that were issued, in the order of the tenants, and why others were not, by tenant."""

    invoices: list[Invoice]
    refused: dict[str, InvoiceError]


def issue_month(
    engine: Engine,
    basis: Basis | BillingError,
    month: int,
    epoch_s: int,
    arrived: Arrived,
    log_position: int = 0,
    known_at: KnownAt | None = None,
    tell: Tell = _nobody,
) -> list[Invoice]:
    """Issue the invoices of a month and return them, in the order of the tenants; those that stand stay as they are.

    Args:
        basis: books of everything that has arrived, or why there are none.
        log_position, known_at, tell: as in `Issuing`.

    Killed at any point and started again, it ends with the same documents, numbers and entries.

    Raises:
        MonthOpenError: the month is open.
        InvoiceError:   a tenant's amounts have no room in the books; the other tenants have their invoices.
    """
    how = Issuing(log_position, known_at, tell=tell)
    done = issue_through(partial(writing, engine), basis, month, epoch_s, arrived, how)
    for refused in done.refused.values():
        raise refused
    return done.invoices


def issue_through(
    write: Transaction,
    basis: Basis | BillingError,
    month: int,
    epoch_s: int,
    arrived: Arrived,
    how: Issuing,
) -> Issued:
    """As `issue_month`, through transactions of whoever issues. What one tenant has used keeps no bill from the others.

    Raises:
        MonthOpenError: the month is open.
    """
    closed = require_closed(basis, month, epoch_s, arrived)
    how = how if how.known_at is None else how._replace(known_at=cache(how.known_at))
    done = Issued([], {})
    for tenant, word in enumerate(closed.books.names.tenants):
        if how.tenant not in (None, word):
            continue
        try:
            with write() as connection:
                done.invoices.extend(_issued(connection, closed, tenant, month, how))
        except InvoiceError as error:
            done.refused[word] = error
    if not done.refused:
        with write() as connection:
            post_wallets(connection, closed, month, how)
    return done


def _issued(connection: Connection, closed: Basis, tenant: int, month: int, how: Issuing) -> list[Invoice]:
    """Issue the invoice of one tenant, if it is due one that does not stand."""
    word = closed.books.names.tenants[tenant]
    if standing_invoice(connection, word, month_label(month)) is not None:
        return []
    earlier = invoices_in(connection, word)
    parts = month_parts(_drawn_on(connection, closed, earlier), tenant, month)
    if how.known_at is not None:
        parts += _late(connection, closed, word, month, how.log_position, how.known_at)
        parts = drawn_at_most(closed, tenant, month, parts)
    if not parts:
        return []
    invoice = issue_next(closed, tenant, month, parts, earlier)
    save_invoice(connection, invoice, how.log_position, how.actor)
    how.tell(connection, invoice)
    return [invoice]


def _drawn_on(connection: Connection, basis: Basis, earlier: Sequence[Invoice]) -> Basis:
    """Return the basis with wallets that go on from what they have paid on invoices that stand, and have lost."""
    moved = entries_in(connection, BESIDE) if basis.books.agreed.wallet else []
    books = redrawn(basis.books, basis.terms, earlier, moved)
    return basis if books is basis.books else replace(basis, books=books)


def post_wallets(connection: Connection, basis: Basis, month: int, how: Issuing) -> None:
    """Post what wallets moved beside invoices up to the end of a month, once: also in months that have no invoice."""
    owners = sorted({entry.tenant for entry in basis.books.agreed.wallet})
    earlier = [invoice for owner in owners for invoice in invoices_in(connection, owner)]
    moved = [
        entry
        for entry in _drawn_on(connection, basis, earlier).books.agreed.wallet
        if entry.month <= month and how.tenant in (None, entry.tenant)
    ]
    posted = {entry.document for entry in entries_in(connection, BESIDE)} if moved else set()
    for entry in moved:
        due = wallet_postings([entry], basis.wallet_kind, basis.terms.currency.code, basis.books.names.epoch_s)
        new = [each for each in due if each.document not in posted]
        post(connection, entry.tenant, new)
        for each in new:
            details = {"account": each.account, "amount_micro": each.amount_micro, "currency": each.currency}
            record(connection, entry.tenant, how.actor, "wallet.post", each.document, "", details, each.time_s)


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
