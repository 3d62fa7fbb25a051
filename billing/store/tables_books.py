"""Tables of the books: documents as they were issued, what was paid, and the ledger.

A document is kept as the bytes that were sent, beside the few columns that are asked for. Nothing is ever updated but
the status of an invoice: what was issued stays, and entries are only added.

The tenant stands in every key, so that no key of one tenant can be taken, or pointed at, by another.
"""

from sqlalchemy import Column, ForeignKeyConstraint, Index, Table, Text, UniqueConstraint

from billing.store.columns import Integer
from billing.store.schema import METADATA, of_somebody


def _of_invoice() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["tenant", "invoice"], ["all_invoice.tenant", "all_invoice.id"])


invoice = Table(
    "all_invoice",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
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
    UniqueConstraint("tenant", "number"),
    UniqueConstraint("tenant", "series", "ordinal"),
    UniqueConstraint("tenant", "period", "stands"),
    of_somebody(),
    Index(None, "number", "tenant"),  # a person names a document by its number alone; a tenant visits its own alone
    sqlite_strict=True,
)

invoice_line = Table(
    "all_invoice_line",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("invoice", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("net_micro", Integer, nullable=False),
    Column("tax_micro", Integer, nullable=False),
    Column("cause", Text, nullable=False),
    _of_invoice(),
    sqlite_strict=True,
)

credit_note = Table(
    "all_credit_note",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("number", Text, nullable=False),
    Column("series", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("invoice", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("issued_s", Integer, nullable=False),
    Column("total_micro", Integer, nullable=False),
    Column("hash", Text, nullable=False),
    Column("document", Text, nullable=False),
    _of_invoice(),
    UniqueConstraint("tenant", "number"),
    UniqueConstraint("tenant", "series", "ordinal"),
    Index(None, "invoice", "tenant"),
    sqlite_strict=True,
)

payment = Table(
    "all_payment",
    METADATA,
    Column("tenant", Text, primary_key=True),
    Column("invoice", Text, primary_key=True),
    Column("reference", Text, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("amount_micro", Integer, nullable=False),
    Column("time_s", Integer, nullable=False),
    _of_invoice(),
    Index(None, "invoice", "tenant"),
    sqlite_strict=True,
)

ledger_entry = Table(
    "all_ledger_entry",
    METADATA,
    Column("tenant", Text, primary_key=True),
    # In order of posting, from 1, for each tenant on its own: a position tells nothing of how much others post.
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("account", Text, nullable=False),
    Column("amount_micro", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("document", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("time_s", Integer, nullable=False),
    of_somebody(),
    sqlite_strict=True,
)
