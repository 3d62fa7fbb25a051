"""From line items to charges: what each tenant owes for each product in each month of a period, step by step."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from billing.columns import group_rows
from billing.currency import DEFAULT, Currency
from billing.metering.classes import BILLED, CLASSES
from billing.metering.meters import METERS
from billing.money import BP, exact_sum, exact_sums, floor_decimal
from billing.months import Period, month_bounds, month_numbers
from billing.rating.charge import Charge, Step, Units
from billing.rating.models import Measure, exact, less, rate_measure
from billing.rating.prices import NO_ROW, PriceBook
from billing.rating.rate import LineItemTable, month_plan
from billing.usage import IntArray, Names

NOTHING = Units(0)


def charges_of(
    names: Names,
    lines: LineItemTable,
    book: PriceBook,
    period: Period,
    plans: Sequence[str] | None = None,
    currency: Currency = DEFAULT,
    only: NDArray[np.bool_] | None = None,
) -> list[Charge]:
    """Return the charges of a period, sorted by (tenant, month, product, SKU, region, meter, price row, class, factor).

    Hours at single prices make one charge per class (billed, degraded, free of charge for a reason); where hours share
    tiers, all classes are one charge. Of a month that is only partly in the period, a charge is what that part adds.
    Amounts of the steps, and of the rows, add up to the charge exactly.

    Args:
        lines:  all line items of the months that the period touches, from `rate` with the same book and plans.
        only:   which of them to charge, (n,); all by default. Others need no price in the book.

    Raises:
        PriceError: the book does not price a line.
    """
    if only is None:
        chosen, numbers = np.arange(len(lines)), book.row_numbers(names, _keys(lines), plans)
    else:
        chosen, numbers = np.flatnonzero(only), np.full(len(lines), NO_ROW)
        numbers[chosen] = book.row_numbers(names, _Keys(*(column[chosen] for column in _keys(lines))), plans)
    month = month_numbers(names.epoch_s, lines.hour_s)
    ends, charges = book.ends(), []
    for rows in _groups(lines, book, numbers, month, chosen):
        low, high = (int(at) for at in np.searchsorted(lines.hour_s[rows], (period.from_s, period.until_s)))
        if low == high:
            continue
        number, some, inside = int(numbers[rows[0]]), int(rows[0]), rows[low:high]
        row, meter = book.rows[number], METERS[int(lines.meter[some])]
        bounds = month_bounds(names.epoch_s, int(month[some]))
        charges.append(
            Charge(
                tenant=names.tenants[lines.tenant[some]],
                product=names.products[lines.product[some]],
                sku=names.skus[lines.sku[some]],
                region=names.regions[lines.region[some]],
                meter=meter.code,
                from_s=max(names.epoch_s + max(bounds[0], period.from_s), row.from_unix_s),
                until_s=min(names.epoch_s + min(bounds[1], period.until_s), ends[number]),
                quantity=exact_sum(lines.quantity[inside]),
                unit=meter.unit,
                rate_id=f"price[{number}]",
                model=row.model,
                currency=currency.code,
                exact=exact(Fraction(exact_sum(lines.numerator[inside]), lines.denominator)),
                steps=_steps(names, lines, rows, low, high, book, number),
                rows=inside,
                charge_class=CLASSES[int(lines.charge_class[some]) if row.is_linear else BILLED],
                factor_bp=int(lines.factor_bp[some]) if row.is_linear else BP,
            )
        )
    return charges


class _Keys(NamedTuple):
    """What some line items are priced by, (n,) int64 each."""

    product: IntArray
    sku: IntArray
    region: IntArray
    meter: IntArray
    hour_s: IntArray


def _keys(lines: LineItemTable) -> _Keys:
    return _Keys(lines.product, lines.sku, lines.region, lines.meter, lines.hour_s)


def _groups(
    lines: LineItemTable, book: PriceBook, numbers: IntArray, month: IntArray, chosen: IntArray
) -> Iterator[IntArray]:
    """Yield the rows of each charge among the `chosen` ones, in the order of time; the groups in that of charges."""
    linear = np.array([row.is_linear for row in book.rows], dtype=np.bool_)
    keys = [lines.tenant, month, lines.product, lines.sku, lines.region, lines.meter, numbers]
    columns = [lines.charge_class, lines.factor_bp, *keys]
    if len(chosen) < len(lines):
        columns = [column[chosen] for column in columns]
    charge_class, factor_bp, *keys = columns
    alone = linear[keys[-1]]
    order, first = group_rows(*keys, np.where(alone, charge_class, 0), np.where(alone, factor_bp, 0))
    for part in np.split(order, first[1:]) if len(first) else ():
        rows = chosen[part]
        hour_s = lines.hour_s[rows]
        # Line items come in the order of tenants and hours, so this is nearly always sorted already.
        yield rows if (hour_s[1:] >= hour_s[:-1]).all() else rows[np.argsort(hour_s, kind="stable")]


def _steps(
    names: Names, lines: LineItemTable, rows: IntArray, low: int, high: int, book: PriceBook, number: int
) -> tuple[Step, ...]:
    """Return the steps of rows[low:high], the part of a month whose hours are `rows`, in the order of time."""
    if book.rows[number].is_linear:
        return _linear_steps(lines, rows[low:high], book, number)
    return _shared_steps(names, lines, rows, low, high, book, number)


def _linear_steps(lines: LineItemTable, rows: IntArray, book: PriceBook, number: int) -> tuple[Step, ...]:
    """Return one step per price that applied, and what the class of the rows takes off."""
    per = book.rows[number].per
    steps, whole = [], Fraction(0)
    for quantity, micro in _by_price(lines.quantity[rows], lines.unit_price_micro_usd[rows]):
        units = Fraction(quantity, per)
        steps.append(Step("unit price", Units(units.numerator, units.denominator), micro, exact(units * micro)))
        whole += units * micro
    factor_bp = int(lines.factor_bp[rows[0]])
    if factor_bp != BP:
        what = f"{CLASSES[int(lines.charge_class[rows[0]])]}, charged at {floor_decimal(factor_bp, 100, 2)} %"
        steps.append(Step(what, NOTHING, None, exact(whole * Fraction(factor_bp - BP, BP))))
    return tuple(steps)


def _by_price(quantity: IntArray, price: IntArray) -> Iterable[tuple[int, int]]:
    """Return (quantity, price) of each price, ascending. Nearly always there is one, and nothing to sort."""
    if (price == price[0]).all():
        return [(exact_sum(quantity), int(price[0]))]
    order, first = group_rows(price)
    return zip(exact_sums(quantity[order], first), price[order][first].tolist(), strict=True)


def _shared_steps(
    names: Names, lines: LineItemTable, rows: IntArray, low: int, high: int, book: PriceBook, number: int
) -> tuple[Step, ...]:
    """As `_steps`, where hours share tiers: none where the part adds nothing."""
    month = int(month_numbers(names.epoch_s, lines.hour_s[rows[:1]])[0])
    plan = month_plan(book, number, names.epoch_s, month)
    per = book.rows[number].per

    def counted(part: IntArray) -> Fraction:
        return sum((Fraction(held * factor_bp, per * BP) for held, factor_bp in _by_factor(lines, part)), Fraction(0))

    total = counted(rows)
    if high < len(rows):
        plan = plan._replace(minimum_micro=None)  # what a month lacks falls on its last hour
    steps = rate_measure(plan, Measure(counted(rows[:high]), tier_units=total))
    if low:
        before = rate_measure(plan._replace(minimum_micro=None), Measure(counted(rows[:low]), tier_units=total))
        steps = less(steps, before)
    return tuple(_without_charge(lines, rows[low:high], per)) + steps


def _without_charge(lines: LineItemTable, rows: IntArray, per: int) -> Iterator[Step]:
    """Yield what was held and did not count, or not in full: why fewer units are priced than were used."""
    unit = METERS[int(lines.meter[rows[0]])].unit
    order, first = group_rows(lines.charge_class[rows], lines.factor_bp[rows])
    held = exact_sums(lines.quantity[rows][order], first)
    for row, quantity in zip(rows[order][first].tolist(), held, strict=True):
        factor_bp = int(lines.factor_bp[row])
        if factor_bp != BP:
            reason = CLASSES[int(lines.charge_class[row])]
            what = f"{quantity} {unit} {reason}, counted at {floor_decimal(factor_bp, 100, 2)} %"
            units = Fraction(quantity, per)
            yield Step(what, Units(units.numerator, units.denominator), None, exact(Fraction(0)))


def _by_factor(lines: LineItemTable, rows: IntArray) -> list[tuple[int, int]]:
    """Return (quantity, factor) of each factor among the rows."""
    order, first = group_rows(lines.factor_bp[rows])
    held = exact_sums(lines.quantity[rows][order], first)
    return list(zip(held, lines.factor_bp[rows][order][first].tolist(), strict=True))
