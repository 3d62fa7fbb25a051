"""Deleting a tenant, and taking away what its deadlines say: rows, and in SQLite their bytes.

Every table has a category, so that a new one is not forgotten. Bills, what they were made of, and the hashes of the
audit log are kept. A tombstone stays for ever, here and in a file outside: a backup that is restored is cleaned again.

    delete_tenant   at once: its keys are gone, and nothing can be done in its name
    purge           what is due at an instant, of every tenant that was deleted
    reapply         tombstones that a restored store does not know
    scrub           the bytes of what was deleted, out of the file and its log
"""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from sqlalchemy import Connection, Engine, delete, select, text, update

from billing.store.audit import erase, record
from billing.store.engine import place_of, refused
from billing.store.schema import all_tables
from billing.store.tables_access import organisation, tenant, tombstone
from billing.store.tables_audit import details
from billing.store.tables_log import quarantine
from billing.store.tenant_rows import require_tenant
from tenants.access.lifecycle import Category, Standing, Status, due, moved, purge_at_s
from tenants.audit.entry import LOCAL

SCRUB = ("PRAGMA query_only=OFF", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)")
# Category of each table. "told": rows that name a tenant in a text only, with functions of their own below.
CATEGORIES: Mapping[str, Category | Literal["told"]] = {
    "all_agent_token": "credentials",
    "all_api_key": "credentials",
    "all_session": "credentials",
    "all_webhook": "settings",
    "all_idempotency": "settings",
    "all_quota": "settings",
    **dict.fromkeys(("all_usage_hour", "all_month_paper"), "settings"),  # settling makes none of whoever was deleted
    **dict.fromkeys(("all_notice", "all_delivery", "all_budget", "all_alert"), "settings"),
    "all_rental": "people",
    "all_account": "people",
    "all_tenant": "people",
    "all_break_glass": "security_log",
    "all_audit_details": "told",
    "quarantine": "told",
    "platform_organisation": "told",
    "all_audit_entry": "audit",
    "all_audit_tree": "audit",
    "all_tombstone": "audit",
    **dict.fromkeys(("all_capacity_hour", "all_house_hour", "all_settled", "all_settling"), "bills"),
    **dict.fromkeys(("all_offer", "all_terms", "all_snapshot"), "bills"),  # of the house
    "all_event": "bills",
    "event_source": "bills",
    "event_gap": "bills",
    "event_terms": "bills",
    "all_invoice": "bills",
    "all_invoice_line": "bills",
    "all_credit_note": "bills",
    "all_payment": "bills",
    "all_ledger_entry": "bills",
}


class Tombstone(NamedTuple):
    """A tenant that was deleted, and when, Unix seconds."""

    tenant: str
    deleted_s: int


class Purged(NamedTuple):
    """How many rows of a category went, of a tenant that was deleted."""

    tenant: str
    category: Category
    rows: int


def tombstones_in(connection: Connection) -> list[Tombstone]:
    """Return the tenants that were deleted, by id."""
    wanted = select(tombstone.c.tenant, tombstone.c.deleted_s).order_by(tombstone.c.tenant)
    return [Tombstone._make(row) for row in connection.execute(wanted)]


def delete_tenant(connection: Connection, actor: str, id_: str, reason: str, now_s: int) -> Tombstone:
    """Delete a tenant. Its keys and tokens go at once, the rest as its deadlines come. Raises TenantError."""
    found = require_tenant(connection, actor, id_, now_s)
    moved(found.status, "delete", id_, now_s)
    return _bury(connection, actor, Tombstone(id_, now_s), reason, now_s)


def reapply(connection: Connection, known: Iterable[Tombstone], now_s: int) -> list[Tombstone]:
    """Delete again, as of then, the tenants whose tombstones this store does not hold, and return them.

    For a store that was restored from a backup made before. Source: ISOLATION.md row X5.
    """
    there = {each.tenant for each in tombstones_in(connection)}
    missing = sorted(set(known) - {each for each in known if each.tenant in there})
    reason = "the store was restored from before its deletion"
    return [_bury(connection, LOCAL, each, reason, now_s) for each in missing]


