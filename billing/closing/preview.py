"""What usage from anywhere would be invoiced as: the final engine, with nothing written and nothing issued."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import numpy as np

from billing.books import Books
from billing.closing.month import Basis, month_draft, months_with_lines
from billing.contracts.basis import Basis as ContractBasis
from billing.contracts.lines import contract_lines
from billing.invoices.agree import agree
from billing.invoices.bill import Bill, make_bill, month_bills
from billing.invoices.invoice import Invoice
from billing.metering.local_months import month_windows
from billing.metering.meter import UsageTable
from billing.metering.states import StateTable
from billing.months import Period
from billing.rating.rate import rate
from billing.reconcile import check_bills, check_lines
from billing.terms import Terms
from billing.usage import Names


def usage_basis(names: Names, usage: UsageTable, terms: Terms, until_s: int) -> Basis:
    """Return books made of usage and contracts: no service level is judged, and nobody knows what stood idle.

    Args:
        until_s: end of what is told, seconds since the epoch of the names.

    Raises:
        PriceError: usage without a price.
    """
    plans = terms.plans(names.products)
    lines = rate(names, usage, terms.book, plans)
    of_contracts = ContractBasis(names, terms.registry, terms.book, lines, None, until_s, {}, terms.currency)
    agreed = agree(of_contracts, contract_lines(of_contracts), [])
    findings = [
        *check_lines(names, usage, lines, terms.book, plans),
        *check_bills(names, lines, [], month_bills(names, lines, [], agreed, terms.currency), agreed),
    ]
    none = np.zeros(0, dtype=np.int64)
    states = StateTable((), none, none, none, none, none)
    return Basis(Books(names, until_s, usage, lines, [], [], [], states, findings, agreed, terms.currency), terms)


def preview(basis: Basis) -> list[Invoice]:
    """Return the drafts of every month and tenant, in this order."""
    return [month_draft(basis, tenant, month) for month, tenant in months_with_lines(basis)]


def local_bills(basis: Basis, zone: ZoneInfo) -> Iterator[Bill]:
    """Yield the bills of every tenant and month of a time zone. Their exact charges add up to those of UTC months."""
    books, names = basis.books, basis.books.names
    if not len(books.lines):
        return
    first_s = int(books.lines.hour_s.min())
    for each in month_windows(zone, names.epoch_s + first_s, names.epoch_s + books.horizon_s):
        period = Period("month", each.label, each.from_s - names.epoch_s, each.until_s - names.epoch_s, each.month)
        for tenant in range(len(names.tenants)):
            bill = make_bill(names, books.lines, books.credits, tenant, period, currency=books.currency)
            if bill.lines:
                yield bill
