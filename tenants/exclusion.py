"""Time that a promise of availability does not count: agreed beforehand, the tenant's own doing, or nobody's fault."""

from collections.abc import Collection, Sequence
from typing import Literal, get_args

from pydantic import ValidationInfo, field_validator

from tenants.errors import unknown_name
from tenants.model import Id, Record, Seconds

ExclusionCause = Literal["maintenance", "tenant", "force_majeure"]
EXCLUSION_CAUSES: tuple[str, ...] = get_args(ExclusionCause)


class Exclusion(Record):
    """[from_s, until_s) counts neither as kept nor as promised. Times are int seconds since the scenario's epoch.

    A key that is absent means any: without a tenant the exclusion is for all of them. That the tenant and the product
    exist is checked by the registry, that the region and the SKU do by whoever knows the cluster.
    """

    cause: ExclusionCause
    from_s: Seconds
    until_s: Seconds
    tenant: Id | None = None
    product: Id | None = None
    region: Id | None = None
    sku: Id | None = None

    @field_validator("until_s")
    @classmethod
    def _after_it_begins(cls, until_s: int, info: ValidationInfo) -> int:
        from_s = info.data.get("from_s")  # absent when it was refused itself
        if from_s is not None and until_s <= from_s:
            raise ValueError(f"must be later than from_s, which is {from_s}")
        return until_s


def refuse_unknown(exclusions: Sequence[Exclusion], tenants: Collection[str], products: Collection[str]) -> None:
    """Raise TenantError for the first row that names a tenant or a product that is not there."""
    for row, exclusion in enumerate(exclusions):
        for what, name, known in (
            ("tenant", exclusion.tenant, tenants),
            ("product", exclusion.product, products),
        ):
            if name is not None and name not in known:
                raise unknown_name(what, name, known, f"sla_exclusion[{row}].{what}")