def purge(connection: Connection, now_s: int) -> list[Purged]:
    """Take away what is due, of every tenant that was deleted, and return what went. Again, it does nothing."""
    done = []
    for each in tombstones_in(connection):
        for category in due(each.deleted_s, now_s):
            rows = _purge(connection, each.tenant, category, now_s)
            if rows:
                done.append(Purged(each.tenant, category, rows))
                record(
                    connection, each.tenant, LOCAL, "tenant.purge", each.tenant, f"{category}: {rows} rows", {}, now_s
                )
    return done


def scrub(engine: Engine) -> None:
    """Write the store anew without what was deleted, so that its bytes are in no file of it. Raises StoreError.

    SQLite: VACUUM copies what is there, and the log before it is cut to nothing. PostgreSQL: VACUUM frees the rows;
    what its disks and its own log still hold is the business of whoever runs it.
    """
    if engine.dialect.name != "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM"))
        return
    raw = engine.raw_connection()
    try:
        for statement in SCRUB:
            rows = raw.cursor().execute(statement).fetchall()
            if "checkpoint" in statement and rows[0][0]:
                raise refused(place_of(engine), sqlite3.OperationalError("its log is locked by a reader: purge again"))
    except sqlite3.Error as error:
        raise refused(place_of(engine), error) from None
    finally:
        raw.close()


def _bury(connection: Connection, actor: str, dead: Tombstone, reason: str, now_s: int) -> Tombstone:
    at = tenant.c.tenant == dead.tenant
    connection.execute(update(tenant).where(at).values(Standing(Status.DELETED, None, dead.deleted_s).row()))
    connection.execute(tombstone.insert(), dead._asdict())
    deadlines = {category: purge_at_s(category, dead.deleted_s) for category in _categories()}
    record(connection, dead.tenant, actor, "tenant.delete", dead.tenant, reason, {"purge_at_s": deadlines}, now_s)
    _purge(connection, dead.tenant, "credentials", now_s)
    return dead


def _categories() -> list[Category]:
    return sorted({category for category in CATEGORIES.values() if category != "told"})


def _purge(connection: Connection, id_: str, category: Category, now_s: int) -> int:
    """Take away the rows of one category, children first; how many went."""
    rows = 0
    for table in reversed(all_tables().sorted_tables):
        if CATEGORIES[table.name] == category:
            rows += connection.execute(delete(table).where(table.c.tenant == id_)).rowcount
    if category == "settings":
        rows += _purge_quarantine(connection, id_)
    if category == "people":
        rows += _purge_organisations(connection)
    if category == "security_log":
        rows += _erase_details(connection, id_, now_s)
    return rows


def _purge_quarantine(connection: Connection, id_: str) -> int:
    """Records that were put aside and that name the tenant, as a word of its own."""
    word = re.compile(rf"(?<![\w.-]){re.escape(id_)}(?![\w.-])")
    columns = quarantine.c
    near = select(quarantine).where(columns.content.contains(id_, autoescape=True))
    rows = [row for row in connection.execute(near) if word.search(row.content)]
    for row in rows:
        same = (columns.origin == row.origin) & (columns.record == row.record) & (columns.hash == row.hash)
        connection.execute(delete(quarantine).where(same))
    return len(rows)


def _purge_organisations(connection: Connection) -> int:
    """Organisations that own no tenant any more."""
    owning = select(tenant.c.organisation)
    return connection.execute(delete(organisation).where(organisation.c.id.not_in(owning))).rowcount


def _erase_details(connection: Connection, id_: str, now_s: int) -> int:
    """The details of audit entries: their hashes stay, and every proof with them."""
    told = select(details.c.position).where(details.c.tenant == id_, details.c.details != "{}")
    positions = sorted(connection.execute(told).scalars())
    if positions:
        erase(connection, id_, positions, LOCAL, "the retention of a deleted tenant has ended", now_s)
    return len(positions)
