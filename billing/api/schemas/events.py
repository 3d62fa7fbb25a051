"""Use that a tenant reports itself."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from billing.api.schemas.basic import PLAIN, Closed

BATCH_MAX = 500


class EventIn(Closed):
    """Something that was used. Whose it is, the key says."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=PLAIN)]
    type: Literal["usage.metered"]
    time: Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9TtZz:.+-]+$")]
    data: dict[str, Any] = Field(description="meter, quantity, product, sku, region, from_s, until_s.")


class EventBatch(Closed):
    """Several at once: each is judged by itself."""

    events: Annotated[list[EventIn], Field(min_length=1, max_length=BATCH_MAX)]


def _kind(body: Any) -> str:
    several = "events" in body if isinstance(body, dict) else isinstance(body, EventBatch)
    return "batch" if several else "event"


EventsIn = Annotated[Annotated[EventIn, Tag("event")] | Annotated[EventBatch, Tag("batch")], Discriminator(_kind)]


class EventResult(Closed):
    """What became of one event."""

    id: str
    status: Literal["new", "duplicate", "conflict", "refused"]
    reason: str | None = None


class EventResults(Closed):
    """What became of each event, in the order in which they came."""

    results: list[EventResult]


class EventOut(Closed):
    """An event of the tenant in the log. Who told it: the tenant itself, or the house, whose sources are its own."""

    source: Literal["tenant", "house"]
    id: str
    type: str
    time: str
    data: dict[str, Any]
