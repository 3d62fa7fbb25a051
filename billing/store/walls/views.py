"""What a statement names: the view of a noun on a connection from the door, the table itself on the platform's own."""

from functools import cache

from sqlalchemy import Connection, Table, TableClause, column, table

from billing.store.schema import all_tables
from billing.store.walls.grants import added_through, columns_of, shown

BOUND_OPTION = "spillway_bound"  # an execution option of connections from the door


@cache
def view(noun: str) -> TableClause:
    """Return what a role sees of a noun, for `select`, `update` and `delete`; and for `insert`, if it hides nothing."""
    return table(noun, *(column(name) for name in shown(noun)))


@cache
def new_view(noun: str) -> TableClause:
    """Return where rows of a noun are added, with all its columns. Nobody reads it."""
    return table(added_through(noun), *(column(name) for name in columns_of(noun)))


def is_bound(connection: Connection) -> bool:
    """Whether a connection is from the door, and sees views alone."""
    return bool(connection.get_execution_options().get(BOUND_OPTION, False))


def table_of(connection: Connection, noun: str) -> TableClause | Table:
    """Return the view of a noun if the connection is from the door, else the table of all tenants."""
    return view(noun) if is_bound(connection) else all_tables().tables[f"all_{noun}"]


def new_rows(connection: Connection, noun: str) -> TableClause | Table:
    """Return where a connection adds rows of a noun."""
    return new_view(noun) if is_bound(connection) else all_tables().tables[f"all_{noun}"]
