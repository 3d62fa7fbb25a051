"""The hours behind an issued invoice as a paper: what an export of it is made of, beside the document itself.

They follow from the log as it was when the invoice was made. Who asks for an export sees the events of one tenant, and
later ones too: so the paper is made once, and kept.
"""

from collections.abc import Mapping
from typing import Any

from billing.closing.month import Basis, month_parts
from billing.documents.hours import HourShare, HoursOf
from billing.documents.month_hours import hours_behind
from billing.documents.parties import Parties, parties_of
from billing.invoices.invoice import Invoice
from billing.money import Exact
from billing.months import parse_month
from tenants.band import Band


def hours_paper(basis: Basis, invoice: Invoice, issuer: str) -> dict[str, Any]:
    """Return the hours behind an invoice's lines, by line, and the names that its export needs, as plain data.

    Args:
        basis: what the invoice was made from.
    """
    tenant = basis.books.names.tenants.index(invoice.tenant)
    hours = hours_behind(basis, month_parts(basis, tenant, parse_month(invoice.period)))
    parties = parties_of(basis.terms.registry, issuer)
    sold = {line.product for line in invoice.lines} & parties.bands.keys()
    return {
        "issuer": issuer,
        "tenant_name": parties.tenants.get(invoice.tenant, invoice.tenant),
        "bands": {product: int(parties.bands[product]) for product in sorted(sold)},
        "hours": {str(line): [_share(share) for share in shares] for line, shares in hours.items()},
    }


def read_hours(paper: Mapping[str, Any], tenant: str) -> tuple[HoursOf, Parties]:
    """Return what `hours_paper` wrote of an invoice of a tenant."""
    hours = {int(line): [_read(row) for row in rows] for line, rows in paper["hours"].items()}
    bands = {product: Band(number) for product, number in paper["bands"].items()}
    return hours, Parties(paper["issuer"], {tenant: paper["tenant_name"]}, bands)


def _share(share: HourShare) -> list[Any]:
    exact = [str(share.exact.numerator), str(share.exact.denominator)]
    return [share.from_s, share.until_s, share.quantity, *exact, share.factor_bp, share.unit_price_micro]


def _read(row: list[Any]) -> HourShare:
    from_s, until_s, quantity, numerator, denominator, factor_bp, price_micro = row
    return HourShare(from_s, until_s, quantity, Exact(int(numerator), int(denominator)), factor_bp, price_micro)
