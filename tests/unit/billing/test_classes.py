from typing import Any

import pytest

from billing.errors import UsageError
from billing.metering.classes import (
    BILLED,
    CLASSES,
    DEGRADED,
    DOWN,
    PREEMPTED,
    Charging,
    FreeRule,
    charge_marks,
    free_rules,
)
from billing.metering.meter import UsageTable, meter
from billing.rating.rate import rate
from billing.usage import CAUSES, MarkTable, SegmentTable
from billing_facts import HOUR_S, NAMES, TENANTS, closed_world, price_book, registry, table
from tenants.registry import Registry

EVICTED, FINISHED = CAUSES.index("evicted"), CAUSES.index("finished")
SPOT = NAMES.products.index("bare.spot")
HOUR_FREE = (FreeRule(3600, True, False, True),) * len(NAMES.products)


def spot(end_s: int, cause: int = EVICTED, gpus: int = 8) -> SegmentTable:
    return table(SegmentTable, [(0, 0, SPOT, 0, 0, gpus, 0, end_s, cause)])


def by_class(usage: UsageTable) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    for kind, factor_bp, quantity in zip(
        usage.charge_class.tolist(), usage.factor_bp.tolist(), usage.quantity.tolist(), strict=True
    ):
        found[CLASSES[kind], factor_bp] = found.get((CLASSES[kind], factor_bp), 0) + quantity
    return found


def test_a_free_window_does_not_hold_its_own_end() -> None:
    for end_s, kind in ((3599, PREEMPTED), (3600, BILLED)):
        segments = spot(end_s)
        assert meter(segments, charge_marks(segments, HOUR_FREE)).charge_class.tolist() == [kind]


def test_a_degraded_gpu_pays_its_part_and_the_others_pay_in_full() -> None:
    segments = spot(HOUR_S, FINISHED)
    slow = table(MarkTable, [(0, DEGRADED, 6_000, 1, 0, HOUR_S)])
    usage = meter(segments, charge_marks(segments, HOUR_FREE, Charging(conditions=slow)))
    assert by_class(usage) == {("billed", 10_000): 7 * HOUR_S, ("degraded", 6_000): HOUR_S}
    lines = rate(NAMES, usage, price_book())
    assert lines.amount_micro_usd.sum() == 7 * 1_250_000 + 750_000
    assert lines.numerator.sum() == 7_600 * HOUR_S * 1_250_000 // 1_000 * 10_000


def test_down_seconds_are_taken_from_the_segment_alone() -> None:
    segments = spot(100, FINISHED, gpus=2)
    down = table(MarkTable, [(0, DOWN, 0, 8, -50, 10), (0, DOWN, 0, 1, 90, 500)])
    usage = meter(segments, charge_marks(segments, HOUR_FREE, Charging(conditions=down)))
    assert by_class(usage) == {("billed", 10_000): 200 - 20 - 10, ("free.down", 0): 30}


def test_marks_that_take_more_than_was_held_are_refused() -> None:
    with pytest.raises(UsageError, match="marks take away more GPUs than were held"):
        meter(spot(100), table(MarkTable, [(0, DOWN, 0, 9, 0, 100)]))


def test_rules_of_products_have_defaults_that_depend_on_the_band() -> None:
    rules = dict(zip(NAMES.products, free_rules(NAMES, registry()), strict=True))
    assert rules["bare.spot"] == rules["bare.ondemand"] == FreeRule(120, True, False, True)
    assert rules["bare.reserved"] == rules["int.research"] == FreeRule(0, True, False, False)


def parties(**rule: Any) -> Registry:
    tenants = [{"id": name, "name": name, "kind": "internal" if name == "lab" else "external"} for name in TENANTS]
    products = [{"code": code} for code in NAMES.products if code != "bare.spot"]
    return Registry.from_mapping({"tenant": tenants, "product": [*products, {"code": "bare.spot", **rule}]})


def test_a_key_of_a_product_changes_what_its_renters_pay_and_not_what_they_held() -> None:
    some = charged = 0
    for seed in range(20):
        world = closed_world(seed)
        plain, free = world.books(parties=parties()), world.books(parties=parties(free_if_preempted_s=10**9))
        assert free.findings == []
        assert free.usage.quantity.sum() == plain.usage.quantity.sum()
        some += int(free.lines.amount_micro_usd.sum())
        charged += int(plain.lines.amount_micro_usd.sum())
    assert some < charged
