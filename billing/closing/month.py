"""From closed books to the drafts of a month: which lines an invoice has, and which rows of the hours are behind each.

    usage        one line per (product, SKU, region, meter, price, class, factor), as the bill has them
    credits      with their posted amounts, taxed as what they give back
    tax          of a line at its last second
    show-back    internal teams are shown the transfer price of the terms, if those have one, else the price book's

The run folder and the database both come here with the same books and terms, and so to the same bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from json import dumps
from math import lcm
from typing import NamedTuple

import numpy as np

from billing.books import Books
from billing.columns import group_rows
from billing.invoices.bill import class_note, credit_text
from billing.invoices.invoice import Heading, Invoice, Item, LogRange, draft
from billing.metering.meters import METERS
from billing.money import SECONDS_PER_HOUR, Exact, exact_sums
from billing.months import month_bounds, month_label, month_numbers
from billing.rating.prices import PriceBook
from billing.rating.rate import NO_UNIT_PRICE, LineItemTable, over, rate
from billing.sla.credit import ServiceCredit
from billing.tax import tax_at
from billing.terms import Terms
from billing.usage import IntArray
from tenants.registry import Registry

NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Basis:
    """What a month's invoices are made of: closed books, the terms, and where the facts came from.

    `log_range` and `log_hash` are printed on every document: (source, first seq, last seq), sorted, and a hash.
    """

    books: Books
    terms: Terms
    log_range: LogRange = ()
    log_hash: str = ""

    @cached_property
    def price_version(self) -> str:
        """A name for the price book's content: the first digits of the SHA-256 of its rows."""
        return book_version(self.terms.book)

    @cached_property
    def lines(self) -> LineItemTable:
        """The hours, priced: those of the books, with internal tenants at the transfer price if there is one."""
        return self.books.lines if self.terms.showback is None else _shown_back(self.books, self.terms)

    @cached_property
    def month_of_row(self) -> IntArray:
        """Months since January 1970 of each row of `lines`."""
        return month_numbers(self.books.names.epoch_s, self.lines.hour_s)


class Part(NamedTuple):
    """A line before rounding, and the rows of `Basis.lines` behind it: none for what is no usage."""

    item: Item
    rows: IntArray


def book_version(book: PriceBook) -> str:
    """Return "sha256:" and 12 digits: equal exactly for books of the same rows in the same order."""
    rows = [row.model_dump(mode="json", by_alias=True) for row in book.rows]
    return f"sha256:{sha256(dumps(rows, sort_keys=True).encode()).hexdigest()[:12]}"


def months_with_lines(basis: Basis) -> list[tuple[int, int]]:
    """Return the (month, tenant index) of every invoice there is something for, sorted."""
    keys = zip(basis.month_of_row.tolist(), basis.lines.tenant.tolist(), strict=True)
    return sorted(set(keys) | {(credit.key.month, credit.key.tenant) for credit in basis.books.credits})


def month_parts(basis: Basis, tenant: int, month: int) -> list[Part]:
    """Return the lines of a tenant's month before rounding, in the order in which they stand on the invoice."""
    rows = np.flatnonzero((basis.lines.tenant == tenant) & (basis.month_of_row == month)).astype(np.int64)
    parts = _usage(basis, tenant, rows)
    parts += [
        Part(_credit(basis, credit), NO_ROWS)
        for credit in basis.books.credits
        if (credit.key.tenant, credit.key.month) == (tenant, month)
    ]
    return [part._replace(item=_taxed(basis, tenant, part.item)) for part in parts]


def month_draft(basis: Basis, tenant: int, month: int, parts: Sequence[Part] | None = None) -> Invoice:
    """Return the draft of a tenant's month. `parts` are those of `month_parts`, with whatever else is due on it."""
    heading = Heading(
        tenant=basis.books.names.tenants[tenant],
        period=month_label(month),
        price_version=basis.price_version,
        log_range=basis.log_range,
        log_hash=basis.log_hash,
        showback=is_internal(basis.terms.registry, basis.books.names.tenants[tenant]),
        currency=basis.terms.currency,
    )
    chosen = month_parts(basis, tenant, month) if parts is None else parts
    return draft(heading, [part.item for part in chosen])


def is_internal(registry: Registry, tenant: str) -> bool:
    """Whether a tenant is charged for show only."""
    return registry.tenants[registry.tenant_index(tenant)].kind == "internal"


