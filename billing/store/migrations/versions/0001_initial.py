"""The first schema: every table of the store.

Not released yet: until the first release it makes the tables as they are declared, so that each part of billing can
still add its own. From then on it is frozen, and every change is a revision of its own.
"""

from alembic import op

from billing.store.schema import all_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    all_tables().create_all(op.get_bind())


def downgrade() -> None:
    """Take all tables away."""
    all_tables().drop_all(op.get_bind())
