"""Checkpoints: what all audit trees held at one time, signed, each naming the one before. The lines of a witness file.

A database that is rewritten as a whole, trees and all, is sound in itself. What shows the rewriting is a root that lies
somewhere else: a checkpoint in a file outside the database, better still in other hands.

    root        over the heads of all trees, as leaves of one more tree: a tenant is shown his own head and a path of
                hashes, and learns nothing of the others
    before      hash of the line before: lines cannot be taken out or changed one by one
    signature   HMAC-SHA256 by the house's key: whoever has the database, but not the key, cannot write lines. It proves
                nothing against the house itself, which has the key; a copy of the file in other hands does
"""

import hmac
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from tenants.audit.entry import details_text
from tenants.audit.merkle import Tree, leaf_hash
from tenants.errors import TenantError


class AuditError(TenantError):
    """A witness file, a proof or an entry asked for that cannot be used."""


class TreeHead(NamedTuple):
    """What a tenant's tree came to: its size, and its root in hex."""

    tenant: str
    size: int
    root: str


class Checkpoint(NamedTuple):
    """The heads of all trees, sorted by tenant, at Unix second `time_s`; `root`, `before` and `signature` in hex."""

    time_s: int
    heads: tuple[TreeHead, ...]
    root: str
    before: str
    signature: str


class Fault(NamedTuple):
    """What is wrong with a log. `position` is an entry of the tenant's tree; where `tenant` is None, a line of the
    witness file."""

    tenant: str | None
    position: int
    what: str


def head_hash(head: TreeHead) -> bytes:
    """Return the leaf of a tree's head in the tree over all heads."""
    return leaf_hash(details_text(head._asdict()).encode())


def over_heads(heads: Sequence[TreeHead]) -> Tree:
    """Return the tree over the heads of trees."""
    return Tree(head_hash(head) for head in heads)


def signature_of(time_s: int, count: int, root: str, before: str, key: bytes) -> str:
    """Return the signature over what a checkpoint says; `count` is that of its heads."""
    said = details_text({"before": before, "count": count, "root": root, "time_s": time_s})
    return hmac.digest(key, b"spillway checkpoint\n" + said.encode(), "sha256").hex()


def make_checkpoint(heads: Sequence[TreeHead], time_s: int, before: str, key: bytes) -> Checkpoint:
    """Return the signed checkpoint of these heads, to stand after the line whose hash is `before` ("" for none)."""
    ordered = tuple(sorted(heads))
    root = over_heads(ordered).root().hex()
    return Checkpoint(time_s, ordered, root, before, signature_of(time_s, len(ordered), root, before, key))


def line_of(checkpoint: Checkpoint) -> str:
    """Return the line of a witness file that holds a checkpoint, without its line end."""
    return details_text(checkpoint._asdict())


def line_hash(line: str) -> str:
    """Return the hex hash by which the next line names this one."""
    return sha256(line.encode()).hexdigest()


def read_witness(text: str, file: str) -> list[Checkpoint]:
    """Return the checkpoints of a witness file.

    Raises:
        AuditError: a line that holds none.
    """
    return [_read_line(line, file, number) for number, line in enumerate(text.splitlines(), 1)]


def _read_line(line: str, file: str, number: int) -> Checkpoint:
    try:
        read = json.loads(line)
        heads = tuple(TreeHead(str(tenant), int(size), str(root)) for tenant, size, root in read["heads"])
        checkpoint = Checkpoint(int(read["time_s"]), heads, *(str(read[name]) for name in Checkpoint._fields[2:]))
    except (ValueError, KeyError, TypeError, RecursionError):
        checkpoint = None
    # Another spelling of the same checkpoint has another hash: one line, one text.
    numbers = [] if checkpoint is None else [checkpoint.time_s + 1, *(head.size for head in checkpoint.heads)]
    if checkpoint is None or line_of(checkpoint) != line or not all(0 < each < 1 << 62 for each in numbers):
        message = "not a checkpoint as `spillway audit checkpoint` writes it"
        raise AuditError(message, code="bad_witness", file=file, path=f"line {number}")
    return checkpoint


def witness_faults(checkpoints: Sequence[Checkpoint], key: bytes | None) -> list[Fault]:
    """Return what is wrong with the lines of a witness file among themselves; signatures only where there is a key."""
    found = []
    before, last = "", None
    for number, each in enumerate(checkpoints, 1):
        if each.before != before:
            found.append(Fault(None, number, "does not follow the line before it"))
        if over_heads(each.heads).root().hex() != each.root:
            found.append(Fault(None, number, "its root is not that of its trees"))
        due = signature_of(each.time_s, len(each.heads), each.root, each.before, key) if key is not None else ""
        if key is not None and not hmac.compare_digest(due, each.signature):
            found.append(Fault(None, number, "is not signed by this house"))
        if last is not None and each.time_s < last.time_s:
            found.append(Fault(None, number, "is older than the line before it"))
        if last is not None:
            sizes = {head.tenant: head.size for head in each.heads}
            found += [
                Fault(None, number, f"the tree of {head.tenant or 'the house'} has shrunk")
                for head in last.heads
                if sizes.get(head.tenant, 0) < head.size
            ]
        before, last = line_hash(line_of(each)), each
    return found
