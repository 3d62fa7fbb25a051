"""From the log of a store to the basis of invoices: as of now, or as of any position of the past."""

from collections.abc import Callable

from sqlalchemy import Connection, select

from billing.closing.month import Basis
from billing.closing.of_log import LogBasis, basis_of, first_after
from billing.errors import BillingError, StoreError
from billing.store.reader import events_in, last_position, terms_in
from billing.store.tables_console import terms as kept_terms
from billing.terms import Terms


def noted_terms(connection: Connection) -> str:
    """Return the text of the terms that hold: as an operator last changed them, else those of all sources of the log.

    Raises:
        StoreError: no source has any, or two have different ones.
    """
    newest = select(kept_terms.c.terms).order_by(kept_terms.c.version.desc()).limit(1)
    if (text := connection.execute(newest).scalar_one_or_none()) is not None:
        return str(text)
    texts = {source.terms for source in terms_in(connection)}
    if len(texts) != 1:
        found = f"{len(texts)} different terms among the sources" if texts else "no source that names terms"
        raise StoreError("no single terms to bill by", code="no_terms", found=found, allowed="--terms FILE")
    return texts.pop()


def basis_at(connection: Connection, terms: Terms, position: int | None = None) -> tuple[LogBasis, int]:
    """Return what the log came to up to a position (None: all of it), and that position."""
    until = last_position(connection) if position is None else position
    return basis_of(events_in(connection, until=until), terms), until


def known_at(connection: Connection, terms: Terms) -> Callable[[int], tuple[Basis, Callable[[str], str]]]:
    """Return a function from a position to (the books of what had arrived by then, tenant -> first event after it).

    It raises the error that these books could not be made for: then they were never invoiced.
    """

    def known(position: int) -> tuple[Basis, Callable[[str], str]]:
        then = basis_at(connection, terms, position)[0].basis
        if isinstance(then, BillingError):
            raise then
        late = list(events_in(connection, after=position))
        return then, lambda tenant: first_after(late, tenant)

    return known
