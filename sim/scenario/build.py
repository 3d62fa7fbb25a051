"""From a scenario to a world: dense indices, tables of ints, and every random number that the run will need.

Streams of jobs are drawn one by one, each from a generator keyed by the seed and the stream's name, in a fixed order:
frontier, infer, research, then demand by name. They are merged by (submit_s, that order, place in the stream), so the
same scenario and seed give the same world, byte for byte, and a tenant more leaves everybody else's jobs as they were.
"""

import numpy as np

from billing.errors import PriceError
from billing.rating.plan import falls
from billing.rating.prices import PriceBook
from billing.usage import Names
from scheduler.events import NEVER
from scheduler.tables import PoolRow, ProductRow, ReservationRow
from sim.result import Finding, JobRows, World
from sim.scenario.check import contract_peak_nodes, level_of, pool_index, reserved_window
from sim.scenario.deadline_rows import deadline_rows, with_fallback
from sim.scenario.exclusions import agreed_maintenance
from sim.scenario.fair import fair_share
from sim.scenario.file import override
from sim.scenario.hazards import hazards
from sim.scenario.isolation import isolation_terms, tenant_regions
from sim.scenario.model import Scenario
from sim.scenario.tenancy import tenancy_rows
from sim.scenario.terms import terms_of
from sim.workload.demand import draw_demand
from sim.workload.draw import DAY_S, HOUR_S, IntArray, JobStream
from sim.workload.programme import Frame, Programme, draw_programme
from tenants.band import Band
from tenants.capacity import spans
from tenants.model import SECONDS_MAX
from tenants.registry import Registry


def build(scenario: Scenario, *, seed: int | None = None, days: int | None = None) -> World:
    """Return the world of a scenario. `seed` and `days` replace the scenario's own.

    Raises:
        ScenarioError, TenantError: `seed` or `days` is out of range, as `Scenario.override`.
        PriceError: something that can be held has no price.

    Cost: O(jobs log jobs + nodes + faults).
    """
    scenario = override(scenario, seed=seed, days=days)
    registry = scenario.registry
    horizon_s = scenario.days * DAY_S
    names = Names(
        tenants=tuple(tenant.id for tenant in registry.tenants),
        products=tuple(product.code for product in registry.products),
        regions=tuple(dict.fromkeys(pool.region for pool in scenario.pool)),
        skus=tuple(dict.fromkeys(pool.sku for pool in scenario.pool)),
        epoch_s=scenario.epoch_s,
    )
    jobs = _merge(_streams(scenario, horizon_s), registry)
    book = terms_of(scenario).book
    plans = tuple(product.price_plan for product in registry.products)
    jobs.findings += [
        Finding("price", f"price[{number}]: above {bound} units the month costs less than at that bound", 1)
        for number, row in enumerate(book.rows)
        for bound, _, _ in falls(row.plan)
    ]
    jobs.findings += [
        Finding("price", f"no such price plan, sku or region here: {row.product}, {row.sku}, {row.region}", 1)
        for row in book.unmatched(names, plans)
    ]
    _refuse_unpriced(scenario, book, jobs)
    befalls = hazards(scenario, horizon_s)
    return World(
        names=names,
        registry=registry,
        book=book,
        pools=_pool_rows(scenario),
        pool_levels=tuple(domains.names for domains in scenario.domains),
        pool_region=tuple(names.regions.index(pool.region) for pool in scenario.pool),
        pool_sku=tuple(names.skus.index(pool.sku) for pool in scenario.pool),
        products=product_rows(registry),
        tenant_domain=registry.trust_domains(),
        reservations=_reservations(scenario),
        jobs=jobs,
        faults=befalls.faults,
        horizon_s=horizon_s,
        control_interval_s=scenario.policy.control_interval_s,
        tenancy=tenancy_rows(scenario),
        fair=fair_share(scenario),
        lending=scenario.policy.lend_inputs(),
        deadlines=deadline_rows(scenario, jobs, book),
        mishaps=befalls.mishaps,
        exclusions=agreed_maintenance(scenario, horizon_s),
        regions=tenant_regions(scenario),
        isolation=isolation_terms(scenario),
        damping=scenario.requeue.damping() if scenario.requeue else None,
    )


def _pool_rows(scenario: Scenario) -> tuple[PoolRow, ...]:
    return tuple(
        PoolRow(
            *(pool.rows, pool.row_gpus, pool.scrub_s.value),
            topology=domains.sizes,
            spare_nodes=pool.spare_rows,
            lend_spares=pool.lend_spares,
        )
        for pool, domains in zip(scenario.pool, scenario.domains, strict=True)
    )


def product_rows(registry: Registry) -> tuple[ProductRow, ...]:
    """Return what the core must know of each product, in the registry's order."""
    return tuple(
        ProductRow(
            band=int(product.band),
            guarantee_s=product.guarantee_s,
            rolling=product.rolling,
            notice_s=product.notice_s,
            whole_nodes=product.whole_nodes,
            requeue=product.requeue,
            checkpoint_s=product.checkpoint_s,
            restart_s=product.restart_s,
            checkpoint_write_s=product.checkpoint_write_s,
        )
        for product in registry.products
    )


def _reservations(scenario: Scenario) -> tuple[ReservationRow, ...]:
    """What each contract keeps, in spans of time: a ramp, a late delivery or a recall makes several rows of it."""
    return tuple(
        ReservationRow(
            tenant=scenario.registry.tenant_index(contract.tenant),
            pool=pool_index(scenario, contract.region, contract.sku, f"contract[{row}]"),
            nodes=span.delivered,
            from_s=span.from_s,
            until_s=span.until_s if span.until_s < SECONDS_MAX else NEVER,
        )
        for row, contract in enumerate(scenario.contract)
        for span in spans(contract)
        if span.delivered
    )


