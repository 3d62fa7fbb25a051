"""Hourly usage x price book = line items: one per usage row, exact, with a share of the month's rounded amount."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from billing.columns import group_rows, row_keys
from billing.errors import PriceError
from billing.metering.meter import UsageTable, require_indices
from billing.metering.meters import METERS
from billing.money import BP, INT64_MAX, SECONDS_PER_HOUR, format_price, format_usd, largest_remainder_by_group, product
from billing.months import month_bounds, month_numbers
from billing.rating.curves import shares
from billing.rating.plan import Plan, prorated
from billing.rating.prices import PriceBook
from billing.rating.proration import PRORATIONS
from billing.usage import IntArray, Names

NO_UNIT_PRICE = -1  # of a row whose hours share tiers or packages: no single price was paid
PER = np.array([meter.per for meter in METERS], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class LineItemTable:
    """Rated usage, (n,) columns in the order of the usage table.

    `quantity` is in base units of the meter (GPU-seconds), `unit_price_micro_usd` per priced unit (GPU-hour) or
    `NO_UNIT_PRICE`, `factor_bp` the part of it that is charged. The exact amount of a row is `numerator` /
    `denominator` micro-units of the currency. `numerator` is int64, or Python ints (dtype object) where a product would
    not fit. `meter` and `charge_class` are those of the usage row. `amount_micro_usd` is int64: the row's share of the
    exact sum of its (tenant, month, product, sku, region, meter), rounded once to a micro-unit and dealt out by largest
    remainder. It differs from the exact amount by less than 1.
    """

    tenant: IntArray
    hour_s: IntArray
    product: IntArray
    sku: IntArray
    region: IntArray
    quantity: IntArray
    unit_price_micro_usd: IntArray
    numerator: NDArray[Any]
    amount_micro_usd: IntArray
    meter: IntArray
    charge_class: IntArray
    factor_bp: IntArray
    denominator: int = SECONDS_PER_HOUR

    def __len__(self) -> int:
        return len(self.quantity)

    def amount_usd(self) -> list[str]:
        """Return `amount_micro_usd` as decimal text with 6 decimals."""
        return [format_usd(amount) for amount in self.amount_micro_usd.tolist()]


def price_text(unit_price_micro_usd: int) -> str:
    """Return a unit price for reading: 2.95, or "by tiers" where no single price was paid."""
    return "by tiers" if unit_price_micro_usd == NO_UNIT_PRICE else format_price(unit_price_micro_usd)


class Amounts(NamedTuple):
    """Exact amounts of the rows of a usage table: numerator / denominator, and the unit price of each."""

    unit_price_micro: IntArray
    numerator: NDArray[Any]
    denominator: int


def rate(names: Names, usage: UsageTable, book: PriceBook, plans: Sequence[str] | None = None) -> LineItemTable:
    """Return the line item of every usage row, priced at the start of its hour.

    Where the price row has tiers, packages, free units, a minimum or a maximum, these count per (tenant, month,
    product, SKU, region, meter) and start anew where another price row takes over; an hour's amount is what it adds to
    the month so far. `plans` holds the price plan of each of `names.products`; by default their own codes.

    Raises:
        PriceError:  a row has no price, or one that needs single events, which hours do not have.
        UsageError:  an index that `names` does not hold.
    """
    require_indices(names, "usage", tenant=usage.tenant, product=usage.product, region=usage.region, sku=usage.sku)
    price, numerator, denominator = exact_amounts(names, usage, book, plans)
    return LineItemTable(
        tenant=usage.tenant,
        hour_s=usage.hour_s,
        product=usage.product,
        sku=usage.sku,
        region=usage.region,
        quantity=usage.quantity,
        unit_price_micro_usd=price,
        numerator=numerator,
        amount_micro_usd=largest_remainder_by_group(numerator, denominator, rounding_group(names, usage)),
        meter=usage.meter,
        charge_class=usage.charge_class,
        factor_bp=usage.factor_bp,
        denominator=denominator,
    )


def exact_amounts(names: Names, usage: UsageTable, book: PriceBook, plans: Sequence[str] | None = None) -> Amounts:
    """Return the exact amounts of usage; the denominator is the least that serves all rows.

    It stays 3,600 while GPU-hours at single prices are charged in full or not at all. Arguments and errors as `rate`.
    """
    numbers = book.row_numbers(names, usage, plans)
    price = book.micro_of(names, usage, numbers)
    linear = np.array([row.is_linear for row in book.rows], dtype=np.bool_)
    if linear.all():
        return Amounts(price, *_products(usage, price))
    alone = linear[numbers]
    numerator, denominator = _products(usage, np.where(alone, price, 0))
    together = [
        (rows, *shares(*_month(names, usage, book, numbers, rows))) for rows in _months(names, usage, numbers, ~alone)
    ]
    whole = lcm(denominator, *(each for _, _, each in together))
    numerator = _scaled(numerator, whole // denominator)
    for rows, numerators, each in together:
        more = _scaled(numerators, whole // each)
        if more.dtype == object and numerator.dtype != object:
            numerator = numerator.astype(object)
        numerator[rows] = more
    return Amounts(np.where(alone, price, NO_UNIT_PRICE), numerator, whole)


def month_plan(book: PriceBook, number: int, epoch_s: int, month: int) -> Plan:
    """Return the plan of a price row in a month: its fees for the part of the month in which it applies."""
    row = book.rows[number]
    if row.proration == "none":
        return row.plan
    from_s, until_s = (epoch_s + bound_s for bound_s in month_bounds(epoch_s, month))
    inside = max(from_s, row.from_unix_s), min(until_s, book.ends()[number])
    return prorated(row.plan, PRORATIONS[row.proration](*inside, from_s, until_s))


def _months(names: Names, usage: UsageTable, numbers: IntArray, chosen: NDArray[np.bool_]) -> list[IntArray]:
    """Return the rows that share tiers, those of each group in the order of time."""
    rows = np.flatnonzero(chosen)
    rows = rows[np.argsort(usage.hour_s[rows], kind="stable")]
    month = month_numbers(names.epoch_s, usage.hour_s[rows])
    keys = (usage.tenant, usage.product, usage.sku, usage.region, usage.meter, numbers)
    order, first = group_rows(month, *(column[rows] for column in keys))
    return [rows[part] for part in np.split(order, first[1:])] if len(first) else []


def _month(
    names: Names, usage: UsageTable, book: PriceBook, numbers: IntArray, rows: IntArray
) -> tuple[Plan, IntArray, int]:
    """Return (plan, what counts in each hour, its parts of a priced unit) of the rows of one month."""
    number = int(numbers[rows[0]])
    plan = month_plan(book, number, names.epoch_s, int(month_numbers(names.epoch_s, usage.hour_s[rows[:1]])[0]))
    if plan.asks_for_events:
        message = "the price is per event, and hourly usage has none: rate single events instead"
        raise PriceError(message, code="needs_events", path=f"price[{number}]", found=plan.model)
    counted, parts = _counted(usage.quantity[rows], usage.factor_bp[rows])
    return plan, counted, book.rows[number].per * parts


def _counted(quantity: IntArray, factor_bp: IntArray) -> tuple[IntArray, int]:
    """Return quantity x factor and its denominator, which is 1 while everything counts in full or not at all."""
    whole = factor_bp == BP
    if (whole | (factor_bp == 0)).all():
        return quantity * whole, 1
    return product(quantity, factor_bp), BP


def _products(usage: UsageTable, price: IntArray) -> tuple[NDArray[Any], int]:
    """Return quantity x price x factor of each row over a common denominator."""
    counted, parts = _counted(usage.quantity, usage.factor_bp)
    amounts = product(counted, price)
    used = PER[np.flatnonzero(np.bincount(usage.meter))].tolist()
    whole = lcm(SECONDS_PER_HOUR, *used)  # a multiple of 3,600 always, so that fees per hour can be added
    if used != [whole]:
        amounts = product(amounts, whole // PER[usage.meter])
    return amounts, whole * parts


def _scaled(values: NDArray[Any], by: int) -> NDArray[Any]:
    """Return values x by, in Python ints where an int64 might not hold it."""
    most = max(abs(int(values.max())), abs(int(values.min()))) if len(values) else 0
    return values * by if values.dtype == object or most * by <= INT64_MAX else values.astype(object) * by


def over(lines: LineItemTable, denominator: int) -> NDArray[Any]:
    """Return the numerators of line items over another denominator, which must be a multiple of their own."""
    assert denominator % lines.denominator == 0, "no numerator may become a fraction"
    return _scaled(lines.numerator, denominator // lines.denominator)


def rounding_group(names: Names, usage: UsageTable | LineItemTable) -> IntArray:
    """Return the (tenant, month, product, sku, region, meter) that a row is rounded with, as one int64 per row."""
    month = month_numbers(names.epoch_s, usage.hour_s)
    return row_keys(usage.tenant, month, usage.product, usage.sku, usage.region, usage.meter)
