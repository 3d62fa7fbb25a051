"""The meter with its charge classes, against a twin that looks at one GPU for one second: random rules, conditions that
overlap, and broken twins that must be caught."""

import random
from functools import partial
from typing import Any

import pytest

from billing.metering.classes import CLASSES, DEGRADED, DOWN, STALLED, Charging, FreeRule, charge_marks
from billing.metering.meter import meter
from billing.usage import CAUSES, MarkTable, SegmentTable
from billing_facts import HOUR_S, NAMES, PRODUCTS, TENANTS, table
from reference import billing_twin as twin

SEEDS = range(60)
WORDS = {DOWN: "down", STALLED: "stalled", DEGRADED: "degraded"}
Usage = dict[twin.UsageKey, int]


class Case:
    """A few segments around the turn of an hour, with every kind of condition."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(seed)
        self.rules = [
            FreeRule(rng.choice((0, 100, 120)), rng.random() < 0.7, rng.random() < 0.5, rng.random() < 0.7)
            for _ in PRODUCTS
        ]
        self.segments, self.conditions = [], []
        for row in range(rng.randint(1, 6)):
            start_s = HOUR_S - rng.randint(0, 200)
            end_s = start_s + rng.choice((0, 100, 120, rng.randint(1, 400)))
            gpus = rng.randint(1, 4)
            place = rng.randrange(2), rng.randrange(len(PRODUCTS)), rng.randrange(2), rng.randrange(2)
            self.segments.append((row, *place, gpus, start_s, end_s, rng.choice((0, 0, 1, 1, 3))))
            for _ in range(rng.choice((0, 0, 1, 3))):
                kind = rng.choice(tuple(WORDS))
                from_s = rng.randint(start_s - 20, max(start_s, end_s))
                factor_bp = rng.choice((6_000, 7_777)) if kind == DEGRADED else 0
                until_s = from_s + rng.randint(1, 200)
                self.conditions.append((row, kind, factor_bp, rng.randint(1, 3), from_s, until_s))

    def of_product(self) -> Usage:
        segments = table(SegmentTable, self.segments)
        usage = meter(
            segments, charge_marks(segments, self.rules, Charging(conditions=table(MarkTable, self.conditions)))
        )
        columns = (usage.tenant, usage.hour_s, usage.region, usage.sku, usage.product, usage.charge_class)
        keys = [
            (TENANTS[t], hour_s, NAMES.regions[r], NAMES.skus[s], PRODUCTS[p], CLASSES[c], factor_bp)
            for t, hour_s, r, s, p, c, factor_bp in zip(
                *(column.tolist() for column in columns), usage.factor_bp.tolist(), strict=True
            )
        ]
        return dict(zip(keys, usage.quantity.tolist(), strict=True))

    def of_twin(self, count: Any = twin.meter) -> Usage:
        rows = [
            twin.Segment(TENANTS[t], PRODUCTS[p], NAMES.regions[r], NAMES.skus[s], gpus, start_s, end_s, CAUSES[cause])
            for _, t, p, r, s, gpus, start_s, end_s, cause in self.segments
        ]
        conditions = [
            twin.Condition(row, WORDS[kind], gpus, factor_bp, from_s, until_s)
            for row, kind, factor_bp, gpus, from_s, until_s in self.conditions
        ]
        rules = {code: twin.Rule(*rule) for code, rule in zip(PRODUCTS, self.rules, strict=True)}
        return count(rows, rules=rules, conditions=conditions)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_gpu_second_has_the_class_that_the_twin_gives_it(seed: int) -> None:
    case = Case(seed)
    assert case.of_product() == case.of_twin()


def test_the_cases_hold_every_class() -> None:
    assert {key[5] for seed in SEEDS for key in Case(seed).of_product()} == set(CLASSES)


def within_or_at_its_end(ran_s: int, window_s: int) -> bool:
    return ran_s <= window_s


def conditions_ignored(*args: Any, conditions: Any, **more: Any) -> Usage:
    return twin.meter(*args, **more)


CANARIES = {
    "a window that holds its own end": partial(twin.meter, inside=within_or_at_its_end),
    "conditions ignored": conditions_ignored,
}


@pytest.mark.parametrize("broken", CANARIES.values(), ids=CANARIES)
def test_canary_a_broken_twin_is_caught(broken: Any) -> None:
    assert any(Case(seed).of_product() != Case(seed).of_twin(broken) for seed in SEEDS)
