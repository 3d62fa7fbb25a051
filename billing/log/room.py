"""How much the use that is reported for a tenant may come to in a month.

Books hold amounts as int64. One event can say much (`billing.log.shapes.QUANTITY_MAX`), and many of them more than an
invoice has room for: such a month could not be billed, and whoever settles or closes it would stop for all others, too.
So what no invoice could hold is set aside. GPUs cannot get there: more than were ever made, for less than a million an
hour each, come to less.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

from billing.errors import BillingError
from billing.log.event import Event
from billing.log.known import KnownTerms
from billing.money import INT64_MAX
from billing.months import month_label, month_of
from billing.rating.plan import Rung
from billing.rating.price_row import PriceRow

ROOM_MICRO = INT64_MAX // 4  # tax may double it, and what GPUs cost comes on top
_Price = tuple[Fraction, Fraction]  # micro-units of a base unit at most, and of an hour whatever its quantity


class Room:
    """What is left for each tenant's month, as use is added to it."""

    def __init__(self, known: KnownTerms) -> None:
        self._terms = known.terms
        self._taken: dict[tuple[str, int], int] = {}
        self._prices: dict[tuple[str, ...], _Price] = {}

    def fault(self, event: Event, data: Mapping[str, Any], hours: Iterable[tuple[tuple[int, ...], int]]) -> str:
        """Add use to its months, unless it finds no room there: then return that in words.

        Args:
            hours: (row of hourly usage: tenant, hour and so on; quantity) of each hour.
        """
        added: dict[tuple[str, int], int] = {}
        for (_, hour_s, *_), quantity in hours:
            unit, fixed = self._price(data, hour_s)
            key = event.subject, month_of(self._terms.epoch_s, hour_s)
            added[key] = added.get(key, self._taken.get(key, 0)) + int(quantity * unit + fixed) + 1
            if added[key] > ROOM_MICRO:
                return f"with it {month_label(key[1])} would come to more than an invoice can hold"
        self._taken |= added
        return ""

    def _price(self, data: Mapping[str, Any], hour_s: int) -> _Price:
        words = data["product"], data["sku"], data["region"], data["meter"]
        key = (*words, f"{hour_s}")
        if key not in self._prices:
            (plan,) = self._terms.plans([words[0]])
            try:
                row = self._terms.book.row_at(plan, *words[1:3], self._terms.epoch_s + hour_s, words[3])
            except BillingError:  # without a price within its time: rating says so
                self._prices[key] = Fraction(0), Fraction(0)
            else:
                self._prices[key] = most_of(row)
        return self._prices[key]


def most_of(row: PriceRow) -> _Price:
    """Return what a base unit of a meter comes to at most under a price row, and what an hour does beside, in
    micro-units: whatever the tier, and with a whole package that was begun."""
    plan = row.plan
    steps = [micro for _, micro in row.series_micro]
    unit = max([*map(Fraction, steps), *(rung.price_micro * _blocks(rung) for rung in plan.rungs)])
    begun = [Fraction(rung.price_micro) + rung.flat_micro for rung in plan.rungs]
    per_unit = unit * plan.factor * Fraction(1, row.per)
    return per_unit, sum(begun, Fraction(plan.minimum_micro or 0))


def _blocks(rung: Rung) -> Fraction:
    """How many blocks a unit is."""
    return Fraction(rung.block.denominator, rung.block.numerator) if rung.block else Fraction(1)
