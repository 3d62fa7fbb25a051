"""The hours behind the lines of a month's invoice, from the books that it was made of."""

from collections.abc import Sequence

from billing.closing.month import Basis, Part
from billing.documents.hours import HourShare
from billing.money import SECONDS_PER_HOUR, Exact
from billing.usage import IntArray


def hours_behind(basis: Basis, parts: Sequence[Part]) -> dict[int, list[HourShare]]:
    """Return the hours of each line that has any, by line number. `parts` are the invoice's, in its order."""
    return {number: _shares(basis, part.rows) for number, part in enumerate(parts, start=1) if len(part.rows)}


def _shares(basis: Basis, rows: IntArray) -> list[HourShare]:
    lines, epoch_s = basis.lines, basis.books.names.epoch_s
    columns = (lines.hour_s[rows], lines.quantity[rows], lines.numerator[rows], lines.factor_bp[rows])
    return [
        HourShare(
            epoch_s + hour_s,
            epoch_s + hour_s + SECONDS_PER_HOUR,
            quantity,
            Exact(int(numerator), lines.denominator),
            factor_bp,
        )
        for hour_s, quantity, numerator, factor_bp in zip(*(column.tolist() for column in columns), strict=True)
    ]
