"""From closed books to the drafts of a month: which lines an invoice has, and which rows of the hours are behind each.

    contracts    what they add to usage, rounded together with it
    wallets      what they pay, after everything else; they are drawn in whole minor units and not taxed
    usage        one line per charge: product, SKU, region, meter, price row, and why it is not charged in full
    credits      with their posted amounts, taxed as what they give back
    tax          of a line at its last second
    show-back    internal teams are shown the transfer price of the terms, if those have one, else the price book's

The run folder and the database both come here with the same books and terms, and so to the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from billing.books import Books
from billing.closing.agreed_items import agreed_anew, contract_item, wallet_item, wallet_kinds
from billing.closing.agreed_prices import versions_seen
from billing.closing.showback import is_internal, shown_back, shown_rows
from billing.closing.told import Told, range_of
from billing.contracts.line import ContractLine
from billing.contracts.wallet import DRAWN
from billing.invoices.bill import class_note, credit_text
from billing.invoices.invoice import Heading, Invoice, Item, LogRange, draft
from billing.metering.classes import CLASSES
from billing.money import SECONDS_PER_HOUR, Exact
from billing.months import month_bounds, month_label, month_numbers, run_period
from billing.rating.charge import Charge
from billing.rating.charges import charges_of
from billing.rating.prices import PriceBook
from billing.rating.rate import NO_UNIT_PRICE, LineItemTable, rate
from billing.sla.credit import ServiceCredit
from billing.tax import tax_at
from billing.terms import Terms
from billing.usage import IntArray

NEVER_TAXED = ("wallet", "prepayment", "discount")  # they pay for what was taxed
NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Basis:
    """What a month's invoices are made of: closed books, the terms, and where the facts came from.

    `log_range` and `log_hash` say which events the books were made from: (source, first seq, last seq), sorted, and a
    hash. Documents print them for their tenant's own events, where `told` has those (`billing.closing.told`).
    """

    books: Books
    terms: Terms
    log_range: LogRange = ()
    log_hash: str = ""
    told: Mapping[str, Sequence[Told]] | None = None

    @cached_property
    def price_versions(self) -> Mapping[str, str]:
        """By tenant, a name for the content of the price book as it sees it (`billing.closing.agreed_prices`)."""
        return versions_seen(self.terms, self.books.names.tenants)

    @cached_property
    def lines(self) -> LineItemTable:
        """The hours, priced: those of the books, with internal tenants at the transfer price if there is one."""
        return self.books.lines if self.terms.showback is None else shown_back(self.books, self.terms)

    @cached_property
    def charges(self) -> dict[tuple[int, int], list[Charge]]:
        """The charges by (tenant index, month), in the order in which they stand on invoices."""
        names, terms, lines = self.books.names, self.terms, self.lines
        period = run_period(self.books.horizon_s)
        plans = terms.plans(names.products)
        if terms.showback is None:
            every = charges_of(names, lines, terms.book, period, plans, terms.currency)
        else:
            mine = shown_rows(self.books, terms)
            every = charges_of(names, lines, terms.book, period, plans, terms.currency, ~mine)
            shown = charges_of(names, lines, terms.showback, period, plans, terms.currency, mine)
            every += [charge._replace(rate_id="showback") for charge in shown]
        found: dict[tuple[int, int], list[Charge]] = {}
        for charge in every:
            some = charge.rows[0]
            found.setdefault((int(lines.tenant[some]), int(self.month_of_row[some])), []).append(charge)
        return found

    @cached_property
    def wallet_kind(self) -> dict[str, str]:
        """The kind of line that stands for what each wallet pays."""
        return wallet_kinds(self.terms.registry)

    @cached_property
    def month_of_row(self) -> IntArray:
        """Months since January 1970 of each row of `lines`."""
        return month_numbers(self.books.names.epoch_s, self.lines.hour_s)


class Part(NamedTuple):
    """A line before rounding, and behind usage its charge and the rows of `Basis.lines` that share it."""

    item: Item
    rows: IntArray = NO_ROWS
    charge: Charge | None = None


def months_with_lines(basis: Basis) -> list[tuple[int, int]]:
    """Return the (month, tenant index) of every invoice there is something for, sorted."""
    tenant_of = {word: code for code, word in enumerate(basis.books.names.tenants)}
    keys = {(month, tenant) for tenant, month in basis.charges}
    keys |= {(credit.key.month, credit.key.tenant) for credit in basis.books.credits}
    return sorted(keys | {(line.month, tenant_of[line.tenant]) for line in basis.books.agreed.lines if _adds(line)})


def month_parts(basis: Basis, tenant: int, month: int) -> list[Part]:
    """Return the lines of a tenant's month before rounding, in the order in which they stand on the invoice."""
    word, books = basis.books.names.tenants[tenant], basis.books
    parts = [Part(_usage_item(basis, charge), charge.rows, charge) for charge in basis.charges.get((tenant, month), ())]
    items = [
        contract_item(line, books.names.epoch_s)
        for line in books.agreed.lines
        if (line.tenant, line.month) == (word, month) and _adds(line)
    ]
    items += [
        _credit(basis, credit) for credit in books.credits if (credit.key.tenant, credit.key.month) == (tenant, month)
    ]
    items += [
        wallet_item(entry, basis.wallet_kind[entry.wallet], books.names.epoch_s)
        for entry in books.agreed.wallet
        if (entry.tenant, entry.month, entry.kind) == (word, month, DRAWN)
    ]
    parts += [Part(item) for item in items]
    return [part._replace(item=_taxed(basis, tenant, part.item)) for part in parts]


