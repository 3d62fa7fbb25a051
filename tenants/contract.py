"""Capacity that was promised to somebody by contract."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from tenants.model import NODES_MAX, Id, Record, Seconds


class Contract(Record):
    """`nodes` whole nodes of the pool (region, sku), kept for `tenant` over [from_s, until_s).

    Times are int seconds since the scenario's epoch. `product` is the code of a product in band RESERVED; that the
    tenant and the product exist is checked by the registry, that the pool does by whoever knows the cluster.
    """

    id: Id
    tenant: Id
    product: Id
    region: Id
    sku: Id
    nodes: Annotated[int, Field(ge=1, le=NODES_MAX)]
    from_s: Seconds
    until_s: Seconds

    def in_force(self, at_s: int) -> bool:
        """Whether the promise holds at `at_s`; its last second is until_s - 1."""
        return self.from_s <= at_s < self.until_s

    @field_validator("until_s")
    @classmethod
    def _after_it_begins(cls, until_s: int, info: ValidationInfo) -> int:
        from_s = info.data.get("from_s")  # absent when it was refused itself
        if from_s is not None and until_s <= from_s:
            raise ValueError(f"must be later than from_s, which is {from_s}")
        return until_s
