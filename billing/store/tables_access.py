"""Tables of who may: tenants, their people and services, keys, tokens, and what operators open with a reason.

Accounts, keys and tokens of operators and auditors belong to no tenant: theirs is "". No secret is stored: of a key or
token its HMAC alone, and the number of the pepper that made it (design: ISOLATION 10).
"""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, Text

from billing.store.columns import Integer
from billing.store.schema import METADATA

# Who pays, for one tenant or several: the platform's own, no tenant reads it.
organisation = Table(
    "platform_organisation",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_s", Integer, nullable=False),
    sqlite_strict=True,
)

tenant = Table(
    "all_tenant",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("regions", Text, nullable=False),  # words with a comma between them
    Column("status", Text, nullable=False),
    Column("created_s", Integer, nullable=False),
    Column("suspended_s", Integer),
    Column("deleted_s", Integer),
    sqlite_strict=True,
)

account = Table(
    "all_account",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("created_s", Integer, nullable=False),
    Column("disabled_s", Integer),
    sqlite_strict=True,
)


def _of_account() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant", "account"], ["all_account.tenant", "all_account.id"])


api_key = Table(
    "all_api_key",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # words with a space between them
    Column("digest", Text, nullable=False),
    Column("pepper", Integer, nullable=False),
    Column("created_s", Integer, nullable=False),
    Column("not_before_s", Integer, nullable=False),
    Column("expires_s", Integer, nullable=False),
    Column("revoked_s", Integer),
    Column("successor", Text),
    Column("last_used_s", Integer),
    _of_account(),
    # A key says who it is before it is known whose. The tenant stands in it, so that whoever asks for one of its own
    # does not visit another's on the way: a foreign id is as much work as an unknown one.
    Index(None, "id", "tenant"),
    sqlite_strict=True,
)

agent_token = Table(
    "all_agent_token",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("key", Text, nullable=False),  # that it was made with, and ends with
    Column("role", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("tools", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("pepper", Integer, nullable=False),
    Column("issued_s", Integer, nullable=False),
    Column("expires_s", Integer, nullable=False),
    Column("revoked_s", Integer),
    _of_account(),
    Index(None, "id", "tenant"),
    sqlite_strict=True,
)

# An operator looks into a tenant's data: the row is the tenant's, who reads it.
break_glass = Table(
    "all_break_glass",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("operator", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("opened_s", Integer, nullable=False),
    Column("expires_s", Integer, nullable=False),
    Column("closed_s", Integer),
    sqlite_strict=True,
)

# What was deleted, so that a backup which is restored is cleaned again.
tombstone = Table(
    "all_tombstone",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("deleted_s", Integer, nullable=False),
    sqlite_strict=True,
)
