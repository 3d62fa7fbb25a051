from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.log.aside import spans_aside
from billing.log.books import books_of
from billing.log.facts import Facts
from billing.log.fold import facts_of
from billing.log.room import ROOM_MICRO, most_of
from billing.log.shapes import QUANTITY_MAX
from billing.metering.classes import CLASSES
from billing.money import format_usd
from billing.rating.curves import shares
from billing.usage import CAUSES
from billing_facts import HOUR_S, NAMES, PRICES, price_book
from told_events import EPOCH_S, Fact, ended, resized, started, terms, told, unix


def facts(*rows: Fact, until_s: int = 20_000) -> Facts:
    return facts_of(told(rows), terms(), EPOCH_S + until_s)


def held(found: Facts) -> list[tuple[int, int, int]]:
    segments = found.segments
    return list(zip(segments.gpus.tolist(), segments.start_s.tolist(), segments.end_s.tolist(), strict=True))


def reasons(found: Facts) -> dict[str, str]:
    return {each.event: each.reason for each in found.quarantined}


def test_a_start_and_an_end_make_a_segment() -> None:
    found = facts(started(10), ended(3700))
    assert held(found) == [(8, 10, 3700)]
    assert found.segments.cause.tolist() == [CAUSES.index("finished")]
    assert found.names.regions == ("eu",) and found.names.products[:4] == NAMES.products
    assert [[ref.id for ref in refs] for refs in found.events] == [["scheduler-0", "scheduler-1"]]
    assert found.quarantined == ()


def test_sizes_change_the_level_and_a_size_of_0_pauses() -> None:
    found = facts(started(0), resized(100, 4), resized(100, 6), resized(200, 0), resized(300, 8), ended(400))
    assert held(found) == [(8, 0, 100), (6, 100, 200), (8, 300, 400)]
    assert found.ran_s.tolist() == [400, 400, 400]


def test_an_open_allocation_is_cut_at_the_watermark() -> None:
    assert held(facts(started(10), until_s=500)) == [(8, 10, 500)]
    assert held(facts_of(told([started(10), resized(70, 4)]), terms())) == [(8, 10, 70)]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([started(10), ended(5)], {"scheduler-0": "interval of -5 s", "scheduler-1": "interval of -5 s"}),
        ([started(10), ended(10)], {"scheduler-0": "interval of 0 s", "scheduler-1": "interval of 0 s"}),
        ([ended(10)], {"scheduler-0": "has not started"}),
        ([started(0, tenant="nobody")], {"scheduler-0": "unknown tenant 'nobody'"}),
        ([started(0, product="bare.gold")], {"scheduler-0": "unknown product 'bare.gold'"}),
        ([started(0, gpus=0)], {"scheduler-0": "gpus is 0"}),
        ([started(0, gpus=2**60)], {"scheduler-0": "gpus is 1152921504606846976"}),
        ([started(0, sku="")], {"scheduler-0": "sku is ''"}),
        ([started(-5)], {"scheduler-0": "before the epoch"}),
        ([("allocation.lost", 0, "acme", {})], {"scheduler-0": "unknown type 'allocation.lost'"}),
        ([started(0), resized(85, 4), ended(80)], {"scheduler-1": "lies outside its allocation"}),
        ([started(0), ended(9), ended(10)], {"scheduler-2": "ended already, by event scheduler-1"}),
        ([started(0), started(5), ended(9)], {"scheduler-1": "started already, by event scheduler-0"}),
        ([started(0), ended(9, cause="boredom")], {"scheduler-0": "event scheduler-1 of", "scheduler-1": "'boredom'"}),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value[-1][0],
)
def test_what_cannot_be_billed_is_set_aside_and_the_rest_goes_on(rows: list[Fact], expected: dict[str, str]) -> None:
    found = facts(*rows, started(30, "other"), ended(60, "other"))
    assert (8, 30, 60) in held(found)
    assert set(reasons(found)) == set(expected)
    for event, words in expected.items():
        assert words in reasons(found)[event]


def test_a_clock_that_jumps_ahead_or_back_costs_only_what_it_told() -> None:
    for jump_s in (10**6, -400):
        rows = [started(1000), started(1100, "b"), ended(1200 + jump_s), ended(1300, "b"), started(1400, "c")]
        found = facts(*rows)
        assert held(found) == [(8, 1100, 1300), (8, 1400, 20_000)]
        assert "clock of its source jumped" in reasons(found)["scheduler-2"]
        assert "event scheduler-2 of its allocation was set aside" in reasons(found)["scheduler-0"]


