"""From the name of a line, as people write it, to its explanation: of books, or of an invoice that was kept."""

import re

from billing.closing.agreed_items import BESIDE
from billing.closing.close_month import issue_time_s
from billing.closing.explain import Explanation, explain
from billing.closing.holdings import Held
from billing.closing.month import Basis, Part, month_draft, month_parts, months_with_lines
from billing.errors import InvoiceError
from billing.invoices.bill import CREDIT
from billing.invoices.invoice import Invoice, InvoiceLine, Item
from billing.invoices.lifecycle import issue, number_text, series_of
from billing.money import reduced
from billing.months import month_label, parse_month

_MONTH = re.compile(r"(.+)/([0-9]{4}-[0-9]{2})/([0-9]{1,6})")
_SHOWN_MAX = 6
_NUMBER = re.compile(r"(.+-[0-9]{6,})/([0-9]{1,6})")


def explain_named(basis: Basis, name: str, held: Held | None = None) -> Explanation:
    """Return the explanation of "acme-000001/2" (number and line) or "acme/2026-03/2" (tenant, month and line).

    Invoices of finished books are numbered month by month, so only the one that is asked for is made.

    Raises:
        InvoiceError: no such line.
        PeriodError: a month that cannot be read.
    """
    tenant, month, ordinal, line = _found(basis, name)
    parts = month_parts(basis, tenant, month)
    invoice = issue(month_draft(basis, tenant, month, parts), ordinal, issue_time_s(basis, month))
    return explain(basis, invoice, parts, line, held)


def _found(basis: Basis, name: str) -> tuple[int, int, int, int]:
    """Return (tenant, month, ordinal of the invoice, line)."""
    by_month, by_number = _MONTH.fullmatch(name), _NUMBER.fullmatch(name)
    ordinals: dict[int, int] = {}
    known = []
    for month, tenant in months_with_lines(basis):
        ordinals[tenant] = ordinals.get(tenant, 0) + 1
        word = basis.books.names.tenants[tenant]
        if by_month and (word, month) == (by_month[1], parse_month(by_month[2])):
            return tenant, month, ordinals[tenant], int(by_month[3])
        number = number_text(series_of(month_draft(basis, tenant, month, ())), ordinals[tenant])
        if by_number and number == by_number[1]:
            return tenant, month, ordinals[tenant], int(by_number[2])
        known.append(f"{number} ({word}/{month_label(month)})")
    mine = [each for each in known if each.startswith(f"{name.rpartition('/')[0]} ")] or known
    more = f", and {len(mine) - _SHOWN_MAX} more" if len(mine) > _SHOWN_MAX else ""
    allowed = "NUMBER/LINE or TENANT/YYYY-MM/LINE; invoices: " + (", ".join(mine[:_SHOWN_MAX]) or "none") + more
    raise InvoiceError("no such line", code="unknown_line", path="LINE", found=name, allowed=allowed)


def explain_kept(basis: Basis, invoice: Invoice, line: int, held: Held | None = None) -> Explanation:
    """Return the explanation of a line of an invoice that was issued from these books, with whatever was late on it.

    Args:
        basis: books of what was known when it was issued.

    Raises:
        InvoiceError: no such line, or the books give other lines than the invoice has.
    """
    names = basis.books.names.tenants
    tenant = names.index(invoice.tenant) if invoice.tenant in names else len(names)
    every = month_parts(basis, tenant, parse_month(invoice.period)) if tenant < len(names) else []
    # What wallets paid follows from the invoices before it, as they stand: here only this one knows.
    parts = [part for part in every if not part.item.cause.startswith(BESIDE)]
    made = [(part.item.kind, reduced(part.item.exact)) for part in parts]
    kept = [(each.kind, each.exact) for each in invoice.lines[: len(parts)]]
    if made != kept:
        message = "the books give other lines than the invoice has"
        raise InvoiceError(message, code="differs", path=invoice.number, found=len(made), allowed=str(len(kept)))
    rest = [_kept_item(each) for each in invoice.lines[len(parts) :]]
    return explain(basis, invoice, [*parts, *(Part(item) for item in rest)], line, held)


def split_name(name: str) -> tuple[str, int]:
    """Return the number and line of "acme-000001/2". Raises InvoiceError for anything else."""
    match = _NUMBER.fullmatch(name)
    if match is None:
        raise InvoiceError("no such line", code="unknown_line", path="LINE", found=name, allowed="NUMBER/LINE")
    return match[1], int(match[2])


def _kept_item(line: InvoiceLine) -> Item:
    """Return a correction before its rounding, or what a wallet paid. What corrects a posted amount was posted too."""
    posted = line.cause.startswith(BESIDE) or f": {CREDIT} for " in line.description
    names = ("kind", "product", "description", "exact", "cause", "from_s", "until_s", "sku", "region", "meter")
    more = ("quantity", "unit", "unit_price_micro", "tax_bp")
    values = {name: getattr(line, name) for name in (*names, *more)}
    return Item(**values, fixed_micro=line.net_micro if posted else None)
