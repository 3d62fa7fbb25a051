"""The terms that everything is billed by: as an operator last changed them, else those that the log's sources have.

Their text names every tenant and what was agreed with it, so no tenant's role reads it: it is read as the role that
looks keys up, which a service starts with. Whoever answers a tenant takes from it what that tenant may see.
"""

import tomllib
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select

from billing.errors import StoreError
from billing.store.door import Bound, Door
from billing.store.log_basis import noted_terms
from billing.store.tables_console import terms as terms_table
from billing.store.walls.views import view
from billing.terms import Terms, terms_from
from tenants.audit.entry import HOUSE


class TermsSource(NamedTuple):
    """Where terms come from.

    Attributes:
        parse:  terms from a text that was kept.
        given:  terms that the service was started with: they hold instead of all that is kept.
        issuer: who sends the invoices, in the words of the documents.
    """

    parse: Callable[[str], Terms] = lambda text: terms_from(tomllib.loads(text))
    given: Terms | None = None
    issuer: str = "Spillway"


PLAIN = TermsSource()


class KeptTerms(NamedTuple):
    """A version of the terms: version 0 is what the log's sources were noted with. `created_s` is Unix seconds."""

    version: int
    text: str
    created_s: int

    @property
    def hash(self) -> str:
        """The hex SHA-256 of the text."""
        return sha256(self.text.encode()).hexdigest()


def terms_in_force(connection: Connection, source: TermsSource) -> Terms:
    """Return the terms that hold. Raises StoreError where there are none, BillingError, TenantError."""
    return source.given or source.parse(noted_terms(connection))


def current_terms(door: Door, source: TermsSource) -> Terms:
    """As `terms_in_force`, for whoever is let in."""
    if source.given:
        return source.given
    with door.looking_up() as connection:
        return source.parse(noted_terms(connection))


def versions(door: Door) -> list[KeptTerms]:
    """Return the versions of the terms, oldest first; those that sources were noted with only while no other are."""
    columns = terms_table.c
    wanted = select(columns.version, columns.terms, columns.created_s).order_by(columns.version)
    with door.looking_up() as connection:
        found = [KeptTerms._make(row) for row in connection.execute(wanted)]
        if not found:
            try:
                found = [KeptTerms(0, noted_terms(connection), 0)]
            except StoreError as error:
                if error.code != "no_terms":
                    raise
    return found


def keep_version(bound: Bound, text: str, after: int, now_s: int) -> KeptTerms:
    """Keep a text as the next version, as the operator who is bound.

    Raises:
        StoreError: another version came meanwhile (code `conflict`).
    """
    columns = view("terms").c
    last = bound.connection.execute(select(func.coalesce(func.max(columns.version), 0))).scalar_one()
    if last != after:
        raise StoreError("other terms came meanwhile", code="conflict", path="terms")
    made = KeptTerms(after + 1, text, now_s)
    row = {"tenant": HOUSE, "version": made.version, "hash": made.hash, "terms": text, "created_s": now_s}
    bound.connection.execute(insert(view("terms")), row | {"actor": bound.scope.principal.id})
    return made
