"""Bringing a store to the schema that the program expects, revision by revision.

    init      makes the file (SQLite), or fills the database that the URL names (PostgreSQL)
    upgrade   brings an older store up; data stay

Each upgrade is one transaction: a store is at a revision or at the one before, never between.
"""

from functools import cache
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from billing.errors import StoreError
from billing.store.audit import record
from billing.store.engine import make_durable, place_of, reading, writing
from billing.store.schema import all_tables
from tenants.audit.entry import HOUSE, LOCAL

_SCRIPTS = Path(__file__).parent / "migrations"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def head() -> str:
    """Return the revision that the program expects."""
    return _revisions()[0]


@cache
def _revisions() -> tuple[str, frozenset[str]]:
    """The newest revision, and all of them. Reading the scripts takes longer than most commands do."""
    scripts = ScriptDirectory.from_config(_config())
    newest = scripts.get_current_head()
    assert newest is not None
    return newest, frozenset(script.revision for script in scripts.walk_revisions())


def revision_of(connection: Connection) -> str | None:
    """Return the revision that a store is at, None for a database that holds none."""
    return MigrationContext.configure(connection).get_current_revision()


def init(engine: Engine, at_s: int = 0) -> str:
    """Make the store that `engine` was opened for, or bring it up if it is there, as `upgrade`; return its revision.

    Raises:
        StoreError: the database holds tables of somebody else, or cannot be used.
    """
    with reading(engine) as connection:
        if revision_of(connection) is None and inspect(connection).get_table_names():
            allowed = "an empty database, or one made by `spillway db init`"
            raise StoreError("database holds other tables", code="bad_store", file=place_of(engine), allowed=allowed)
    make_durable(engine)
    return upgrade(engine, at_s)


def upgrade(engine: Engine, at_s: int = 0) -> str:
    """Bring a store to the head revision and return it; its audit log says so, at Unix second `at_s`.

    Raises:
        StoreError: a store of a newer program.
    """
    with writing(engine) as connection:
        before = revision_of(connection)
        _require_known(engine, before)
        command.upgrade(_config(connection), "head")
        if before != head():
            record(connection, HOUSE, LOCAL, "store.upgrade", head(), "", {"from": before}, at_s)
    return head()


def downgrade(engine: Engine) -> None:
    """Take every table of the store away. For tests of the migrations: nobody else wants it."""
    with writing(engine) as connection:
        command.downgrade(_config(connection), "base")


def require_store(engine: Engine) -> str:
    """Return the revision of a store. Raises StoreError for a database that is none, or one of a newer program."""
    with reading(engine) as connection:
        revision = revision_of(connection)
    _require_known(engine, revision)
    if revision is None:
        allowed = "a database made by `spillway db init`"
        raise StoreError("no store in this database", code="no_store", file=place_of(engine), allowed=allowed)
    return revision


def require_current(engine: Engine) -> None:
    """Refuse a database that is no store, or not at the head revision. Raises StoreError."""
    revision = require_store(engine)
    if revision != head():
        allowed = f"revision {head()}: run `spillway db upgrade`"
        message = "store is of an older program"
        raise StoreError(message, code="old_store", file=place_of(engine), found=revision, allowed=allowed)


def differences(connection: Connection) -> list[str]:
    """Say in what the tables of a store differ from those that the program declares; nothing where all is well."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return [str(step[0] if isinstance(step, tuple) else step[0][0]) for step in compare_metadata(context, all_tables())]


def _require_known(engine: Engine, revision: str | None) -> None:
    known = _revisions()[1]
    if revision is not None and revision not in known:
        allowed = ", ".join(sorted(known))
        message = "store is of a newer program"
        raise StoreError(message, code="new_store", file=place_of(engine), found=revision, allowed=allowed)
