"""Whether new terms may take the place of old ones: nothing that was billed, or could have been, may change.

Prices change from a future time on. What was agreed with somebody stands as it is; more may be agreed.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from billing.months import parse_utc, utc_text
from billing.rating.price_row import PriceRow
from billing.terms import Terms

_AS_IT_WAS = ("epoch_s", "currency", "showback", "metering")


def faults_of_change(old: Terms, new: Terms, from_s: int) -> Iterator[str]:
    """Yield in words what new terms would change of the time before `from_s` (Unix seconds); nothing if all stays.

    Rows of prices and taxes keep their places, since lines of invoices name them by those. One that has begun may be
    given an end that is still to come; one that has not may be changed. New rows stand behind.
    """
    for name in _AS_IT_WAS:
        if getattr(old, name) != getattr(new, name):
            yield f"{name.removesuffix('_s')}: must stay as it is"
    if len(new.book.rows) < len(old.book.rows):
        yield "price: rows are missing; each keeps its place"
    for number, row in enumerate(new.book.rows):
        before = old.book.rows[number] if number < len(old.book.rows) else None
        yield from _price_faults(number, before, row, from_s)
    yield from _tax_faults(old.taxes, new.taxes, from_s)
    for name in type(old.registry).model_fields:
        was, now = getattr(old.registry, name), getattr(new.registry, name)
        if now[: len(was)] != was:
            yield f"{name}: what is there must stay as it is, in its order; more may follow"


def _price_faults(number: int, before: PriceRow | None, row: PriceRow, from_s: int) -> Iterator[str]:
    begun = row.from_unix_s < from_s
    if before is None:
        if begun:
            yield f"price[{number}].from: a new price begins no earlier than {utc_text(from_s)}"
        return
    if before.from_unix_s >= from_s:
        if begun:
            yield f"price[{number}].from: begins no earlier than {utc_text(from_s)}"
        return
    if _without_end(before) != _without_end(row):
        yield f"price[{number}]: has begun and must stay as it is, but for its end"
    elif min(before.until_unix_s, from_s) != min(row.until_unix_s, from_s):
        yield f"price[{number}].until: ends no earlier than {utc_text(from_s)}"


def _without_end(row: PriceRow) -> dict[str, Any]:
    return row.model_dump(exclude={"until"})


def _tax_faults(old: Sequence[Any], new: Sequence[Any], from_s: int) -> Iterator[str]:
    for number, row in enumerate(new):
        if number >= len(old) and parse_utc(row.from_) < from_s:
            yield f"tax[{number}].from: a new tax begins no earlier than {utc_text(from_s)}"
    for number, row in enumerate(old):
        if number >= len(new) or (row != new[number] and parse_utc(row.from_) < from_s):
            yield f"tax[{number}]: has begun and must stay as it is"
