"""The invoice of one tenant and month: lines rounded once, as a whole, so that lines, tax and total always agree.

    items (exact, not rounded)  -draft->  Invoice(draft)  -issue->  Invoice(issued)  ->  paid | void

A draft is a pure function of its heading and items and is made anew as often as anyone likes. Issuing gives it a number
and an id, and freezes it: `hash` covers everything but `status`, so a paid or void invoice is still the same document.
All amounts are int micro-units of the currency, in whole minor units (10,000 micro-USD); all times are Unix seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from billing.currency import DEFAULT, Currency, currency_of, share_minor
from billing.errors import InvoiceError
from billing.money import BP, INT64_MAX, Exact, reduced

# What a line is for. `wallet` and `prepayment` are bought (above 0) and drawn down (below 0); both are owed to the
# tenant, not earned. `service_credit` and `discount` reduce what was earned.
KINDS = (
    *("usage", "correction", "reservation", "commitment", "true_up", "minimum", "discount", "fee", "service_credit"),
    *("wallet", "prepayment", "adjustment"),
)
STATUSES = ("draft", "issued", "paid", "void")
LogRange = tuple[tuple[str, int, int], ...]  # (source, first, last), counted from 1


class Heading(NamedTuple):
    """What an invoice says beside its lines.

    Attributes:
        period:        label of the month, "2026-11".
        price_version: version of the price book that priced it.
        log_range:     the tenant's events that it was made from, per source, sorted; () without a log.
        log_hash:      hash of what they say.
        showback:      an internal team is shown what it would have paid: no receivable, no tax.
    """

    tenant: str
    period: str
    price_version: str = ""
    log_range: LogRange = ()
    log_hash: str = ""
    showback: bool = False
    currency: Currency = DEFAULT


class Item(NamedTuple):
    """A line before it is rounded. `exact` is in micro-units of the heading's currency; below 0 gives back.

    `fixed_micro` is set where the amount has been posted elsewhere already (a service credit, a wallet that was drawn):
    it is taken as it stands, and is no part of the sum that is rounded.
    """

    kind: str
    product: str
    description: str
    exact: Exact
    cause: str
    from_s: int
    until_s: int
    sku: str = ""
    region: str = ""
    meter: str = ""
    quantity: int = 0
    unit: str = ""
    unit_price_micro: int | None = None
    tax_bp: int = 0
    fixed_micro: int | None = None


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line, numbered from 1. `net_micro` is in whole minor units; `exact`, in lowest terms, is what it was before.

    `cause` is the id of the price row, contract, credit, event or corrected line behind it; `unit_price_micro` is None
    where no single price applied. Times are Unix seconds, `until_s` not included.
    """

    number: int
    kind: str
    tenant: str
    product: str
    sku: str
    region: str
    meter: str
    description: str
    quantity: int
    unit: str
    unit_price_micro: int | None
    exact: Exact
    net_micro: int
    tax_bp: int
    tax_micro: int
    from_s: int
    until_s: int
    cause: str


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice: sum of lines == net, sum of their tax == tax, net + tax == total, always to the minor unit.

    `number`, `id` and `hash` are "" and `issued_s` is 0 in a draft.
    """

    id: str
    number: str
    tenant: str
    currency: str
    period: str
    status: str
    issued_s: int
    lines: tuple[InvoiceLine, ...]
    net_micro: int
    tax_micro: int
    total_micro: int
    price_version: str
    log_range: LogRange
    log_hash: str
    rounding: str
    hash: str
    showback: bool = False

    @property
    def money(self) -> Currency:
        """The currency with the rounding of this document."""
        return currency_of(self.currency, self.rounding)


def draft(heading: Heading, items: Sequence[Item]) -> Invoice:
    """Return the draft of an invoice; lines stand in the order of `items`.

    The exact amounts of all items are added up, rounded once, and dealt out by largest remainder, of equal ones first
    to the lower tax rate; each tax rate's net is taxed and rounded once and dealt out likewise.

    Raises:
        InvoiceError: an item of an unknown kind, with a rate outside 0 to 10,000, a fixed amount that is not in whole
            minor units, a period that ends before it begins, or an amount that has no room in an int64.
    """
    for number, item in enumerate(items, start=1):
        _require_item(heading, number, item)
    open_items = by_tax_rate(items)
    shares = share_minor([items[number].exact for number in open_items], heading.currency)
    nets = [item.fixed_micro or 0 for item in items]
    for number, share in zip(open_items, shares, strict=True):
        nets[number] = share * heading.currency.minor_micro
    taxes = _taxes(heading, items, nets)
    lines = tuple(
        _line(heading, number, item, net, tax)
        for number, (item, net, tax) in enumerate(zip(items, nets, taxes, strict=True), start=1)
    )
    net_micro, tax_micro = sum(nets), sum(taxes)
    _require_room(heading, [*nets, *taxes, net_micro, tax_micro, net_micro + tax_micro])
    return Invoice(
        id="",
        number="",
        tenant=heading.tenant,
        currency=heading.currency.code,
        period=heading.period,
        status="draft",
        issued_s=0,
        lines=lines,
        net_micro=net_micro,
        tax_micro=tax_micro,
        total_micro=net_micro + tax_micro,
        price_version=heading.price_version,
        log_range=heading.log_range,
        log_hash=heading.log_hash,
        rounding=heading.currency.rounding,
        hash="",
        showback=heading.showback,
    )


def by_tax_rate(items: Sequence[Item]) -> list[int]:
    """Return the places of the items that are rounded together, in the order in which equal remainders are served.

    A cent that two lines have equal claim to would move between tax rates with the order of the lines, and the tax with
    it. So the lower rate comes first, and lines of one rate stay as they stand.
    """
    loose = [place for place, item in enumerate(items) if item.fixed_micro is None]
    return sorted(loose, key=lambda place: items[place].tax_bp)


def with_status(invoice: Invoice, status: str) -> Invoice:
    """Return the same document with another status; its hash does not change."""
    assert status in STATUSES, status
    return replace(invoice, status=status)


def _require_room(heading: Heading, amounts: Sequence[int]) -> None:
    """Refuse amounts that books could not hold: they are kept as int64."""
    most = max(amounts, key=abs)
    if abs(most) > INT64_MAX:
        path = f"invoice of {heading.tenant}, {heading.period}"
        allowed = f"up to {INT64_MAX} micro-{heading.currency.code}"
        raise InvoiceError("amount too large", path=path, found=most, allowed=allowed)


def _taxes(heading: Heading, items: Sequence[Item], nets: Sequence[int]) -> list[int]:
    taxes = [0] * len(items)
    for tax_bp in sorted({item.tax_bp for item in items} - {0}):
        taxed = [number for number, item in enumerate(items) if item.tax_bp == tax_bp]
        shares = share_minor([Exact(nets[number] * tax_bp, BP) for number in taxed], heading.currency)
        for number, share in zip(taxed, shares, strict=True):
            taxes[number] = share * heading.currency.minor_micro
    return taxes


def _line(heading: Heading, number: int, item: Item, net_micro: int, tax_micro: int) -> InvoiceLine:
    return InvoiceLine(
        number=number,
        kind=item.kind,
        tenant=heading.tenant,
        product=item.product,
        sku=item.sku,
        region=item.region,
        meter=item.meter,
        description=item.description,
        quantity=item.quantity,
        unit=item.unit,
        unit_price_micro=item.unit_price_micro,
        exact=reduced(item.exact),
        net_micro=net_micro,
        tax_bp=item.tax_bp,
        tax_micro=tax_micro,
        from_s=item.from_s,
        until_s=item.until_s,
        cause=item.cause,
    )


def _require_item(heading: Heading, number: int, item: Item) -> None:
    path = f"invoice of {heading.tenant}, {heading.period}: line {number}"
    if item.kind not in KINDS:
        raise InvoiceError("no such kind of line", path=path, found=item.kind, allowed=", ".join(KINDS))
    if not 0 <= item.tax_bp <= BP or (heading.showback and item.tax_bp):
        allowed = "0 on show-back" if heading.showback else f"0 to {BP}"
        raise InvoiceError("tax rate out of range", path=path, found=item.tax_bp, allowed=allowed)
    minor_micro = heading.currency.minor_micro
    if item.fixed_micro is not None and item.fixed_micro % minor_micro:
        allowed = f"a multiple of {minor_micro}"
        raise InvoiceError("not in whole minor units", path=path, found=item.fixed_micro, allowed=allowed)
    if item.until_s < item.from_s:
        allowed = f"{item.from_s} or later"
        raise InvoiceError("line ends before it begins", path=path, found=item.until_s, allowed=allowed)
