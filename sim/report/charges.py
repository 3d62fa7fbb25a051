"""What was charged: revenue by tenant, one tenant's bill by the hour and by the month, and the service levels."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from billing.books import Books
from billing.columns import group_rows
from billing.invoices.bill import BALANCES, CREDIT, USAGE, Bill
from billing.money import MICRO_PER_CENT, exact_sum, format_price, largest_remainder
from billing.months import month_label, month_numbers
from billing.rating.rate import NO_UNIT_PRICE
from sim.report.model import BillColumn, BillHour, MonthLine, RevenueRow, SlaRow, TenantBill
from sim.report.text import DAY_S, HOUR_S
from sim.report.timeline import HOLDER_OF_BAND, is_rented
from sim.result import IntArray, RunResult
from tenants.band import Band

COLUMNS_MAX = 4  # kinds of line on the hourly bill; the rest are put together
_HOURS = 24
_SPARE_KEYS = ("accent", "gathering", "fragmented")


def revenue(result: RunResult, bills: Sequence[Bill]) -> tuple[RevenueRow, ...]:
    """Return what was charged for rentals by tenant and product, largest first: the sums of the bills' own lines."""
    rented = dict(zip(result.world.names.products, is_rented(result).tolist(), strict=True))
    found: dict[tuple[str, str], RevenueRow] = {}
    for bill in bills:
        for line in bill.lines:
            if line.kind in BALANCES or not rented[line.product]:
                continue
            row = found.get((bill.tenant, line.product), RevenueRow(bill.tenant, line.product, 0, 0, 0))
            charge, credit = (0, -line.amount_micro_usd) if line.kind == CREDIT else (line.amount_micro_usd, 0)
            found[row.tenant, row.product] = row._replace(
                gpu_s=row.gpu_s + (line.quantity_gpu_s if line.kind == USAGE else 0),
                amount_micro_usd=row.amount_micro_usd + charge,
                credit_micro_usd=row.credit_micro_usd + credit,
            )
    return tuple(sorted(found.values(), key=lambda row: (-row.amount_micro_usd, row.tenant, row.product)))


def money_residual(books: Books, bills: Sequence[Bill]) -> int:
    """Return micro-USD, rounded up, that differ between line items and contracts, bills and their lines, or credits."""
    billed = sum((Fraction(*bill.exact_charges) for bill in bills), Fraction(0))
    rated = Fraction(exact_sum(books.lines.numerator), books.lines.denominator)
    rated += sum((Fraction(*line.exact) for line in books.agreed.lines), Fraction(0))
    apart = math.ceil(abs(billed - rated))
    apart += sum(abs(sum(line.amount_micro_usd for line in bill.lines) - bill.total_micro_usd) for bill in bills)
    posted = sum(credit.amount_micro_usd for credit in books.credits)
    return apart + abs(sum(bill.credits_micro_usd for bill in bills) + posted)


