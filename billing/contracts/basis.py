"""What contract lines are made from: terms, line items and hours of capacity, and reserved hours with their price."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from billing.contracts.reservation import Reservation
from billing.currency import DEFAULT, Currency
from billing.metering.states import StateTable
from billing.money import Exact, product
from billing.rating.prices import PriceBook
from billing.rating.rate import LineItemTable
from billing.usage import IntArray, Names
from tenants.registry import Registry

NOTHING = Exact(0)


class Basis(NamedTuple):
    """What contract lines are made from. `states`: None where nobody counted idle nodes; `node_gpus`: GPUs of a node of
    each (region, sku), for contracts that do not say it; `currency`: that of the bills."""

    names: Names
    registry: Registry
    book: PriceBook
    lines: LineItemTable
    states: StateTable | None
    horizon_s: int
    node_gpus: Mapping[tuple[int, int], int]
    currency: Currency = DEFAULT


class Priced(NamedTuple):
    """A reservation and what a GPU-hour of it costs in each hour; 0 outside of its term."""

    kept: Reservation
    price: IntArray

    @property
    def fee(self) -> NDArray[Any]:
        """What the term charge adds to the usage of each hour: numerators over 3,600, exact."""
        if self.kept.contract.charge != "term":
            return np.zeros_like(self.price)
        return product(self.kept.unused + self.kept.lent, self.price)
