"""Invoices for the documents: drawn from a seed, with every kind of line, hours behind the metered ones, and names
that are hard to write down."""

import random
from dataclasses import dataclass

from billing.currency import currency_of
from billing.documents.hours import HourShare
from billing.documents.parties import Parties
from billing.invoices.invoice import Heading, Invoice, Item, draft
from billing.invoices.lifecycle import issue
from billing.metering.meters import METERS
from billing.money import BP, Exact
from billing.months import month_bounds, parse_month
from tenants.band import Band

HOUR_S = 3600
MONTHS = ("2026-02", "2026-03")
HARD_NAMES = (
    'Acme "Robotics", Inc.',
    "=HYPERLINK(1)",
    "@cmd|' /C calc'!A0",
    "-2+3",
    "+49 30 1234",
    "'quoted'",
    "Größe & Söhne <b>GmbH</b>",
    "日本の会社, 株式会社",
    "{{ 7*7 }} #set $x$ \\ _a_ *b*",
    "two\nlines",
    "tab\there",
)
BANDS = {
    "bare.ondemand": Band.ON_DEMAND,
    "bare.spot": Band.SPOT,
    "bare.reserved": Band.RESERVED,
    "int.research": Band.INTERNAL,
    "serve.tokens": Band.INTERNAL_CRITICAL,
}
_METER = {meter.code: meter for meter in METERS}


@dataclass(frozen=True)
class Papers:
    """Invoices, the hours of each (by line), and the names."""

    invoices: list[Invoice]
    hours: list[dict[int, list[HourShare]]]
    parties: Parties


def papers(seed: int, tenants: int = 2, currency: str = "USD", hard_names: bool = False) -> Papers:
    """Draw one invoice per tenant and month."""
    rng = random.Random(seed)
    names = {}
    invoices, hours = [], []
    for number in range(tenants):
        tenant = f"t{number}"
        names[tenant] = rng.choice(HARD_NAMES) if hard_names else f"Tenant {number}"
        for month, period in enumerate(MONTHS):
            items, of_item = _items(rng, period)
            heading = Heading(
                tenant, period, f"sha256:{seed:08d}", (("sim", 1, 100 + number),), f"{seed:064x}", False,
                currency_of(currency, rng.choice(("HALF_UP", "HALF_EVEN"))),
            )  # fmt: skip
            drawn = draft(heading, items)
            if drawn.total_micro >= 0:
                drawn = issue(drawn, month + 1, month_bounds(0, parse_month(period))[1])
            invoices.append(drawn)
            hours.append({line: shares for line, shares in enumerate(of_item, start=1) if shares})
    return Papers(invoices, hours, Parties("Spillway, operator", names, BANDS))


def _items(rng: random.Random, period: str) -> tuple[list[Item], list[list[HourShare]]]:
    from_s, until_s = month_bounds(0, parse_month(period))
    items, hours = [], []
    for product in rng.sample(sorted(BANDS), rng.randint(1, 4)):
        meter = rng.choice(sorted(_METER)) if product == "serve.tokens" else "gpu_s"
        kind = rng.choice(("usage", "usage", "usage", "correction")) if period == MONTHS[1] else "usage"
        item, shares = _metered(rng, product, meter, kind, from_s, until_s)
        items.append(item)
        hours.append(shares)
    for kind, sign in (("fee", 1), ("minimum", 1), ("discount", -1), ("service_credit", -1), ("prepayment", 1)):
        if rng.random() < 0.4:
            exact = Exact(sign * rng.randint(0, 5 * 10**7), rng.choice((1, 3, 3600)))
            items.append(Item(kind, "", f"{kind} of {period}", exact, f"c-{kind}", from_s, until_s, tax_bp=1900))
            hours.append([])
    return items, hours


def _metered(
    rng: random.Random, product: str, meter: str, kind: str, from_s: int, until_s: int
) -> tuple[Item, list[HourShare]]:
    """A line of usage with its hours; a correction has hours of the month before, some of them below 0."""
    price = rng.choice((2_950_000, 1_333_333, 1, 12_345_678))
    factor_bp = rng.choice((BP, BP, BP, 6_000, 0))
    priced = rng.random() < 0.8
    at_s = from_s + HOUR_S * rng.randint(0, 300)
    if kind == "correction":
        at_s -= 10 * 86400
    shares = []
    for _ in range(rng.randint(1, 12)):
        quantity = rng.choice((1, 7, 1800, 28_800, rng.randint(1, 10**6)))
        if kind == "correction" and rng.random() < 0.5:
            quantity = -quantity
        exact = Exact(quantity * price * factor_bp, _METER[meter].per * BP)
        shares.append(HourShare(at_s, at_s + HOUR_S, quantity, exact, factor_bp, price if priced else None))
        at_s += HOUR_S * rng.choice((1, 1, 1, 3))
    quantity = sum(share.quantity for share in shares)
    item = Item(
        kind=kind,
        product=product,
        description=f"{kind} {product}",
        exact=Exact(quantity * price * factor_bp, _METER[meter].per * BP),
        cause=f"price[{rng.randint(0, 9)}]",
        from_s=shares[0].from_s,
        until_s=shares[-1].until_s,
        sku="h100",
        region=rng.choice(("eu", "us")),
        meter=meter,
        quantity=quantity,
        unit=_METER[meter].unit,
        unit_price_micro=price if priced else None,
        tax_bp=rng.choice((0, 1900, 700)),
    )
    return item, shares
