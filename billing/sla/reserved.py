"""Reserved capacity as service levels see it: what contracts promised, what was there, and what a fee is for."""

from collections.abc import Iterable
from typing import NamedTuple

from billing.contracts.line import ContractLine
from billing.money import floor_share
from billing.sla.credit import Key
from billing.usage import Names

_THERE = ("reservation_used", "reservation_unused")
_PROMISED = (*_THERE, "reservation_undelivered")


class Reserved(NamedTuple):
    """GPU-seconds of a key: `promised` by contracts, and `there` of them; `idle` are those that a fee is charged for
    although the tenant did not hold them, and `fee` its charge, a numerator over the denominator of the line items."""

    promised: int = 0
    there: int = 0
    idle: int = 0
    fee: int = 0


NOT_RESERVED = Reserved()


def reserved_of(names: Names, lines: Iterable[ContractLine], denominator: int) -> dict[Key, Reserved]:
    """Return what the lines of contracts come to for each key; `denominator` is that of the line items."""
    found: dict[Key, Reserved] = {}
    for line in lines:
        if line.kind not in _PROMISED:
            continue
        key = Key(names.tenants.index(line.tenant), names.products.index(line.product), line.month)
        mine, charged = found.get(key, NOT_RESERVED), line.exact.numerator > 0
        found[key] = Reserved(
            promised=mine.promised + line.quantity,
            there=mine.there + line.quantity * (line.kind in _THERE),
            idle=mine.idle + line.quantity * charged,
            fee=mine.fee + floor_share(line.exact.numerator, denominator, line.exact.denominator),
        )
    return found
