"""Service levels against their slow twin on random small worlds, and twins with one broken rule that must be caught."""

import random
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest

from billing.books import Books
from billing.months import month_label, month_numbers
from billing_facts import HOUR_S, NAMES, PRODUCTS, TENANTS, ClosedWorld, closed_world, registry
from reference import sla_twin as twin
from tenants.registry import Registry
from tenants.sla_terms import SLA_PRESETS

SEEDS = (*range(6), 24, 29)  # in the last two an eviction and an outage fall on one product
NOTICE_S = {"int.research": 0, "bare.ondemand": 600, "bare.spot": 60, "bare.reserved": 0}
REFUND_S = {"int.research": 0, "bare.ondemand": 900, "bare.spot": 900, "bare.reserved": 0}
RENTED = PRODUCTS[1:]


class Case(NamedTuple):
    """A world, the parties with their terms and exclusions, and the terms in the twin's words."""

    world: ClosedWorld
    parties: Registry
    terms: dict[str, twin.Terms]
    excluded: list[twin.Excluded]


@cache
def case(seed: int) -> Case:
    """Draw a world with presets, scopes and exclusions; its jobs lose nodes where it has none of its own."""
    rng = random.Random(seed)
    world = closed_world(seed)
    for job, tenant, product, _, _, gpus, start_s, end_s, _ in world.segments[::5]:  # down and held all the same
        middle_s = (start_s + end_s) // 2
        world.outages.append((job, tenant, product, rng.randint(1, gpus), middle_s, end_s))
    presets = {"bare.ondemand": SLA_PRESETS[seed % 7], "bare.reserved": SLA_PRESETS[(seed + 3) % 7]}
    scope = {preset.name: rng.choice(("pool", "node")) for preset in presets.values()}
    rows = [{"name": name, "scope": each} for name, each in scope.items()]
    windows = [
        {
            "cause": rng.choice(("maintenance", "tenant", "force_majeure")),
            "from_s": (from_s := rng.randrange(world.horizon_s)),
            "until_s": from_s + rng.randint(1, HOUR_S),
            **({"tenant": rng.choice(TENANTS)} if rng.random() < 0.3 else {}),
            **({"product": rng.choice(PRODUCTS)} if rng.random() < 0.3 else {}),
            **({"region": rng.choice(NAMES.regions)} if rng.random() < 0.3 else {}),
        }
        for _ in range(rng.randrange(3))
    ]
    parties = registry(refund_s=900, sla=rows, sla_exclusion=windows)
    products = tuple(
        row.model_copy(update={"sla": presets[row.code].name}) if row.code in presets else row
        for row in parties.products
    )
    terms = {
        product: twin.Terms(
            tuple((Fraction(below, 100), Fraction(credit, 100)) for below, credit in preset.steps),
            preset.linear,
            scope[preset.name] == "node",
        )
        for product, preset in presets.items()
    }
    keys = ("tenant", "product", "region", "sku", "from_s", "until_s")
    excluded = [twin.Excluded(*(window.get(key) for key in keys)) for window in windows]
    return Case(world, parties.model_copy(update={"products": products}), terms, excluded)


def product_levels(books: Books) -> twin.Levels:
    """What the billing package says, in the twin's words; money in USD."""
    money = {
        basis: {
            _key(credit.key): Fraction(*credit.exact) / 10**6
            for credit in books.credits
            if (credit.basis == "eviction") == basis
        }
        for basis in (False, True)
    }
    levels = {_key(row[:3]): (row.healthy_gpu_s, row.entitled_gpu_s) for row in books.sla if row.entitled_gpu_s}
    return twin.Levels(levels, money[False], money[True])