def _adds(line: ContractLine) -> bool:
    return line.exact.numerator != 0


def log_of(basis: Basis, tenant: int, month: int) -> tuple[LogRange, str]:
    """Return the range and the hash of the log that documents of a tenant's month print: see `billing.closing.told`."""
    if basis.told is None:
        return basis.log_range, basis.log_hash
    epoch_s = basis.books.names.epoch_s
    return range_of(basis.told, basis.books.names.tenants[tenant], epoch_s + month_bounds(epoch_s, month)[1])


def month_draft(basis: Basis, tenant: int, month: int, parts: Sequence[Part] | None = None) -> Invoice:
    """Return the draft of a tenant's month. `parts` are those of `month_parts`, with whatever else is due on it."""
    log_range, log_hash = log_of(basis, tenant, month)
    heading = Heading(
        tenant=basis.books.names.tenants[tenant],
        period=month_label(month),
        price_version=basis.price_versions[basis.books.names.tenants[tenant]],
        log_range=log_range,
        log_hash=log_hash,
        showback=is_internal(basis.terms.registry, basis.books.names.tenants[tenant]),
        currency=basis.terms.currency,
    )
    chosen = month_parts(basis, tenant, month) if parts is None else parts
    return draft(heading, [part.item for part in chosen])


def with_book(basis: Basis, book: PriceBook) -> Basis:
    """Return the same usage under another price book: what a simulated invoice is made of. Credits stay as posted.

    Raises:
        PriceError: usage, or reserved capacity, that the book has no price for.
    """
    terms = replace(basis.terms, book=book)
    lines = rate(basis.books.names, basis.books.usage, book, terms.plans(basis.books.names.products))
    return replace(basis, books=agreed_anew(replace(basis.books, lines=lines), terms), terms=terms)


def _usage_item(basis: Basis, charge: Charge) -> Item:
    hours_s = basis.books.names.epoch_s + basis.lines.hour_s[charge.rows]
    prices = basis.lines.unit_price_micro_usd[charge.rows]
    single = prices[0] != NO_UNIT_PRICE and (prices == prices[0]).all()
    note = class_note(CLASSES.index(charge.charge_class), charge.factor_bp)
    return Item(
        kind="usage",
        product=charge.product,
        description=f"{charge.product}, {charge.sku} in {charge.region}" + (f", {note}" if note else ""),
        exact=charge.exact,
        cause=charge.rate_id,
        from_s=int(hours_s.min()),
        until_s=int(hours_s.max()) + SECONDS_PER_HOUR,
        sku=charge.sku,
        region=charge.region,
        meter=charge.meter,
        quantity=charge.quantity,
        unit=charge.unit,
        unit_price_micro=int(prices[0]) if single else None,
    )


def _credit(basis: Basis, credit: ServiceCredit) -> Item:
    names = basis.books.names
    from_s, until_s = month_bounds(names.epoch_s, credit.key.month)
    product = names.products[credit.key.product]
    return Item(
        kind="service_credit",
        product=product,
        description=credit_text(names, credit),
        exact=Exact(-credit.exact.numerator, credit.exact.denominator),
        cause=credit_cause(basis, credit),
        from_s=names.epoch_s + from_s,
        until_s=names.epoch_s + until_s,
        fixed_micro=-credit.amount_micro_usd,
    )


def credit_cause(basis: Basis, credit: ServiceCredit) -> str:
    """Return the id of a service credit: one per product, month and basis of a tenant."""
    product = basis.books.names.products[credit.key.product]
    return f"sla/{product}/{month_label(credit.key.month)}/{credit.basis}"


def _taxed(basis: Basis, tenant: int, item: Item) -> Item:
    word = basis.books.names.tenants[tenant]
    if item.kind in NEVER_TAXED or is_internal(basis.terms.registry, word):
        return item
    row = tax_at(basis.terms.taxes, word, item.product, max(item.from_s, item.until_s - 1))
    return item if row is None else item._replace(tax_bp=row.tax_bp)
