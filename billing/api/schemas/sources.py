"""What the house's own emitters tell: events of all tenants, and by which terms a source is billed."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from billing.api.schemas.basic import PLAIN, Closed

BATCH_MAX = 2_000
TERMS_CHARS_MAX = 500_000
_Word = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=PLAIN)]


class HouseEvent(Closed):
    """An event as its source has numbered and linked it: a CloudEvents object, with `seq` and `prevhash` beside."""

    id: _Word = Field(description="Unique within the source.", examples=["frontier-0.1.started"])
    source: _Word = Field(
        description="Never one of a tenant: those begin with api/.", examples=["run/0123456789abcdef"]
    )
    type: _Word = Field(examples=["allocation.started"])
    time: Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9TtZz:.+-]+$")] = Field(
        description="When it happened, RFC 3339 with an offset; what is finer than a second is cut off.",
        examples=["2026-01-01T00:05:00Z"],
    )
    subject: _Word = Field(description="The tenant, or a word for what no tenant causes.", examples=["acme"])
    seq: Annotated[int, Field(ge=1, lt=1 << 63)] = Field(
        description="Counts the events of the source from 1, without a gap.", examples=[1]
    )
    prevhash: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = Field(
        default="", description="Hex SHA-256 of the event before; empty for seq 1."
    )
    data: dict[str, Any] = Field(description="What the type asks for.", examples=[{}])


class HouseEvents(Closed):
    """Several at once: each is judged by itself."""

    events: Annotated[list[HouseEvent], Field(min_length=1, max_length=BATCH_MAX)]


class HouseEventResult(Closed):
    """What became of one event."""

    id: str = Field(examples=["frontier-0.1.started"])
    status: Literal["new", "duplicate", "conflict", "refused"] = Field(
        description="duplicate: it was there already; conflict: other content is, and this one was put aside."
    )
    reason: str | None = Field(default=None, description="Why it was refused.")


class HouseEventResults(Closed):
    """What became of each event, in the order in which they came."""

    results: list[HouseEventResult]


class SourceTerms(Closed):
    """By which terms a source is billed. Said before its first event, and the same ever after."""

    source: _Word = Field(description="Never one of a tenant.", examples=["run/0123456789abcdef"])
    terms: Annotated[str, StringConstraints(min_length=1, max_length=TERMS_CHARS_MAX)] = Field(
        description="The text of a terms file or a scenario, TOML.", examples=['epoch = "2026-01-01T00:00:00Z"']
    )
    events: Annotated[int, Field(ge=0, lt=1 << 63)] | None = Field(
        default=None, description="How many events the source will have; null: nobody knows yet.", examples=[9200]
    )


class SourceTermsKept(Closed):
    """The terms that a source is billed by."""

    source: str = Field(examples=["run/0123456789abcdef"])
    hash: str = Field(description="Hex SHA-256 of their text.", examples=["0" * 64])
