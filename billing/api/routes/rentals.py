"""Routes of renting: a tenant asks, looks, extends and releases. What becomes of it the desk says."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query

from billing.api.call import Call, Calling, Done, Told
from billing.api.ids import IdOfPath, new_id
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Fault, Problem, invalid
from billing.api.schemas.basic import Page
from billing.api.schemas.rentals import LongerRental, NewRental, RentalOut, StateWord, rental_out
from billing.api.table import Routes
from billing.errors import BillingError
from billing.money import SECONDS_PER_HOUR
from billing.months import parse_utc
from billing.rentals.billable import billable_by
from billing.rentals.clock import seen
from billing.rentals.model import LIVE, Offer, Rental, State
from billing.store import tenant_rentals as store
from billing.store.door import Bound

routes = Routes()
StateOf = Annotated[StateWord | None, Query(description="Only those in this state.")]


@routes.post("/v1/rentals", RentalOut, status=201)
def request_rental(call: Calling, body: NewRental) -> RentalOut:
    """Ask for GPUs. The answer says whether they are granted; one that is still requested is decided in a moment."""
    until_s = end_of(body.hours, body.until, call.now_s)
    if until_s <= call.now_s:
        raise invalid("body.until", "has passed")

    def work(bound: Bound) -> Done:
        place = (body.region, body.sku, body.product)
        made = store.ask_for(bound, call.tenant, new_id(call, "rnt"), place, body.gpus, until_s, call.now_s)
        return Done(rental_out(made), Told(made.id, {"product": body.product, "gpus": body.gpus}))

    return _after(call, call.change(work))


@routes.get("/v1/rentals", Page[RentalOut])
def list_rentals(
    call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, state: StateOf = None
) -> Page[RentalOut]:
    """List the tenant's rentals, oldest first, those that have ended or were refused too."""
    after = call.after(cursor, int, str)
    states = list(State) if state is None else [State(state)]
    with call.reading() as bound:
        found = store.rentals_of(bound, call.tenant, states, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.requested_s, row.id))
    return Page[RentalOut](items=[rental_out(seen(row, call.now_s)) for row in rows], next=following)


@routes.get("/v1/rentals/{id}", RentalOut)
def read_rental(call: Calling, id: IdOfPath) -> RentalOut:
    """Read a rental."""
    with call.reading() as bound:
        return _shown(call, _rental(call, bound, id))


@routes.post("/v1/rentals/{id}/extend", RentalOut)
def extend_rental(call: Calling, id: IdOfPath, body: LongerRental) -> RentalOut:
    """Have a rental end later. It must be running and have no notice, and the offer and the price must last as long."""

    def until_of(bound: Bound, rental: Rental) -> int:
        call.require_tag(rental.version)
        until_s = end_of(body.hours, body.until, rental.until_s)
        if until_s <= rental.until_s:
            raise invalid("body.until", "is no later than its end")
        if seen(rental, call.now_s).state != State.RUNNING:
            raise Problem("conflict", [Fault("rental.state", "must be running")])
        offer = _offer(bound, rental)
        if offer is not None and offer.until_s is not None and until_s > offer.until_s:
            raise Problem("conflict", [Fault("rental.until", "would be later than the end of the offer")])
        terms = call.house.desk.terms()
        if terms is not None and not billable_by(terms)(rental._replace(until_s=until_s), call.now_s):
            raise Problem("conflict", [Fault("rental.until", "would be later than the price is known")])
        return until_s

    return _ended_at(call, id, until_of)


@routes.post("/v1/rentals/{id}/release", RentalOut)
def release_rental(call: Calling, id: IdOfPath) -> RentalOut:
    """Give the GPUs of a rental back, now. Nothing is charged from then on; what was granted counts for a second at
    least."""

    def until_of(bound: Bound, rental: Rental) -> int:
        if rental.state not in LIVE:
            raise Problem("conflict", [Fault("rental.state", "must be requested, running or noticed")])
        # By a clock that is behind, or after a wait, it may come when the desk has told the log of that second.
        offer = _offer(bound, rental)
        return min(rental.until_s, max(call.now_s, 0 if offer is None else offer.counted_s))

    return _ended_at(call, id, until_of)


def end_of(hours: int | None, until: str | None, from_s: int) -> int:
    """Return the Unix second that is meant by hours from a second, or by a time. Raises Problem."""
    if (hours is None) == (until is None):
        raise invalid("body", "must hold either hours or until")
    if hours is not None:
        return from_s + hours * SECONDS_PER_HOUR
    return instant(until or "")


def instant(text: str) -> int:
    """Return the Unix second of an RFC 3339 time in the field `until`. Raises Problem."""
    try:
        found = parse_utc(text)
    except (BillingError, OverflowError):
        raise invalid("body.until", "is not RFC 3339 with an offset, in whole seconds") from None
    if not 0 <= found < 1 << 38:
        raise invalid("body.until", "is out of range")
    return found


def _ended_at(call: Call, id_: str, until_of: Callable[[Bound, Rental], int]) -> RentalOut:
    """Say when a rental ends: what `until_of` says of it, within the change."""

    def work(bound: Bound) -> Done:
        rental = _rental(call, bound, id_)
        until_s = until_of(bound, rental)
        done = rental if until_s == rental.until_s else store.end_at(bound, rental, until_s)
        return Done(rental_out(done), Told(id_, {"until_s": until_s}))

    return _after(call, call.change(work))


def _after(call: Call, answer: Any) -> RentalOut:
    """The rental of an answer as it is once the desk has done what is due, whether it was given before or not."""
    call.turn()
    id_ = answer["id"] if isinstance(answer, dict) else answer.id
    with call.reading() as bound:
        return _shown(call, _rental(call, bound, id_))


def _offer(bound: Bound, rental: Rental) -> Offer | None:
    only = dict(zip(store.PLACE, rental.place, strict=True))
    return next(iter(store.offers_of(bound, None, 1, **only)), None)


def _rental(call: Call, bound: Bound, id_: str) -> Rental:
    found = store.rental_of(bound, call.tenant, id_)
    if found is None:
        raise Problem("not_found")
    return found


def _shown(call: Call, rental: Rental) -> RentalOut:
    call.tag(rental.version)
    return rental_out(seen(rental, call.now_s))
