"""From the events of a log to facts: a fold over the set of events, whatever order, batches or repetition brought them.

An event that cannot be billed is set aside with its reason, and the rest goes on. What is set aside is a matter of what
is known: an end without its start is, until the start arrives.

    terms        tenant, product and price must be known at the time
    allocations  read as histories (`billing.log.allocations`), cut at the watermark while they are open
    conditions   GPUs down, stalled or degraded, for the seconds of an allocation that they name
    outages      pairs of started and ended; GPUs that are held meanwhile are down
    meters       quantities, inside the allocation that they name, if any; spread evenly over their seconds, so that
                 hours add up to them
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from billing.log.admitted import admitted
from billing.log.allocations import Allocation, SetAside, Told, histories, settled, without_shared_gpus
from billing.log.build import Builder
from billing.log.event import Event
from billing.log.facts import Facts, Quarantined
from billing.log.known import KnownTerms
from billing.log.levels import levels_used
from billing.log.pools import pools_in_part
from billing.log.shapes import (
    CAPACITY,
    DEGRADED,
    ENDED,
    EXCLUDED,
    INSTALLED,
    LEVEL,
    METERED,
    OUTAGE_ENDED,
    OUTAGE_STARTED,
    PREEMPTED,
    RESIZED,
    STALLED,
    STARTED,
)
from billing.log.watermark import watermark
from billing.terms import Terms

_OF_ALLOCATIONS = (STARTED, RESIZED, ENDED, PREEMPTED, DEGRADED, STALLED)


def facts_of(events: Iterable[Event], terms: Terms, until_s: int | None = None) -> Facts:
    """Return what a log says. It depends on the set of events alone.

    Args:
        terms:   parties, products and prices; tenants and products are listed in its order.
        until_s: Unix seconds at which open allocations are cut; None: the watermark of the events.

    Raises nothing for what a log may hold: see `Facts.quarantined`. Cost: O(events log events), all in memory.
    """
    every = list(events)
    mark = watermark(every)
    cut_s = max(terms.epoch_s, mark.until_s if until_s is None else until_s)
    quarantined: set[Quarantined] = set()

    def set_aside(event: Event, reason: str) -> None:
        quarantined.add(Quarantined(event.source, event.id, reason))

    known = KnownTerms(terms)
    told, broken = admitted(every, terms.epoch_s, set_aside)
    by_type = _by_type(told, known, set_aside)
    lives = sorted((pair for kind in _OF_ALLOCATIONS for pair in by_type[kind]), key=_in_order)
    lives, alone = _parted(lives, known)
    allocations = _settled(lives, broken, known, cut_s, set_aside)
    outages = sorted(by_type[OUTAGE_STARTED] + by_type[OUTAGE_ENDED], key=_in_order)
    owned = {(each.tenant, each.id): each for each in allocations}
    inside = [pair for pair in by_type[METERED] if _of_its_allocation(pair, owned, set_aside)]
    used = [*inside, *levels_used(by_type[LEVEL], cut_s)]
    metered = [pair for pair in used if _has_price(pair, known, set_aside)]
    used = [*((each.start, each.told) for each in allocations), *metered, *by_type[CAPACITY]]
    builder = Builder(known, cut_s, by_type[INSTALLED], used, set_aside)
    builder.name_jobs({each.told["job"] for each in allocations} | {data["job"] for _, data in outages + alone})
    builder.add_allocations(allocations)
    builder.add_evictions(alone)
    builder.add_outages(outages)
    builder.add_metered(metered)
    builder.add_capacity(by_type[CAPACITY])
    builder.add_exclusions(by_type[EXCLUDED])
    facts = builder.facts(tuple(sorted(quarantined)))
    return replace(facts, pools=pools_in_part(by_type[INSTALLED], by_type[CAPACITY], mark, facts.names, cut_s))


def _by_type(told: list[Told], known: KnownTerms, set_aside: SetAside) -> Mapping[str, list[Told]]:
    """Return what the terms know, by type; starts are judged with their allocation."""
    found: dict[str, list[Told]] = {kind: [] for kind in (*_OF_ALLOCATIONS, OUTAGE_STARTED, OUTAGE_ENDED)}
    found |= {kind: [] for kind in (METERED, LEVEL, CAPACITY, EXCLUDED, INSTALLED)}
    for event, data in told:
        fault = "" if event.type in _OF_ALLOCATIONS else known.fault(event, data)
        if fault:
            set_aside(event, fault)
        elif event.type in found:
            found[event.type].append((event, data))
    return found


def _parted(lives: list[Told], known: KnownTerms) -> tuple[list[Told], list[Told]]:
    """Return the events of allocations, and apart from them evictions whose allocation nobody told of."""
    told_of = {(event.subject, data["allocation"]) for event, data in lives if event.type == STARTED}
    alone = [
        (event, data)
        for event, data in lives
        if event.type == PREEMPTED
        and (event.subject, data["allocation"]) not in told_of
        and {"job", "product", "gpus"} <= data.keys()
        and data["noticed_s"] <= event.time_s
        and not known.fault(event, data)
    ]
    names = {event for event, _ in alone}
    return [pair for pair in lives if pair[0] not in names], alone


def _settled(
    lives: list[Told], broken: Mapping[tuple[str, str], str], known: KnownTerms, cut_s: int, set_aside: SetAside
) -> list[Allocation]:
    """Return the allocations that can be billed."""
    found = []
    for (tenant, id_), history in histories(lives, broken).items():
        allocation = settled(tenant, id_, history, cut_s, set_aside)
        if allocation is None:
            continue
        data = allocation.told
        fault = known.fault(allocation.start, data)
        fault = fault or known.price_fault(data, allocation.start_s, allocation.end_s)
        if not fault:
            found.append(allocation)
            continue
        for event, _ in history.every():
            set_aside(event, fault)
    return without_shared_gpus(found, set_aside)


def _of_its_allocation(pair: Told, owned: Mapping[tuple[str, str], Allocation], set_aside: SetAside) -> bool:
    """Whether use that names an allocation lies inside one that its tenant held: the log says whose it was, and not
    who reports the use."""
    event, data = pair
    if "allocation" not in data:
        return True
    held = owned.get((event.subject, data["allocation"]))
    if held is not None and held.start_s <= data["from_s"] and data["until_s"] <= held.end_s:
        return True
    set_aside(event, "its tenant did not hold that allocation at that time")
    return False


def _has_price(pair: Told, known: KnownTerms, set_aside: SetAside) -> bool:
    event, data = pair
    fault = known.price_fault(data, data["from_s"], data["until_s"])
    if not fault and data["from_s"] < known.terms.epoch_s:
        fault = "its time lies before the epoch of the terms"
    if fault:
        set_aside(event, fault)
    return not fault


def _in_order(pair: Told) -> Any:
    event = pair[0]
    return event.time_s, event.source, event.seq, event.id
