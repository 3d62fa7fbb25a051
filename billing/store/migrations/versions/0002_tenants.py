"""Tenants: the tenant in every key of its data, and tables of who may, of what was done, and of the API.

Frozen, as every revision. The log is renamed, which moves no row. The books are made anew under their new keys and
filled from the old: whose a ledger entry is follows from its document.

The way down gives tables their old names back and drops the new ones; the tenant columns of the books stay. It is there
to take a store away, as 0001's is.

It is long because every table stands here as it was made.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from billing.errors import StoreError

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")
# Children last: they refer to the invoice.
BOOKS = ("invoice", "invoice_line", "credit_note", "payment", "ledger_entry")


def upgrade() -> None:
    """Make the new tables and move the old data into them."""
    connection = op.get_bind()
    owners = _owners(connection)
    op.rename_table("event", "all_event")
    for make in TABLES.values():
        make()
    for table in BOOKS[:-1]:
        _copy(connection, table)
    _copy_ledger(connection, owners)
    for table in reversed(BOOKS):
        op.drop_table(table)


def downgrade() -> None:
    """Drop the new tables and give the old ones their names back."""
    for name in reversed(TABLES):
        if name.removeprefix("all_") not in BOOKS:
            op.drop_table(name)
    for name in ("event", *BOOKS):
        op.rename_table(f"all_{name}", name)


def _owners(connection: sa.Connection) -> dict[str, str]:
    """Whose the entries of each document are: invoices, credit notes, payments, and movements of wallets beside them,
    of which one side is booked in an account of the wallet's owner."""
    invoices = {row.id: row.tenant for row in connection.execute(sa.text("SELECT id, tenant FROM invoice"))}
    owners = dict(invoices)
    notes = connection.execute(sa.text("SELECT id, invoice FROM credit_note"))
    owners |= {note: invoices[invoice] for note, invoice in notes}
    payments = connection.execute(sa.text("SELECT reference, invoice, tenant FROM payment"))
    owners |= {f"{reference} of {invoice}": tenant for reference, invoice, tenant in payments}
    beside = sa.text("SELECT document, account FROM ledger_entry WHERE document LIKE 'wallet/%'")
    accounts = ((document, *account.partition(":")) for document, account in connection.execute(beside))
    owners |= {document: owner for document, kind, _, owner in accounts if kind in ("wallet", "deferred")}
    return owners


def _copy(connection: sa.Connection, table: str) -> None:
    old = [column["name"] for column in sa.inspect(connection).get_columns(table)]
    taken = ", ".join(f"old.{name}" for name in old)
    if "tenant" in old:
        sql = f"INSERT INTO all_{table} ({', '.join(old)}) SELECT {taken} FROM {table} AS old"
    else:
        sql = f"INSERT INTO all_{table} (tenant, {', '.join(old)}) SELECT owner.tenant, {taken} FROM {table} AS old "
        sql += "JOIN invoice AS owner ON owner.id = old.invoice"
    connection.execute(sa.text(sql))


def _copy_ledger(connection: sa.Connection, owners: dict[str, str]) -> None:
    names = ("account", "amount_micro", "currency", "document", "line", "time_s")
    last: dict[str, int] = {}
    rows: list[dict[str, Any]] = []
    old = connection.execute(sa.text(f"SELECT {', '.join(names)} FROM ledger_entry ORDER BY position"))
    for row in old.mappings():
        tenant = owners.get(row["document"])
        if tenant is None:
            message, allowed = "an entry of the ledger is nobody's", "books that add up: `spillway db check`"
            raise StoreError(message, code="bad_store", path="upgrade", found=row["document"], allowed=allowed)
        last[tenant] = last.get(tenant, 0) + 1
        rows.append({"tenant": tenant, "position": last[tenant], **row})
    if rows:
        marks = ", ".join(f":{name}" for name in ("tenant", "position", *names))
        connection.execute(sa.text(f"INSERT INTO all_ledger_entry VALUES ({marks})"), rows)


