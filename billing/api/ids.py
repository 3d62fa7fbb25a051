"""Ids that the API gives out: 128 bits of chance, so that none tells how many there are of others, or when."""

from typing import Annotated

from fastapi import Path

from billing.api.call import Call

_BYTES = 16
# As loose as may be: an id of another shape is as unknown as any other, and is answered alike.
IdOfPath = Annotated[str, Path(min_length=1, max_length=128)]


def new_id(call: Call, prefix: str) -> str:
    """Return a new id, such as `whk_5f...`."""
    return f"{prefix}_{call.house.entropy(_BYTES).hex()}"
