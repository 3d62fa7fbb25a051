"""The same change asked for twice is made once: `Idempotency-Key`, in a name space of each tenant.

The answer is kept in the transaction that made the change. A key that comes again with the same request gets that
answer; with another request it is refused. Secrets are never kept: the answer that comes again has none.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from billing.api.problems import Problem, invalid

HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
SECRET_FIELDS = ("secret", "text")


class Asked(NamedTuple):
    """A request as its key stands for it."""

    key: str
    method: str
    path: str
    body_hash: str


def asked(values: list[str], method: str, path: str, body: bytes) -> Asked | None:
    """Return what a request's key stands for; None if it has none.

    Raises:
        Problem: the header stands twice or is malformed.
    """
    if not values:
        return None
    if len(values) > 1 or not _KEY.fullmatch(values[0]):
        raise invalid("header.idempotency_key", "must stand once, 1 to 255 printable characters without spaces")
    return Asked(values[0], method, path, sha256(body).hexdigest())


def require_same(asked_now: Asked, kept: Asked) -> None:
    """Refuse a key that stands for another request already. Raises Problem."""
    if asked_now != kept:
        raise Problem("idempotency_mismatch")


def without_secrets(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as it may be kept: what is shown once stays shown once."""
    return {name: None if name in SECRET_FIELDS else value for name, value in answer.items()}