def with_book(basis: Basis, book: PriceBook) -> Basis:
    """Return the same usage under another price book: what a simulated invoice is made of. Credits stay as posted.

    Raises:
        PriceError: usage that the book has no price for.
    """
    terms = replace(basis.terms, book=book)
    lines = rate(basis.books.names, basis.books.usage, book, terms.plans(basis.books.names.products))
    return replace(basis, books=replace(basis.books, lines=lines), terms=terms)


def _shown_back(books: Books, terms: Terms) -> LineItemTable:
    """Return the line items with those of internal tenants at the transfer price, rated by the same code."""
    assert terms.showback is not None
    codes = [code for code, tenant in enumerate(books.names.tenants) if is_internal(terms.registry, tenant)]
    internal = np.isin(books.lines.tenant, codes)
    shown = rate(books.names, books.usage, terms.showback, terms.plans(books.names.products))
    whole = lcm(shown.denominator, books.lines.denominator)
    return replace(
        books.lines,
        unit_price_micro_usd=np.where(internal, shown.unit_price_micro_usd, books.lines.unit_price_micro_usd),
        numerator=np.where(internal, over(shown, whole), over(books.lines, whole)),
        denominator=whole,
        amount_micro_usd=np.where(internal, shown.amount_micro_usd, books.lines.amount_micro_usd),
    )


def _usage(basis: Basis, tenant: int, rows: IntArray) -> list[Part]:
    lines = basis.lines
    keys = (lines.product, lines.sku, lines.region, lines.meter, lines.unit_price_micro_usd)
    order, first = group_rows(*(column[rows] for column in (*keys, lines.charge_class, lines.factor_bp)))
    rows = rows[order]
    numerators, quantities = exact_sums(lines.numerator[rows], first), exact_sums(lines.quantity[rows], first)
    groups = np.split(rows, first[1:]) if len(first) else []
    return [
        Part(_usage_item(basis, group, quantity, Exact(numerator, lines.denominator)), group)
        for group, quantity, numerator in zip(groups, quantities, numerators, strict=True)
    ]


def _usage_item(basis: Basis, rows: IntArray, quantity: int, exact: Exact) -> Item:
    names, lines, row = basis.books.names, basis.lines, int(rows[0])
    hours_s = names.epoch_s + lines.hour_s[rows]
    product, sku = names.products[lines.product[row]], names.skus[lines.sku[row]]
    region, meter = names.regions[lines.region[row]], METERS[int(lines.meter[row])]
    price = int(lines.unit_price_micro_usd[row])
    note = class_note(int(lines.charge_class[row]), int(lines.factor_bp[row]))
    return Item(
        kind="usage",
        product=product,
        description=f"{product}, {sku} in {region}" + (f", {note}" if note else ""),
        exact=exact,
        cause=_price_id(basis, product, sku, region, int(hours_s.min())),
        from_s=int(hours_s.min()),
        until_s=int(hours_s.max()) + SECONDS_PER_HOUR,
        sku=sku,
        region=region,
        meter=meter.code,
        quantity=quantity,
        unit=meter.unit,
        unit_price_micro=None if price == NO_UNIT_PRICE else price,
    )


def _price_id(basis: Basis, product: str, sku: str, region: str, at_unix_s: int) -> str:
    plan = basis.terms.plans([product])[0]
    row = basis.terms.book.row_at(plan, sku, region, at_unix_s)
    return f"price[{basis.terms.book.rows.index(row)}]"


def _credit(basis: Basis, credit: ServiceCredit) -> Item:
    names = basis.books.names
    from_s, until_s = month_bounds(names.epoch_s, credit.key.month)
    product = names.products[credit.key.product]
    return Item(
        kind="service_credit",
        product=product,
        description=credit_text(names, credit),
        exact=Exact(-credit.exact.numerator, credit.exact.denominator),
        cause=f"sla/{product}/{month_label(credit.key.month)}",
        from_s=names.epoch_s + from_s,
        until_s=names.epoch_s + until_s,
        fixed_micro=-credit.amount_micro_usd,
    )


def _taxed(basis: Basis, tenant: int, item: Item) -> Item:
    word = basis.books.names.tenants[tenant]
    if item.kind in ("wallet", "prepayment") or is_internal(basis.terms.registry, word):
        return item
    row = tax_at(basis.terms.taxes, word, item.product, max(item.from_s, item.until_s - 1))
    return item if row is None else item._replace(tax_bp=row.tax_bp)
