"""Answers that a client has already, and changes that hold only for what it has seen.

    If-None-Match   on reading: 304 without a body where the answer is the one that the client holds
    If-Match        on changing: 428 where a change needs it, 412 where the thing has changed since

Every answer to a GET has an `ETag`: the version of the thing where its route says one (`Call.tag`), else a hash of the
answer. Source: RFC 9110, 13.
"""

from collections.abc import Sequence
from hashlib import sha256

from billing.api.problems import Problem

PACKED = "-gzip"  # an answer that was packed is another representation, and has a tag of its own
_HEX_CHARS = 32


def tag_of(body: bytes) -> str:
    """Return the tag of an answer by what it says."""
    return f'"{sha256(body).hexdigest()[:_HEX_CHARS]}"'


def packed_tag(tag: str) -> str:
    """Return the tag of an answer once it is packed."""
    return f'{tag[:-1]}{PACKED}"' if tag.endswith('"') else tag


def holds(values: Sequence[str], tag: str) -> bool:
    """Whether the values of an `If-None-Match` name a tag, or any. Weak and packed forms of a tag are the tag."""
    named = _named(values)
    return "*" in named or _bare(tag) in named


def require_match(values: Sequence[str], tag: str) -> None:
    """Refuse a change to something that is not as the client has seen it.

    Raises:
        Problem: no `If-Match` (428), or it does not name the tag (412).
    """
    if not values:
        raise Problem("precondition_required")
    if not holds([value for value in values if not value.strip().startswith("W/")], tag):
        raise Problem("precondition_failed")


def _named(values: Sequence[str]) -> set[str]:
    return {_bare(each.strip()) for value in values for each in value.split(",")}


def _bare(tag: str) -> str:
    tag = tag.removeprefix("W/")
    return f'{tag[: -len(PACKED) - 1]}"' if tag.endswith(f'{PACKED}"') else tag
