"""Tables of the log: events as they arrived, what is missing of each source, and what was put aside."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table, Text, UniqueConstraint

from billing.store.columns import Integer
from billing.store.schema import METADATA

# The log is one stream of many tenants; whose an event is says its subject. Its keys are the sources' own, and no
# tenant writes here: ingest binds a tenant to a source of its own (docs/decisions, 0010).
event = Table(
    "all_event",
    METADATA,
    # In order of arrival, from 1; the only column that depends on it.
    Column("position", Integer, nullable=False, autoincrement=False),
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("time_s", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("prevhash", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("hash", Text, nullable=False),
    # Named as before the table was: renaming it moves no row.
    PrimaryKeyConstraint("position", name="pk_event"),
    UniqueConstraint("source", "id", name="uq_event_source_id"),
    UniqueConstraint("source", "seq", name="uq_event_source_seq"),
    sqlite_strict=True,
)

event_source = Table(
    "event_source",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("events", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    sqlite_strict=True,
)

# Runs of sequence numbers [from_seq, until_seq) that have not arrived, though later ones have.
event_gap = Table(
    "event_gap",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("from_seq", Integer, primary_key=True, autoincrement=False),
    Column("until_seq", Integer, nullable=False),
    sqlite_strict=True,
)

# What could not be let in. `record` is its id, `hash` that of its content, `known_hash` of what stands in its way.
quarantine = Table(
    "quarantine",
    METADATA,
    Column("origin", Text, primary_key=True),
    Column("record", Text, primary_key=True),
    Column("hash", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("known_hash", Text),
    Column("content", Text, nullable=False),
    sqlite_strict=True,
)

# Terms that a source is billed by, and how many events it was said to have: the whole of it has arrived when all have.
event_terms = Table(
    "event_terms",
    METADATA,
    Column("source", Text, primary_key=True),
    Column("hash", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("events", Integer),
    sqlite_strict=True,
)
