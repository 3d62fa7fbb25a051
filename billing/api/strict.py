"""What a request may look like before anyone reads it: its type, size, characters, depth, and no key twice.

A reader that takes the last of two equal keys and one that takes the first do not see the same request; text that is
no UTF-8, or an object nested ten thousand deep, is nobody's honest request. All of it is refused with one problem,
before the body meets a model.
"""

import json
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

from billing.api.problems import Problem, invalid

BODY_BYTES_MAX = 1 << 21  # the largest cluster that a snapshot tells, 8,192 nodes, takes some 1.5 MiB
DEPTH_MAX = 16
NUMBER_DIGITS_MAX = 40
_TYPES = ("application/json", "application/json; charset=utf-8", "application/json;charset=utf-8")
_NO_STRUCTURE = bytes(set(range(256)) - set(b'[]{}"'))


def unpacked(encodings: Sequence[str], body: bytes) -> bytes:
    """Return a body as it was before it was packed by gzip. It is as long as a plain one may be, and no longer: what
    grows without end is let go as soon as it does.

    Raises:
        Problem: another encoding (415), more than `BODY_BYTES_MAX` (413), or no gzip (422).
    """
    if not encodings:
        return body
    if [each.strip().lower() for each in encodings] != ["gzip"]:
        raise Problem("unsupported_media_type")
    reader = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = reader.decompress(body, BODY_BYTES_MAX + 1)
    except zlib.error:
        raise invalid("body", "is not gzip") from None
    if len(plain) > BODY_BYTES_MAX:
        raise Problem("body_too_large")
    if not reader.eof or reader.unused_data:
        raise invalid("body", "is not one whole gzip")
    return plain


def require_json(content_type: str, body: bytes) -> Any:
    """Return what a body holds; refuse one that is no plain JSON document.

    Raises:
        Problem: another type (415), or not UTF-8, too deep, malformed, a key twice, a number without end (422).
    """
    if content_type.lower() not in _TYPES:
        raise Problem("unsupported_media_type")
    if depth_of(body) > DEPTH_MAX:
        raise invalid("body", f"is nested too deep, at most {DEPTH_MAX}")
    try:
        return json.loads(body.decode(), object_pairs_hook=_once, parse_int=_integer, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise invalid("body", "is not JSON") from None


def depth_of(body: bytes) -> int:
    """Return how deep arrays and objects are nested, or more than `DEPTH_MAX` as soon as it is. Cost: O(bytes)."""
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, delete=_NO_STRUCTURE)
    depth = deepest = 0
    for byte in b"".join(bare.split(b'"')[::2]):  # what stands between quotes is text
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > DEPTH_MAX:
            break
    return deepest


def require_query(pairs: Iterable[tuple[str, str]], known: Iterable[str]) -> None:
    """Refuse a query with a parameter that the route does not have, or has once and was given twice.

    Raises:
        Problem: 422.
    """
    allowed, seen = set(known), set()
    for name, _ in pairs:
        if name not in allowed:
            words = ", ".join(sorted(allowed)) or "none"
            raise invalid("query", f"holds an unknown parameter, allowed {words}")
        if name in seen:
            raise invalid("query", "holds a parameter twice")
        seen.add(name)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _integer(digits: str) -> int:
    if len(digits) > NUMBER_DIGITS_MAX:
        raise ValueError("a number without end")
    return int(digits)


def _constant(_word: str) -> None:
    raise ValueError("not a number")
