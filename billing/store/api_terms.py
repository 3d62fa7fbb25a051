"""The terms that everything is billed by: as an operator last changed them, else those that the log's sources have.

Their text names every tenant and what was agreed with it, so no tenant's role reads it. Whoever answers a tenant takes
from it what that tenant may see.
"""

import tomllib
from collections.abc import Callable
from typing import NamedTuple

from billing.terms import Terms, terms_from


def plain_terms(text: str) -> Terms:
    """Return the terms in the text of a terms file. Raises TenantError, BillingError, ValueError."""
    return terms_from(tomllib.loads(text))


class TermsSource(NamedTuple):
    """Where terms come from.

    Attributes:
        parse:  terms from a text that was kept.
        given:  terms that the service was started with: they hold instead of all that is kept.
        issuer: who sends the invoices, in the words of the documents.
    """

    parse: Callable[[str], Terms] = plain_terms
    given: Terms | None = None
    issuer: str = "Spillway"


PLAIN = TermsSource()
