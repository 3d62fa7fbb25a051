"""What the desk does at a moment: a function of what it knows and of the time, in this order.

    end       what is over by its own time or by a notice; nobody who was deleted holds anything
    notice    tenants that were suspended; then, where fewer GPUs are on offer than are rented, the fewest and youngest
              rentals whose guarantee would be over when their notice is
    decide    requests, in the order in which they came

A notice that was given stands, whatever the offer is later: a tenant may rely on it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from billing.rentals.model import (
    DELETED,
    EVICTED,
    FINISHED,
    HELD,
    NOBODY,
    SUSPENDED,
    Desk,
    Offer,
    Place,
    Rental,
    Standing,
    State,
)

NOTICE_S = 600  # of a product that the terms do not know any more: that of on-demand
_FREE_BITS = 10


class Decided(NamedTuple):
    """The rentals that changed, each once, in order; and how many GPUs of each offer are free."""

    changed: list[Rental]
    free: dict[Place, int]


def decided(desk: Desk, now_s: int) -> Decided:
    """Return what the desk does at Unix second `now_s`. O(rentals log rentals)."""
    now = {(each.tenant, each.id): each for each in desk.rentals}
    changed: list[Rental] = []

    def note(rental: Rental) -> None:
        changed.append(rental)
        now[rental.tenant, rental.id] = rental

    for rental in held(now.values()):
        if (over := ended(rental, desk.standing.get(rental.tenant, NOBODY), now_s)) is not None:
            note(over)
    for rental in held(now.values()):
        if rental.cause == "" and not desk.standing.get(rental.tenant, NOBODY).active:
            until_s = min(rental.until_s, now_s + notice_of(desk, rental.product))
            noticed_s = now_s if rental.noticed_s is None else rental.noticed_s
            note(_changed(rental, state=State.NOTICED, noticed_s=noticed_s, until_s=until_s, cause=SUSPENDED))
    offers = {offer.place: offer for offer in desk.offers}
    for place in sorted({rental.place for rental in held(now.values())}):
        here = [rental for rental in held(now.values()) if rental.place == place]
        gpus = offers[place].gpus_at(now_s) if place in offers else 0
        notice_s = notice_of(desk, place[2])
        for rental in victims(here, gpus, notice_s, now_s):
            note(_changed(rental, state=State.NOTICED, noticed_s=now_s, evict_s=now_s + notice_s))
    waiting = (rental for rental in desk.rentals if rental.state == State.REQUESTED)
    for rental in sorted(waiting, key=lambda each: (each.requested_s, each.tenant, each.id)):
        note(granted(rental, offers.get(rental.place), list(held(now.values())), desk, now_s))
    return Decided(changed, {place: free_of(offer, now.values(), now_s) for place, offer in offers.items()})


def held(rentals: Iterable[Rental]) -> list[Rental]:
    """Return the rentals that hold GPUs."""
    return [rental for rental in rentals if rental.state in HELD]


def notice_of(desk: Desk, product: str) -> int:
    """Return the seconds of notice of a product."""
    return desk.notice_s.get(product, NOTICE_S)


def free_of(offer: Offer, rentals: Iterable[Rental], now_s: int) -> int:
    """Return how many GPUs of an offer nobody holds, 0 if more are held than are on offer."""
    return max(0, offer.gpus_at(now_s) - sum(each.gpus for each in held(rentals) if each.place == offer.place))


def free_step(gpus: int) -> int:
    """Return what tenants are told of how many GPUs are free: the power of two that is there at least, at most 512.

    Less than the number itself: from that each could count what all others rent (ISOLATION.md, C5).

    >>> [free_step(gpus) for gpus in (0, 1, 3, 8, 15, 4_000)]
    [0, 1, 2, 8, 8, 512]
    """
    return 1 << min(gpus.bit_length(), _FREE_BITS) - 1 if gpus else 0


def ended(rental: Rental, who: Standing, now_s: int) -> Rental | None:
    """Return a rental that is over as it ended, None if it is not."""
    if rental.end_s <= now_s:
        evicted = rental.evict_s is not None and rental.evict_s < rental.until_s
        cause = EVICTED if evicted else rental.cause or FINISHED
        return _changed(rental, state=State.ENDED, ended_s=rental.end_s, cause=cause)
    if who.deleted:
        return _changed(rental, state=State.ENDED, ended_s=now_s, cause=DELETED)
    return None


def seen(rental: Rental, now_s: int) -> Rental:
    """Return a rental as it stands at Unix second `now_s`: one whose time is over has ended, though the desk has yet to
    say so. Released in the second of its grant, it ends a second later: that one is charged."""
    if rental.state not in HELD or min(rental.until_s, rental.evict_s or rental.until_s) > now_s:
        return rental
    over = ended(rental, NOBODY, rental.end_s)
    assert over is not None, "at its end a rental is over"
    return over._replace(version=rental.version)


def granted(rental: Rental, offer: Offer | None, holding: list[Rental], desk: Desk, now_s: int) -> Rental:
    """Return a request as it is granted or refused, beside the rentals that hold GPUs."""
    who = desk.standing.get(rental.tenant, NOBODY)
    own = sum(each.gpus for each in holding if each.tenant == rental.tenant)
    tests: Mapping[str, bool] = {
        "past": rental.until_s <= now_s,
        "inactive": not who.active,
        "region": bool(who.regions) and rental.region not in who.regions,
        "not_billable": not desk.billable(rental, now_s),
        "not_on_offer": offer is None or not offer.gpus_at(now_s),
        "too_long": offer is not None and offer.until_s is not None and rental.until_s > offer.until_s,
        "quota": own + rental.gpus > who.gpus_max,
        "not_free": offer is None or free_of(offer, holding, now_s) < rental.gpus,
    }
    if (why := next((word for word, holds in tests.items() if holds), None)) is not None:
        return _changed(rental, state=State.REFUSED, cause=why)
    assert offer is not None
    guaranteed_until_s = now_s + offer.guarantee_s
    return _changed(rental, state=State.RUNNING, starts_s=now_s, guaranteed_until_s=guaranteed_until_s)


def victims(here: Iterable[Rental], gpus: int, notice_s: int, now_s: int) -> list[Rental]:
    """Return whom to give notice where `gpus` are on offer, of the rentals of one place.

    Those whose guarantee is over go first, the youngest first; then those whose guarantee will be over when the notice
    is. Whoever leaves anyway in that time is waited for, and nobody goes who could have stayed.
    """
    staying = [each for each in here if each.state == State.RUNNING and each.until_s > now_s + notice_s]
    excess = sum(each.gpus for each in staying) - gpus
    open_ = [each for each in staying if (each.guaranteed_until_s or 0) <= now_s + notice_s]
    open_.sort(key=lambda each: ((each.guaranteed_until_s or 0) > now_s, -(each.starts_s or 0), each.tenant, each.id))
    chosen: list[Rental] = []
    for each in open_:
        if sum(one.gpus for one in chosen) >= excess:
            break
        chosen.append(each)
    for each in reversed(chosen[:]):  # the last one chosen would rather stay
        if sum(one.gpus for one in chosen) - each.gpus >= excess:
            chosen.remove(each)
    return chosen


def _changed(rental: Rental, **values: object) -> Rental:
    return rental._replace(version=rental.version + 1, **values)  # type: ignore[arg-type]
