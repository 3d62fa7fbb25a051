"""The hours behind an invoice line: what every document links a line to, and what its amount is split over."""

from collections.abc import Mapping, Sequence
from math import lcm
from typing import NamedTuple

from billing.errors import DocumentError
from billing.invoices.invoice import InvoiceLine
from billing.money import BP, Exact, largest_remainder, reduced


class HourShare(NamedTuple):
    """What one hour [from_s, until_s), Unix seconds, has in a line: quantity in the line's unit, exact micro-units.

    `factor_bp` is what of the price was charged: 10,000 all of it, 6,000 for degraded GPUs, 0 for time free of charge.
    `unit_price_micro` is None where no single price made the amount (tiers, packages).
    """

    from_s: int
    until_s: int
    quantity: int
    exact: Exact
    factor_bp: int = BP
    unit_price_micro: int | None = None


class HourSpan(NamedTuple):
    """Hours in a row that are alike: `hours` of them, each with `quantity`; `exact` is the sum."""

    from_s: int
    until_s: int
    hours: int
    quantity: int
    factor_bp: int
    exact: Exact
    unit_price_micro: int | None


HoursOf = Mapping[int, Sequence[HourShare]]  # by line number; a line without hours (a fee, a credit) is not in it


def require_hours(line: InvoiceLine, hours: Sequence[HourShare]) -> None:
    """Refuse hours that do not add up to their line, in quantity or in the exact amount.

    Raises:
        DocumentError: naming the line and both sums.
    """
    quantity = sum(hour.quantity for hour in hours)
    numerator, denominator = exact_total([hour.exact for hour in hours])
    if quantity != line.quantity:
        raise _differs(line, "quantity", quantity, line.quantity)
    if numerator * line.exact.denominator != line.exact.numerator * denominator:
        raise _differs(line, "exact", f"{numerator}/{denominator}", f"{line.exact.numerator}/{line.exact.denominator}")


def exact_total(amounts: Sequence[Exact]) -> Exact:
    """Return the exact sum over the least common denominator; 0/1 of nothing."""
    denominator = lcm(*(amount.denominator for amount in amounts))
    return Exact(sum(amount.numerator * (denominator // amount.denominator) for amount in amounts), denominator)


def split_over(amount_micro: int, exact: Sequence[Exact]) -> list[int]:
    """Share out a rounded amount over parts in whole micro-units, so that they add up to it.

    Parts of one sign get shares in proportion to their exact amounts, by largest remainder. Where signs are mixed (a
    correction that moves usage from one hour to another) a proportion has no meaning: each part gets its own amount,
    cut to a micro-unit, and what is missing is spread evenly, the earlier parts first.
    """
    denominator = lcm(*(part.denominator for part in exact))
    weights = [part.numerator * (denominator // part.denominator) for part in exact]
    if not any(weights):
        weights = [1] * len(exact)
    sign = -1 if amount_micro < 0 else 1
    if min(weights) >= 0 or max(weights) <= 0:
        total = abs(sum(weights))
        return [sign * part for part in largest_remainder([abs(amount_micro) * abs(w) for w in weights], total)]
    parts = [weight // denominator for weight in weights]
    each, more = divmod(amount_micro - sum(parts), len(parts))
    return [part + each + (row < more) for row, part in enumerate(parts)]


def spans(hours: Sequence[HourShare]) -> list[HourSpan]:
    """Return the hours with those put together that follow each other and are alike; the sum stays the same."""
    found: list[HourSpan] = []
    for hour in hours:
        last = found[-1] if found else None
        alike = last and (last.until_s, last.quantity, last.factor_bp) == (hour.from_s, hour.quantity, hour.factor_bp)
        if (
            last
            and alike
            and last.exact.numerator * hour.exact.denominator
            == (last.hours * hour.exact.numerator * last.exact.denominator)
        ):
            exact = reduced(exact_total([last.exact, hour.exact]))
            found[-1] = last._replace(until_s=hour.until_s, hours=last.hours + 1, exact=exact)
        else:
            first = hour.from_s, hour.until_s, 1, hour.quantity, hour.factor_bp, hour.exact, hour.unit_price_micro
            found.append(HourSpan(*first))
    return found


def _differs(line: InvoiceLine, what: str, found: object, allowed: object) -> DocumentError:
    message = f"the hours of a line do not add up to its {what}"
    return DocumentError(message, code="hours_differ", path=f"line[{line.number}]", found=found, allowed=str(allowed))
