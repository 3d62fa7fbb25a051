"""From submission to the cent, twice: the product's whole chain against slow twins that share no code with it.

One side is `sim.engine.run` (SimPy, the fast core, the recorder), `settle` and the bills. The other is the list-based
scheduler, a meter that counts single seconds and rating in fractions. The worlds are small, their clocks stretched so
that a run crosses hours, a price change and the end of a month.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import broken_cores
from billing.invoices.bill import month_bills
from billing.metering.classes import CLASSES
from billing.rating.prices import PriceBook
from billing.usage import Names
from reference import billing_twin
from reference.slow_scheduler import SlowScheduler
from scheduler.events import NEVER, EventKind
from sim.engine.run import run
from sim.result import JobRows, World
from sim.settle import settle
from small_worlds import HORIZON_S, SmallWorld, small_world
from tenants.registry import Registry
from test_drivers import faults_of
from test_scheduler_twin import drive_slow

STRETCH = 7
PRODUCTS = ("int.frontier", "bare.reserved", "int.research", "bare.ondemand", "bare.spot")
EPOCH_S = 1_767_225_600 + 31 * 86_400 - 2 * 3600  # 2026-01-31T22:00:00Z: the month ends two hours into the run
PRICES = (
    ("*", "*", "*", "2025-01-01T00:00:00Z", "2.60"),
    ("bare.ondemand", "*", "*", "2025-01-01T00:00:00Z", "2.953717"),
    ("bare.spot", "*", "*", "2025-01-01T00:00:00Z", "1.25"),
    ("bare.spot", "*", "*", "2026-01-31T23:00:00Z", "1.333333"),
)
SEEDS = range(40)


def stretched(world: SmallWorld) -> SmallWorld:
    """The same world on a clock that goes STRETCH times as long."""
    jobs = dict(world.jobs)
    for name in ("submit_s", "run_s", "estimate_s", "patience_s"):
        jobs[name] = np.where(jobs[name] == NEVER, NEVER, jobs[name] * STRETCH)
    return replace(
        world,
        pools=tuple(row._replace(scrub_s=row.scrub_s * STRETCH) for row in world.pools),
        products=tuple(
            row._replace(
                guarantee_s=row.guarantee_s * STRETCH,
                notice_s=row.notice_s * STRETCH,
                checkpoint_s=row.checkpoint_s * STRETCH,
                restart_s=row.restart_s * STRETCH,
            )
            for row in world.products
        ),
        reservations=tuple(row._replace(from_s=row.from_s * STRETCH, until_s=NEVER) for row in world.reservations),
        jobs=jobs,
        told=tuple((at_s * STRETCH, event) for at_s, event in world.told),
        control_interval_s=world.control_interval_s * STRETCH,
    )


def product_side(world: SmallWorld) -> tuple[dict, dict, dict]:
    """(GPU-seconds, exact USD, cents by tenant and month) of the product's chain."""
    tenants = tuple(f"t{number}" for number in range(len(world.domains)))
    names = Names(tenants, PRODUCTS, tuple(f"r{pool}" for pool in range(len(world.pools))), ("gpu",), EPOCH_S)
    kinds = ["external" if domain else "internal" for domain in world.domains]
    parties = [{"id": name, "name": name, "kind": kind} for name, kind in zip(tenants, kinds, strict=True)]
    codes = [{"code": code} for code in PRODUCTS]
    keys = ("product", "sku", "region", "from", "usd_per_gpu_hour")
    count = len(world.jobs["tenant"])
    result = run(
        World(
            names=names,
            registry=Registry.from_mapping({"tenant": parties, "product": codes}),
            book=PriceBook.from_mappings([dict(zip(keys, row, strict=True)) for row in PRICES]),
            pools=world.pools,
            pool_region=tuple(range(len(world.pools))),
            pool_sku=(0,) * len(world.pools),
            products=world.products,
            tenant_domain=world.domains,
            reservations=world.reservations,
            jobs=JobRows([f"j{row}" for row in range(count)], **world.jobs),
            faults=faults_of(world),
            horizon_s=HORIZON_S * STRETCH,
            control_interval_s=world.control_interval_s,
        )
    )
    books = settle(result)
    assert books.findings == []
    lines = books.lines
    columns = (lines.tenant, lines.hour_s, lines.region, lines.sku, lines.product, lines.charge_class, lines.factor_bp)
    places = [
        (tenants[tenant], hour_s, names.regions[region], names.skus[sku], PRODUCTS[product], CLASSES[why], factor_bp)
        for tenant, hour_s, region, sku, product, why, factor_bp in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]
    usd = [Fraction(number, lines.denominator * 10**6) for number in lines.numerator.tolist()]
    bills = month_bills(names, lines, books.credits)
    cents = {(bill.tenant, bill.period.label): bill.charges_micro_usd // 10_000 for bill in bills}
    return dict(zip(places, lines.quantity.tolist(), strict=True)), dict(zip(places, usd, strict=True)), cents


def twin_side(world: SmallWorld) -> tuple[dict, dict, dict]:
    """The same, the slow way."""
    horizon_s = HORIZON_S * STRETCH
    twin = SlowScheduler(world)
    drive_slow(twin, world, horizon_s)
    open_now = [
        (job.row, job.start_s, horizon_s, len(job.whole) * world.pools[job.pool].gpus_per_node + job.part, (), 0)
        for job in twin.jobs
        if job.status in ("running", "evicting")
    ]
    jobs = world.jobs
    segments = [
        billing_twin.Segment(
            f"t{jobs['tenant'][row]}",
            PRODUCTS[jobs["product"][row]],
            f"r{jobs['pool'][row]}",
            "gpu",
            gpus,
            start,
            end,
            ("finished", "evicted", "node_fault")[cause],
        )
        for row, start, end, gpus, _, cause in [*twin.segments, *open_now]
    ]
    usage = billing_twin.meter(segments, rules={code: billing_twin.Rule(if_preempted_s=120) for code in PRODUCTS[3:]})
    unix_s = {"2025-01-01T00:00:00Z": 1_735_689_600, "2026-01-31T23:00:00Z": EPOCH_S + 3600}
    prices = [billing_twin.Price(row[0], row[1], row[2], unix_s[row[3]], row[4]) for row in PRICES]
    amounts = billing_twin.rate(usage, prices, EPOCH_S)
    charges = billing_twin.month_charges(amounts, EPOCH_S)
    return usage, amounts, {key: billing_twin.to_units(usd, 100) for key, usd in charges.items()}


def disagreements(seed: int) -> list[str]:
    world = stretched(small_world(seed))
    sides = zip(("usage", "amounts", "bills"), product_side(world), twin_side(world), strict=True)
    return [f"seed {seed}: {what} differ" for what, ours, theirs in sides if ours != theirs]


def test_usage_line_items_and_bills_are_those_of_the_slow_auditor() -> None:
    assert [text for seed in SEEDS for text in disagreements(seed)] == []


@pytest.mark.parametrize("canary", [broken_cores.first_condition_only, broken_cores.guarantee_ignored])
def test_a_wrong_decision_shows_in_the_bills(canary) -> None:
    with canary():
        assert any("bills" in text for seed in SEEDS for text in disagreements(seed))


def test_a_second_more_on_one_segment_shows_in_the_amounts(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = billing_twin.meter

    def one_second_more(segments, rules):
        rows = list(segments)
        return honest([rows[0]._replace(end_s=rows[0].end_s + 1), *rows[1:]], rules=rules)

    monkeypatch.setattr(billing_twin, "meter", one_second_more)
    assert any("amounts" in text for seed in range(5) for text in disagreements(seed))


def test_worlds_cross_hours_months_prices_and_faults() -> None:
    worlds = [stretched(small_world(seed)) for seed in SEEDS]
    usages = [twin_side(world)[0] for world in worlds[:10]]
    assert max(len({key[1] for key in usage}) for usage in usages) >= 4
    assert any(event.kind == EventKind.NODE_DOWN for world in worlds for _, event in world.told)
