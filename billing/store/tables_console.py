"""Tables of the console: who is signed in, what a live cluster last said of itself, and price books by version."""

from sqlalchemy import Column, Index, Table, Text

from billing.store.columns import Integer
from billing.store.schema import METADATA, of_house

# A sign-in to the console, of a tenant or of the house. It ends with its key. No secret: of the cookie its HMAC alone.
session = Table(
    "all_session",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_s", Integer, nullable=False),
    Column("seen_s", Integer, nullable=False),
    Column("expires_s", Integer, nullable=False),
    Column("ended_s", Integer),
    Index(None, "digest", "tenant"),  # a cookie says who it is before it is known whose
    sqlite_strict=True,
)

# What a scheduler last said of its cluster: to be looked at, and nothing is billed by it.
snapshot = Table(
    "all_snapshot",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("time_s", Integer, nullable=False),
    Column("received_s", Integer, nullable=False),
    Column("body", Text, nullable=False),
    of_house(),
    sqlite_strict=True,
)

# The terms as operators changed them, numbered from 1. The text names every tenant and what was agreed with it: no
# tenant's role reads it.
terms = Table(
    "all_terms",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("created_s", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    of_house(),
    sqlite_strict=True,
)
