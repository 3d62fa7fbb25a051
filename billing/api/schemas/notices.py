"""What a tenant is told of: the feed of notices."""

import json
from typing import Any

from pydantic import Field

from billing.api.schemas.basic import Closed, moment
from billing.store.notices import Notice


class NoticeOut(Closed):
    """Something that happened to the tenant."""

    position: int = Field(description="Counts the tenant's notices from 1, without a gap.", examples=[1])
    type: str = Field(description="What kind of thing happened.", examples=["rental.granted"])
    time: str = Field(description="When, RFC 3339 in UTC.", examples=["2026-11-01T00:00:00Z"])
    object: str = Field(description="The id of what it happened to.", examples=["rnt_0123456789abcdef"])
    body: dict[str, Any] = Field(description="What is told of it.", examples=[{"gpus": 8}])


def notice_out(notice: Notice) -> NoticeOut:
    """Return a notice."""
    return NoticeOut(
        position=notice.position,
        type=notice.type,
        time=moment(notice.time_s),
        object=notice.object,
        body=json.loads(notice.body),
    )
