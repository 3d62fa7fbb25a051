"""Pages of a list, and the cursors between them.

A cursor says where the last page ended, and is bound to whom, to what and to which order it was given: it is signed
together with the tenant, the route and the rest of the query, so that a cursor of one tenant, list or filter opens
nothing in another. What it holds is the key of a row, of which its reader may not see all: it is veiled.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from fastapi import Query

from billing.api.problems import invalid

LIMIT_MAX, LIMIT_USUAL = 200, 50
_TAG_BYTES = 16
_CHARS_MAX = 1024
Key = tuple[str | int, ...]  # of the last row of a page, in the order of the list

Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Rows of a page.")]
Cursor = Annotated[
    str | None, Query(min_length=1, max_length=_CHARS_MAX, description="`next` of the page before; none: the first.")
]


class Binding(NamedTuple):
    """What a cursor is bound to: a tenant ("" is the house), the path of a list, and its query."""

    tenant: str
    path: str
    query: Mapping[str, str]


def seal(secret: bytes, binding: Binding, key: Key) -> str:
    """Return the cursor behind the row of `key`."""
    body = json.dumps(key, separators=(",", ":")).encode()
    tag = _tag(secret, binding, body)
    return urlsafe_b64encode(tag + _veiled(secret, tag, body)).decode().rstrip("=")


def unseal(secret: bytes, binding: Binding, cursor: str, shape: Sequence[type]) -> Key:
    """Return the key in a cursor.

    Args:
        shape: the types of its parts.

    Raises:
        Problem: not a cursor of ours, or one of another tenant, list or query (422, the same for all of them).
    """
    refused = invalid("query.cursor", "is not a cursor of this list")
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError:
        raise refused from None
    tag = raw[:_TAG_BYTES]
    body = _veiled(secret, tag, raw[_TAG_BYTES:])
    if not hmac.compare_digest(tag, _tag(secret, binding, body)):
        raise refused
    key = tuple(json.loads(body))
    # A list that has changed its order since gave out cursors of another shape.
    if [type(part) for part in key] != list(shape):
        raise refused
    return key


def _veiled(secret: bytes, tag: bytes, body: bytes) -> bytes:
    """A body under a stream of bytes that only the secret makes; twice is the body again. The tag is the same only for
    the same body, so no stream is used for two."""
    blocks = (hmac.digest(secret, b"veil" + tag + bytes([number]), "sha256") for number in range(-(-len(body) // 32)))
    return bytes(one ^ other for one, other in zip(body, b"".join(blocks), strict=False))


def _tag(secret: bytes, binding: Binding, body: bytes) -> bytes:
    query = sorted((name, value) for name, value in binding.query.items() if name not in ("cursor", "limit"))
    text = json.dumps([binding.tenant, binding.path, query]).encode()
    return hmac.digest(secret, len(text).to_bytes(8, "big") + text + body, "sha256")[:_TAG_BYTES]
