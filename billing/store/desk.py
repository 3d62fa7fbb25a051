"""The desk at work: it reads what is asked and offered, decides, and writes rentals, events and notices as one.

It works as the worker, since it decides by what all tenants hold. Rental and event are one transaction: whatever is
held is metered, and nothing is metered that is not held.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from billing.log.event import chained
from billing.log.watermark import SOURCE_ENDED
from billing.months import utc_text
from billing.rentals.billable import billable_by
from billing.rentals.clock import Decided, decided, free_step
from billing.rentals.metering import SOURCE, Fact, counted, facts, is_due
from billing.rentals.model import LIVE, Desk, Offer, Rental, Standing, State
from billing.store.door import Bound, Door
from billing.store.notices import notify
from billing.store.tables_access import tenant as tenant_table
from billing.store.tables_api import quota as quota_table
from billing.store.tables_log import event as event_table
from billing.store.tables_rentals import offer as offer_table
from billing.store.tables_rentals import rental as rental_table
from billing.store.tenant_rentals import PLACE
from billing.store.tenant_settings import Quota
from billing.store.writer import append
from billing.terms import Terms
from tenants.access.lifecycle import Status
from tenants.access.scope import Scope

_NOTICE_OF = {
    State.RUNNING: "rental.granted",
    State.REFUSED: "rental.refused",
    State.NOTICED: "rental.noticed",
    State.ENDED: "rental.ended",
}
_CHANGES = ("starts_s", "until_s", "guaranteed_until_s", "noticed_s", "evict_s", "ended_s", "cause", "version")


class _Last(NamedTuple):
    """The last event of the desk."""

    seq: int
    hash: str
    time_s: int | None
    type: str


def turn(door: Door, scope: Scope, terms: Terms | None, now_s: int) -> int:
    """Do what is due at the desk at Unix second `now_s`, and return how many rentals changed.

    Args:
        terms: by which rentals are billed; None: there are none, and nothing is granted.

    Raises:
        Forbidden, StoreError.

    Cost: reads the offers and the rentals that live; nobody waits for it while nothing is due.
    """
    with door.working(scope, write=False) as bound:
        if not _todo(bound.connection, terms, now_s):
            return 0
    with door.working(scope) as bound:
        desk, last = _desk(bound.connection, terms)
        now_s = _not_before(desk, now_s)
        done = decided(desk, now_s)
        _keep(bound, desk, done, now_s)
        if is_due(desk, done.changed, now_s):
            _tell(bound.connection, last, facts(desk, done.changed, now_s))
            _note_offers(bound.connection, counted(desk, now_s), ("counted_gpus", "counted_s"))
        return len(done.changed)


def _todo(connection: Connection, terms: Terms | None, now_s: int) -> bool:
    desk, _ = _desk(connection, terms)
    now_s = _not_before(desk, now_s)
    done = decided(desk, now_s)
    return is_due(desk, done.changed, now_s) or bool(_stepped(desk, done))


def _not_before(desk: Desk, now_s: int) -> int:
    """A clock that was set back tells no event before the last one, and accounts for no second twice."""
    return max(now_s, desk.told_s or 0, *(each.counted_s for each in desk.offers))


def _desk(connection: Connection, terms: Terms | None) -> tuple[Desk, _Last]:
    live = select(*(rental_table.c[name] for name in Rental._fields)).where(rental_table.c.state.in_(LIVE))
    rentals = [Rental._make(row) for row in connection.execute(live.order_by(rental_table.c.requested_s))]
    last = _last(connection)
    desk = Desk(
        offers=[Offer._make(row) for row in connection.execute(select(*(offer_table.c[n] for n in Offer._fields)))],
        rentals=rentals,
        standing=_standing(connection, {each.tenant for each in rentals}),
        notice_s={} if terms is None else {each.code: each.notice_s for each in terms.registry.products},
        billable=billable_by(terms),
        epoch_s=None if terms is None else terms.epoch_s,
        told_s=last.time_s,
        source_ended=last.type == SOURCE_ENDED,
    )
    return desk, last


def _standing(connection: Connection, tenants: set[str]) -> dict[str, Standing]:
    columns = tenant_table.c
    wanted = select(columns.tenant, columns.status, columns.regions, quota_table.c.gpus_max)
    wanted = wanted.join(quota_table, quota_table.c.tenant == columns.tenant, isouter=True)
    found = {}
    for tenant, status, regions, gpus_max in connection.execute(wanted.where(columns.tenant.in_(sorted(tenants)))):
        found[tenant] = Standing(
            active=status == Status.ACTIVE,
            deleted=status == Status.DELETED,
            regions=tuple(regions.split(",")) if regions else (),
            gpus_max=Quota().gpus_max if gpus_max is None else gpus_max,
        )
    return found


def _last(connection: Connection) -> _Last:
    columns = event_table.c
    mine = select(columns.seq, columns.hash, columns.time_s, columns.type)
    mine = mine.where(columns.source == SOURCE)
    row = connection.execute(mine.order_by(columns.seq.desc()).limit(1)).one_or_none()
    return _Last(0, "", None, "") if row is None else _Last._make(row)


def _stepped(desk: Desk, done: Decided) -> list[Offer]:
    """The offers of which tenants are told another step, as they are now."""
    now = [each._replace(free_at_least=free_step(done.free[each.place])) for each in desk.offers]
    return [new for old, new in zip(desk.offers, now, strict=True) if old != new]


def _keep(bound: Bound, desk: Desk, done: Decided, now_s: int) -> None:
    for rental in done.changed:
        mine = (rental_table.c.tenant == rental.tenant) & (rental_table.c.id == rental.id)
        values = {name: getattr(rental, name) for name in _CHANGES} | {"state": str(rental.state)}
        bound.connection.execute(update(rental_table).where(mine).values(**values))
        notify(bound, rental.tenant, _NOTICE_OF[State(rental.state)], rental.id, _body(rental), now_s)
    _note_offers(bound.connection, _stepped(desk, done), ("free_at_least",))


def _note_offers(connection: Connection, offers: Sequence[Offer], names: Sequence[str]) -> None:
    for offer in offers:
        at = [offer_table.c[name] == word for name, word in zip(PLACE, offer.place, strict=True)]
        connection.execute(update(offer_table).where(*at).values({name: getattr(offer, name) for name in names}))


def _tell(connection: Connection, last: _Last, told: Sequence[Fact]) -> None:
    appended = append(connection, list(chained(SOURCE, told, last.seq + 1, last.hash)))
    assert appended.new == len(told), "the desk has told the log of this before"


def _body(rental: Rental) -> dict[str, object]:
    """What a tenant is told of a rental: its own words and times, RFC 3339."""
    what = {name: getattr(rental, name) for name in ("product", "region", "sku", "gpus", "state", "cause")}
    times = {name: getattr(rental, f"{name}_s") for name in ("until", "guaranteed_until", "evict", "ended")}
    return what | {name: utc_text(at_s) for name, at_s in times.items() if at_s is not None}
