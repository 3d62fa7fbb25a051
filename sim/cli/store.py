"""Which store is meant, for every command that reads or writes one."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from billing.store.engine import Store
    from billing.terms import Terms
    from tenants.access.secrets import Secrets

DbFlag = Annotated[
    str, typer.Option("--db", envvar="SPILLWAY_DB", metavar="FILE|URL", help="A SQLite file, or postgresql://...")
]
TermsFlag = Annotated[
    str | None, typer.Option("--terms", metavar="FILE", help="A terms file or scenario, if the log names none.")
]
SecretsFlag = Annotated[
    str | None,
    typer.Option("--secrets", envvar="SPILLWAY_SECRETS", metavar="FILE", help="Of the store [beside the database]."),
]
DEFAULT = "spillway.db"


def current_store(db: str) -> "Store":
    """The store at a file or URL. Raises StoreError for one that is absent, damaged, or not up to date."""
    from billing.store.engine import open_store
    from billing.store.migrate import require_current

    engine = open_store(db)
    require_current(engine)
    return engine


def secrets_of(db: str, named: str | None, *, make: bool = True) -> "Secrets":
    """The secrets of a store, made where there are none yet, unless keys were hashed with some that are missing now.

    Raises:
        StoreError: a damaged file, or none that may be made.
    """
    from billing.store.secrets_file import load_secrets, make_secrets, secrets_path
    from sim.cli import edge

    path = secrets_path(db, named)
    return load_secrets(path) if path.exists() or not make else make_secrets(path, edge.entropy)


def terms_for(engine: "Store", file: str | None) -> "Terms":
    """The terms in a file, or those that the log's sources are billed by."""
    from billing.store.engine import reading
    from billing.store.log_basis import noted_terms
    from sim.scenario.any_terms import load_any_terms, parse_any_terms

    if file is not None:
        return load_any_terms(file)
    with reading(engine) as connection:
        return parse_any_terms(noted_terms(connection))
