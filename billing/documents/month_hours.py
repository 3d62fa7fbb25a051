"""The hours behind the lines of a month's invoice, from the books that it was made of."""

from collections.abc import Callable, Sequence

import numpy as np

from billing.closing.agreed_items import contract_basis
from billing.closing.month import Basis, Part
from billing.contracts.hour_rows import ContractHour, contract_hours
from billing.documents.hours import HourShare, exact_total
from billing.invoices.invoice import Item
from billing.money import SECONDS_PER_HOUR, Exact, reduced
from billing.rating.rate import NO_UNIT_PRICE
from billing.usage import IntArray

# Lines of contracts that have hours of their own -> what of a contract's hour is theirs.
_CAPACITY: dict[str, Callable[[ContractHour], int]] = {
    "reservation_unused": lambda hour: hour.unused + hour.lent,
}


def hours_behind(basis: Basis, parts: Sequence[Part]) -> dict[int, list[HourShare]]:
    """Return the hours of each line that has any, by line number. `parts` are the invoice's, in its order.

    Reserved capacity that nobody used has hours as usage has; money (credits, floors, wallets) has none.
    """
    found = {number: _shares(basis, part.rows) for number, part in enumerate(parts, start=1) if len(part.rows)}
    hours_of: dict[str, list[ContractHour]] = {}
    for number, part in enumerate(parts, start=1):
        contract, _, kind = part.item.cause.rpartition("/")
        if kind in _CAPACITY and part.item.kind == "reservation":
            if contract not in hours_of:
                hours_of[contract] = contract_hours(contract_basis(basis.books, basis.terms), contract)
            shares = _unused(basis, part.item, hours_of[contract], _CAPACITY[kind])
            # A line that is not simply hours at their price (a fee at another rate) stays one row, in full.
            if _adds_up(part.item, shares):
                found[number] = shares
    return found


def _adds_up(item: Item, shares: Sequence[HourShare]) -> bool:
    numerator, denominator = exact_total([share.exact for share in shares])
    same = numerator * item.exact.denominator == item.exact.numerator * denominator
    return same and sum(share.quantity for share in shares) == item.quantity


def _unused(
    basis: Basis, item: Item, hours: Sequence[ContractHour], gpu_s_of: Callable[[ContractHour], int]
) -> list[HourShare]:
    epoch_s = basis.books.names.epoch_s
    return [
        HourShare(
            from_s=epoch_s + hour.hour_s,
            until_s=epoch_s + hour.hour_s + SECONDS_PER_HOUR,
            quantity=gpu_s,
            exact=reduced(Exact(gpu_s * hour.price_micro, SECONDS_PER_HOUR)),
            unit_price_micro=hour.price_micro,
        )
        for hour in hours
        if (gpu_s := gpu_s_of(hour)) and item.from_s - SECONDS_PER_HOUR < epoch_s + hour.hour_s < item.until_s
    ]


def _shares(basis: Basis, rows: IntArray) -> list[HourShare]:
    lines, epoch_s = basis.lines, basis.books.names.epoch_s
    rows = rows[np.argsort(lines.hour_s[rows], kind="stable")]
    columns = (lines.hour_s, lines.quantity, lines.numerator, lines.factor_bp, lines.unit_price_micro_usd)
    return [
        HourShare(
            from_s=epoch_s + hour_s,
            until_s=epoch_s + hour_s + SECONDS_PER_HOUR,
            quantity=quantity,
            exact=reduced(Exact(int(numerator), lines.denominator)),
            factor_bp=factor_bp,
            unit_price_micro=None if price == NO_UNIT_PRICE else price,
        )
        for hour_s, quantity, numerator, factor_bp, price in zip(
            *(column[rows].tolist() for column in columns), strict=True
        )
    ]
