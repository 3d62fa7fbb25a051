"""What a live scheduler says of its cluster: who holds what, who waits and for how long, who must leave. It is looked
at and no more: nothing is billed by it."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from billing.api.schemas.basic import PLAIN, Closed

_NODES_MAX, _ROWS_MAX, _COUNT_MAX = 8_192, 1_000, 1 << 31
_Word = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=PLAIN)]
_Text = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")]
_Time = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9TtZz:.+-]+$")]
_Count = Annotated[int, Field(ge=0, le=_COUNT_MAX)]
TIME = "RFC 3339 in UTC, of the scheduler's clock."


class NodeNow(Closed):
    """One node. A node that several share is named once, with the holder of most of it."""

    node: _Word = Field(description="Its name: region/SKU/number.", examples=["us-1/h100/3"])
    region: _Word = Field(examples=["us-1"])
    sku: _Word = Field(examples=["h100"])
    state: Literal["free", "held", "notice", "cleaning", "down"] = Field(
        description="notice: held by somebody who must leave; cleaning: between two holders."
    )
    holder: _Text = Field(default="", description="The tenant that holds it; empty where nobody does.")
    domain: _Text = Field(
        default="",
        description="Its domains of the topology, the largest first, with / between them; empty where none is known.",
        examples=["0/3"],
    )
    product: _Text = Field(default="", examples=["bare.spot"])
    job: _Text = Field(default="")
    gpus: _Count = Field(description="GPUs of it.", examples=[8])
    held_gpus: _Count = Field(description="GPUs of it that are held.", examples=[8])


class WaitingNow(Closed):
    """A job that waits, in the order in which the scheduler looks at them."""

    job: _Word
    tenant: _Word
    product: _Word
    region: _Word
    sku: _Word
    gpus: _Count = Field(description="GPUs that it asks for.", examples=[64])
    since: _Time = Field(description=TIME, examples=["2026-01-01T00:05:00Z"])
    reason: _Word = Field(description="One word.", examples=["capacity"])
    why: _Text = Field(default="", description="The reason as a sentence.")
    expected: _Time | None = Field(default=None, description=f"Its promised start; null: none is known. {TIME}")


class NoticeNow(Closed):
    """A notice that runs: a holder who must leave."""

    job: _Word
    tenant: _Word
    product: _Word
    region: _Word
    sku: _Word
    gpus: _Count = Field(description="GPUs that it holds.", examples=[8])
    noticed: _Time = Field(description=f"When notice was served. {TIME}")
    leaves: _Time = Field(description=f"When the nodes are taken. {TIME}")


class NewSnapshot(Closed):
    """A cluster at one moment."""

    source: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=PLAIN)] = Field(
        description="Whose cluster: the source of its events.", examples=["run/0123456789abcdef"]
    )
    time: _Time = Field(description=TIME, examples=["2026-01-01T00:05:00Z"])
    nodes: Annotated[list[NodeNow], Field(max_length=_NODES_MAX)] = Field(description="Every node.")
    queue: Annotated[list[WaitingNow], Field(max_length=_ROWS_MAX)] = Field(description="The first that wait.")
    queue_count: _Count = Field(description="How many jobs wait in all.", examples=[12])
    notices: Annotated[list[NoticeNow], Field(max_length=_ROWS_MAX)] = Field(description="Notices that run.")


class SnapshotKept(Closed):
    """That a snapshot was kept, or that a later one of the source was there already."""

    source: str = Field(examples=["run/0123456789abcdef"])
    time: str = Field(description=f"Of the snapshot that is kept now. {TIME}", examples=["2026-01-01T00:05:00Z"])
