"""What an operator may read of the house: where GPUs were and what they brought in, and live snapshots."""

import json
from typing import Any, NamedTuple

from sqlalchemy import func, select

from billing.settling.settle import HOUSE, CapacityHour, HouseHour
from billing.store.door import Bound
from billing.store.walls.views import view

_CAPACITY, _HOUR, _SNAPSHOT = view("capacity_hour"), view("house_hour"), view("snapshot")
_SETTLED, _SETTLING = view("settled"), view("settling")


class Seen(NamedTuple):
    """That a source has told of its cluster: of what moment, and when it did. Unix seconds."""

    source: str
    time_s: int
    received_s: int


class Settling(NamedTuple):
    """How far settling came: events, when, and why no further ("" if all is well). Unix seconds."""

    position: int
    made_s: int
    error: str


def hours_kept(bound: Bound) -> tuple[int, int] | None:
    """Return [from_s, until_s) of the hours of the cluster that are closed, Unix seconds; None of no hour."""
    first_s = bound.connection.execute(
        select(func.min(_CAPACITY.c.hour_s)).where(_CAPACITY.c.tenant == HOUSE)
    ).scalar_one()
    until_s = bound.connection.execute(
        select(_SETTLED.c.until_s).where(_SETTLED.c.tenant == HOUSE)
    ).scalar_one_or_none()
    return None if first_s is None or until_s is None or until_s <= first_s else (first_s, until_s)


def capacity_between(bound: Bound, from_s: int, until_s: int) -> list[CapacityHour]:
    """Return where GPUs were in the hours that begin in [from_s, until_s), Unix seconds."""
    columns = _CAPACITY.c
    wanted = select(*(columns[name] for name in CapacityHour._fields)).where(
        columns.tenant == HOUSE, columns.hour_s >= from_s, columns.hour_s < until_s
    )
    return [CapacityHour._make(row) for row in bound.connection.execute(wanted)]


def revenue_between(bound: Bound, from_s: int, until_s: int) -> list[HouseHour]:
    """Return what products brought in in the hours that begin in [from_s, until_s), Unix seconds."""
    columns = _HOUR.c
    wanted = select(*(columns[name] for name in HouseHour._fields)).where(
        columns.tenant == HOUSE, columns.hour_s >= from_s, columns.hour_s < until_s
    )
    return [HouseHour._make(row) for row in bound.connection.execute(wanted)]


def hours_beside(bound: Bound, noun: str, from_s: int, until_s: int) -> tuple[int | None, int | None]:
    """Return the last known hour before Unix second `from_s` and the first one from `until_s` on; None: there is none.

    Args:
        noun: "capacity_hour" or "house_hour".

    Cost: two look-ups in an index.
    """
    columns = view(noun).c
    ours = columns.tenant == HOUSE
    before = select(func.max(columns.hour_s)).where(ours, columns.hour_s < from_s)
    after = select(func.min(columns.hour_s)).where(ours, columns.hour_s >= until_s)
    return bound.connection.execute(before).scalar_one(), bound.connection.execute(after).scalar_one()


def settling_now(bound: Bound) -> Settling | None:
    """Return how far settling came; None before it has run."""
    columns = _SETTLING.c
    wanted = select(columns.position, columns.made_s, func.coalesce(columns.error, ""))
    row = bound.connection.execute(wanted.where(columns.tenant == HOUSE)).one_or_none()
    return None if row is None else Settling._make(row)


def sources_seen(bound: Bound) -> list[Seen]:
    """Return whose clusters are told of, the one that was told of last at the end."""
    columns = _SNAPSHOT.c
    wanted = select(*(columns[name] for name in Seen._fields)).where(columns.tenant == HOUSE)
    by = (columns.received_s, columns.time_s, columns.source)
    return [Seen._make(row) for row in bound.connection.execute(wanted.order_by(*by))]


def snapshot_of(bound: Bound, source: str) -> Any:
    """Return what a source last said of its cluster, as it was sent; None if it said nothing."""
    columns = _SNAPSHOT.c
    wanted = select(columns.body).where(columns.tenant == HOUSE, columns.source == source)
    text = bound.connection.execute(wanted).scalar_one_or_none()
    return None if text is None else json.loads(text)
