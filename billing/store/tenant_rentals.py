"""What a tenant and an operator do at the desk: read offers, ask for GPUs, say until when; set what is on offer.

What becomes of a request the desk says itself (`billing.store.desk`): a tenant's role may ask and end, and no more.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import insert, select, update

from billing.rentals.clock import free_step
from billing.rentals.model import Offer, Rental, State
from billing.store.door import Bound
from billing.store.pages import Key, page
from billing.store.walls.views import view
from tenants.audit.entry import HOUSE


class NewOffer(NamedTuple):
    """What an operator sets. `until_s`: Unix seconds; None: without an end."""

    region: str
    sku: str
    product: str
    gpus: int
    guarantee_s: int
    until_s: int | None


_OFFER, _RENTAL, _TENANT = view("offer"), view("rental"), view("tenant")
PLACE = ("region", "sku", "product")


def offers_of(bound: Bound, after: Key | None, limit: int, **only: str | None) -> list[Offer]:
    """Return a page of the offers by region, SKU and product; `only` holds those that are asked for."""
    wanted = page(_OFFER, Offer._fields, PLACE, after, limit)
    for name, word in only.items():
        wanted = wanted if word is None else wanted.where(_OFFER.c[name] == word)
    return [Offer._make(row) for row in bound.connection.execute(wanted)]


def put_offer(bound: Bound, new: NewOffer, known: Offer | None, now_s: int) -> Offer:
    """Set an offer, as the version after the one that is known, and return it."""
    if known is None:
        made = Offer(*new, 1, now_s, free_step(new.gpus), new.gpus, now_s)
        bound.connection.execute(insert(_OFFER), made._asdict() | {"tenant": HOUSE})
        return made
    made = known._replace(
        gpus=new.gpus,
        guarantee_s=new.guarantee_s,
        until_s=new.until_s,
        version=known.version + 1,
        updated_s=now_s,
    )
    changed = {name: getattr(made, name) for name in ("gpus", "guarantee_s", "until_s", "version", "updated_s")}
    at = [_OFFER.c[name] == word for name, word in zip(PLACE, known.place, strict=True)]
    bound.connection.execute(update(_OFFER).where(*at).values(**changed))
    return made


def regions_of(bound: Bound, tenant: str) -> tuple[str, ...]:
    """Return where a tenant's work may be; none: everywhere."""
    held = bound.connection.execute(select(_TENANT.c.regions).where(_TENANT.c.tenant == tenant)).scalar_one_or_none()
    return tuple(held.split(",")) if held else ()


def rentals_of(bound: Bound, tenant: str, states: Collection[str], after: Key | None, limit: int) -> list[Rental]:
    """Return a page of a tenant's rentals in some states, by when they were asked for."""
    wanted = page(_RENTAL, Rental._fields, ("requested_s", "id"), after, limit)
    mine = wanted.where(_RENTAL.c.tenant == tenant, _RENTAL.c.state.in_(sorted(states)))
    return [Rental._make(row) for row in bound.connection.execute(mine)]


def rental_of(bound: Bound, tenant: str, id_: str) -> Rental | None:
    """Return one of a tenant's rentals."""
    mine = (_RENTAL.c.tenant == tenant) & (_RENTAL.c.id == id_)
    row = bound.connection.execute(select(*(_RENTAL.c[name] for name in Rental._fields)).where(mine)).one_or_none()
    return None if row is None else Rental._make(row)


def ask_for(
    bound: Bound, tenant: str, id_: str, place: tuple[str, str, str], gpus: int, until_s: int, now_s: int
) -> Rental:
    """Keep a request for GPUs of a region, SKU and product until Unix second `until_s`, and return it."""
    region, sku, product = place
    what = (tenant, id_, product, region, sku, gpus)
    made = Rental(*what, State.REQUESTED, now_s, None, until_s, None, None, None, None, "", 1)
    bound.connection.execute(insert(_RENTAL), made._asdict() | {"state": str(made.state)})
    return made


def end_at(bound: Bound, rental: Rental, until_s: int) -> Rental:
    """Say when a rental ends, and return it."""
    made = rental._replace(until_s=until_s, version=rental.version + 1)
    mine = (_RENTAL.c.tenant == rental.tenant) & (_RENTAL.c.id == rental.id)
    bound.connection.execute(update(_RENTAL).where(mine).values(until_s=made.until_s, version=made.version))
    return made
