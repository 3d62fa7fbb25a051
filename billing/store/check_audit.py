"""Reading the whole audit log of a database: everything that is hashed is hashed again, and held to the witness."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, select

from billing.store.walls.views import table_of
from tenants.audit.check import Checked, Head, Stored, check_log
from tenants.audit.checkpoint import Checkpoint, Fault, TreeHead, witness_faults
from tenants.audit.entry import AuditEntry
from tenants.audit.merkle import EMPTY_ROOT

_PAGE = 10_000


def check_audit(
    connection: Connection,
    checkpoints: Sequence[Checkpoint] = (),
    key: bytes | None = None,
    tenant: str | None = None,
) -> tuple[list[Checked], list[Fault]]:
    """Read one tenant's log or all, and return what each came to, with every fault, those of the witness file first.
    Through the door: as far as whoever asks may see, which is all for an auditor, and its own log for a tenant.

    Args:
        checkpoints: of the witness file.
        key:         that they are signed with; None: signatures are not looked at.
    """
    found = witness_faults(checkpoints, key)
    seen: dict[str, list[TreeHead]] = {}
    for each in checkpoints:
        for head in each.heads:
            seen.setdefault(head.tenant, []).append(head)
    there = set[str]()
    for noun in ("audit_entry", "audit_details", "audit_tree"):
        there.update(connection.execute(select(table_of(connection, noun).c.tenant).distinct()).scalars())
    checked = [
        check_log(
            each, _stored(connection, each), _details(connection, each), _head(connection, each), seen.get(each, ())
        )
        for each in sorted(there | set(seen))
        if tenant in (None, each)
    ]
    return checked, [*found, *(fault for log in checked for fault in log.faults)]


def _stored(connection: Connection, tenant: str) -> Iterator[Stored]:
    """A tenant's entries with the leaves that were noted, a page at a time."""
    columns = table_of(connection, "audit_entry").c
    wanted = select(*(columns[name] for name in AuditEntry._fields), columns.leaf_hash)
    mine = wanted.where(columns.tenant == tenant).order_by(columns.position).limit(_PAGE)
    last: int | None = None
    while rows := connection.execute(mine if last is None else mine.where(columns.position > last)).all():
        for row in rows:
            yield Stored(AuditEntry._make(row[:-1]), row[-1])
        last = rows[-1].position


def _details(connection: Connection, tenant: str) -> dict[int, tuple[str, str]]:
    columns = table_of(connection, "audit_details").c
    mine = select(columns.position, columns.salt, columns.details).where(columns.tenant == tenant)
    return {position: (salt, details) for position, salt, details in connection.execute(mine)}


def _head(connection: Connection, tenant: str) -> Head:
    columns = table_of(connection, "audit_tree").c
    mine = select(columns.size, columns.root, columns.frontier).where(columns.tenant == tenant)
    row = connection.execute(mine).one_or_none()
    return Head(0, EMPTY_ROOT.hex(), "") if row is None else Head._make(row)
