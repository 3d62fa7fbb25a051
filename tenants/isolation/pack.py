"""Evidence to hand on: its lines, with a Merkle root over them and a signature in front.

The root shows to whoever was told it by other means that no line was changed, left out or added since; a new one is
made in no time. The signature is keyed (HMAC): it speaks only to those who hold the secrets of the installation, and it
says who made the pack, not that the run was honest.
"""

import hmac
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from tenants.audit.merkle import Tree, leaf_hash
from tenants.errors import TenantError
from tenants.isolation.evidence import Evidence, read_evidence

FORM = "spillway isolation evidence 2"
_HEAD = ("pack", "made", "size", "root", "commits", "ran_on", "signature")


class Pack(NamedTuple):
    """A pack as read. `sound`: its root is that of its lines. `made` is when, as it says itself."""

    evidence: list[Evidence]
    made: str
    root: str
    sound: bool
    signature: str
    signed: bytes


def pack_text(evidence: Sequence[Evidence], key: bytes | None, made: str) -> str:
    """Return the pack, made at a time (RFC 3339): a line about it, and a line for each attempt. No key: unsigned."""
    lines = [each.line() for each in evidence]
    commits = sorted({each.commit for each in evidence if each.commit})
    ran_on = sorted({each.ran_on for each in evidence if each.ran_on})
    head = {
        "pack": FORM,
        "made": made,
        "size": len(lines),
        "root": _root(lines),
        "commits": commits,
        "ran_on": ran_on,
    }
    signature = _signature(key, _signed(head)) if key is not None else ""
    return "".join(f"{line}\n" for line in (_canonical({**head, "signature": signature}), *lines))


def is_pack(text: str) -> bool:
    """Whether a file of evidence begins as a pack does."""
    return text.startswith('{"commits":') and FORM in text.partition("\n")[0]


def read_pack(text: str, file: str) -> Pack:
    """Return a pack, whether or not it is sound. Raises TenantError for a file that is no pack."""
    first, _, rest = text.partition("\n")
    try:
        head = json.loads(first)
    except ValueError:
        head = None
    if not isinstance(head, dict) or set(head) != set(_HEAD) or head["pack"] != FORM:
        raise TenantError("not a pack", file=file, path="line 1", allowed="what `spillway inspect --pack` wrote")
    lines = rest.splitlines()
    sound = head["size"] == len(lines) and head["root"] == _root(lines)
    signature = str(head.pop("signature"))
    return Pack(read_evidence(lines, file), str(head["made"]), str(head["root"]), sound, signature, _signed(head))


def signed_by(pack: Pack, key: bytes) -> bool:
    """Whether a pack was signed with a key."""
    return hmac.compare_digest(pack.signature.encode(), _signature(key, pack.signed).encode())


def _root(lines: Sequence[str]) -> str:
    return Tree(leaf_hash(line.encode()) for line in lines).root().hex()


def _canonical(head: dict[str, Any]) -> str:
    return json.dumps(head, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _signed(head: dict[str, Any]) -> bytes:
    return f"{FORM}\n{_canonical(head)}".encode()


def _signature(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, sha256).hexdigest()
