"""What the desk tells the log: who held what, and what was on offer and held by nobody.

Every GPU-second of an offer is told once: as an allocation's, or as `idle.no_demand` in `capacity.recorded`. GPUs that
are held past what is on offer (under notice, or inside a guarantee) leave the offer when they are given back.

A beat at each full hour says that nothing was left out: without it the bills of all would wait for the desk. Once
nothing is rented or on offer, its source ends, and nobody waits for it until it tells something again.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from billing.log.event import OPERATOR
from billing.log.shapes import CAPACITY, ENDED, PREEMPTED, STARTED
from billing.log.watermark import OF_DESK, SOURCE_BEAT, SOURCE_ENDED
from billing.money import SECONDS_PER_HOUR
from billing.rentals import model
from billing.rentals.clock import held
from billing.rentals.model import Desk, Offer, Rental, State

SOURCE = OF_DESK
IDLE = "idle.no_demand"
# In the words of the log: whoever is suspended or deleted was not evicted for somebody else.
_CAUSE_IN_LOG = {model.EVICTED: "evicted"}


class Fact(NamedTuple):
    """An event before it has a place in its source; see `billing.log.event.chained`."""

    id: str
    type: str
    time_s: int
    subject: str
    data: dict[str, Any]


def is_due(desk: Desk, changed: Sequence[Rental], now_s: int) -> bool:
    """Whether GPUs must be accounted for at Unix second `now_s`: something changed, or an hour is over."""
    if (epoch_s := desk.epoch_s) is None or changed:
        return bool(changed)
    if any(each.gpus_at(now_s) != each.counted_gpus for each in desk.offers):
        return True
    if is_empty(desk, changed, now_s):
        return not desk.source_ended and _may_say(desk, now_s)
    hour_s = _hour(now_s, epoch_s)
    return (desk.source_ended and _may_say(desk, now_s)) or any(hour_s > each.counted_s for each in desk.offers)


def facts(desk: Desk, changed: Sequence[Rental], now_s: int) -> list[Fact]:
    """Return what to tell of a turn of the desk at Unix second `now_s` that `is_due`, by time.

    Args:
        desk:    as it was before.
        changed: what the turn changed (`billing.rentals.clock.decided`).
    """
    told = [fact for rental in changed for fact in _of_rental(rental)]
    if (epoch_s := desk.epoch_s) is not None:
        told += [fact for offer in desk.offers for fact in _idle(offer, desk.rentals, epoch_s, now_s)]
        told += _heard_of(desk, changed, told, epoch_s, now_s)
    # What says that nothing follows is the last word of its second.
    return sorted(told, key=lambda fact: (fact.time_s, fact.type == SOURCE_ENDED, fact.id))


def _heard_of(desk: Desk, changed: Sequence[Rental], told: Sequence[Fact], epoch_s: int, now_s: int) -> Iterator[Fact]:
    """How far everything is told: a beat at each full hour, one when an empty desk has something again, and an end
    when it has nothing."""
    if is_empty(desk, changed, now_s):
        if (told or not desk.source_ended) and (_may_say(desk, now_s) or (told and desk.told_s is None)):
            yield Fact(f"ended.{now_s}", SOURCE_ENDED, now_s, OPERATOR, {})
        return
    if desk.source_ended:
        if not told and _may_say(desk, now_s):
            yield Fact(f"beat.{now_s}", SOURCE_BEAT, now_s, OPERATOR, {})
        return
    # Also what was told before: of an hour that has begun, an end that came in late is no news.
    last_s = max((fact.time_s for fact in told), default=None)
    if desk.told_s is not None:
        last_s = max(last_s or 0, desk.told_s)
    if last_s is not None and (hour_s := _hour(now_s, epoch_s)) > last_s:
        yield Fact(f"beat.{hour_s}", SOURCE_BEAT, hour_s, OPERATOR, {})


def is_empty(desk: Desk, changed: Sequence[Rental], now_s: int) -> bool:
    """Whether nothing is rented or on offer from Unix second `now_s` on: the desk then keeps no hour open."""
    rentals = {(each.tenant, each.id): each for each in (*desk.rentals, *changed)}
    return not held(rentals.values()) and not any(each.gpus_at(now_s) for each in desk.offers)


def _may_say(desk: Desk, now_s: int) -> bool:
    """Whether the source may end or go on: it has told something, and nothing of this second, which then goes first."""
    return desk.told_s is not None and now_s > desk.told_s


def counted(desk: Desk, now_s: int) -> list[Offer]:
    """Return the offers as they are once their GPUs are accounted for up to Unix second `now_s`."""
    if desk.epoch_s is None:
        return []
    return [offer._replace(counted_gpus=offer.gpus_at(now_s), counted_s=now_s) for offer in desk.offers]


def _of_rental(rental: Rental) -> Iterator[Fact]:
    id_, tenant = rental.id, rental.tenant
    if rental.state == State.RUNNING:
        place = {"product": rental.product, "region": rental.region, "sku": rental.sku}
        data = {"allocation": id_, "job": id_, "gpus": rental.gpus, "pending_s": rental.requested_s, **place}
        yield Fact(f"{id_}.started", STARTED, rental.starts_s or 0, tenant, data)
    elif rental.state == State.ENDED:
        at_s = rental.ended_s or 0
        if rental.cause == model.EVICTED:
            data = {"noticed_s": rental.noticed_s, "guaranteed_until_s": rental.guaranteed_until_s}
            yield Fact(f"{id_}.evicted", PREEMPTED, at_s, tenant, {"allocation": id_, **data})
        cause = _CAUSE_IN_LOG.get(rental.cause, "finished")
        yield Fact(f"{id_}.ended", ENDED, at_s, tenant, {"allocation": id_, "cause": cause})


def _idle(offer: Offer, rentals: Sequence[Rental], epoch_s: int, now_s: int) -> Iterator[Fact]:
    """What nobody held of an offer since it was last accounted for, hour by hour."""
    mine = [each for each in held(rentals) if each.place == offer.place]
    at_s = offer.counted_s
    while at_s < now_s:
        hour_s = _hour(at_s, epoch_s)
        until_s = min(now_s, hour_s + SECONDS_PER_HOUR)
        gpu_s = idle_gpu_s(offer, mine, at_s, until_s)
        if gpu_s:
            place = {"region": offer.region, "sku": offer.sku}
            id_ = f"idle.{offer.region}/{offer.sku}/{offer.product}.{at_s}"  # no name holds a slash
            yield Fact(id_, CAPACITY, until_s, OPERATOR, {"hour_s": hour_s, "state": IDLE, "gpu_s": gpu_s, **place})
        at_s = until_s


def idle_gpu_s(offer: Offer, rentals: Sequence[Rental], from_s: int, until_s: int) -> int:
    """Return the GPU-seconds of an offer that none of its rentals held in [from_s, until_s), Unix seconds."""
    times_s = {from_s, until_s, offer.updated_s, until_s if offer.until_s is None else offer.until_s}
    times_s |= {at_s for each in rentals for at_s in (each.starts_s or 0, each.end_s)}
    cuts_s = sorted(at_s for at_s in times_s if from_s <= at_s <= until_s)
    total = 0
    for since_s, to_s in pairwise(cuts_s):
        on_offer = offer.gpus_at(since_s) if since_s >= offer.updated_s else offer.counted_gpus
        taken = sum(each.gpus for each in rentals if (each.starts_s or 0) <= since_s < each.end_s)
        total += max(0, on_offer - taken) * (to_s - since_s)
    return total


def _hour(at_s: int, epoch_s: int) -> int:
    return at_s - (at_s - epoch_s) % SECONDS_PER_HOUR
