"""What a tenant's internal work may hold and use: quotas, the cohorts that share them, budgets, guarantees in cells.

    [[cohort]]
    id = "labs"

    [[quota]]                       # of a tenant: its own, and what it may take from or leave to its cohort
    tenant = "vision"
    cohort = "labs"
    nominal_gpus = 64
    borrowing_limit_gpus = 32

    [[quota]]                       # of the cohort itself: for all in it
    cohort = "labs"
    nominal_gpus = 16

    [[budget]]
    tenant = "vision"
    soft_gpu_hours = 40000
    hard_gpu_hours = 50000

    [[guarantee]]
    tenant = "speech"
    cells = { node = 3 }

That names refer to something, that cohorts form no cycle and that limits are in order is checked here and in the
registry; that everything fits the cluster is checked by whoever knows the cluster.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from tenants.errors import TenantError, unknown_name
from tenants.model import NODES_MAX, Id, Record

Gpus = Annotated[int, Field(ge=0, le=10**9)]
GpuHours = Annotated[int, Field(ge=0, le=10**12)]
Weight = Annotated[int, Field(ge=0, le=10**6)]
Place = Id | Literal[""]  # a region or a SKU; may be left out where the cluster has one pool
Cells = Annotated[dict[Id, Annotated[int, Field(ge=1, le=NODES_MAX)]], Field(min_length=1)]


class Cohort(Record):
    """A group of tenants and cohorts that may use each other's unused quota. `weight` is that of its share among its
    siblings; with 0 it is always the first to give back."""

    id: Id
    parent: Id | None = None
    weight: Weight = 1


class Quota(Record):
    """GPUs of one pool that belong to a tenant, or, without `tenant`, to a cohort as a whole.

    `borrowing_limit_gpus` caps what is used above `nominal_gpus`, `lending_limit_gpus` what others may use of it;
    without them both are what there is. A tenant without a quota in a pool is not limited there.
    """

    tenant: Id | None = None
    cohort: Id | None = None
    region: Place = ""
    sku: Place = ""
    nominal_gpus: Gpus
    borrowing_limit_gpus: Gpus | None = None
    lending_limit_gpus: Gpus | None = None
    weight: Weight = 1


class Budget(Record):
    """GPU-hours that a tenant's internal work may use in a calendar month (UTC), over all pools.

    Beyond `soft_gpu_hours` its jobs are asked last; beyond `hard_gpu_hours` none is granted until the next month. What
    runs goes on.
    """

    tenant: Id
    soft_gpu_hours: GpuHours | None = None
    hard_gpu_hours: GpuHours | None = None

    @field_validator("hard_gpu_hours")
    @classmethod
    def _after_the_soft_one(cls, hard_gpu_hours: int | None, info: ValidationInfo) -> int | None:
        soft = info.data.get("soft_gpu_hours")
        if soft is not None and hard_gpu_hours is not None and hard_gpu_hours < soft:
            raise ValueError(f"must not be below soft_gpu_hours, which is {soft}")
        return hard_gpu_hours


class Guarantee(Record):
    """Cells of one pool that are the tenant's whenever its work asks for them, such as `{ node = 3 }`."""

    tenant: Id
    region: Place = ""
    sku: Place = ""
    cells: Cells


def refuse_tangled(
    cohorts: Sequence[Cohort], quotas: Sequence[Quota], budgets: Sequence[Budget], guarantees: Sequence[Guarantee]
) -> None:
    """Raise TenantError, naming the path, for unknown cohorts, cycles, and rows that contradict each other."""
    known = {cohort.id: cohort for cohort in cohorts}
    for row, cohort in enumerate(cohorts):
        path = f"cohort[{row}].parent"
        if cohort.parent is not None and cohort.parent not in known:
            raise unknown_name("cohort", cohort.parent, known, path)
        way = [cohort.id]
        while (above := known[way[-1]].parent) is not None and above in known:
            way.append(above)
            if above in way[:-1]:
                if above == cohort.id:
                    raise TenantError("cohorts form a cycle", path=path, found=" > ".join(way), allowed="a tree")
                break
    first: dict[tuple[str | None, str | None, str, str], int] = {}
    place: dict[str, tuple[int, Quota]] = {}
    for row, quota in enumerate(quotas):
        path = f"quota[{row}]"
        if quota.tenant is None and quota.cohort is None:
            raise TenantError("a quota of nobody", code="missing_key", path=path, allowed="tenant, cohort, or both")
        if quota.cohort is not None and quota.cohort not in known:
            raise unknown_name("cohort", quota.cohort, known, f"{path}.cohort")
        key = (quota.tenant, None if quota.tenant else quota.cohort, quota.region, quota.sku)
        if first.setdefault(key, row) != row:
            raise TenantError(f"the same pool as in quota[{first[key]}]", code="duplicate", path=path)
        if quota.tenant is None:
            continue
        before, other = place.setdefault(quota.tenant, (row, quota))
        if (other.cohort, other.weight) != (quota.cohort, quota.weight):
            message = f"cohort and weight of {quota.tenant} differ from those in quota[{before}]"
            raise TenantError(message, path=path, found=f"{quota.cohort}, {quota.weight}")
    owners: dict[str, int] = {}
    for row, budget in enumerate(budgets):
        if budget.soft_gpu_hours is None and budget.hard_gpu_hours is None:
            raise TenantError(
                "no stop at all", code="missing_key", path=f"budget[{row}]", allowed="soft_gpu_hours, hard_gpu_hours"
            )
        if owners.setdefault(budget.tenant, row) != row:
            message = f"used already by budget[{owners[budget.tenant]}]"
            raise TenantError(message, code="duplicate", path=f"budget[{row}].tenant", found=budget.tenant)
    promised: dict[tuple[str, str, str], int] = {}
    for row, guarantee in enumerate(guarantees):
        whose = (guarantee.tenant, guarantee.region, guarantee.sku)
        if promised.setdefault(whose, row) != row:
            message = f"the same tenant and pool as in guarantee[{promised[whose]}]"
            raise TenantError(message, code="duplicate", path=f"guarantee[{row}]")
