"""I3: whatever order, repetition or batches brought the events of a log, its facts and hours are the same bytes; I2:
the hours hold what the segments held. Folds that heed the order or the number of arrivals are caught."""

from collections.abc import Iterable
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.log import admitted as reading
from billing.log import fold
from billing.log.books import books_of, usage_of
from billing.log.event import Event
from billing.log.facts import Facts
from billing.log.fold import facts_of
from billing.log.late import late_hours
from billing.log.watermark import watermark
from billing.metering.close import close_hours, deltas, nothing_closed
from billing.metering.meter import UsageTable
from billing.metering.sums import add_up, part_of
from billing_facts import HOUR_S, TENANTS
from told_events import as_bytes, ended, random_log, started, terms, told

TERMS = terms()


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """A log, and the same log as it may have come: shuffled, in batches, some of it again and again."""
    log = random_log(draw(st.integers(0, 10**6)))
    again = draw(st.lists(st.sampled_from(log), max_size=8))
    shuffled = draw(st.permutations([*log, *again]))
    return log, shuffled


@given(arrivals())
def test_facts_and_hours_depend_on_the_set_of_events_alone(logs: tuple[list[Event], list[Event]]) -> None:
    log, shuffled = (facts_of(events, TERMS) for events in logs)
    assert as_bytes(log) == as_bytes(shuffled)
    assert as_bytes(books_of(log, TERMS).usage) == as_bytes(books_of(shuffled, TERMS).usage)
    assert watermark(logs[0]) == watermark(logs[1])


@given(st.integers(0, 10**6))
def test_hours_hold_what_segments_held_and_nothing_is_lost_without_a_reason(seed: int) -> None:
    log = random_log(seed)
    found = facts_of(log, TERMS)
    segments = found.segments
    held = (segments.gpus * (segments.end_s - segments.start_s)).sum() + found.metered.quantity.sum()
    assert books_of(found, TERMS).usage.quantity.sum() == held
    aside = {(each.source, each.event) for each in found.quarantined}
    used = {(ref.source, ref.id) for refs in found.events for ref in refs}
    lives = {(event.source, event.id) for event in log if event.type in ("allocation.started", "allocation.ended")}
    assert not used & aside
    late = {(event.source, event.id) for event in log if event.time_s - TERMS.epoch_s >= found.until_s}
    assert lives <= used | aside | late


@given(arrivals(), st.integers(0, 3 * HOUR_S), st.lists(st.integers(0, 40), max_size=3).map(sorted))
def test_closed_hours_never_change_and_deltas_make_up_for_what_was_late(
    logs: tuple[list[Event], list[Event]], grace_s: int, cuts: list[int]
) -> None:
    closed, came = nothing_closed(), logs[1]
    for cut in (*cuts, len(came)):
        facts = facts_of(came[:cut], TERMS)
        usage = named(usage_of(facts, TERMS), facts)
        before = closed
        closed = close_hours(closed, usage, watermark(came[:cut]).until_s - TERMS.epoch_s, grace_s)
        kept = part_of(closed.usage, closed.usage.hour_s < before.until_s)
        assert as_bytes(kept) == as_bytes(before.usage)
        now = part_of(usage, usage.hour_s < closed.until_s)
        assert as_bytes(add_up(closed.usage, deltas(closed, usage))) == as_bytes(now)


def named(usage: UsageTable, facts: Facts) -> UsageTable:
    """Usage with indices that do not depend on what else has come."""
    regions, skus = (
        np.array([order.index(word) for word in words], dtype=np.int64)
        for order, words in ((["eu", "us"], facts.names.regions), (["b200", "h100"], facts.names.skus))
    )
    return add_up(replace(usage, region=regions[usage.region], sku=skus[usage.sku]))


@given(st.integers(0, 10**6), st.integers(0, 40))
def test_each_late_difference_names_a_late_event_of_its_tenant(seed: int, known: int) -> None:
    log = random_log(seed)
    found = late_hours(log, TERMS, known)
    now = part_of(found.usage, found.usage.hour_s < found.closed.until_s)
    assert as_bytes(add_up(found.closed.usage, found.deltas)) == as_bytes(now)
    late = {(event.source, event.id) for event in log[known:]}
    assert set(found.causes) <= late
    assert len(found.causes) == len(found.deltas)


@given(st.integers(0, 10**6), st.sampled_from(TENANTS), st.integers(0, 10**6))
def test_no_event_of_another_tenant_changes_what_one_held(seed: int, meddler: str, other_seed: int) -> None:
    """I9, at the fold: events of one tenant are taken away, and others put in their place, under the same sources.

    Where the operator's log says of a GPU that two tenants held it at once, no fold can be right about both: the later
    claim is set aside and keeps the month open until the log is mended (property B5). Of such logs I9 says nothing.
    """
    log = random_log(seed, contradicts_itself=False)
    kept = [event for event in log if event.subject != meddler]
    other_log = random_log(other_seed, contradicts_itself=False)
    meddled = [*kept, *(event for event in other_log if event.subject == meddler)]
    rest = [tenant for tenant in TENANTS if tenant != meddler]
    one, other = (hours_in_words(facts_of(events, TERMS, TERMS.epoch_s + 9 * HOUR_S)) for events in (log, meddled))
    for tenant in rest:
        assert one.get(tenant) == other.get(tenant)


def hours_in_words(facts: Facts) -> dict[str, list[tuple[object, ...]]]:
    """The hourly usage of each tenant, with words for indices."""
    names, usage = facts.names, usage_of(facts, TERMS)
    found: dict[str, list[tuple[object, ...]]] = {}
    for row in zip(*(getattr(usage, each.name).tolist() for each in fields(usage)), strict=True):
        tenant, hour_s, region, sku, *more = row
        found.setdefault(names.tenants[tenant], []).append((hour_s, names.regions[region], names.skus[sku], *more))
    return {tenant: sorted(rows, key=str) for tenant, rows in found.items()}


def each_arrival(events: Iterable[Event], set_aside: object) -> list[Event]:
    return sorted(events, key=lambda event: (event.time_s, event.source, event.seq))


def as_they_came(events: Iterable[Event], set_aside: object) -> list[Event]:
    return list(dict.fromkeys(events))


@pytest.mark.parametrize("broken", [each_arrival, as_they_came])
def test_canary_a_fold_that_heeds_arrivals_is_caught(broken: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_once", broken)
    if broken is as_they_came:
        monkeypatch.setattr(fold, "_in_order", lambda pair: 0)
    logs = [told([started(0), ended(70), ended(80)]), *(random_log(seed) for seed in range(9))]
    assert any(as_bytes(facts_of(log, TERMS)) != as_bytes(facts_of([*log[::-1], *log], TERMS)) for log in logs)
