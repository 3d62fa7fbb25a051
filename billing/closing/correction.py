"""Late facts: what they change in months that were invoiced, as lines of the next invoice. Nothing issued is touched.

A month's lines are made twice, from what was known when it was invoiced and from what is known now. Where they differ,
the difference is due, line by line: quantity, exact amount, and for amounts that were posted, the posted difference. So
an issued invoice plus its corrections is what the invoice would have been, whatever the price model.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from billing.closing.month import Basis, Part, month_parts
from billing.invoices.invoice import Item
from billing.invoices.lifecycle import correction_text
from billing.money import Exact
from billing.months import parse_month

_DRAWN = ("wallet", "prepayment", "discount")  # money that was moved then is not moved again


class Earlier(NamedTuple):
    """An invoice that was issued: its number and its month's label."""

    number: str
    period: str


def correction_parts(before: Basis, after: Basis, tenant: str, invoices: Sequence[Earlier], cause: str) -> list[Part]:
    """Return the correction lines of a tenant, for every month that was invoiced, in the order of the months.

    Args:
        before:  books of what was known at the tenant's last invoice.
        after:   books of what is known now.
        cause:   id of the first late event.

    Cost: that of making the parts of these months twice.
    """
    found = []
    for number, period in invoices:
        month = parse_month(period)
        old, new = (_by_line(basis, tenant, month) for basis in (before, after))
        for key in [*new, *(key for key in old if key not in new)]:
            change = _change(old.get(key), new.get(key), number, cause)
            if change is not None:
                found.append(Part(change))
    return found


def _by_line(basis: Basis, tenant: str, month: int) -> Mapping[tuple[object, ...], Item]:
    if tenant not in basis.books.names.tenants:
        return {}
    parts = month_parts(basis, basis.books.names.tenants.index(tenant), month)
    return {_key(part.item): part.item for part in parts if part.item.kind not in _DRAWN}


def _key(item: Item) -> tuple[object, ...]:
    """Return what makes two lines of different drafts the same line."""
    words = (item.kind, item.product, item.sku, item.region, item.meter, item.unit_price_micro, item.cause)
    return (*words, item.description if item.kind == "usage" else "")


def _change(old: Item | None, new: Item | None, number: str, cause: str) -> Item | None:
    shape = new or old
    assert shape is not None
    gone, come = old or _nothing(shape), new or _nothing(shape)
    exact = _minus(come.exact, gone.exact)
    fixed = None if shape.fixed_micro is None else (come.fixed_micro or 0) - (gone.fixed_micro or 0)
    quantity = come.quantity - gone.quantity
    if not (exact.numerator or fixed or quantity):
        return None
    return shape._replace(
        kind="correction",
        description=correction_text(number, shape.description),
        quantity=quantity,
        exact=exact,
        fixed_micro=fixed,
        cause=cause,
        from_s=min(come.from_s, gone.from_s),
        until_s=max(come.until_s, gone.until_s),
    )


def _nothing(item: Item) -> Item:
    return item._replace(quantity=0, exact=Exact(0), fixed_micro=None if item.fixed_micro is None else 0)


def _minus(one: Exact, other: Exact) -> Exact:
    if one.denominator == other.denominator:
        return Exact(one.numerator - other.numerator, one.denominator)
    whole = one.denominator * other.denominator
    return Exact(one.numerator * other.denominator - other.numerator * one.denominator, whole)
