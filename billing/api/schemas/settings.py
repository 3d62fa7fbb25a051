"""Quotas."""

from typing import Annotated

from pydantic import Field

from billing.api.schemas.basic import Closed, Id
from billing.store.tenant_settings import Quota

Count = Annotated[int, Field(ge=0, le=10_000)]


class NewQuota(Closed):
    """How many of each a tenant may have at a time."""

    tenant: Id
    keys_max: Count
    webhooks_max: Count
    gpus_max: Annotated[int, Field(ge=0, le=10_000_000)] = Field(default=Quota().gpus_max, description="GPUs rented.")


class QuotaOut(Closed):
    """How many of each a tenant may have at a time."""

    keys_max: int
    webhooks_max: int
    gpus_max: int = Field(description="GPUs rented at a time.", examples=[1_024])


def quota_out(quota: Quota) -> QuotaOut:
    """Return a quota."""
    return QuotaOut(**quota._asdict())
