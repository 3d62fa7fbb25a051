"""Tables of the read model: what the log comes to, made from it by settling, thrown away and made anew at will.

Nothing here is the truth of anything: a row that is lost comes back with the next settling. Rows of the house (tenant
"") tell of all tenants together, and no tenant sees those that do (docs/decisions/0062).
"""

from sqlalchemy import CheckConstraint, Column, Table, Text

from billing.store.columns import Integer
from billing.store.schema import METADATA, of_house, of_somebody

# What a tenant used in an hour [hour_s, hour_s + 3,600), as it is rated. Exact micro-units: numerator/denominator.
usage_hour = Table(
    "all_usage_hour",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("hour_s", Integer, primary_key=True, autoincrement=False),
    Column("region", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("product", Text, primary_key=True),
    Column("meter", Text, primary_key=True),
    Column("charge_class", Text, primary_key=True),
    Column("factor_bp", Integer, primary_key=True, autoincrement=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_micro", Integer),
    Column("numerator", Text, nullable=False),
    Column("denominator", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("settled", Integer, nullable=False),  # 1: the hour is closed
    of_somebody(),
    CheckConstraint("settled IN (0, 1)", name="settled"),
    sqlite_strict=True,
)

# Papers of a tenant's month as JSON: the draft invoice, the SLA report, contracts, wallets, spend.
month_paper = Table(
    "all_month_paper",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("period", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("body", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("made_s", Integer, nullable=False),  # when it came to say what it says
    of_somebody(),
    sqlite_strict=True,
)

capacity_hour = Table(
    "all_capacity_hour",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("hour_s", Integer, primary_key=True, autoincrement=False),
    Column("region", Text, primary_key=True),
    Column("sku", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("gpu_s", Integer, nullable=False),
    of_house(),
    sqlite_strict=True,
)

# What all tenants together used of a product in an hour, and what it comes to.
house_hour = Table(
    "all_house_hour",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("hour_s", Integer, primary_key=True, autoincrement=False),
    Column("product", Text, primary_key=True),
    Column("gpu_s", Integer, nullable=False),
    Column("numerator", Text, nullable=False),
    Column("denominator", Text, nullable=False),
    Column("currency", Text, nullable=False),
    of_house(),
    sqlite_strict=True,
)

# How far: hours before it are closed. For all to see, so it says no more.
settled = Table(
    "all_settled",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("until_s", Integer, nullable=False),
    of_house(),
    sqlite_strict=True,
)

# From what, and why not further: the error may name a tenant, the position counts everybody's events.
settling = Table(
    "all_settling",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("terms_hash", Text, nullable=False),
    Column("made_s", Integer, nullable=False),
    Column("error", Text),
    of_house(),
    sqlite_strict=True,
)
