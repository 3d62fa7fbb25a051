"""The hours behind the lines of a month's invoice, from the books that it was made of."""

from collections.abc import Sequence

import numpy as np

from billing.closing.month import Basis, Part
from billing.documents.hours import HourShare
from billing.money import SECONDS_PER_HOUR, Exact
from billing.rating.rate import NO_UNIT_PRICE
from billing.usage import IntArray


def hours_behind(basis: Basis, parts: Sequence[Part]) -> dict[int, list[HourShare]]:
    """Return the hours of each line that has any, by line number. `parts` are the invoice's, in its order."""
    return {number: _shares(basis, part.rows) for number, part in enumerate(parts, start=1) if len(part.rows)}


def _shares(basis: Basis, rows: IntArray) -> list[HourShare]:
    lines, epoch_s = basis.lines, basis.books.names.epoch_s
    rows = rows[np.argsort(lines.hour_s[rows], kind="stable")]
    columns = (lines.hour_s, lines.quantity, lines.numerator, lines.factor_bp, lines.unit_price_micro_usd)
    return [
        HourShare(
            from_s=epoch_s + hour_s,
            until_s=epoch_s + hour_s + SECONDS_PER_HOUR,
            quantity=quantity,
            exact=Exact(int(numerator), lines.denominator),
            factor_bp=factor_bp,
            unit_price_micro=None if price == NO_UNIT_PRICE else price,
        )
        for hour_s, quantity, numerator, factor_bp, price in zip(
            *(column[rows].tolist() for column in columns), strict=True
        )
    ]
