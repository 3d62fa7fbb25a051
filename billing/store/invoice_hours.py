"""Keeping the hours behind issued invoices, as the worker: each invoice's once, from the log as it was then."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from billing.errors import BillingError, StoreError
from billing.invoices.document import read_invoice
from billing.settling.invoice_hours import hours_paper
from billing.store.door import Door
from billing.store.log_basis import basis_at, noted_terms
from billing.store.tables_access import tombstone
from billing.store.tables_books import invoice
from billing.store.tables_settled import month_paper
from billing.terms import Terms
from tenants.access.scope import Scope

KIND = "hours/"  # of the paper, and behind it the invoice's id


class _Due(NamedTuple):
    log_position: int
    id: str
    tenant: str
    document: str
    status: str


def keep_hours(
    read: Callable[[], AbstractContextManager[Connection]],
    write: Callable[[], AbstractContextManager[Connection]],
    parse: Callable[[str], Terms],
    issuer: str,
    now_s: int,
    terms: Terms | None = None,
) -> int:
    """Keep the hours behind every issued invoice that has none yet; how many.

    Args: as of `billing.store.settling.settle_store`.

    Raises:
        StoreError: the books of an invoice cannot be made any more, such as by other terms; all others have theirs.

    Cost: one statement where there is nothing to do, else a fold of the log for each position that invoices were made
    from.
    """
    faults: list[str] = []
    with read() as connection:
        due = _due(connection)
        if not due:
            return 0
        agreed = terms or parse(noted_terms(connection))
        known = {tenant.id for tenant in agreed.registry.tenants}
        faults += [f"{each.id}: the terms know no tenant {each.tenant!r}" for each in due if each.tenant not in known]
        mine = [each for each in due if each.tenant in known]
        rows = [
            row
            for at, group in groupby(mine, lambda each: each.log_position)
            for row in _papers(connection, agreed, at, list(group), issuer, now_s, faults)
        ]
    if rows:
        with write() as connection:
            connection.execute(insert(month_paper), rows)
    if faults:
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        raise StoreError(f"hours behind an invoice cannot be kept: {faults[0]}{more}", code="no_hours")
    return len(rows)


def keep_hours_behind(
    door: Door, scope: Scope, parse: Callable[[str], Terms], issuer: str, now_s: int, terms: Terms | None = None
) -> int:
    """As `keep_hours`, as the worker of a store that is served. Raises Forbidden, StoreError."""

    @contextmanager
    def transaction(*, write: bool = True) -> Iterator[Connection]:
        with door.working(scope, write=write) as bound:
            yield bound.connection

    return keep_hours(lambda: transaction(write=False), transaction, parse, issuer, now_s, terms)


def _due(connection: Connection) -> list[_Due]:
    """Issued invoices of tenants that are there, without their paper, by the position that they were made from."""
    columns = invoice.c
    kept = select(month_paper.c.kind).where(
        month_paper.c.tenant == columns.tenant,
        month_paper.c.period == columns.period,
        month_paper.c.kind == KIND + columns.id,
    )
    gone = select(tombstone.c.tenant)
    wanted = select(*(columns[name] for name in _Due._fields)).where(
        columns.status != "void", ~kept.exists(), columns.tenant.not_in(gone)
    )
    return [_Due._make(row) for row in connection.execute(wanted.order_by(columns.log_position, columns.id))]


def _papers(
    connection: Connection, terms: Terms, position: int, due: list[_Due], issuer: str, now_s: int, faults: list[str]
) -> Iterator[dict[str, Any]]:
    basis = basis_at(connection, terms, position)[0].basis
    for each in due:
        try:
            if isinstance(basis, BillingError):
                raise basis
            made = read_invoice(each.document.encode(), each.status)
            paper = hours_paper(basis, made, issuer)
        except BillingError as error:
            faults.append(f"{each.id}: {error}")
            continue
        body = json.dumps(paper, ensure_ascii=False, separators=(",", ":"))
        yield {
            "tenant": made.tenant,
            "period": made.period,
            "kind": KIND + made.id,
            "body": body,
            "hash": sha256(body.encode()).hexdigest(),
            "made_s": now_s,
        }
