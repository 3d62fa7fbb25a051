"""A proof that travels: one entry, the path to its tree's root, and the path from there to a signed checkpoint.

Whoever holds it needs no database. He hashes the entry, follows the paths, and compares the last root with the one in
his copy of the witness file. Other tenants appear in it as hashes only, and a head's root cannot be guessed.
"""

import hmac
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tenants.audit.checkpoint import AuditError, Checkpoint, TreeHead, head_hash, over_heads, signature_of
from tenants.audit.entry import AuditEntry, entry_hash
from tenants.audit.merkle import Tree, verify_consistency, verify_inclusion
from tenants.errors import first_complaint

Int64 = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ProvenEntry(_Part):
    """An entry, field by field."""

    tenant: str
    position: Int64
    time_s: Int64
    actor: str
    action: str
    object: str
    reason: str
    details_hash: str


class Witnessed(_Part):
    """Where a tree stands in a checkpoint: `index` among `count` heads, and what was signed."""

    time_s: Int64
    count: Int64
    root: Hex
    before: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
    signature: Hex
    index: Int64
    path: list[Hex]


class Proof(_Part):
    """An entry, and the tree of `size` and `root` that it stands in. `checkpoint` is None where no checkpoint has seen
    the entry yet: then the proof holds against this root alone."""

    entry: ProvenEntry
    size: Int64
    root: Hex
    path: list[Hex]
    checkpoint: Witnessed | None


def prove(entry: AuditEntry, tree: Tree, checkpoints: Sequence[Checkpoint] = ()) -> Proof:
    """Return the proof of an entry, by the first checkpoint that has seen it.

    Raises:
        IndexError: the entry is not in the tree, or a checkpoint has seen a larger one.
    """
    proven = ProvenEntry(**entry._asdict())
    for each in checkpoints:
        for index, head in enumerate(each.heads):
            if head.tenant == entry.tenant and head.size >= entry.position:
                path = [node.hex() for node in over_heads(each.heads).inclusion(index)]
                seen = Witnessed(
                    time_s=each.time_s,
                    count=len(each.heads),
                    root=each.root,
                    before=each.before,
                    signature=each.signature,
                    index=index,
                    path=path,
                )
                return _proof(proven, tree, head.size, seen)
    return _proof(proven, tree, len(tree), None)


def _proof(entry: ProvenEntry, tree: Tree, size: int, seen: Witnessed | None) -> Proof:
    path = [node.hex() for node in tree.inclusion(entry.position - 1, size)]
    return Proof(entry=entry, size=size, root=tree.root(size).hex(), path=path, checkpoint=seen)


def read_proof(text: str, file: str) -> "Proof | Growth":
    """Return the proof in a file as `spillway audit prove` writes it. Raises AuditError for anything else."""
    kind = Growth if '"first"' in text and '"entry"' not in text else Proof
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        raise AuditError(file=file, **first_complaint(error, kind)._asdict()) from None


def proof_faults(proof: Proof, key: bytes | None = None, witness: Sequence[Checkpoint] | None = None) -> list[str]:
    """Return what is wrong with a proof; nothing where it holds.

    Args:
        key:     that checkpoints are signed with; None: the signature is not looked at.
        witness: the verifier's own copy of the witness file; None: the checkpoint's root is taken as it is told.
    """
    entry = AuditEntry(**proof.entry.model_dump())
    path = [bytes.fromhex(node) for node in proof.path]
    found = []
    if not verify_inclusion(entry_hash(entry), entry.position - 1, proof.size, path, bytes.fromhex(proof.root)):
        found.append("the entry is not in the tree of this root")
    if (seen := proof.checkpoint) is None:
        return found if witness is None else [*found, "no checkpoint has seen the entry"]
    head = head_hash(TreeHead(entry.tenant, proof.size, proof.root))
    over = [bytes.fromhex(node) for node in seen.path]
    if not verify_inclusion(head, seen.index, seen.count, over, bytes.fromhex(seen.root)):
        found.append("the tree is not in the checkpoint")
    due = signature_of(seen.time_s, seen.count, seen.root, seen.before, key) if key is not None else seen.signature
    if not hmac.compare_digest(due, seen.signature):
        found.append("the checkpoint is not signed by this house")
    told = (seen.time_s, seen.root, seen.before)
    if witness is not None and told not in {(each.time_s, each.root, each.before) for each in witness}:
        found.append("the checkpoint is not in the witness file")
    return found


class Sized(_Part):
    """A tree at one size."""

    size: Int64
    root: Hex


class Growth(_Part):
    """The proof that a tree of the second size begins with the one of the first."""

    tenant: str
    first: Sized
    second: Sized
    path: list[Hex]


def consistency(tree: Tree, first: int, second: int) -> dict[str, Any]:
    """Return the proof that a tree of `second` entries begins with the one of `first`, as plain data.

    Raises:
        AuditError: sizes that the tree never had.
    """
    if not 0 <= first <= second <= len(tree):
        allowed = f"0 <= first <= second <= {len(tree)}"
        raise AuditError("no such sizes", path="first, second", found=f"{first}, {second}", allowed=allowed)
    old, new = ({"size": size, "root": tree.root(size).hex()} for size in (first, second))
    return {"first": old, "second": new, "path": [node.hex() for node in tree.consistency(first, second)]}


def growth_faults(growth: Growth, witness: Sequence[Checkpoint] | None = None) -> list[str]:
    """Return what is wrong with a proof of growth; nothing where it holds.

    Args:
        witness: the verifier's own copy of the witness file: what it saw of either size must be what is told.
    """
    path = [bytes.fromhex(node) for node in growth.path]
    old, new = growth.first, growth.second
    found = []
    if not verify_consistency(old.size, bytes.fromhex(old.root), new.size, bytes.fromhex(new.root), path):
        found.append("the second tree does not begin with the first")
    told = {old.size: old.root, new.size: new.root}
    seen = [head for each in witness or () for head in each.heads if head.tenant == growth.tenant]
    if any(told.get(head.size, head.root) != head.root for head in seen):
        found.append("the witness file has another root of that size")
    return found
