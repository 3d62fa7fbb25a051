"""Is a stored audit log what was written? Everything that is hashed is hashed again, and held to what was witnessed.

What each part catches: the leaves an edit, the positions a row that is missing, double or out of order, the head a log
cut short, the witness a log that was written anew with leaves, head and all. Details may be gone where an entry says
that they were erased, and nowhere else.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tenants.audit.checkpoint import Fault, TreeHead
from tenants.audit.entry import SALT_BYTES, AuditEntry, commitment, entry_hash
from tenants.audit.merkle import Tree, verify_consistency

ERASED = "details.erased"  # the action of an entry whose object lists the positions of erased details


class Stored(NamedTuple):
    """An entry as it stands in a database, with the leaf that was noted beside it, in hex."""

    entry: AuditEntry
    leaf_hash: str


class Head(NamedTuple):
    """What is noted of a tree: its size, root (hex) and frontier (hex of its hashes, one after the other)."""

    size: int
    root: str
    frontier: str


class Checked(NamedTuple):
    """A tenant's log, read: the tree of what is there, how many entries have erased details, and every fault."""

    tenant: str
    tree: Tree
    erased: int
    faults: tuple[Fault, ...]


def check_log(
    tenant: str,
    rows: Iterable[Stored],
    details: Mapping[int, tuple[str, str]],
    noted: Head,
    witnessed: Sequence[TreeHead] = (),
) -> Checked:
    """Read a tenant's log and return its faults, those of the lowest position first.

    Args:
        rows:      in order of position.
        details:   position -> (salt in hex, details) of those that are there.
        noted:     the tree's head as the database has it.
        witnessed: heads of this tenant in the witness file, oldest first.

    Cost: three hashes an entry; memory for the tree.
    """
    tree, erased, found = Tree(), set[int](), list[Fault]()
    lacking, other = list[int](), dict[int, str]()
    for row in rows:
        entry, position = row.entry, row.entry.position
        if position != len(tree) + 1:
            found.append(Fault(tenant, min(position, len(tree) + 1), f"entry {position} stands after {len(tree)}"))
            break
        leaf = entry_hash(entry)
        if entry.tenant != tenant or leaf.hex() != row.leaf_hash:
            found.append(Fault(tenant, position, "is not the entry that was hashed"))
            other[position] = row.leaf_hash
        tree.append(leaf)
        if position not in details:
            lacking.append(position)
        elif not _opens(*details[position], entry.details_hash):
            found.append(Fault(tenant, position, "has details that are not those that were hashed"))
        if entry.action == ERASED:
            erased.update(positions_in(entry.object, position))
    found += [
        Fault(tenant, each, "lacks its details, and no entry erased them") for each in lacking if each not in erased
    ]
    found += [Fault(tenant, each, "has details, but is no entry") for each in details if not 0 < each <= len(tree)]
    # Where entries and noted leaves differ, those entries are named. The rest is sound if either makes the known roots.
    trees = (
        [tree] if not other else [tree, Tree(_raw(other.get(at, "")) or each for at, each in enumerate(tree.leaves, 1))]
    )
    for off in (_off_head(tenant, trees, noted), _off_witness(tenant, trees, witnessed)):
        found += off
    found.sort(key=lambda fault: fault.position)
    return Checked(tenant, tree, len(erased.intersection(lacking)), tuple(found))


def _opens(salt: str, details: str, details_hash: str) -> bool:
    """Whether salt and details are what a hash was made of."""
    try:
        raw = bytes.fromhex(salt)
    except ValueError:
        return False
    return len(raw) == SALT_BYTES and raw.hex() == salt and commitment(raw, details) == details_hash


def _off_head(tenant: str, trees: Sequence[Tree], noted: Head) -> list[Fault]:
    size = len(trees[0])
    if size != noted.size:
        return [Fault(tenant, min(size, noted.size) + 1, f"{size} entries are there, {noted.size} were written")]
    if noted in [Head(size, tree.root().hex(), b"".join(tree.frontier()).hex()) for tree in trees]:
        return []
    return [Fault(tenant, size, "the noted head is not that of the entries")]


def _off_witness(tenant: str, trees: Sequence[Tree], witnessed: Sequence[TreeHead]) -> list[Fault]:
    """The first witnessed head that is not in the log's past. What came before the one before it is as it was."""
    size, good = len(trees[0]), 0
    for head in witnessed:
        if head.size > size:
            return [Fault(tenant, size + 1, f"the witness has seen {head.size} entries")]
        root = _raw(head.root)
        if not any(
            verify_consistency(head.size, root, size, each.root(), each.consistency(head.size)) for each in trees
        ):
            what = f"entries {good + 1} to {head.size} are not all those that the witness has seen"
            return [Fault(tenant, good + 1, what)]
        good = head.size
    return []


def _raw(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def positions_text(positions: Iterable[int]) -> str:
    """Return positions as words, runs of them as `first-last`."""
    runs: list[list[int]] = []
    for position in sorted(set(positions)):
        if runs and runs[-1][1] == position - 1:
            runs[-1][1] = position
        else:
            runs.append([position, position])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def positions_in(text: str, limit: int) -> set[int]:
    """Return the positions below `limit` that a text made by `positions_text` names; other words name none."""
    found: set[int] = set()
    for word in text.split():
        first, _, last = word.partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            found.update(range(int(first), min(int(last or first), limit - 1) + 1))
    return found
