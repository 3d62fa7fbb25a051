"""`spillway db settle`, and what the service settles by: the read model is made from the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from sim.cli.bill_export import ISSUER
from sim.cli.failure import NEGATIVE
from sim.cli.frame import session_of
from sim.cli.output import answer
from sim.cli.store import DEFAULT, DbFlag, TermsFlag, current_store

if TYPE_CHECKING:
    from billing.store.door import Door
    from billing.store.settling import Outcome
    from billing.terms import Terms


def settle(ctx: typer.Context, terms: TermsFlag = None, db: DbFlag = DEFAULT) -> None:
    """Make the hours, papers and sums that the API shows from the log. Exit code 1 if the log cannot be settled.

    The service does it by itself; this is for a store that nobody serves, and to see why it cannot be done.
    """
    from functools import partial

    from billing.months import utc_text
    from billing.store.engine import place_of, reading, writing
    from billing.store.invoice_hours import keep_hours
    from billing.store.settling import settle_store
    from sim.cli.edge import now_s

    engine = current_store(db)
    read, write = partial(reading, engine), partial(writing, engine)
    given = given_terms(terms)
    done = settle_store(read, write, parse_terms, ISSUER, now_s(), given)
    with _first(done):
        keep_hours(read, write, parse_terms, ISSUER, now_s(), given)
    until = None if done.until_s is None else utc_text(done.until_s)
    document: dict[str, Any] = {"db": place_of(engine), **done._asdict(), "until": until}
    rows = f"{done.written} rows written, {done.removed} taken away; hours before {until} are closed"
    after = f"{place_of(engine)}: " + (f"not settled: {done.error}" if done.error else rows)
    answer(session_of(ctx), lambda: document, list, after=after)
    if done.error:
        raise typer.Exit(NEGATIVE)


def settle_for(door: "Door", terms: "Terms | None") -> "Outcome":
    """Settle a store that is served, as the worker, and keep the hours of what was invoiced. Raises StoreError."""
    from billing.store.invoice_hours import keep_hours_behind
    from billing.store.settling import settle_behind
    from sim.cli.edge import now_s
    from tenants.access.scope import local_scope

    done = settle_behind(door, local_scope(), parse_terms, ISSUER, now_s(), terms)
    with _first(done):
        keep_hours_behind(door, local_scope(), parse_terms, ISSUER, now_s(), terms)
    return done


@contextmanager
def _first(done: "Outcome") -> Iterator[None]:
    """Where the log itself was not settled, its reason goes before that of the hours."""
    from billing.errors import StoreError

    try:
        yield
    except StoreError:
        if not done.error:
            raise


def given_terms(file: str | None) -> "Terms | None":
    """The terms of a file that was named; None: those of the log."""
    from sim.scenario.any_terms import load_any_terms

    return None if file is None else load_any_terms(file)


def parse_terms(text: str) -> "Terms":
    """The terms in a text that was noted. Raises StoreError for one that this program no longer takes."""
    from billing.errors import StoreError
    from sim.errors import SimError
    from sim.scenario.any_terms import parse_any_terms

    try:
        return parse_any_terms(text)
    except (SimError, ValueError) as error:
        raise StoreError(f"the terms of the log cannot be read: {error}", code="bad_terms") from None
