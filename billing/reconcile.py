"""Does it all add up? Checks of closed books, as findings: nothing here raises, so that all faults show at once.

capacity   per hour, region and SKU: held by each product + each free state == installed, residual 0
usage      == what the segments held
lines      == usage x price, and their amounts == the exact sums, rounded once
bills      == the line items; lines of a bill == its total; credits on bills == credits posted
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from billing.columns import group_rows
from billing.contracts.agreed import NOTHING_AGREED, Agreed
from billing.contracts.line import INVOICE_KIND
from billing.contracts.wallet import DRAWN
from billing.currency import DEFAULT, Currency, currency_of, round_minor
from billing.errors import BillingError
from billing.finding import Finding
from billing.invoices.bill import Bill, month_bills
from billing.metering.meter import TIME_S_MAX, UsageTable, require_indices, usage_key
from billing.metering.states import StateTable
from billing.money import SECONDS_PER_HOUR, exact_sums, product, round_half_up
from billing.months import Period, month_bounds, utc_text
from billing.rating.charges import charges_of
from billing.rating.models import fraction, total_of
from billing.rating.prices import PriceBook
from billing.rating.rate import LineItemTable, exact_amounts, rounding_group
from billing.sla.credit import ServiceCredit
from billing.usage import IntArray, Names, SegmentTable

ALL_TIME = Period("run", "all time", -TIME_S_MAX, TIME_S_MAX)
Pool = tuple[int, int]  # (region, sku), dense indices


def reconcile(
    names: Names,
    segments: SegmentTable,
    usage: UsageTable,
    lines: LineItemTable,
    credits: Sequence[ServiceCredit],
    book: PriceBook,
    states: StateTable,
    installed: Mapping[Pool, int] | None,
    horizon_s: int,
    plans: Sequence[str] | None = None,
    agreed: Agreed = NOTHING_AGREED,
    currency: Currency = DEFAULT,
) -> list[Finding]:
    """Return everything that does not add up; an empty list means that all four identities hold to the second.

    `installed` holds the GPUs of each (region, sku), None where nobody knows; the last hour counts only up to the
    horizon.
    """
    checks: dict[str, Callable[[], Iterator[Finding]]] = {
        "capacity": lambda: check_capacity(names, states, installed, horizon_s) if installed is not None else iter(()),
        "usage": lambda: check_usage(names, segments, usage),
        "line items": lambda: check_lines(names, usage, lines, book, plans),
        "bills": lambda: check_bills(
            names, lines, credits, month_bills(names, lines, credits, agreed, currency), agreed
        ),
    }
    findings: list[Finding] = []
    for where, check in checks.items():
        try:
            findings += check()
        except BillingError as error:
            findings.append(Finding(where, f"cannot be checked: {error}", 1))
    return findings


def check_capacity(
    names: Names, states: StateTable, installed: Mapping[Pool, int], horizon_s: int
) -> Iterator[Finding]:
    """Yield the hours, regions and SKUs whose states do not add up to what is installed, and states below 0."""
    hours = -(-horizon_s // SECONDS_PER_HOUR)
    length_s = np.full(hours, SECONDS_PER_HOUR, dtype=np.int64)
    length_s[-1:] -= hours * SECONDS_PER_HOUR - horizon_s
    in_run = (states.hour_s >= 0) & (states.hour_s < horizon_s) & (states.hour_s % SECONDS_PER_HOUR == 0)
    counted = np.zeros(len(states), dtype=np.bool_)
    for (region, sku), gpus in sorted(installed.items()):
        here = in_run & (states.region == region) & (states.sku == sku)
        counted |= here
        residual = gpus * length_s
        np.subtract.at(residual, states.hour_s[here] // SECONDS_PER_HOUR, states.gpu_s[here])
        for hour in np.flatnonzero(residual).tolist():
            what = "GPU-s held by nobody" if residual[hour] > 0 else "GPU-s counted twice"
            where = _place(names, hour * SECONDS_PER_HOUR, region, sku)
            yield Finding(where, what, abs(int(residual[hour])), names.epoch_s + hour * SECONDS_PER_HOUR)
    for row in np.flatnonzero(~counted | (states.gpu_s < 0)).tolist():
        where = _place(names, int(states.hour_s[row]), int(states.region[row]), int(states.sku[row]))
        state = _name(states.state_names, int(states.state[row]))
        what = "GPU-s, below 0" if counted[row] else "GPU-s outside the run or in a pool that is not installed"
        yield Finding(f"{where}, {state}", what, int(states.gpu_s[row]), names.epoch_s + int(states.hour_s[row]))


def check_usage(names: Names, segments: SegmentTable, usage: UsageTable) -> Iterator[Finding]:
    """Yield the (tenant, product, region, sku) whose hours do not add up to their segments, and repeated keys."""
    key = usage_key(usage)
    if repeated := len(key) - len(np.unique(key)):
        yield Finding("usage", "rows whose key occurs more than once", repeated)
    gpu_s = product(segments.gpus, segments.end_s - segments.start_s)
    held = _totals(gpu_s, segments.tenant, segments.product, segments.region, segments.sku)
    usage = usage.held()
    metered = _totals(usage.quantity, usage.tenant, usage.product, usage.region, usage.sku)
    words = (names.tenants, names.products, names.regions, names.skus)
    for series in sorted(held.keys() | metered.keys()):
        if difference := metered.get(series, 0) - held.get(series, 0):
            where = ", ".join(_name(word, index) for word, index in zip(words, series, strict=True))
            what = "GPU-s metered but not held" if difference > 0 else "GPU-s held but not metered"
            yield Finding(where, what, abs(difference))


def check_lines(
    names: Names, usage: UsageTable, lines: LineItemTable, book: PriceBook, plans: Sequence[str] | None = None
) -> Iterator[Finding]:
    """Yield the columns in which line items are not usage x price, and the groups whose amounts are not their sum."""
    if len(lines) != len(usage):
        yield Finding("line items", "rows more than hourly usage has", len(lines) - len(usage))
        return
    require_indices(names, "usage", tenant=usage.tenant, product=usage.product, region=usage.region, sku=usage.sku)
    amounts = exact_amounts(names, usage, book, plans)
    pairs = {field.name: (getattr(lines, field.name), getattr(usage, field.name)) for field in fields(usage)}
    pairs["unit_price_micro_usd"] = lines.unit_price_micro_usd, amounts.unit_price_micro
    pairs["numerator"] = lines.numerator, amounts.numerator
    for name, (found, expected) in pairs.items():
        if wrong := np.count_nonzero(found != expected):
            yield Finding(f"line items, {name}", "rows that are not usage x price", int(wrong))
    order, first = group_rows(rounding_group(names, lines))
    exact = exact_sums(lines.numerator[order], first)
    dealt = exact_sums(lines.amount_micro_usd[order], first)
    for row, numerator, amount in zip(order[first].tolist(), exact, dealt, strict=True):
        if difference := amount - round_half_up(numerator, lines.denominator):
            party = f"{_name(names.tenants, int(lines.tenant[row]))}, {_name(names.products, int(lines.product[row]))}"
            at_s = names.epoch_s + int(lines.hour_s[row])
            what = "micro-USD more in the rows than in their rounded sum"
            yield Finding(f"line items, {party}, month of {utc_text(at_s)}", what, difference, at_s)
    for charge in charges_of(names, lines, book, ALL_TIME, plans):
        if total_of(charge.steps) != fraction(charge.exact):
            where = f"charge of {charge.tenant} for {charge.product}, {charge.rate_id}"
            yield Finding(where, "hours whose amounts are not what the price model says of their sum", len(charge.rows))


def check_bills(
    names: Names,
    lines: LineItemTable,
    credits: Sequence[ServiceCredit],
    bills: Sequence[Bill],
    agreed: Agreed = NOTHING_AGREED,
) -> Iterator[Finding]:
    """Yield the faults of `bills`, which must be those of all tenants and months."""
    billed = dict.fromkeys(names.tenants, Fraction(0))
    for bill in bills:
        where, at_s = f"bill of {bill.tenant}, {bill.period.label}", names.epoch_s + bill.period.from_s
        billed[bill.tenant] = billed.get(bill.tenant, Fraction(0)) + Fraction(*bill.exact_charges)
        if difference := sum(line.amount_micro_usd for line in bill.lines) - bill.total_micro_usd:
            yield Finding(where, "micro-USD more in the lines than in the total", difference, at_s)
        currency = currency_of(bill.currency, bill.rounding)
        charges = round_minor(bill.exact_charges, currency) * currency.minor_micro
        if difference := bill.charges_micro_usd - charges:
            yield Finding(where, "micro-USD more in the charges than in their exact sum, rounded", difference, at_s)
        # A remedy may be more than the rest of a bill; nothing else can bring it below 0.
        owed_back = any(line.amount_micro_usd < 0 for line in bill.lines if line.kind == INVOICE_KIND["remedy_late"])
        if bill.total_micro_usd < 0 and (bill.wallet_micro_usd or not owed_back):
            yield Finding(where, "micro-USD, a total below 0", bill.total_micro_usd, at_s)
    due = {_name(names.tenants, tenant): Fraction(sum_, lines.denominator) for (tenant,), sum_ in
           _totals(lines.numerator, lines.tenant).items()}  # fmt: skip
    for line in agreed.lines:
        due[line.tenant] = due.get(line.tenant, Fraction(0)) + Fraction(*line.exact)
    for tenant, amount in billed.items():
        if more := (amount - due.get(tenant, Fraction(0))) * lines.denominator:
            what = f"1/{lines.denominator} micro-USD more than the line items and contracts"
            yield Finding(f"bills of {tenant}", what, math.floor(more) or 1)
    returned = -sum(bill.credits_micro_usd for bill in bills)
    if difference := returned - sum(credit.amount_micro_usd for credit in credits):
        yield Finding("service credits", "micro-USD more on bills than posted", difference)
    paid = -sum(bill.wallet_micro_usd for bill in bills)
    if difference := paid + sum(entry.amount_micro for entry in agreed.wallet if entry.kind == DRAWN):
        yield Finding("wallets", "micro-USD more on bills than drawn", difference)
    for entry in agreed.wallet:
        if entry.balance_micro < 0:
            what, at_s = "micro-USD, a balance below 0", names.epoch_s + month_bounds(names.epoch_s, entry.month)[0]
            yield Finding(f"wallet {entry.wallet}", what, entry.balance_micro, at_s)


def _totals(values: NDArray[Any], *columns: IntArray) -> dict[tuple[int, ...], int]:
    """Return the exact sum of `values` per distinct row of `columns`, without those that are 0."""
    order, first = group_rows(*columns)
    keys = zip(*(column[order[first]].tolist() for column in columns), strict=True)
    return {key: total for key, total in zip(keys, exact_sums(values[order], first), strict=True) if total}


def _place(names: Names, hour_s: int, region: int, sku: int) -> str:
    return f"hour {utc_text(names.epoch_s + hour_s)}, {_name(names.regions, region)}, {_name(names.skus, sku)}"


def _name(words: Sequence[str], index: int) -> str:
    return words[index] if 0 <= index < len(words) else f"#{index}"
