"""One schema for both engines: every table of the store hangs on `METADATA`.

Each part of billing declares its tables in a module of its own, `tables_<part>.py`, listed in `PARTS`. Tables are
STRICT in SQLite, so that an integer column never quietly holds anything else.
"""

from importlib import import_module

from sqlalchemy import CheckConstraint, MetaData

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
PARTS = ("log", "books", "access", "audit", "api", "settled", "rentals", "console")


def of_somebody() -> CheckConstraint:
    """Return the rule that each row of a table is a tenant's."""
    return CheckConstraint("tenant <> ''", name="tenant")


def of_house() -> CheckConstraint:
    """Return the rule that each row of a table is the house's own."""
    return CheckConstraint("tenant = ''", name="house")


def all_tables() -> MetaData:
    """Return the metadata with the tables of every part on it."""
    for part in PARTS:
        import_module(f"billing.store.tables_{part}")
    return METADATA