def _streams(scenario: Scenario, horizon_s: int) -> list[JobStream]:
    """Draw all streams in their fixed order."""
    streams: list[JobStream] = []
    if scenario.programme is not None:
        pool = pool_index(scenario, scenario.programme.region, scenario.programme.sku, "programme")
        frame = Frame(
            pool=pool,
            nodes=scenario.pool[pool].rows - scenario.pool[pool].spare_rows,
            gpus_per_node=scenario.pool[pool].row_gpus,
            contract_nodes=contract_peak_nodes(scenario, pool),
            epoch_s=scenario.epoch_s,
            horizon_s=horizon_s,
            seed=scenario.seed,
            **_near(scenario, scenario.programme, pool),
        )
        streams += draw_programme(scenario.programme, frame)
    for demand in sorted(scenario.demand, key=lambda row: row.stream_name):
        pool = pool_index(scenario, demand.region, demand.sku, "demand")
        from_s = demand.from_day * DAY_S
        until_s = min(horizon_s, horizon_s if demand.until_day is None else demand.until_day * DAY_S)
        band = scenario.registry.products[scenario.registry.product_index(demand.product)].band
        if band is Band.RESERVED:  # who has a contract uses it while it lasts
            _, begins_s, ends_s = reserved_window(scenario, demand, pool)
            from_s, until_s = max(from_s, begins_s), min(until_s, ends_s)
        drawn = draw_demand(
            demand,
            pool=pool,
            gpus_per_node=scenario.pool[pool].row_gpus,
            seed=scenario.seed,
            epoch_s=scenario.epoch_s,
            from_s=from_s,
            until_s=until_s,
            within=level_of(scenario, pool, demand.within, "demand.within"),
        )
        streams += with_fallback(demand, drawn)
    return streams


def _near(scenario: Scenario, programme: Programme, pool: int) -> dict[str, int]:
    """Return level and size of the domains that research has to stay in, as `Frame` names them."""
    name = programme.research.within if programme.research else ""
    level = level_of(scenario, pool, name, "programme.research.within")
    return {"within": level, "largest": max(scenario.domains[pool].sizes[level - 1])} if level else {}


def _merge(streams: list[JobStream], registry: Registry) -> JobRows:
    """Merge streams into rows by (submit_s, stream, place in the stream)."""
    sizes = [len(stream.submit_s) for stream in streams]

    def column(name: str) -> IntArray:
        parts = [getattr(stream, name) for stream in streams]
        return np.concatenate([np.zeros(0, dtype=np.int64), *parts])

    def repeated(values: list[int]) -> IntArray:
        return np.repeat(np.array(values, dtype=np.int64), np.array(sizes, dtype=np.int64))

    submit_s = column("submit_s")
    order = np.argsort(submit_s, kind="stable")
    ids = [job_id for stream in streams for job_id in stream.job_ids()]
    return JobRows(
        job_id=[ids[row] for row in order.tolist()],
        tenant=repeated([registry.tenant_index(stream.tenant) for stream in streams])[order],
        product=repeated([registry.product_index(stream.product) for stream in streams])[order],
        pool=repeated([stream.pool for stream in streams])[order],
        gpus=column("gpus")[order],
        submit_s=submit_s[order],
        run_s=column("run_s")[order],
        estimate_s=column("estimate_s")[order],
        patience_s=column("patience_s")[order],
        announced_s=np.concatenate([np.zeros(0, dtype=np.int64), *map(_announced, streams)])[order],
        within=_levels(streams)[order] if any(stream.within is not None for stream in streams) else None,
        findings=[
            Finding(stream.name, "no job falls into this run", 1) for stream in streams if not len(stream.submit_s)
        ],
    )


def _announced(stream: JobStream) -> IntArray:
    return np.full(len(stream.submit_s), NEVER) if stream.announced_s is None else stream.announced_s


def _levels(streams: list[JobStream]) -> IntArray:
    parts = [np.zeros(len(each.submit_s), dtype=np.int64) if each.within is None else each.within for each in streams]
    return np.concatenate(parts)


def _refuse_unpriced(scenario: Scenario, book: PriceBook, jobs: JobRows) -> None:
    """Raise PriceError for the first product that can be held in a pool before it has a price there.

    Held from the first submission, or from the start of a contract, until the end of the run.
    """
    held, first_row = np.unique(np.stack([jobs.product, jobs.pool]), axis=1, return_index=True)
    first_s = {
        (int(product), int(pool)): int(at_s)
        for (product, pool), at_s in zip(held.T, jobs.submit_s[first_row], strict=True)
    }
    for row, contract in enumerate(scenario.contract):
        pool = pool_index(scenario, contract.region, contract.sku, f"contract[{row}]")
        key = scenario.registry.product_index(contract.product), pool
        first_s[key] = min(contract.from_s, first_s.get(key, contract.from_s))
    for (product, pool), at_s in sorted(first_s.items()):
        plan, place = scenario.product[product].price_plan, scenario.pool[pool]
        from_unix_s = scenario.epoch_s + at_s - at_s % HOUR_S
        try:
            book.require_prices(plan, place.sku, place.region, from_unix_s, scenario.epoch_s + scenario.days * DAY_S)
        except PriceError as error:
            error.file = error.file or scenario.file
            raise
