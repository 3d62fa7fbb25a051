"""The audit log in a database: a row in the same transaction as what it tells of, or neither.

Of each tenant's tree the database keeps its right edge, so an entry costs O(log n) hashes however long the log is. The
salt of an entry's details is drawn by the database itself: nobody on the way has to be trusted with it or handed it.

    record      one entry, within the caller's transaction
    entries_of  a tenant's entries, with the details that have not been erased
    erase       forgets the details of some entries, and says so in an entry of its own
    proof_of    what a tenant can show to anybody
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Text, delete, insert, literal_column, select, update

from billing.store.walls.views import new_rows, table_of
from tenants.audit.check import ERASED, positions_text
from tenants.audit.checkpoint import AuditError, Checkpoint, TreeHead
from tenants.audit.entry import AuditEntry, commitment, details_text, entry_hash, entry_of, escaped
from tenants.audit.merkle import EMPTY_ROOT, HASH_BYTES, Tree, frontier_root, grown
from tenants.audit.proof import Proof, prove

_SALTS: Mapping[str, ColumnElement[str]] = {
    "sqlite": literal_column("lower(hex(randomblob(32)))", Text),
    # 122 strong random bits each; the digits between them are no secret, and do no harm.
    "postgresql": literal_column("replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')", Text),
}


class Written(NamedTuple):
    """An entry as it is read: `details` is canonical JSON, None once it has been erased."""

    entry: AuditEntry
    details: str | None


def record(
    connection: Connection,
    tenant: str,
    actor: str,
    action: str,
    object_: str,
    reason: str,
    details: Mapping[str, object],
    at_s: int,
) -> AuditEntry:
    """Write one entry into a tenant's tree, within the caller's transaction, and return it.

    Args:
        tenant:  whose log; "" is the house's own.
        actor:   id of an account or key, or LOCAL.
        action:  a word with a dot, such as `invoice.issue`.
        object_: what it was done to, by its id.
        details: what else there is to know, and all that may have to be erased one day.
        at_s:    Unix seconds.

    Raises:
        StoreError: the database refuses, and with it goes what the entry tells of.

    Cost: O(log n) hashes, four statements.
    """
    size, frontier, salt = _edge(connection, tenant)
    told = details_text(details)
    hash_ = commitment(bytes.fromhex(salt), told)
    entry = entry_of(tenant, size + 1, at_s, actor, action, object_, reason, hash_)
    leaf = entry_hash(entry)
    connection.execute(insert(new_rows(connection, "audit_entry")), entry._asdict() | {"leaf_hash": leaf.hex()})
    key = {"tenant": entry.tenant, "position": entry.position}
    connection.execute(insert(new_rows(connection, "audit_details")), key | {"salt": salt, "details": told})
    after = grown(frontier, size, leaf)
    edge = {"size": size + 1, "frontier": b"".join(after).hex(), "root": frontier_root(after).hex()}
    tree = table_of(connection, "audit_tree")
    connection.execute(update(tree).where(tree.c.tenant == entry.tenant).values(edge))
    return entry


def _edge(connection: Connection, tenant: str) -> tuple[int, list[bytes], str]:
    """The size and frontier of a tenant's tree, held until the transaction ends, and a new salt in hex. A tree that is
    not there is begun."""
    tree, salt = table_of(connection, "audit_tree").c, _SALTS[connection.dialect.name]
    mine = select(tree.size, tree.frontier, salt.label("salt")).where(tree.tenant == escaped(tenant))
    row = connection.execute(mine.with_for_update()).one_or_none()
    if row is None:
        begun = {"tenant": escaped(tenant), "size": 0, "frontier": "", "root": EMPTY_ROOT.hex()}
        connection.execute(insert(new_rows(connection, "audit_tree")), begun)
        return 0, [], connection.execute(select(salt)).scalar_one()
    raw = bytes.fromhex(row.frontier)
    return row.size, [raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES)], row.salt


def entries_of(connection: Connection, tenant: str, after: int = 0, limit: int | None = None) -> list[Written]:
    """Return a tenant's entries after a position, in their order; at most `limit` of them."""
    entries, kept = table_of(connection, "audit_entry"), table_of(connection, "audit_details")
    entry, details = entries.c, kept.c
    joined = entries.outerjoin(kept, (details.tenant == entry.tenant) & (details.position == entry.position))
    wanted = select(*(entry[name] for name in AuditEntry._fields), details.details.label("told")).select_from(joined)
    mine = wanted.where(entry.tenant == tenant, entry.position > after).order_by(entry.position).limit(limit)
    return [Written(AuditEntry._make(row[:-1]), row[-1]) for row in connection.execute(mine)]


def entry_at(connection: Connection, tenant: str, position: int) -> Written:
    """Return one entry of a tenant's log. Raises AuditError if there is none."""
    for written in entries_of(connection, tenant, position - 1, 1):
        if written.entry.position == position:
            return written
    message = f"no such entry in the log of {tenant or 'the house'}"
    raise AuditError(message, code="unknown_entry", path="position", found=position)


def erase(
    connection: Connection, tenant: str, positions: Iterable[int], actor: str, reason: str, at_s: int
) -> AuditEntry:
    """Erase the details of some entries of a tenant, with their salts, and note it. Every proof stays valid.

    Raises:
        AuditError: an entry that is not there.
    """
    wanted = sorted(set(positions))
    for position in wanted:
        entry_at(connection, tenant, position)
    details = table_of(connection, "audit_details")
    columns = details.c
    for position in wanted:
        gone = delete(details).where(columns.tenant == tenant, columns.position == position)
        connection.execute(gone)
    return record(connection, tenant, actor, ERASED, positions_text(wanted), reason, {}, at_s)


def heads_in(connection: Connection) -> list[TreeHead]:
    """Return the heads of all trees, by tenant."""
    columns = table_of(connection, "audit_tree").c
    wanted = select(columns.tenant, columns.size, columns.root).where(columns.size > 0).order_by(columns.tenant)
    return sorted(TreeHead._make(row) for row in connection.execute(wanted))


def head_of(connection: Connection, tenant: str) -> TreeHead:
    """Return the head of one tenant's tree. Cost: one row, however long its log is."""
    columns = table_of(connection, "audit_tree").c
    row = connection.execute(select(columns.size, columns.root).where(columns.tenant == tenant)).one_or_none()
    return TreeHead(tenant, row.size, row.root) if row else TreeHead(tenant, 0, EMPTY_ROOT.hex())


def tree_in(connection: Connection, tenant: str) -> Tree:
    """Return a tenant's tree by the leaves that were noted, for proofs. Cost: one pass over them, for
    100,000 a quarter of a second of hashing."""
    columns = table_of(connection, "audit_entry").c
    mine = select(columns.leaf_hash).where(columns.tenant == tenant).order_by(columns.position)
    return Tree(bytes.fromhex(leaf) for (leaf,) in connection.execute(mine))


def proof_of(connection: Connection, tenant: str, position: int, checkpoints: Sequence[Checkpoint] = ()) -> Proof:
    """Return the proof of one entry, up to the first checkpoint that has seen it. Cost: one pass over the leaves.

    Raises:
        AuditError: no such entry, or a log that is shorter than a checkpoint has seen it.
    """
    entry = entry_at(connection, tenant, position).entry
    try:
        return prove(entry, tree_in(connection, tenant), checkpoints)
    except IndexError:
        message = f"the log of {tenant or 'the house'} is cut short"
        raise AuditError(message, code="rewritten", allowed="see `spillway audit verify`") from None
