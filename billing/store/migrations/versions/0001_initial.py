"""The first schema: the log, and the books.

Frozen: a change of the tables is a revision of its own, which a test asks for by holding what the migrations make to
what the program declares.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")


def upgrade() -> None:
    """Make the tables, those first that others refer to."""
    for make in TABLES.values():
        make()


def downgrade() -> None:
    """Take them away again."""
    for name in reversed(TABLES):
        op.drop_table(name)


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("position", INT, autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seq", INT, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("time_s", INT, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("prevhash", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_event")),
        sa.UniqueConstraint("source", "id", name=op.f("uq_event_source_id")),
        sa.UniqueConstraint("source", "seq", name=op.f("uq_event_source_seq")),
        sqlite_strict=True,
    )


def _event_gap() -> None:
    op.create_table(
        "event_gap",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("from_seq", INT, autoincrement=False, nullable=False),
        sa.Column("until_seq", INT, nullable=False),
        sa.PrimaryKeyConstraint("source", "from_seq", name=op.f("pk_event_gap")),
        sqlite_strict=True,
    )


def _event_source() -> None:
    op.create_table(
        "event_source",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("events", INT, nullable=False),
        sa.Column("last_seq", INT, nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_event_source")),
        sqlite_strict=True,
    )


def _event_terms() -> None:
    op.create_table(
        "event_terms",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("events", INT, nullable=True),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_event_terms")),
        sqlite_strict=True,
    )


def _invoice() -> None:
    op.create_table(
        "invoice",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("ordinal", INT, nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stands", INT, nullable=True),
        sa.Column("issued_s", INT, nullable=False),
        sa.Column("total_micro", INT, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("log_position", INT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
        sa.UniqueConstraint("series", "ordinal", name=op.f("uq_invoice_series_ordinal")),
        sa.UniqueConstraint("tenant", "period", "stands", name=op.f("uq_invoice_tenant_period_stands")),
        sqlite_strict=True,
    )


def _ledger_entry() -> None:
    op.create_table(
        "ledger_entry",
        sa.Column("position", INT, autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_micro", INT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("line", INT, nullable=False),
        sa.Column("time_s", INT, nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_entry")),
        sqlite_strict=True,
    )


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("known_hash", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("origin", "record", "hash", name=op.f("pk_quarantine")),
        sqlite_strict=True,
    )


def _credit_note() -> None:
    op.create_table(
        "credit_note",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("ordinal", INT, nullable=False),
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("issued_s", INT, nullable=False),
        sa.Column("total_micro", INT, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoice.id"], name=op.f("fk_credit_note_invoice")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note")),
        sa.UniqueConstraint("number", name=op.f("uq_credit_note_number")),
        sa.UniqueConstraint("series", "ordinal", name=op.f("uq_credit_note_series_ordinal")),
        sqlite_strict=True,
    )


def _invoice_line() -> None:
    op.create_table(
        "invoice_line",
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("number", INT, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("net_micro", INT, nullable=False),
        sa.Column("tax_micro", INT, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoice.id"], name=op.f("fk_invoice_line_invoice")),
        sa.PrimaryKeyConstraint("invoice", "number", name=op.f("pk_invoice_line")),
        sqlite_strict=True,
    )


def _payment() -> None:
    op.create_table(
        "payment",
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_micro", INT, nullable=False),
        sa.Column("time_s", INT, nullable=False),
        sa.ForeignKeyConstraint(["invoice"], ["invoice.id"], name=op.f("fk_payment_invoice")),
        sa.PrimaryKeyConstraint("invoice", "reference", name=op.f("pk_payment")),
        sqlite_strict=True,
    )


TABLES = {
    "event": _event,
    "event_gap": _event_gap,
    "event_source": _event_source,
    "event_terms": _event_terms,
    "invoice": _invoice,
    "ledger_entry": _ledger_entry,
    "quarantine": _quarantine,
    "credit_note": _credit_note,
    "invoice_line": _invoice_line,
    "payment": _payment,
}
