"""The bill of one tenant: line items grouped, rounded once, and adding up.

A line gathers all usage of one (product, SKU, region, unit price) that is charged for the same reason. Charges are
rounded to minor units once, as a whole, and the rounded sum is dealt out to the lines by largest remainder; credits
come with their posted amount, as negative lines, and so does what a wallet pays. What contracts add stands between the
usage and the credits, and is rounded together with the usage. So the lines always add up to the total that is printed,
and the exact amounts stand beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import numpy as np

from billing.columns import group_rows
from billing.contracts.agreed import NOTHING_AGREED, Agreed
from billing.contracts.line import INVOICE_KIND, ContractLine
from billing.contracts.wallet import DRAWN, WalletEntry
from billing.currency import DEFAULT, Currency, share_minor
from billing.metering.classes import BILLED, CLASSES
from billing.money import (
    CURRENCY,
    ROUNDING,
    Exact,
    exact_sum,
    exact_sums,
    floor_decimal,
)
from billing.months import Period, month_numbers, month_period
from billing.rating.rate import LineItemTable
from billing.sla.credit import ServiceCredit, reason
from billing.usage import IntArray, Names

USAGE = "usage"
CREDIT = "service credit"
WALLET = "wallet"
PREPAYMENT = "prepayment"
BALANCES = (WALLET, PREPAYMENT)  # lines that move money ahead of a charge: paid, and not earned yet or not any more


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line. `amount_micro_usd` is in whole minor units, negative for a credit; `exact` is what it was rounded from.

    A credit has no SKU, region, quantity or unit price, and what a wallet pays no product either; the `note` says what
    it is for. A line of a contract has the kind of its invoice line, and a quantity, but no price of its own.
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
    """A bill of [from_s, until_s), seconds since the Unix time `epoch_s`. Amounts are in whole minor units.

    charges + credits + wallet == total == the sum of the lines; credits and wallet are not above 0. `exact_charges` are
    usage and contracts, `quantity_gpu_s` is the usage alone.
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
    wallet_micro_usd: int = 0


def make_bill(
    names: Names,
    lines: LineItemTable,
    credits: Sequence[ServiceCredit],
    tenant: int,
    period: Period,
    agreed: Agreed = NOTHING_AGREED,
    currency: Currency = DEFAULT,
) -> Bill:
    """Return the bill of the tenant with dense index `tenant`; without any line if it used nothing and owes nothing."""
    inside = (lines.tenant == tenant) & (lines.hour_s >= period.from_s) & (lines.hour_s < period.until_s)
    return _bill(names, lines, np.flatnonzero(inside), credits, tenant, period, agreed, currency)


def month_bills(
    names: Names,
    lines: LineItemTable,
    credits: Sequence[ServiceCredit],
    agreed: Agreed = NOTHING_AGREED,
    currency: Currency = DEFAULT,
) -> list[Bill]:
    """Return the bill of every tenant and month with usage or something due by contract, sorted by (tenant, month)."""
    month = month_numbers(names.epoch_s, lines.hour_s)
    order, first = group_rows(lines.tenant, month)
    rows_of = {
        (int(lines.tenant[rows[0]]), int(month[rows[0]])): rows
        for rows in (np.split(order, first[1:]) if len(first) else ())
    }
    due = {(names.tenants.index(line.tenant), line.month) for line in agreed.lines if line.exact.numerator}
    return [
        _bill(names, lines, rows_of.get(key, order[:0]), credits, key[0], period, agreed, currency)
        for key in sorted(rows_of.keys() | due)
        for period in (month_period(names.epoch_s, key[1]),)
    ]


def _bill(
    names: Names,
    lines: LineItemTable,
    rows: IntArray,
    credits: Sequence[ServiceCredit],
    tenant: int,
    period: Period,
    agreed: Agreed,
    currency: Currency,
) -> Bill:
    word = names.tenants[tenant]
    added = [line for line in agreed.lines if line.tenant == word and line.exact.numerator and _due(line.month, period)]
    usage, exact = _charge_lines(names, lines, rows, added, currency)
    given = [
        _credit_line(names, credit)
        for credit in credits
        if credit.key.tenant == tenant and _due(credit.key.month, period)
    ]
    paid = [
        _wallet_line(entry)
        for entry in agreed.wallet
        if entry.kind == DRAWN and entry.tenant == word and _due(entry.month, period)
    ]
    charges, returned, drawn = (sum(line.amount_micro_usd for line in each) for each in (usage, given, paid))
    return Bill(
        tenant=word,
        period=period,
        epoch_s=names.epoch_s,
        lines=(*usage, *given, *paid),
        quantity_gpu_s=exact_sum(lines.quantity[rows]),
        exact_charges=exact,
        charges_micro_usd=charges,
        credits_micro_usd=returned,
        total_micro_usd=charges + returned + drawn,
        currency=currency.code,
        rounding=currency.rounding,
        wallet_micro_usd=drawn,
    )


def _due(month: int, period: Period) -> bool:
    """What is posted at the close of a month is on the bill of that month and on that of the run, and on no hour's."""
    return period.kind == "run" or month == period.month


def _charge_lines(
    names: Names, lines: LineItemTable, rows: IntArray, added: Sequence[ContractLine], currency: Currency
) -> tuple[list[BillLine], Exact]:
    """Return one line per (product, SKU, region, unit price, class, factor), in the order of the names, then those of
    contracts; rounded as a whole. And their exact sum."""
    keys = lines.product, lines.sku, lines.region, lines.unit_price_micro_usd, lines.charge_class, lines.factor_bp
    order, first = group_rows(*(column[rows] for column in keys))
    rows = rows[order]
    quantities = exact_sums(lines.quantity[rows], first)
    usage = [Exact(numerator, lines.denominator) for numerator in exact_sums(lines.numerator[rows], first)]
    exact = [*usage, *(line.exact for line in added)]
    whole = lcm(lines.denominator, *(amount.denominator for amount in exact))
    total = sum(amount.numerator * (whole // amount.denominator) for amount in exact)
    amounts = [share * currency.minor_micro for share in share_minor(exact, currency)]
    found = [
        BillLine(
            kind=USAGE,
            product=names.products[lines.product[row]],
            sku=names.skus[lines.sku[row]],
            region=names.regions[lines.region[row]],
            quantity_gpu_s=quantity,
            unit_price_micro_usd=int(lines.unit_price_micro_usd[row]),
            exact=amount,
            amount_micro_usd=micro_usd,
            note=class_note(int(lines.charge_class[row]), int(lines.factor_bp[row])),
        )
        for row, quantity, amount, micro_usd in zip(rows[first], quantities, usage, amounts, strict=False)
    ]
    found += [_contract_line(line, micro_usd) for line, micro_usd in zip(added, amounts[len(usage) :], strict=True)]
    return found, Exact(total, whole)


def _contract_line(line: ContractLine, micro_usd: int) -> BillLine:
    return BillLine(
        kind=INVOICE_KIND[line.kind],
        product=line.product,
        sku=line.sku,
        region=line.region,
        quantity_gpu_s=line.quantity,
        unit_price_micro_usd=0,
        exact=line.exact,
        amount_micro_usd=micro_usd,
        note=f"contract {line.contract}, {line.kind.replace('_', ' ')}: {line.note}",
    )


def _wallet_line(entry: WalletEntry) -> BillLine:
    amount = entry.amount_micro
    return BillLine(WALLET, "", "", "", 0, 0, Exact(amount), amount, f"paid from wallet {entry.wallet}")


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
