"""What the house does to the books of its tenants over the API: issuing, giving back, noting payments, new tenants.

An operator's own role sees no bill and writes none. So these acts are the house's: once it is sure that an operator
may, the work is done as the worker, with the operator as the actor in the tenant's audit log. `acting` is the one way
in, and what comes back says no more than number and total (docs/decisions/0064-the-house-acts-as-its-worker.md).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, select

from billing.closing.close_month import require_begun, require_closed
from billing.closing.month import months_with_lines
from billing.errors import InvoiceError
from billing.invoices.credit_note import CreditNote, Return, whole_invoice
from billing.invoices.invoice import Invoice
from billing.invoices.lifecycle import open_micro
from billing.months import month_label, parse_month, utc_text
from billing.rentals.billable import billable_by
from billing.rentals.model import LIVE, Rental
from billing.store.api_basis import LastBasis
from billing.store.api_terms import TermsSource, terms_in_force
from billing.store.books import (
    invoice_of,
    notes_of,
    payments_of,
    save_credit_note,
    save_payment,
    standing_invoice,
)
from billing.store.door import Bound, Door
from billing.store.issuing import Issuing, issue_through
from billing.store.log_basis import known_at
from billing.store.notices import notify
from billing.store.paper_notices import tell_of_credit_note, tell_of_payment, tells_of_invoices
from billing.store.tables_access import tenant as tenant_table
from billing.store.tables_rentals import rental as rental_table
from billing.store.tables_settled import month_paper
from billing.store.tenant_admin import TenantHead
from billing.store.tenant_rows import create_tenant
from billing.terms import Terms
from tenants.access.keys import Entropy
from tenants.access.scope import Scope


class Finalised(NamedTuple):
    """What became of a tenant's month: its invoice where it has one, and why it has none."""

    tenant: str
    outcome: str
    invoice: Invoice | None
    reason: str = ""


class Paid(NamedTuple):
    """An invoice after a payment. `new` is False where that very payment was noted before."""

    invoice: Invoice
    open_micro: int
    new: bool


@contextmanager
def acting(door: Door, scope: Scope, word: str, *, write: bool = True) -> Iterator[Bound]:
    """A transaction of the worker in the name of an operator who may. Raises Forbidden, StoreError."""
    scope.require(word)
    with door.working(scope, write=write) as bound:
        yield bound


def rentals_without_price(door: Door, scope: Scope, word: str, new: Terms, now_s: int) -> list[str]:
    """Return in words which rentals that live could not be billed to their end by new terms. Raises Forbidden."""
    columns, known = rental_table.c, billable_by(new)
    live = select(*(columns[name] for name in Rental._fields)).where(columns.state.in_(LIVE))
    with acting(door, scope, word, write=False) as bound:
        rentals = [Rental._make(row) for row in bound.connection.execute(live.order_by(columns.until_s, columns.id))]
    return [
        f"a rental of {each.product}, {each.sku} in {each.region}, runs until {utc_text(each.until_s)} without a price"
        for each in rentals
        if each.until_s > now_s and not known(each, now_s)
    ]


def tenants_of_log(bound: Bound, after: str, limit: int) -> list[str]:
    """Return a page of the ids behind `after` that only the log knows: use is told of them, and nobody made them a
    tenant. As far as the log is settled. Cost: O(months of all tenants)."""
    made = select(tenant_table.c.tenant)
    tenant = month_paper.c.tenant
    wanted = select(tenant).where(tenant > after, tenant != "", tenant.not_in(made)).distinct().order_by(tenant)
    return list(bound.connection.execute(wanted.limit(limit)).scalars())


