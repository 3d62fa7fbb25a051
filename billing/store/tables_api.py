"""Tables of the API: answers that a repeated request gets again, where tenants want to be told, and their quotas."""

from sqlalchemy import Column, Table, Text

from billing.store.columns import Integer
from billing.store.schema import METADATA

idempotency = Table(
    "all_idempotency",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("body_hash", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_s", Integer, nullable=False),
    sqlite_strict=True,
)

webhook = Table(
    "all_webhook",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),  # words with a comma between them
    Column("created_s", Integer, nullable=False),
    Column("disabled_s", Integer),
    Column("generation", Integer, nullable=False, server_default="1"),  # of its secret
    Column("rotated_s", Integer),
    Column("told", Integer, nullable=False, server_default="0"),  # position of the last notice that was looked at
    sqlite_strict=True,
)

# How many of each a tenant may have at a time; a tenant without a row has the usual.
quota = Table(
    "all_quota",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("keys_max", Integer, nullable=False),
    Column("webhooks_max", Integer, nullable=False),
    Column("gpus_max", Integer),  # on the desk; none: the usual
    sqlite_strict=True,
)
