"""The bill of one tenant: line items grouped, rounded once, and adding up.

A line gathers all usage of one (product, SKU, region, unit price) that is charged for the same reason. Charges are
rounded to cents once, as a whole, and the rounded sum is dealt out to the lines by largest remainder; service credits
come with their posted amount, as negative lines. So the lines always add up to the total that is printed, and the
exact amounts stand beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from billing.columns import group_rows
from billing.metering.classes import BILLED, CLASSES
from billing.money import (
    CURRENCY,
    MICRO_PER_CENT,
    ROUNDING,
    Exact,
    exact_sum,
    exact_sums,
    floor_decimal,
    largest_remainder,
)
from billing.months import Period, month_numbers, month_period
from billing.rating.rate import LineItemTable
from billing.sla.credit import ServiceCredit, reason
from billing.usage import IntArray, Names

USAGE = "usage"
CREDIT = "service credit"


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line. `amount_micro_usd` is in whole cents, negative for a credit; `exact` is what it was rounded from.

    A credit has no SKU, region, quantity or unit price; its `note` says what it is for.
    """

    kind: str
    product: str
    sku: str
    region: str
    quantity_gpu_s: int
    unit_price_micro_usd: int
    exact: Exact
    amount_micro_usd: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill of [from_s, until_s), seconds since the Unix time `epoch_s`. Amounts are micro-USD in whole cents.

    charges_micro_usd + credits_micro_usd == total_micro_usd == the sum of the lines; credits are not above 0.
    """

    tenant: str
    period: Period
    epoch_s: int
    lines: tuple[BillLine, ...]
    quantity_gpu_s: int
    exact_charges: Exact
    charges_micro_usd: int
    credits_micro_usd: int
    total_micro_usd: int
    currency: str = CURRENCY
    rounding: str = ROUNDING


def make_bill(
    names: Names, lines: LineItemTable, credits: Sequence[ServiceCredit], tenant: int, period: Period
) -> Bill:
    """Return the bill of the tenant with dense index `tenant`; without any line if it used nothing."""
    inside = (lines.tenant == tenant) & (lines.hour_s >= period.from_s) & (lines.hour_s < period.until_s)
    return _bill(names, lines, np.flatnonzero(inside), credits, tenant, period)


def month_bills(names: Names, lines: LineItemTable, credits: Sequence[ServiceCredit]) -> list[Bill]:
    """Return the bill of every tenant and month with usage, sorted by (tenant, month)."""
    month = month_numbers(names.epoch_s, lines.hour_s)
    order, first = group_rows(lines.tenant, month)
    bills = []
    for rows in np.split(order, first[1:]) if len(first) else ():
        tenant, period = int(lines.tenant[rows[0]]), month_period(names.epoch_s, int(month[rows[0]]))
        bills.append(_bill(names, lines, rows, credits, tenant, period))
    return bills


def _bill(
    names: Names,
    lines: LineItemTable,
    rows: IntArray,
    credits: Sequence[ServiceCredit],
    tenant: int,
    period: Period,
) -> Bill:
    usage = _usage_lines(names, lines, rows)
    given = [_credit_line(names, credit) for credit in credits if credit.key.tenant == tenant and _due(credit, period)]
    charges = sum(line.amount_micro_usd for line in usage)
    returned = sum(line.amount_micro_usd for line in given)
    return Bill(
        tenant=names.tenants[tenant],
        period=period,
        epoch_s=names.epoch_s,
        lines=(*usage, *given),
        quantity_gpu_s=exact_sum(lines.quantity[rows]),
        exact_charges=Exact(exact_sum(lines.numerator[rows]), lines.denominator),
        charges_micro_usd=charges,
        credits_micro_usd=returned,
        total_micro_usd=charges + returned,
    )


def _due(credit: ServiceCredit, period: Period) -> bool:
    """Credits are posted at the close of their month: they are on the bill of that month and on that of the run."""
    return period.kind == "run" or credit.key.month == period.month


def _usage_lines(names: Names, lines: LineItemTable, rows: IntArray) -> list[BillLine]:
    """Return one line per (product, SKU, region, unit price, class, factor), in the order of the names."""
    keys = lines.product, lines.sku, lines.region, lines.unit_price_micro_usd, lines.charge_class, lines.factor_bp
    order, first = group_rows(*(column[rows] for column in keys))
    rows = rows[order]
    numerators = exact_sums(lines.numerator[rows], first)
    quantities = exact_sums(lines.quantity[rows], first)
    cents = largest_remainder(numerators, lines.denominator * MICRO_PER_CENT)
    return [
        BillLine(
            kind=USAGE,
            product=names.products[lines.product[row]],
            sku=names.skus[lines.sku[row]],
            region=names.regions[lines.region[row]],
            quantity_gpu_s=quantity,
            unit_price_micro_usd=int(lines.unit_price_micro_usd[row]),
            exact=Exact(numerator, lines.denominator),
            amount_micro_usd=amount * MICRO_PER_CENT,
            note=class_note(int(lines.charge_class[row]), int(lines.factor_bp[row])),
        )
        for row, quantity, numerator, amount in zip(rows[first], quantities, numerators, cents, strict=True)
    ]


def class_note(charge_class: int, factor_bp: int) -> str:
    """Return why a line is not charged in full, "" if it is."""
    if charge_class == BILLED:
        return ""
    return f"{CLASSES[charge_class]}: {floor_decimal(factor_bp, 100, 2)} % of the price"


def credit_text(names: Names, credit: ServiceCredit) -> str:
    """Return what a service credit is for, in one line."""
    month = month_period(names.epoch_s, credit.key.month).label
    return f"{CREDIT} for {month}: {reason(credit)}"


def _credit_line(names: Names, credit: ServiceCredit) -> BillLine:
    return BillLine(
        kind=CREDIT,
        product=names.products[credit.key.product],
        sku="",
        region="",
        quantity_gpu_s=0,
        unit_price_micro_usd=0,
        exact=Exact(-credit.exact.numerator, credit.exact.denominator),
        amount_micro_usd=-credit.amount_micro_usd,
        note=credit_text(names, credit),
    )
