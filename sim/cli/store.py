"""Which store is meant, for every command that reads or writes one."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from billing.store.engine import Store

DbFlag = Annotated[
    str, typer.Option("--db", envvar="SPILLWAY_DB", metavar="FILE|URL", help="A SQLite file, or postgresql://...")
]
DEFAULT = "spillway.db"


def current_store(db: str) -> "Store":
    """The store at a file or URL. Raises StoreError for one that is absent, damaged, or not up to date."""
    from billing.store.engine import open_store
    from billing.store.migrate import require_current

    engine = open_store(db)
    require_current(engine)
    return engine