def finalise(
    door: Door,
    scope: Scope,
    word: str,
    source: TermsSource,
    last: LastBasis,
    period: str,
    tenant: str | None,
    now_s: int,
) -> list[Finalised]:
    """Issue the invoices of a month, one transaction for each, and return what became of each tenant's.

    Raises:
        Forbidden:      no operator, or without the scope word.
        MonthOpenError: the month cannot be closed; nothing is issued.
        BillingError:   no terms to bill by.
        StoreError:     `store_busy`: the log is folded for somebody else now.

    Cost: a fold of the whole log, unless it and the terms are those of the last time; another where an invoice that
    stands was made from less of it.
    """

    @contextmanager
    def transaction() -> Iterator[Connection]:
        with acting(door, scope, word) as bound:
            yield bound.connection

    with acting(door, scope, word, write=False) as bound:
        agreed, month = terms_in_force(bound.connection, source), parse_month(period)
        (basis, arrived, _), position = last.now(bound.connection, agreed)
        closed = require_closed(basis, month, agreed.epoch_s, arrived)
        require_begun(month, agreed.epoch_s, max(now_s, arrived.until_s))
        how = Issuing(
            position, known_at(bound.connection, agreed), scope.principal.id, tenant, tells_of_invoices(scope, now_s)
        )
        done = issue_through(transaction, closed, month, agreed.epoch_s, arrived, how)
    issued = {invoice.tenant: invoice for invoice in done.invoices}
    chosen = {closed.books.names.tenants[who] for each, who in months_with_lines(closed) if each == month}
    chosen |= {*issued, *done.refused}
    found = []
    with acting(door, scope, word, write=False) as bound:
        for who in sorted(chosen if tenant is None else chosen & {tenant}):
            if who in done.refused:
                found.append(Finalised(who, "refused", None, done.refused[who].message))
            elif who in issued:
                found.append(Finalised(who, "issued", issued[who]))
            else:
                stands = standing_invoice(bound.connection, who, month_label(month))
                found.append(Finalised(who, "stood" if stands else "nothing due", stands))
    return found


def give_back(bound: Bound, number: str, wishes: Sequence[Return], cause: str, reason: str, now_s: int) -> CreditNote:
    """Issue a credit note on parts of an invoice; without any, on all that is left of it. Raises InvoiceError."""
    connection = bound.connection
    invoice = invoice_of(connection, number)
    chosen = wishes or whole_invoice(invoice, notes_of(connection, invoice.id))
    made = save_credit_note(connection, number, chosen, cause, reason, now_s, bound.scope.principal.id)
    tell_of_credit_note(bound, made, invoice, now_s)
    return made


def note_payment(
    bound: Bound, number: str, amount_micro: int, currency: str, reference: str, at_s: int, now_s: int
) -> Paid:
    """Note what was paid of an invoice at Unix second `at_s`. The same payment again changes nothing.

    Raises:
        InvoiceError: as `save_payment`, or another currency than the invoice's.
    """
    connection = bound.connection
    if (due := invoice_of(connection, number)).currency != currency:
        path = f"payment of {number}"
        raise InvoiceError("not the currency of the invoice", path=path, found=currency, allowed=due.currency)
    new = save_payment(connection, number, amount_micro, reference, at_s, bound.scope.principal.id)
    invoice = invoice_of(connection, number)
    if new:
        tell_of_payment(bound, invoice, now_s)
    left = open_micro(invoice, notes_of(connection, invoice.id), payments_of(connection, invoice.id))
    return Paid(invoice, left, new)


def tell_revoked(door: Door, scope: Scope, word: str, tenant: str, key: str, now_s: int) -> None:
    """Tell a tenant that an operator has revoked a key of its: an operator's own role writes to nobody."""
    with acting(door, scope, word) as bound:
        notify(bound, tenant, "key.revoked", key, {"key": key}, now_s)


def make_tenant(
    bound: Bound,
    name: str,
    id_: str | None,
    owner: str | None,
    regions: Sequence[str],
    entropy: Entropy,
    now_s: int,
) -> TenantHead:
    """Make a tenant, and its organisation where that is new. Raises TenantError, as `tenant_rows.create_tenant`."""
    actor = bound.scope.principal.id
    made = create_tenant(bound.connection, actor, name, entropy, now_s, id_=id_, owner=owner, regions=regions)
    return TenantHead(made.tenant, made.name, made.status, made.created_s, made.suspended_s, made.deleted_s)
