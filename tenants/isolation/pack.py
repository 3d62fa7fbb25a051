"""Evidence to hand on: its lines, with a Merkle root over them and a signature in front.

The root shows that no line was changed, left out or added since; whoever was told the root needs nothing else. The
signature is keyed (HMAC): it speaks only to those who hold the secrets of the installation, and it says who made the
pack, not that the run was honest.
"""

import hmac
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from tenants.audit.merkle import Tree, leaf_hash
from tenants.errors import TenantError
from tenants.isolation.evidence import Evidence, read_evidence

FORM = "spillway isolation evidence 1"
_HEAD = ("pack", "size", "root", "commits", "signature")


class Pack(NamedTuple):
    """A pack as read. `sound`: its root is that of its lines."""

    evidence: list[Evidence]
    root: str
    sound: bool
    signature: str
    signed: bytes


def pack_text(evidence: Sequence[Evidence], key: bytes | None) -> str:
    """Return the pack: a line about it, and a line for each attempt. Without a key its signature is empty."""
    lines = [each.line() for each in evidence]
    commits = sorted({each.commit for each in evidence if each.commit})
    head = {"pack": FORM, "size": len(lines), "root": _root(lines), "commits": commits}
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
    return Pack(read_evidence(lines, file), str(head["root"]), sound, signature, _signed(head))


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
