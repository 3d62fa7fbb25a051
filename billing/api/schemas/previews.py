"""What use would be invoiced as."""

from typing import Annotated

from pydantic import Field, StringConstraints

from billing.api.schemas.basic import PLAIN, Closed, Id
from billing.api.schemas.explained import DraftOut

USES_MAX = 1_000
_Word = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PLAIN)]
_Time = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9TtZz:.+-]+$")]


class UseIn(Closed):
    """GPUs that would be held from a time to another."""

    id: Id = Field(description="Its own.", examples=["job-1"])
    product: Id = Field(description="Code of the product.", examples=["bare.ondemand"])
    region: _Word = Field(description="Where.", examples=["eu-1"])
    sku: _Word = Field(description="Kind of GPU.", examples=["h100"])
    gpus: Annotated[int, Field(ge=1, le=1_000_000)] = Field(description="Held at once.", examples=[8])
    since: _Time = Field(description="RFC 3339.", examples=["2026-11-01T00:00:00Z"])
    until: _Time = Field(description="RFC 3339, not part of it.", examples=["2026-11-01T08:00:00Z"])


class InvoicePreview(Closed):
    """Use of the tenant's own."""

    uses: Annotated[list[UseIn], Field(min_length=1, max_length=USES_MAX)] = Field(description="In any order.")


class RejectedUse(Closed):
    """Use that could not be billed."""

    id: str = Field(description="Its id.", examples=["job-1"])
    reason: str = Field(description="Why.", examples=["interval of 0 s: the end must be later than the start"])


class PreviewOut(Closed):
    """What use would be invoiced as, month by month, with the tenant's contracts. Nothing is kept."""

    drafts: list[DraftOut] = Field(description="By month; without a forecast.")
    rejected: list[RejectedUse] = Field(description="What is on none of them.")
