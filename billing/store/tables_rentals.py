"""Tables of renting: what is on offer, what is rented, what tenants were told, and what they want to be told."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Table, Text

from billing.store.columns import Integer
from billing.store.schema import METADATA, of_house, of_somebody

# Capacity on offer: for all to see.
offer = Table(
    "all_offer",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("region", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("gpus", Integer, nullable=False),
    Column("guarantee_s", Integer, nullable=False),  # for how long a rental is safe from eviction
    Column("until_s", Integer),
    Column("version", Integer, nullable=False),
    Column("updated_s", Integer, nullable=False),
    # What the desk notes beside it: about how many are free, and up to when which number of GPUs was accounted for.
    Column("free_at_least", Integer, nullable=False),
    Column("counted_gpus", Integer, nullable=False),
    Column("counted_s", Integer, nullable=False),
    of_house(),
    CheckConstraint("gpus >= 0", name="gpus"),
    sqlite_strict=True,
)

rental = Table(
    "all_rental",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("product", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("gpus", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("requested_s", Integer, nullable=False),
    Column("starts_s", Integer),
    Column("until_s", Integer, nullable=False),
    Column("guaranteed_until_s", Integer),
    Column("noticed_s", Integer),
    Column("evict_s", Integer),
    Column("ended_s", Integer),
    Column("cause", Text, nullable=False),
    Column("version", Integer, nullable=False),
    of_somebody(),
    CheckConstraint("gpus > 0", name="gpus"),
    Index(None, "state", "tenant"),
    sqlite_strict=True,
)

# What happened to a tenant, in order, from 1 for each on its own: a feed to poll, and what webhooks deliver.
notice = Table(
    "all_notice",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("type", Text, nullable=False),
    Column("time_s", Integer, nullable=False),
    Column("object", Text, nullable=False),
    Column("body", Text, nullable=False),
    of_somebody(),
    sqlite_strict=True,
)

delivery = Table(
    "all_delivery",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("webhook", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_s", Integer, nullable=False),
    Column("last_code", Integer),
    Column("last_error", Text, nullable=False),
    Column("updated_s", Integer, nullable=False),
    of_somebody(),
    ForeignKeyConstraint(["tenant", "webhook"], ["all_webhook.tenant", "all_webhook.id"]),
    ForeignKeyConstraint(["tenant", "position"], ["all_notice.tenant", "all_notice.position"]),
    Index(None, "status", "next_s", "tenant"),
    sqlite_strict=True,
)

budget = Table(
    "all_budget",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("limit_micro", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("thresholds_bp", Text, nullable=False),  # numbers with a comma between them
    Column("created_s", Integer, nullable=False),
    Column("disabled_s", Integer),
    of_somebody(),
    sqlite_strict=True,
)

alert = Table(
    "all_alert",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("budget", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("threshold_bp", Integer, primary_key=True, autoincrement=False),
    Column("amount_micro", Integer, nullable=False),
    Column("reached_s", Integer, nullable=False),
    of_somebody(),
    ForeignKeyConstraint(["tenant", "budget"], ["all_budget.tenant", "all_budget.id"]),
    sqlite_strict=True,
)