def test_one_gpu_is_never_held_twice() -> None:
    rows = [
        started(0, "a", gpus=1, gpu_ids=["g0"]),
        started(50, "b", gpus=1, gpu_ids=["g0"]),
        ended(100, "a"),
        started(100, "c", gpus=1, gpu_ids=["g0"]),
    ]
    found = facts(*rows, until_s=200)
    assert held(found) == [(1, 0, 100), (1, 100, 200)]
    assert reasons(found) == {"scheduler-1": "GPU g0 was held by allocation a at that time"}


def test_a_gpu_that_two_tenants_are_said_to_hold_keeps_its_hours_open() -> None:
    """Nobody is billed for it until the log is mended: the fold cannot know which of the two is right."""
    rows = [
        started(0, "a", gpus=1, gpu_ids=["g0"]),
        started(50, "b", "birch", gpus=1, gpu_ids=["g0"]),
        ended(100, "a"),
        ended(100, "b", "birch"),
    ]
    found = facts(*rows)
    assert held(found) == [(1, 0, 100)]
    assert set(reasons(found)) == {"scheduler-1", "scheduler-3"}
    assert set(reasons(found).values()) == {"GPU g0 was held by another tenant at that time"}
    open_at = {(from_s, until_s) for *_, from_s, until_s in spans_aside(told(rows), found.quarantined)}
    assert open_at == {(EPOCH_S + 50, EPOCH_S + 100)}


def test_nobody_writes_into_the_allocation_of_another_tenant() -> None:
    alone = facts(started(0), ended(100))
    meddled = facts(started(0), ended(100), ended(50, tenant="birch"), started(0, tenant="birch"))
    assert held(alone) == [(8, 0, 100)]
    assert (8, 0, 100) in held(meddled)


def test_conditions_and_outages_become_classes() -> None:
    outage = {"outage": "o1", "job": "job-a1", "product": "bare.ondemand", "gpus": 2}
    slow = {"allocation": "a1", "gpus": 1, "factor_bp": 6_000, **unix(from_s=100, until_s=200)}
    found = facts(
        started(0),
        ("outage.started", 300, "acme", outage),
        ("gpus.degraded", 310, "acme", slow),
        ("outage.ended", 350, "acme", outage),
        ended(1000),
    )
    usage = books_of(found, terms()).usage
    words = [CLASSES[kind] for kind in usage.charge_class.tolist()]
    assert dict(zip(words, usage.quantity.tolist(), strict=True)) == {
        "billed": 8 * 1000 - 100 - 100,
        "degraded": 100,
        "free.down": 100,
    }
    assert found.outages.gpus.tolist() == [2]


def test_tokens_are_spread_over_their_seconds_and_add_up() -> None:
    used = {"meter": "tokens_out", "quantity": 1000, "product": "bare.spot", "region": "eu", "sku": "h100"}
    found = facts(("usage.metered", 0, "acme", {**used, **unix(from_s=HOUR_S - 1, until_s=HOUR_S + 2)}))
    assert found.metered.quantity.tolist() == [333, 667]
    assert found.metered.hour_s.tolist() == [0, HOUR_S]


