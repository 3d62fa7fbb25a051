"""Tables of the audit log: a Merkle tree per tenant (design: ISOLATION 11). "" is the platform's own tree.

What can be erased stands apart: an entry holds the hash of its details, so that the tree outlives them.
"""

from sqlalchemy import Column, ForeignKeyConstraint, Table, Text

from billing.store.columns import Integer
from billing.store.schema import METADATA

entry = Table(
    "all_audit_entry",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),  # from 1, for each tenant on its own
    Column("time_s", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("details_hash", Text, nullable=False),
    Column("leaf_hash", Text, nullable=False),
    sqlite_strict=True,
)

details = Table(
    "all_audit_details",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("salt", Text, nullable=False),
    Column("details", Text, nullable=False),
    ForeignKeyConstraint(["tenant", "position"], ["all_audit_entry.tenant", "all_audit_entry.position"]),
    sqlite_strict=True,
)

# The right edge of each tree: its size, the roots of its whole subtrees, and its root.
tree = Table(
    "all_audit_tree",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("size", Integer, nullable=False),
    Column("frontier", Text, nullable=False),
    Column("root", Text, nullable=False),
    sqlite_strict=True,
)
