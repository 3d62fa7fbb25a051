"""The service: what settling makes, what is rented, who is signed in, and price books by version.

Frozen, as every revision. New tables, a quota that no older row has, and what webhooks need to be signed for.

It is long because every table stands here as it was made.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INT = sa.BigInteger().with_variant(sa.INTEGER(), "sqlite")


def upgrade() -> None:
    """Make the new tables."""
    for make in TABLES.values():
        make()
    op.add_column("all_quota", sa.Column("gpus_max", INT, nullable=True))
    op.add_column("all_webhook", sa.Column("generation", INT, nullable=False, server_default="1"))
    op.add_column("all_webhook", sa.Column("rotated_s", INT, nullable=True))
    op.add_column("all_webhook", sa.Column("told", INT, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop them, children first."""
    op.drop_column("all_quota", "gpus_max")
    for column in ("told", "rotated_s", "generation"):
        op.drop_column("all_webhook", column)
    for name in reversed(TABLES):
        op.drop_table(name)


def _budget() -> None:
    op.create_table(
        "all_budget",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("limit_micro", INT, nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("thresholds_bp", sa.Text(), nullable=False),
        sa.Column("created_s", INT, nullable=False),
        sa.Column("disabled_s", INT, nullable=True),
        sa.CheckConstraint("tenant <> ''", name=op.f("ck_all_budget_tenant")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_all_budget")),
        sqlite_strict=True,
    )


def _capacity_hour() -> None:
    op.create_table(
        "all_capacity_hour",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("hour_s", INT, autoincrement=False, nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("gpu_s", INT, nullable=False),
        sa.CheckConstraint("tenant = ''", name=op.f("ck_all_capacity_hour_house")),
        sa.PrimaryKeyConstraint("tenant", "hour_s", "region", "sku", "state", name=op.f("pk_all_capacity_hour")),
        sqlite_strict=True,
    )


def _house_hour() -> None:
    op.create_table(
        "all_house_hour",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("hour_s", INT, autoincrement=False, nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("gpu_s", INT, nullable=False),
        sa.Column("numerator", sa.Text(), nullable=False),
        sa.Column("denominator", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.CheckConstraint("tenant = ''", name=op.f("ck_all_house_hour_house")),
        sa.PrimaryKeyConstraint("tenant", "hour_s", "product", name=op.f("pk_all_house_hour")),
        sqlite_strict=True,
    )


def _month_paper() -> None:
    op.create_table(
        "all_month_paper",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("made_s", INT, nullable=False),
        sa.CheckConstraint("tenant <> ''", name=op.f("ck_all_month_paper_tenant")),
        sa.PrimaryKeyConstraint("tenant", "period", "kind", name=op.f("pk_all_month_paper")),
        sqlite_strict=True,
    )


def _notice() -> None:
    op.create_table(
        "all_notice",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("position", INT, autoincrement=False, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("time_s", INT, nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("tenant <> ''", name=op.f("ck_all_notice_tenant")),
        sa.PrimaryKeyConstraint("tenant", "position", name=op.f("pk_all_notice")),
        sqlite_strict=True,
    )


def _offer() -> None:
    op.create_table(
        "all_offer",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("gpus", INT, nullable=False),
        sa.Column("guarantee_s", INT, nullable=False),
        sa.Column("until_s", INT, nullable=True),
        sa.Column("version", INT, nullable=False),
        sa.Column("updated_s", INT, nullable=False),
        sa.Column("free_at_least", INT, nullable=False),
        sa.Column("counted_gpus", INT, nullable=False),
        sa.Column("counted_s", INT, nullable=False),
        sa.CheckConstraint("gpus >= 0", name=op.f("ck_all_offer_gpus")),
        sa.CheckConstraint("tenant = ''", name=op.f("ck_all_offer_house")),
        sa.PrimaryKeyConstraint("tenant", "region", "sku", "product", name=op.f("pk_all_offer")),
        sqlite_strict=True,
    )


def _rental() -> None:
    op.create_table(
        "all_rental",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("gpus", INT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("requested_s", INT, nullable=False),
        sa.Column("starts_s", INT, nullable=True),
        sa.Column("until_s", INT, nullable=False),
        sa.Column("guaranteed_until_s", INT, nullable=True),
        sa.Column("noticed_s", INT, nullable=True),
        sa.Column("evict_s", INT, nullable=True),
        sa.Column("ended_s", INT, nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("version", INT, nullable=False),
        sa.CheckConstraint("gpus > 0", name=op.f("ck_all_rental_gpus")),
        sa.CheckConstraint("tenant <> ''", name=op.f("ck_all_rental_tenant")),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_all_rental")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_all_rental_state_tenant"), "all_rental", ["state", "tenant"])


def _session() -> None:
    op.create_table(
        "all_session",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_s", INT, nullable=False),
        sa.Column("seen_s", INT, nullable=False),
        sa.Column("expires_s", INT, nullable=False),
        sa.Column("ended_s", INT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "digest", name=op.f("pk_all_session")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_all_session_digest_tenant"), "all_session", ["digest", "tenant"])


def _settled() -> None:
    op.create_table(
        "all_settled",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("until_s", INT, nullable=False),
        sa.CheckConstraint("tenant = ''", name=op.f("ck_all_settled_house")),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_all_settled")),
        sqlite_strict=True,
    )


def _settling() -> None:
    op.create_table(
        "all_settling",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("position", INT, nullable=False),
        sa.Column("terms_hash", sa.Text(), nullable=False),
        sa.Column("made_s", INT, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("tenant = ''", name=op.f("ck_all_settling_house")),
        sa.PrimaryKeyConstraint("tenant", name=op.f("pk_all_settling")),
        sqlite_strict=True,
    )


def _snapshot() -> None:
    op.create_table(
        "all_snapshot",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("time_s", INT, nullable=False),
        sa.Column("received_s", INT, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.CheckConstraint("tenant = ''", name=op.f("ck_all_snapshot_house")),
        sa.PrimaryKeyConstraint("tenant", "source", name=op.f("pk_all_snapshot")),
        sqlite_strict=True,
    )


def _terms() -> None:
    op.create_table(
        "all_terms",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("version", INT, autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("created_s", INT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.CheckConstraint("tenant = ''", name=op.f("ck_all_terms_house")),
        sa.PrimaryKeyConstraint("tenant", "version", name=op.f("pk_all_terms")),
        sqlite_strict=True,
    )


def _usage_hour() -> None:
    op.create_table(
        "all_usage_hour",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("hour_s", INT, autoincrement=False, nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("meter", sa.Text(), nullable=False),
        sa.Column("charge_class", sa.Text(), nullable=False),
        sa.Column("factor_bp", INT, autoincrement=False, nullable=False),
        sa.Column("quantity", INT, nullable=False),
        sa.Column("unit_price_micro", INT, nullable=True),
        sa.Column("numerator", sa.Text(), nullable=False),
        sa.Column("denominator", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("settled", INT, nullable=False),
        sa.CheckConstraint("settled IN (0, 1)", name=op.f("ck_all_usage_hour_settled")),
        sa.CheckConstraint("tenant <> ''", name=op.f("ck_all_usage_hour_tenant")),
        sa.PrimaryKeyConstraint(
            "tenant",
            "hour_s",
            "region",
            "sku",
            "product",
            "meter",
            "charge_class",
            "factor_bp",
            name=op.f("pk_all_usage_hour"),
        ),
        sqlite_strict=True,
    )


def _alert() -> None:
    op.create_table(
        "all_alert",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("budget", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("threshold_bp", INT, autoincrement=False, nullable=False),
        sa.Column("amount_micro", INT, nullable=False),
        sa.Column("reached_s", INT, nullable=False),
        sa.CheckConstraint("tenant <> ''", name=op.f("ck_all_alert_tenant")),
        sa.ForeignKeyConstraint(
            ["tenant", "budget"], ["all_budget.tenant", "all_budget.id"], name=op.f("fk_all_alert_tenant_budget")
        ),
        sa.PrimaryKeyConstraint("tenant", "budget", "period", "threshold_bp", name=op.f("pk_all_alert")),
        sqlite_strict=True,
    )


def _delivery() -> None:
    op.create_table(
        "all_delivery",
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("webhook", sa.Text(), nullable=False),
        sa.Column("position", INT, autoincrement=False, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", INT, nullable=False),
        sa.Column("next_s", INT, nullable=False),
        sa.Column("last_code", INT, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("updated_s", INT, nullable=False),
        sa.CheckConstraint("tenant <> ''", name=op.f("ck_all_delivery_tenant")),
        sa.ForeignKeyConstraint(
            ["tenant", "position"],
            ["all_notice.tenant", "all_notice.position"],
            name=op.f("fk_all_delivery_tenant_position"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "webhook"], ["all_webhook.tenant", "all_webhook.id"], name=op.f("fk_all_delivery_tenant_webhook")
        ),
        sa.PrimaryKeyConstraint("tenant", "webhook", "position", name=op.f("pk_all_delivery")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_all_delivery_status_next_s_tenant"), "all_delivery", ["status", "next_s", "tenant"])


TABLES = {
    "all_budget": _budget,
    "all_capacity_hour": _capacity_hour,
    "all_house_hour": _house_hour,
    "all_month_paper": _month_paper,
    "all_notice": _notice,
    "all_offer": _offer,
    "all_rental": _rental,
    "all_session": _session,
    "all_settled": _settled,
    "all_settling": _settling,
    "all_snapshot": _snapshot,
    "all_terms": _terms,
    "all_usage_hour": _usage_hour,
    "all_alert": _alert,
    "all_delivery": _delivery,
}
