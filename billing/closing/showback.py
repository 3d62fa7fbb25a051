"""Internal teams are shown what they use at a transfer price: GPU time only, as the price is that of a GPU-hour."""

from dataclasses import replace
from math import lcm

import numpy as np
from numpy.typing import NDArray

from billing.books import Books
from billing.metering.meters import GPU_S
from billing.metering.sums import part_of
from billing.rating.rate import LineItemTable, over, rate
from billing.terms import Terms
from tenants.registry import Registry


def is_internal(registry: Registry, tenant: str) -> bool:
    """Whether a tenant is charged for show only."""
    return registry.tenants[registry.tenant_index(tenant)].kind == "internal"


def shown_rows(books: Books, terms: Terms) -> NDArray[np.bool_]:
    """Return which line items are shown at the transfer price: GPU time of internal tenants."""
    codes = [code for code, tenant in enumerate(books.names.tenants) if is_internal(terms.registry, tenant)]
    return np.asarray(np.isin(books.lines.tenant, codes) & (books.lines.meter == GPU_S))


def shown_back(books: Books, terms: Terms) -> LineItemTable:
    """Return the line items with those of internal tenants at the transfer price, rated by the same code."""
    assert terms.showback is not None
    mine = shown_rows(books, terms)
    shown = rate(books.names, part_of(books.usage, mine), terms.showback, terms.plans(books.names.products))
    whole = lcm(shown.denominator, books.lines.denominator)
    numerator = over(books.lines, whole)
    if over(shown, whole).dtype == object:
        numerator = numerator.astype(object)
    old = books.lines.unit_price_micro_usd, numerator, books.lines.amount_micro_usd
    columns = [column.copy() for column in old]
    for column, new in zip(
        columns, (shown.unit_price_micro_usd, over(shown, whole), shown.amount_micro_usd), strict=True
    ):
        column[mine] = new
    return replace(
        books.lines,
        unit_price_micro_usd=columns[0],
        numerator=columns[1],
        amount_micro_usd=columns[2],
        denominator=whole,
    )