def _account() -> None:
    op.create_table(
        "all_account",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_s", INT, nullable=False),
        sa.Column("disabled_s", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_all_account")),
        sqlite_strict=True,
    )


def _audit_entry() -> None:
    op.create_table(
        "all_audit_entry",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("position", INT, autoincrement=False, nullable=False),
        sa.Column("time_s", INT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details_hash", sa.Text(), nullable=False),
        sa.Column("leaf_hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "position", name=op.f("pk_all_audit_entry")),
        sqlite_strict=True,
    )


def _audit_tree() -> None:
    op.create_table(
        "all_audit_tree",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("size", INT, nullable=False),
        sa.Column("frontier", sa.Text(), nullable=False),
        sa.Column("root", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_all_audit_tree")),
        sqlite_strict=True,
    )


def _break_glass() -> None:
    op.create_table(
        "all_break_glass",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("operator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_s", INT, nullable=False),
        sa.Column("expires_s", INT, nullable=False),
        sa.Column("closed_s", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_all_break_glass")),
        sqlite_strict=True,
    )


def _idempotency() -> None:
    op.create_table(
        "all_idempotency",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("status", INT, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_s", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "key", name=op.f("pk_all_idempotency")),
        sqlite_strict=True,
    )


def _invoice() -> None:
    op.create_table(
        "all_invoice",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("ordinal", INT, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stands", INT, nullable=True),
        sa.Column("issued_s", INT, nullable=False),
        sa.Column("total_micro", INT, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("log_position", INT, nullable=False),
        sa.CheckConstraint("tenant <> ''", name=op.f("ck_all_invoice_tenant")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_all_invoice")),
        sa.UniqueConstraint("tenant", "number", name=op.f("uq_all_invoice_tenant_number")),
        sa.UniqueConstraint("tenant", "period", "stands", name=op.f("uq_all_invoice_tenant_period_stands")),
        sa.UniqueConstraint("tenant", "series", "ordinal", name=op.f("uq_all_invoice_tenant_series_ordinal")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_all_invoice_number_tenant"), "all_invoice", ["number", "tenant"])


def _ledger_entry() -> None:
    op.create_table(
        "all_ledger_entry",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("position", INT, autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_micro", INT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("line", INT, nullable=False),
        sa.Column("time_s", INT, nullable=False),
        sa.CheckConstraint("tenant <> ''", name=op.f("ck_all_ledger_entry_tenant")),
        sa.PrimaryKeyConstraint("tenant", "position", name=op.f("pk_all_ledger_entry")),
        sqlite_strict=True,
    )


def _tenant() -> None:
    op.create_table(
        "all_tenant",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("regions", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_s", INT, nullable=False),
        sa.Column("suspended_s", INT, nullable=True),
        sa.Column("deleted_s", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_all_tenant")),
        sqlite_strict=True,
    )


def _tombstone() -> None:
    op.create_table(
        "all_tombstone",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("deleted_s", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_all_tombstone")),
        sqlite_strict=True,
    )


def _webhook() -> None:
    op.create_table(
        "all_webhook",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.Text(), nullable=False),
        sa.Column("created_s", INT, nullable=False),
        sa.Column("disabled_s", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_all_webhook")),
        sqlite_strict=True,
    )


def _quota() -> None:
    op.create_table(
        "all_quota",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("keys_max", INT, nullable=False),
        sa.Column("webhooks_max", INT, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_all_quota")),
        sqlite_strict=True,
    )


def _organisation() -> None:
    op.create_table(
        "platform_organisation",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_s", INT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_organisation")),
        sqlite_strict=True,
    )


def _agent_token() -> None:
    op.create_table(
        "all_agent_token",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("tools", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("pepper", INT, nullable=False),
        sa.Column("issued_s", INT, nullable=False),
        sa.Column("expires_s", INT, nullable=False),
        sa.Column("revoked_s", INT, nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "account"],
            ["all_account.tenant", "all_account.id"],
            name=op.f("fk_all_agent_token_tenant_account"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_all_agent_token")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_all_agent_token_id_tenant"), "all_agent_token", ["id", "tenant"])


def _api_key() -> None:
    op.create_table(
        "all_api_key",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("pepper", INT, nullable=False),
        sa.Column("created_s", INT, nullable=False),
        sa.Column("not_before_s", INT, nullable=False),
        sa.Column("expires_s", INT, nullable=False),
        sa.Column("revoked_s", INT, nullable=True),
        sa.Column("successor", sa.Text(), nullable=True),
        sa.Column("last_used_s", INT, nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "account"], ["all_account.tenant", "all_account.id"], name=op.f("fk_all_api_key_tenant_account")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_all_api_key")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_all_api_key_id_tenant"), "all_api_key", ["id", "tenant"])


def _audit_details() -> None:
    op.create_table(
        "all_audit_details",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("position", INT, autoincrement=False, nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "position"],
            ["all_audit_entry.tenant", "all_audit_entry.position"],
            name=op.f("fk_all_audit_details_tenant_position"),
        ),
        sa.PrimaryKeyConstraint("tenant", "position", name=op.f("pk_all_audit_details")),
        sqlite_strict=True,
    )


def _credit_note() -> None:
    op.create_table(
        "all_credit_note",
        sa.Column("tenant", sa.Text(), nullable=False),
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
        sa.ForeignKeyConstraint(
            ["tenant", "invoice"],
            ["all_invoice.tenant", "all_invoice.id"],
            name=op.f("fk_all_credit_note_tenant_invoice"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_all_credit_note")),
        sa.UniqueConstraint("tenant", "number", name=op.f("uq_all_credit_note_tenant_number")),
        sa.UniqueConstraint("tenant", "series", "ordinal", name=op.f("uq_all_credit_note_tenant_series_ordinal")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_all_credit_note_invoice_tenant"), "all_credit_note", ["invoice", "tenant"])


def _invoice_line() -> None:
    op.create_table(
        "all_invoice_line",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("number", INT, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("net_micro", INT, nullable=False),
        sa.Column("tax_micro", INT, nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "invoice"],
            ["all_invoice.tenant", "all_invoice.id"],
            name=op.f("fk_all_invoice_line_tenant_invoice"),
        ),
        sa.PrimaryKeyConstraint("tenant", "invoice", "number", name=op.f("pk_all_invoice_line")),
        sqlite_strict=True,
    )


def _payment() -> None:
    op.create_table(
        "all_payment",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("invoice", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount_micro", INT, nullable=False),
        sa.Column("time_s", INT, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "invoice"], ["all_invoice.tenant", "all_invoice.id"], name=op.f("fk_all_payment_tenant_invoice")
        ),
        sa.PrimaryKeyConstraint("tenant", "invoice", "reference", name=op.f("pk_all_payment")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_all_payment_invoice_tenant"), "all_payment", ["invoice", "tenant"])


TABLES = {
    "all_account": _account,
    "all_audit_entry": _audit_entry,
    "all_audit_tree": _audit_tree,
    "all_break_glass": _break_glass,
    "all_idempotency": _idempotency,
    "all_invoice": _invoice,
    "all_ledger_entry": _ledger_entry,
    "all_tenant": _tenant,
    "all_tombstone": _tombstone,
    "all_webhook": _webhook,
    "all_quota": _quota,
    "platform_organisation": _organisation,
    "all_agent_token": _agent_token,
    "all_api_key": _api_key,
    "all_audit_details": _audit_details,
    "all_credit_note": _credit_note,
    "all_invoice_line": _invoice_line,
    "all_payment": _payment,
}