def twin_levels(made: Case, books: Books, rules: twin.Rules = twin.Rules()) -> twin.Levels:  # noqa: B008
    held = [
        twin.Held(job, TENANTS[t], PRODUCTS[p], (NAMES.regions[r], NAMES.skus[s]), gpus, start_s, end_s)
        for job, t, p, r, s, gpus, start_s, end_s, _ in made.world.segments
        if p > 0
    ]
    place = {row.job: row.place for row in held}
    lost = [
        twin.Held(job, TENANTS[t], PRODUCTS[p], place[job], gpus, from_s, until_s)
        for job, t, p, gpus, from_s, until_s in made.world.outages
        if p > 0
    ]
    evicted = [
        twin.Evicted(job, TENANTS[t], PRODUCTS[p], *times) for job, t, p, _, *times in made.world.evictions if p > 0
    ]
    costs = hour_costs(books)
    return twin.levels(
        held,
        lost,
        evicted,
        made.excluded,
        lambda row, second: costs.get((row.tenant, row.product, *row.place, second // HOUR_S), Fraction(0)),
        lambda second: month_label(int(month_numbers(NAMES.epoch_s, np.array([second]))[0])),
        made.terms,
        NOTICE_S,
        REFUND_S,
        charged(books),
        rules,
    )


def charged(books: Books) -> dict[twin.Key, int]:
    """GPU-seconds of each key that were charged in full: here a second is, or is free."""
    lines, sums = books.lines, dict[twin.Key, int]()
    months = month_numbers(NAMES.epoch_s, lines.hour_s)
    columns = (lines.tenant, lines.product, months, lines.quantity, lines.factor_bp)
    for t, p, month, quantity, factor_bp in zip(*(column.tolist() for column in columns), strict=True):
        sums[_key((t, p, month))] = sums.get(_key((t, p, month)), 0) + quantity * (factor_bp == 10_000)
    return sums


def hour_costs(books: Books) -> dict[tuple[Any, ...], Fraction]:
    """USD of one GPU-second of each hour: what its line items come to, over all that was held."""
    lines, sums = books.lines, dict[tuple[Any, ...], list[int]]()
    columns = (lines.tenant, lines.product, lines.region, lines.sku, lines.hour_s, lines.numerator, lines.quantity)
    for t, p, r, s, hour_s, numerator, quantity in zip(*(column.tolist() for column in columns), strict=True):
        key = (TENANTS[t], PRODUCTS[p], NAMES.regions[r], NAMES.skus[s], hour_s // HOUR_S)
        total = sums.setdefault(key, [0, 0])
        total[0] += numerator
        total[1] += quantity
    return {key: Fraction(money, held * lines.denominator * 10**6) for key, (money, held) in sums.items()}


def disagreements(found: twin.Levels, expected: twin.Levels) -> list[str]:
    """Names of the facts that differ; money by more than the cut of a few hours to a whole 1/3600 micro-USD."""
    names = [] if found.availability == expected.availability else ["availability"]
    cut = Fraction(20, 3600 * 10**6)
    for name in ("credits", "refunds"):
        mine, theirs = getattr(found, name), getattr(expected, name)
        if any(abs(mine.get(key, 0) - theirs.get(key, 0)) > cut for key in mine.keys() | theirs.keys()):
            names.append(name)
    return names


@cache
def closed(seed: int) -> Books:
    made = case(seed)
    return made.world.books(parties=made.parties)


@pytest.mark.parametrize("seed", SEEDS)
def test_service_levels_agree_with_their_twin(seed: int) -> None:
    assert disagreements(product_levels(closed(seed)), twin_levels(case(seed), closed(seed))) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6, 150))
def test_service_levels_agree_with_their_twin_on_more_worlds(seed: int) -> None:
    assert disagreements(product_levels(closed(seed)), twin_levels(case(seed), closed(seed))) == []


CANARIES = {
    "a bound that is just reached is missed": (twin.Rules(below=lambda up, bound: up < bound + 5), "credits", (1, 4)),
    "excluded time is healthy": (twin.Rules(excluded_is_healthy=True), "availability", (1, 3)),
    "a second pays twice": (twin.Rules(base_with_refunds=True), "credits", (24, 29)),
    "a guarantee is not looked at": (
        twin.Rules(kept=lambda row, notice_s: row.evicted_s - row.noticed_s >= notice_s),
        "refunds",
        (5, 13),
    ),
}


@pytest.mark.parametrize(("rules", "fact", "seeds"), CANARIES.values(), ids=CANARIES)
def test_canary_a_broken_twin_is_caught(rules: twin.Rules, fact: str, seeds: tuple[int, ...]) -> None:
    found = [
        disagreements(product_levels(closed(seed)), twin_levels(case(seed), closed(seed), rules)) for seed in seeds
    ]
    assert any(fact in names for names in found)


def _key(key: tuple[int, int, int]) -> twin.Key:
    return TENANTS[key[0]], PRODUCTS[key[1]], month_label(key[2])
