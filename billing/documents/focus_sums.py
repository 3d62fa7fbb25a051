"""The arithmetic of single FOCUS rows: costs and times, done again from the integers that the rows carry.

On purpose not the writer's code: decimals are read into ints of 10**-12, products are compared crosswise.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from billing.money import BP, SECONDS_PER_HOUR
from billing.months import parse_utc

Row = dict[str, str | None]

_PLACES = 12
_ONE = 10**_PLACES
MICRO = 10**6  # units of 10**-12 in a micro-unit


class FocusFinding(NamedTuple):
    """A fault: data row counted from 1 (0 for the table as a whole), rule, column, what was found, what is allowed."""

    row: int
    rule: str
    column: str
    found: str
    allowed: str


def read(text: str | None) -> int:
    """Return decimal text with at most 12 places as an int of 10**-12."""
    assert text is not None, "only columns that are never null, or that were seen to hold a value"
    whole, _, part = text.removeprefix("-").partition(".")
    value: int = int(whole) * _ONE + int(part.ljust(_PLACES, "0"))
    return -value if text.startswith("-") else value


def number_in(text: str | None) -> int:
    assert text is not None
    return int(text)


def _seconds(text: str | None) -> int:
    assert text is not None
    return parse_utc(text)


def fault(number: int, row: Row, column: str, allowed: str) -> FocusFinding:
    return FocusFinding(number, "", column, row[column] or "null", allowed)


def costs(table: Sequence[Row]) -> Iterator[FocusFinding]:
    """Cost = price x quantity, to the last place; the exact amount is that x factor; quantities agree."""
    for number, row in enumerate(table, start=1):
        exact, whole = number_in(row["x_CostNumerator"]), number_in(row["x_CostDenominator"])
        if whole < 1:
            yield fault(number, row, "x_CostDenominator", "1 or more")
            continue
        if row["x_UnitSize"] is not None and row["ContractedUnitPrice"] is not None:
            yield from _unit_costs(number, row, exact, whole)
        else:
            for name in ("ListCost", "ContractedCost"):
                if abs(read(row[name]) * whole - exact * MICRO) * 2 > whole:
                    yield fault(number, row, name, f"{exact}/{whole} micro-units")
                price = row[name.replace("Cost", "UnitPrice")]
                if price is not None and read(price) * read(row["PricingQuantity"]) != read(row[name]) * _ONE:
                    yield fault(number, row, name, "price x quantity")
        if not 0 <= number_in(row["x_FactorBp"]) <= BP:
            yield fault(number, row, "x_FactorBp", f"0 to {BP}")
        for name in ("ConsumedQuantity", "x_GpuSeconds"):
            scale = 1 if name.startswith("x_") else _ONE
            value = row[name]
            if value is not None and (
                row["x_Quantity"] is None
                or (read(value) if scale > 1 else int(value)) != scale * number_in(row["x_Quantity"])
            ):
                yield fault(number, row, name, "the same as x_Quantity")
        yield from _effective(number, row)
        yield from _consumed(number, row)


def _unit_costs(number: int, row: Row, exact: int, whole: int) -> Iterator[FocusFinding]:
    size, quantity, factor = number_in(row["x_UnitSize"]), number_in(row["x_Quantity"]), number_in(row["x_FactorBp"])
    if size < 1:
        yield fault(number, row, "x_UnitSize", "1 or more")
        return
    if abs(read(row["PricingQuantity"]) * size - quantity * _ONE) * 2 > size:
        yield fault(number, row, "PricingQuantity", f"{quantity}/{size}")
    if row["SkuPriceId"] != f"{row['SkuId']}@{read(row['ContractedUnitPrice']) // MICRO}":
        yield fault(number, row, "SkuPriceId", "SkuId@price in micro-units")
    for name in ("ListCost", "ContractedCost"):
        price = read(row[name.replace("Cost", "UnitPrice")])
        if abs(read(row[name]) * size - price * quantity) * 2 > size:
            yield fault(number, row, name, f"price x {quantity}/{size}")
    price = read(row["ContractedUnitPrice"])
    if exact * size * BP * MICRO != whole * price * quantity * factor:
        yield fault(number, row, "x_CostNumerator", "price x quantity x factor, exactly")
    if read(row["ListUnitPrice"]) < price:
        yield fault(number, row, "ListUnitPrice", "not below the contracted price")


def _consumed(number: int, row: Row) -> Iterator[FocusFinding]:
    """What was used is told, but for capacity that nobody used and for usage that a late fact takes back."""
    unused = "Unused" in (row["CommitmentDiscountStatus"], row["CapacityReservationStatus"])
    if row["x_Quantity"] is None or unused:
        return
    told = int(row["x_Quantity"]) > 0 or row["ChargeClass"] is not None
    if (row["ConsumedQuantity"] is not None) != told:
        yield fault(number, row, "ConsumedQuantity", "a value" if told else "null")


def _effective(number: int, row: Row) -> Iterator[FocusFinding]:
    """The cost that counts is the billed one, but where something was paid before or elsewhere."""
    billed, effective = read(row["BilledCost"]), read(row["EffectiveCost"])
    prepaid = row["ChargeCategory"] in ("Purchase", "Credit") and effective == 0
    if effective != billed and not prepaid:
        yield fault(number, row, "EffectiveCost", f"BilledCost, {row['BilledCost']}")


def times(table: Sequence[Row]) -> Iterator[FocusFinding]:
    """Periods are months and hours, inside each other but for corrections, and rows of a line follow each other."""
    last: dict[tuple[str | None, ...], int] = {}
    alone = _lines_of_one_row(table)
    for number, row in enumerate(table, start=1):
        month, month_end = row["BillingPeriodStart"] or "", row["BillingPeriodEnd"] or ""
        if month[7:] != "-01T00:00:00Z" or month_end != _next_month(month):
            yield fault(number, row, "BillingPeriodEnd", "the month after a BillingPeriodStart on its first second")
            continue
        from_s, until_s = _seconds(row["ChargePeriodStart"]), _seconds(row["ChargePeriodEnd"])
        if until_s <= from_s:
            yield fault(number, row, "ChargePeriodEnd", "later than ChargePeriodStart")
        if row["ChargeClass"] is None and not _seconds(month) <= from_s < _seconds(month_end):
            yield fault(number, row, "ChargePeriodStart", "inside the billing period")
        key = line_of(row)
        # Of later months, which may have been invoiced first, there are corrections without hours alone.
        after = from_s >= _seconds(month_end) and key in alone
        if row["ChargeClass"] is not None and from_s >= _seconds(month) and not after:
            yield fault(number, row, "ChargeClass", "null: the charge period was not invoiced before")
        if row["x_GpuSeconds"] is not None and until_s - from_s != SECONDS_PER_HOUR and key not in alone:
            yield fault(number, row, "ChargePeriodEnd", f"{SECONDS_PER_HOUR} s after ChargePeriodStart")
        if from_s < last.get(key, from_s):
            yield fault(number, row, "ChargePeriodStart", "not before the row above")
        last[key] = from_s


def _next_month(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{year + number // 12:04d}-{number % 12 + 1:02d}-01T00:00:00Z"


def line_of(row: Row) -> tuple[str | None, ...]:
    tax = "tax" if row["ChargeCategory"] == "Tax" else "net"
    return row["InvoiceId"], row["x_InvoiceLine"], tax


def _lines_of_one_row(table: Sequence[Row]) -> set[tuple[str | None, ...]]:
    rows = sorted(map(line_of, table), key=str)
    return {line for line, group in groupby(rows) if len(list(group)) == 1}