def tenant_bill(result: RunResult, books: Books, bills: Sequence[Bill]) -> TenantBill | None:
    """Return the bill of the renter with the largest charges on its dearest day (UTC); None if nobody paid for rentals.

    Amounts of the day are rounded to cents together, so that hours and columns add up to the day's total.
    """
    lines = books.lines
    rows = np.flatnonzero(is_rented(result)[lines.product])
    if not lines.amount_micro_usd[rows].any():
        return None
    tenant = _dearest(lines.tenant[rows], lines.amount_micro_usd[rows])
    days = (books.names.epoch_s + lines.hour_s) // DAY_S
    rows = rows[lines.tenant[rows] == tenant]
    day = _dearest(days[rows], lines.amount_micro_usd[rows])
    rows = np.flatnonzero((lines.tenant == tenant) & (days == day))
    columns, column_of_row = _columns(result, books, rows)
    # The first full hour of the day; hours count from the epoch.
    day_s = -(-(day * DAY_S - books.names.epoch_s) // HOUR_S) * HOUR_S
    gpu_s = np.zeros((_HOURS, len(columns)), dtype=np.int64)
    micro_usd = np.zeros_like(gpu_s)
    cell = ((lines.hour_s[rows] - day_s) // HOUR_S, column_of_row)
    np.add.at(gpu_s, cell, lines.quantity[rows])
    np.add.at(micro_usd, cell, lines.amount_micro_usd[rows])
    cents = largest_remainder(micro_usd.ravel().tolist(), MICRO_PER_CENT)
    amounts = [
        tuple(cent * MICRO_PER_CENT for cent in cents[at : at + len(columns)])
        for at in range(0, len(cents), len(columns))
    ]
    month = month_label(int(month_numbers(books.names.epoch_s, lines.hour_s[rows[:1]])[0]))
    document = next(b for b in bills if b.tenant == books.names.tenants[tenant] and b.period.label == month)
    return TenantBill(
        tenant=books.names.tenants[tenant],
        day_s=day_s,
        columns=columns,
        hours=tuple(
            BillHour(day_s + hour * HOUR_S, tuple(gpu_s[hour].tolist()), amounts[hour], sum(amounts[hour]))
            for hour in range(_HOURS)
        ),
        day_total_micro_usd=sum(cents) * MICRO_PER_CENT,
        month=month,
        month_lines=tuple(_month_lines(document)),
        month_total_micro_usd=document.total_micro_usd,
    )


def sla(books: Books) -> tuple[SlaRow, ...]:
    """Return the service levels, with names for indices."""
    names = books.names
    return tuple(
        SlaRow(
            tenant=names.tenants[row.tenant],
            product=names.products[row.product],
            month=month_label(row.month),
            healthy_gpu_s=row.healthy_gpu_s,
            entitled_gpu_s=row.entitled_gpu_s,
            target_bp=row.target_bp,
            notices=row.notices_total,
            notices_kept=row.notices_kept,
            start_p50_s=row.wait_s_p50,
            start_p95_s=row.wait_s_p95,
            start_p99_s=row.wait_s_p99,
            credit_micro_usd=row.credit_micro_usd,
        )
        for row in books.sla
    )


def _dearest(keys: IntArray, amounts: IntArray) -> int:
    """Return the key with the largest sum of amounts, the least such key."""
    found, place = np.unique(keys, return_inverse=True)
    sums = np.zeros(len(found), dtype=np.int64)
    np.add.at(sums, place, amounts)
    return int(found[np.argmax(sums)])


def _columns(result: RunResult, books: Books, rows: IntArray) -> tuple[tuple[BillColumn, ...], IntArray]:
    """Return the kinds of line among `rows`, dearest first and at most COLUMNS_MAX, and each row's place among them."""
    lines, names = books.lines, books.names
    keys = (lines.product[rows], lines.sku[rows], lines.region[rows], lines.unit_price_micro_usd[rows])
    order, first = group_rows(*keys)
    sums = np.add.reduceat(lines.amount_micro_usd[rows][order], first)
    rank = np.argsort(np.argsort(-sums, kind="stable"), kind="stable")
    group = np.repeat(np.arange(len(first)), np.diff(first, append=len(order)))
    place = np.empty(len(rows), dtype=np.int64)
    together = len(first) > COLUMNS_MAX
    place[order] = np.minimum(rank, COLUMNS_MAX - 1)[group] if together else rank[group]
    columns: list[BillColumn] = []
    keys_left = list(_SPARE_KEYS)
    for row in order[first[np.argsort(rank)]].tolist()[: COLUMNS_MAX - 1 if together else COLUMNS_MAX]:
        product, sku, region, price = (int(key[row]) for key in keys)
        # The colour of the main picture, once; a second price or pool of the same band takes a spare one.
        own = HOLDER_OF_BAND[Band(result.world.products[product].band)]
        fill = keys_left.pop(0) if own in (column.key for column in columns) else own
        paid = None if price == NO_UNIT_PRICE else price
        columns.append(BillColumn(fill, names.products[product], names.skus[sku], names.regions[region], paid))
    if together:
        columns.append(BillColumn("idle", "all other lines", "", "", None))
    return tuple(columns), place


def _month_lines(bill: Bill) -> list[MonthLine]:
    found = []
    for line in bill.lines:
        single = line.unit_price_micro_usd != NO_UNIT_PRICE
        at = f"at ${format_price(line.unit_price_micro_usd)}" if single else "by tiers"
        price = f"{line.sku}, {line.region}, {at}"
        what = f"{line.product}, {line.note or price}"
        found.append(MonthLine(what, line.quantity_gpu_s, line.amount_micro_usd))
    return found
