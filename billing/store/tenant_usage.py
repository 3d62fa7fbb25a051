"""What a tenant may read of the read model, through the views of the wall: its hours, its papers, and how far they are
closed."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, literal, select

from billing.money import SECONDS_PER_HOUR
from billing.settling.buckets import Use
from billing.store.door import Bound
from billing.store.pages import Key, page
from billing.store.quick import Quick
from billing.store.walls.views import view

_HOUR, _SETTLED, _PAPER = view("usage_hour"), view("settled"), view("month_paper")
HOUR_ORDER = ("hour_s", "region", "sku", "product", "meter", "charge_class", "factor_bp")


class HourRow(NamedTuple):
    """A row of use as it is rated: see `billing.store.tables_settled.usage_hour`."""

    hour_s: int
    region: str
    sku: str
    product: str
    meter: str
    charge_class: str
    factor_bp: int
    quantity: int
    unit_price_micro: int | None
    numerator: str
    denominator: str
    currency: str
    settled: int


# Asked most often of all.
_CLOSED = Quick(select(_SETTLED.c.until_s))
_ROWS_OF_HOUR = Quick(
    select(*(_HOUR.c[name] for name in HourRow._fields))
    .where(_HOUR.c.tenant == bindparam("whose"), _HOUR.c.hour_s == bindparam("wanted_s"))
    .order_by(*(_HOUR.c[name] for name in HOUR_ORDER))
)


def closed_until_s(bound: Bound) -> int | None:
    """Return the Unix second before which hours are closed; None where nothing was settled yet."""
    rows = _CLOSED.rows(bound.connection)
    return int(rows[0][0]) if rows else None


def known_until_s(bound: Bound, tenant: str) -> int | None:
    """Return the Unix second up to which something is known: hours are closed, or the tenant has use; None: nothing.
    Cost: two look-ups in an index."""
    last_s = bound.connection.execute(select(func.max(_HOUR.c.hour_s)).where(_HOUR.c.tenant == tenant)).scalar_one()
    known = (closed_until_s(bound), None if last_s is None else last_s + SECONDS_PER_HOUR)
    return max((each for each in known if each is not None), default=None)


def use_beside(bound: Bound, tenant: str, from_s: int, until_s: int) -> tuple[int | None, int | None]:
    """Return the last hour with use before Unix second `from_s` and the first one from `until_s` on; None: there is
    none. Cost: two look-ups in an index."""
    hour_s = _HOUR.c.hour_s
    before = select(func.max(hour_s)).where(_HOUR.c.tenant == tenant, hour_s < from_s)
    after = select(func.min(hour_s)).where(_HOUR.c.tenant == tenant, hour_s >= until_s)
    return bound.connection.execute(before).scalar_one(), bound.connection.execute(after).scalar_one()


def uses_between(bound: Bound, tenant: str, from_s: int, until_s: int, *, by_hour: bool) -> list[Use]:
    """Return a tenant's use of the hours that begin in [from_s, until_s), Unix seconds; rows that are alike are one.

    Args:
        by_hour: rows of different hours are not alike.

    Cost: O(hours) in the database; out of it come as many rows as differ.
    """
    columns = _HOUR.c
    same = [columns[name] for name in Use._fields[1:-1]]
    alike = [columns.hour_s, *same] if by_hour else same
    wanted = select(columns.hour_s if by_hour else literal(0), *same, func.count())
    mine = wanted.where(columns.tenant == tenant, columns.hour_s >= from_s, columns.hour_s < until_s)
    return [Use._make(row) for row in bound.connection.execute(mine.group_by(*alike))]


def hours_of(
    bound: Bound, tenant: str, from_s: int, until_s: int, words: Mapping[str, str], after: Key | None, limit: int
) -> list[HourRow]:
    """Return a page of a tenant's rows of use, by `HOUR_ORDER`, of hours that begin in [from_s, until_s).

    Args:
        words: values of columns that the rows must have.
    """
    columns = _HOUR.c
    wanted = page(_HOUR, HourRow._fields, HOUR_ORDER, after, limit).where(
        columns.tenant == tenant, columns.hour_s >= from_s, columns.hour_s < until_s
    )
    for name, value in words.items():
        wanted = wanted.where(columns[name] == value)
    return [HourRow._make(row) for row in bound.connection.execute(wanted)]


def hour_of(bound: Bound, tenant: str, hour_s: int) -> list[HourRow]:
    """Return all rows of use of one hour."""
    return [HourRow._make(row) for row in _ROWS_OF_HOUR.rows(bound.connection, whose=tenant, wanted_s=hour_s)]


def papers_of(bound: Bound, tenant: str, kind: str, period: str | None, since: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (month, what the paper says) of a tenant's papers of a kind, oldest first, as they are asked for.

    Args:
        period: one month ("2026-11"); None: all of them, from month `since` on.
    """
    columns = _PAPER.c
    mine = select(columns.period, columns.body).where(columns.tenant == tenant, columns.kind == kind)
    mine = mine.where(columns.period >= since) if period is None else mine.where(columns.period == period)
    for month, body in bound.connection.execute(mine.order_by(columns.period)):
        yield month, json.loads(body)
