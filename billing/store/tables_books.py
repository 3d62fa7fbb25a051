"""Tables of the books: documents as they were issued, what was paid, and the ledger.

A document is kept as the bytes that were sent, beside the few columns that are asked for. Nothing is ever updated but
the status of an invoice: what was issued stays, and entries are only added.
"""

from sqlalchemy import Column, ForeignKey, Table, Text, UniqueConstraint

from billing.store.columns import Integer
from billing.store.schema import METADATA

invoice = Table(
    "invoice",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("series", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("period", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("status", Text, nullable=False),
    # 1 until it is void, then NULL: a tenant's month has one invoice that stands.
    Column("stands", Integer),
    Column("issued_s", Integer, nullable=False),
    Column("total_micro", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("document", Text, nullable=False),
    # The log's last event when it was made, by order of arrival; what arrived later is late for it. 0 without a log.
    Column("log_position", Integer, nullable=False),
    UniqueConstraint("series", "ordinal"),
    UniqueConstraint("tenant", "period", "stands"),
    sqlite_strict=True,
)

invoice_line = Table(
    "invoice_line",
    METADATA,
    Column("invoice", Text, ForeignKey("invoice.id"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("net_micro", Integer, nullable=False),
    Column("tax_micro", Integer, nullable=False),
    Column("cause", Text, nullable=False),
    sqlite_strict=True,
)

credit_note = Table(
    "credit_note",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("series", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("invoice", Text, ForeignKey("invoice.id"), nullable=False),
    Column("cause", Text, nullable=False),
    Column("issued_s", Integer, nullable=False),
    Column("total_micro", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("series", "ordinal"),
    sqlite_strict=True,
)

payment = Table(
    "payment",
    METADATA,
    Column("invoice", Text, ForeignKey("invoice.id"), primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("amount_micro", Integer, nullable=False),
    Column("time_s", Integer, nullable=False),
    sqlite_strict=True,
)

ledger_entry = Table(
    "ledger_entry",
    METADATA,
    # In order of posting, from 1.
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("amount_micro", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("time_s", Integer, nullable=False),
    sqlite_strict=True,
)
