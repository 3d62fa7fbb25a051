"""Billing against its slow twin on random small worlds, and twins with one broken line each that must be caught."""

from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import pytest

from billing.books import Books
from billing.invoices.bill import month_bills
from billing.metering.classes import CLASSES
from billing.months import month_label, parse_utc
from billing.usage import CAUSES
from billing_facts import NAMES, PRICES, PRODUCTS, TENANTS, ClosedWorld, closed_world
from reference import billing_twin as twin

SEEDS = range(40)
STEPS = {
    "bare.ondemand": (("99.5", "10"), ("99", "30"), ("95", "100")),
    "bare.reserved": (("99.9", "10"), ("99", "25"), ("95", "100")),
}
RULES = {  # the defaults: a start that is evicted before it is through is free
    "bare.ondemand": twin.Rule(if_preempted_s=120),
    "bare.spot": twin.Rule(if_preempted_s=120),
}
Facts = dict[str, Any]


def product_facts(books: Books) -> Facts:
    """What the billing package says, in the twin's words."""
    lines = books.lines
    keys = [
        (NAMES.tenants[t], h, NAMES.regions[r], NAMES.skus[s], NAMES.products[p], CLASSES[c], factor_bp)
        for t, h, r, s, p, c, factor_bp in zip(
            lines.tenant.tolist(),
            lines.hour_s.tolist(),
            lines.region.tolist(),
            lines.sku.tolist(),
            lines.product.tolist(),
            lines.charge_class.tolist(),
            lines.factor_bp.tolist(),
            strict=True,
        )
    ]
    exact = [Fraction(n, lines.denominator * 10**6) for n in lines.numerator.tolist()]
    credits = {(TENANTS[c.key.tenant], PRODUCTS[c.key.product], month_label(c.key.month)): c for c in books.credits}
    return {
        "usage": dict(zip(keys, lines.quantity.tolist(), strict=True)),
        "amounts": dict(zip(keys, exact, strict=True)),
        "micro_usd": dict(zip(keys, lines.amount_micro_usd.tolist(), strict=True)),
        "charges_cents": {
            (bill.tenant, bill.period.label): bill.charges_micro_usd // 10_000
            for bill in month_bills(NAMES, lines, books.credits)
        },
        "availability": {
            (TENANTS[row.tenant], PRODUCTS[row.product], month_label(row.month)): (
                row.healthy_gpu_s,
                row.entitled_gpu_s,
            )
            for row in books.sla
            if row.entitled_gpu_s
        },
        "credits": {key: Fraction(c.exact.numerator, c.exact.denominator * 10**6) for key, c in credits.items()},
        "credit_cents": {key: c.amount_micro_usd // 10_000 for key, c in credits.items()},
    }


def twin_facts(
    world: ClosedWorld,
    meter: Callable[..., dict[twin.UsageKey, int]] = twin.meter,
    rate: Callable[..., dict[twin.UsageKey, Fraction]] = twin.rate,
) -> Facts:
    """What the twin says. `meter` and `rate` are where a broken twin differs."""
    segments = [
        twin.Segment(TENANTS[t], PRODUCTS[p], NAMES.regions[r], NAMES.skus[s], gpus, start_s, end_s, CAUSES[cause])
        for _, t, p, r, s, gpus, start_s, end_s, cause in world.segments
    ]
    prices = [
        twin.Price(p["product"], p["sku"], p.get("region", "*"), parse_utc(p["from"]), p["usd_per_gpu_hour"])
        for p in PRICES
    ]
    losses = [twin.Loss(TENANTS[t], PRODUCTS[p], gpus, f, u) for _, t, p, gpus, f, u in world.outages if p > 0]
    usage = meter(segments, rules=RULES)
    amounts = rate(usage, prices, NAMES.epoch_s)
    rented = {key: gpu_s for key, gpu_s in usage.items() if key[4] != "int.research"}
    available = twin.availability(rented, losses, NAMES.epoch_s)
    credits = twin_credits(amounts, available)
    return {
        "usage": usage,
        "amounts": amounts,
        "micro_usd": twin_micro_usd(amounts),
        "charges_cents": {
            key: twin.to_units(usd, 100) for key, usd in twin.month_charges(amounts, NAMES.epoch_s).items()
        },
        "availability": available,
        "credits": credits,
        "credit_cents": twin_credit_cents(credits),
    }


def twin_micro_usd(amounts: dict[twin.UsageKey, Fraction]) -> dict[twin.UsageKey, int]:
    """Each row's share of its month's rounded sum."""
    groups: dict[tuple[str, ...], list[twin.UsageKey]] = defaultdict(list)
    for key in sorted(amounts, key=index_order):
        tenant, hour_s, region, sku, product, *_ = key
        groups[tenant, twin.month_of(NAMES.epoch_s, hour_s), product, sku, region].append(key)
    dealt: dict[twin.UsageKey, int] = {}
    for keys in groups.values():
        dealt.update(zip(keys, twin.deal_out([amounts[key] for key in keys], 10**6), strict=True))
    return dealt


def index_order(key: twin.UsageKey) -> tuple[int, ...]:
    tenant, hour_s, region, sku, product, why, factor_bp = key
    places = NAMES.regions.index(region), NAMES.skus.index(sku), PRODUCTS.index(product), CLASSES.index(why), factor_bp
    return TENANTS.index(tenant), hour_s, *places


def twin_credits(
    amounts: dict[twin.UsageKey, Fraction], available: dict[tuple[str, str, str], tuple[int, int]]
) -> dict[tuple[str, str, str], Fraction]:
    """Exact USD given back per (tenant, product, month), where it is more than nothing."""
    charges: dict[tuple[str, str, str], Fraction] = defaultdict(Fraction)
    for (tenant, hour_s, _, _, product, *_), usd in amounts.items():
        charges[tenant, product, twin.month_of(NAMES.epoch_s, hour_s)] += usd
    credits = {key: charges[key] * twin.credit_share(*ratio, STEPS.get(key[1], ())) for key, ratio in available.items()}
    return {key: usd for key, usd in credits.items() if usd}


def twin_credit_cents(credits: dict[tuple[str, str, str], Fraction]) -> dict[tuple[str, str, str], int]:
    months: dict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for key in sorted(credits, key=lambda key: (TENANTS.index(key[0]), PRODUCTS.index(key[1]))):
        months[key[0], key[2]].append(key)
    return {
        key: cents
        for keys in months.values()
        for key, cents in zip(keys, twin.deal_out([credits[key] for key in keys], 100), strict=True)
    }


def disagreements(found: Facts, expected: Facts) -> list[str]:
    """Names of the facts that differ: the checker that the canaries test."""
    return [name for name in expected if without_zeros(found[name]) != without_zeros(expected[name])]


def without_zeros(rows: dict[Any, Any]) -> dict[Any, Any]:
    return {key: value for key, value in rows.items() if value}


@pytest.mark.parametrize("seed", SEEDS)
def test_billing_agrees_with_its_twin(seed: int) -> None:
    world = closed_world(seed)
    assert disagreements(product_facts(world.books()), twin_facts(world)) == []


def drops_the_last_second(start_s: int, end_s: int) -> range:
    return range(start_s, end_s - 1)


def counts_a_second_twice(start_s: int, end_s: int) -> list[int]:
    return [*range(start_s, end_s), *range(start_s, min(start_s + 1, end_s))]


def to_the_cent(usd: Fraction) -> Fraction:
    return Fraction(twin.to_units(usd, 100), 100)


def through_a_float(text: str) -> Fraction:
    return Fraction(float(text))


CANARIES = {
    "drops the last second": ({"meter": partial(twin.meter, seconds=drops_the_last_second)}, "usage"),
    "counts a second twice": ({"meter": partial(twin.meter, seconds=counts_a_second_twice)}, "usage"),
    "rounds per hour": ({"rate": partial(twin.rate, each_hour=to_the_cent)}, "charges_cents"),
    "float price": ({"rate": partial(twin.rate, read=through_a_float)}, "amounts"),
}


@pytest.mark.parametrize(("broken", "fact"), CANARIES.values(), ids=CANARIES)
def test_canary_a_broken_twin_is_caught(broken: dict[str, Any], fact: str) -> None:
    caught = [fact in disagreements(product_facts(world.books()), twin_facts(world, **broken)) for world in worlds()]
    assert any(caught)


def worlds() -> list[ClosedWorld]:
    return [closed_world(seed) for seed in range(8)]