def test_an_hour_that_holds_no_more_is_its_tenants_own_affair(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.log.build.INT64_MAX", 1500)
    place = {"meter": "tokens_out", "quantity": 1000, "product": "bare.spot", "region": "eu", "sku": "h100"}
    used = [
        ("usage.metered", at_s, tenant, {**place, **unix(from_s=from_s, until_s=from_s + 60)})
        for at_s, tenant, from_s in ((90, "acme", 0), (70, "birch", 0), (80, "acme", 0), (95, "acme", HOUR_S))
    ]
    found = facts(*used)
    assert reasons(found) == {"scheduler-0": "with it an hour would hold more than 1500"}
    assert found.metered.quantity.tolist() == [1000, 1000, 1000]
    again = facts_of(told(used)[::-1], terms(), EPOCH_S + found.until_s)
    assert again.quarantined == found.quarantined and again.metered.tenant.tolist() == found.metered.tenant.tolist()


def test_a_month_that_no_invoice_could_hold_is_its_tenants_own_affair() -> None:
    """Many events, each of which is allowed: 17 billion USD apiece, until no more fits."""
    much = {"meter": "tokens_out", "quantity": QUANTITY_MAX, "product": "bare.spot", "region": "eu", "sku": "h100"}
    used = [
        ("usage.metered", at_s, "acme", {**much, **unix(from_s=at_s % 3 * HOUR_S, until_s=at_s % 3 * HOUR_S + 60)})
        for at_s in range(300)
    ]
    used += [("usage.metered", 900, "birch", {**much, **unix(from_s=0, until_s=60)})]
    found = facts(*used)
    assert set(reasons(found).values()) == {"with it 2026-01 would come to more than an invoice can hold"}
    priced = found.metered.quantity.astype(object) * 15_000_000 // 1_000_000
    mine = found.metered.tenant == NAMES.tenants.index("acme")
    assert (~mine).sum() == 1 and ROOM_MICRO - priced.max() < priced[mine].sum() < ROOM_MICRO * 2, "in two months"
    assert books_of(found, terms()).lines.amount_micro_usd.max() < ROOM_MICRO


@given(price=st.integers(0, 10**9), size=st.integers(1, 10**4), quantity=st.integers(0, 10**9), flat=st.integers(0, 99))
def test_no_use_comes_to_more_than_is_thought_at_most(price: int, size: int, quantity: int, flat: int) -> None:
    models: list[dict[str, Any]] = [
        {"unit_price": format_usd(price)},
        {"model": "package", "package_size": size, "package_price": format_usd(price)},
        {"model": "graduated", "tiers": [{"up_to": size, "unit_price": format_usd(price), "flat": flat},
                                         {"unit_price": "0.5"}]},
    ]  # fmt: skip
    for model in models:
        row = {"product": "*", "sku": "*", "meter": "tokens_out", "from": "2025-01-01T00:00:00Z", **model}
        (made,) = price_book([row]).rows
        numerators, whole = shares(made.plan, np.array([quantity]), made.per)
        unit, fixed = most_of(made)
        assert Fraction(int(numerators[0]), whole) <= quantity * unit + fixed


def test_use_that_is_priced_per_event_is_set_aside_since_hours_have_no_events() -> None:
    per_call = {"product": "*", "sku": "*", "from": "2025-01-01T00:00:00Z", "model": "percentage", "rate_percent": "1"}
    book = price_book([*PRICES, {**per_call, "meter": "tool_calls", "fixed_per_event": "0.3"}])
    used = {"meter": "tool_calls", "quantity": 5, "product": "bare.spot", "region": "eu", "sku": "h100"}
    fact = ("usage.metered", 0, "acme", {**used, **unix(from_s=0, until_s=60)})
    found = facts_of(told([fact]), replace(terms(), book=book), EPOCH_S + 20_000)
    assert reasons(found) == {"scheduler-0": "percentage price per event, which hours do not have"}


def test_what_is_stored_counts_for_every_second_of_its_level() -> None:
    def stored(at_s: int, level: int, resource: str = "disk") -> Fact:
        place = {"product": "bare.spot", "region": "eu", "sku": "h100", "meter": "stored_mib_s", "resource": resource}
        return "level.changed", at_s, "acme", {**place, "level": level}

    found = facts(
        stored(0, 10), stored(HOUR_S - 100, 30), stored(HOUR_S + 100, 0), stored(HOUR_S + 200, 7), until_s=4000
    )
    hours, quantities = found.metered.hour_s, found.metered.quantity
    assert quantities[hours == 0].sum() == 10 * (HOUR_S - 100) + 30 * 100
    assert quantities[hours == HOUR_S].sum() == 30 * 100 + 7 * 200


def test_nothing_lasts_for_ages() -> None:
    found = facts(started(0), ended(21 * 366 * 86_400), until_s=100)
    assert reasons(found)["scheduler-0"] == f"interval of {21 * 366 * 86_400} s, allowed {20 * 366 * 86_400}"


def test_a_preempted_start_is_free_by_how_long_all_of_it_lasted() -> None:
    found = facts(started(0), resized(60, 4), ended(119, cause="evicted"))
    assert set(books_of(found, terms()).usage.charge_class.tolist()) == {CLASSES.index("free.preempted")}
    notice = {"allocation": "a1", **unix(noticed_s=50, guaranteed_until_s=0)}
    found = facts(started(0), resized(60, 4), ("preemption.executed", 120, "acme", notice), ended(120, cause="evicted"))
    assert set(books_of(found, terms()).usage.charge_class.tolist()) == {CLASSES.index("billed")}
    assert (found.evictions.gpus.tolist(), found.evictions.noticed_s.tolist()) == ([4], [50])
