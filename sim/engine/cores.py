"""A core for a world, and the people around it: the processes that tell the core what happens."""

from dataclasses import replace

import numpy as np
import simpy

from scheduler.core import Core
from scheduler.events import NEVER
from scheduler.policies import policy_by_name
from scheduler.policy.lend import lend_by_name
from scheduler.policy.lend import none as lend_nothing
from scheduler.policy.victims import youngest_first
from scheduler.tables import JobTable
from sim.engine import world as processes
from sim.engine.deadline import renter, rows_of
from sim.engine.driver import Driver
from sim.engine.eviction_costs import eviction_costs
from sim.engine.lend_terms import lend_terms
from sim.errors import SimError
from sim.result import Truth, World


def make_core(world: World, policy: str, lend: str, headroom_nodes: int = 0, truth: Truth = ()) -> Core:
    """Build the core for a world. Raises UnknownPolicyError or TableError. `truth`: what an oracle is told."""
    rows = world.jobs
    refuse_misplaced(world)
    told = {} if rows.announced_s is None else {"announced_s": rows.announced_s}
    told |= {} if rows.within is None else {"within": rows.within}
    chosen = replace(policy_by_name(policy), lend=lend_by_name(lend, headroom_nodes))
    told |= eviction_costs(world) if chosen.victims is not youngest_first else {}
    table = JobTable.from_columns(
        world.pools,
        world.products,
        tenant=rows.tenant,
        product=rows.product,
        pool=rows.pool,
        gpus=rows.gpus,
        submit_s=rows.submit_s,
        run_s=rows.run_s,
        estimate_s=rows.estimate_s,
        patience_s=rows.patience_s,
        **told,
    )
    terms = lend_terms(world, lend, truth)
    rules = (world.tenant_domain, world.reservations, world.tenancy, terms, world.damping)
    return Core(table, world.pools, world.products, chosen, *rules, fair=world.fair)


def refuse_misplaced(world: World) -> None:
    """Raise SimError for a job whose tenant's work may not be where it would run. Cost: O(jobs), with regions only."""
    rows = world.jobs
    for tenant, regions in enumerate(world.regions):
        if regions:
            abroad = [pool for pool, region in enumerate(world.pool_region) if region not in regions]
            wrong = np.flatnonzero((rows.tenant == tenant) & np.isin(rows.pool, abroad))
            if len(wrong):
                names, job = world.names, rows.job_id[int(wrong[0])]
                found = names.regions[world.pool_region[int(rows.pool[wrong[0]])]]
                allowed = ", ".join(names.regions[each] for each in sorted(regions) if each < len(names.regions))
                message = f"the work of {names.tenants[tenant]} may not be in this region"
                raise SimError(message, code="isolation", path=f"job {job}", found=found, allowed=allowed or "none")


def people(env: simpy.Environment, driver: Driver, core: Core, world: World) -> None:
    """Start the processes of the world: contracts, faults, mishaps, the control clock, deadlines, arrivals."""
    env.process(processes.contracts(env, driver.happen, world.reservations))
    env.process(processes.faults(env, driver.happen, world.faults))
    env.process(processes.mishaps(env, driver.happen, world.mishaps))
    if ticks(core, world):
        env.process(processes.control(env, driver.happen, world.control_interval_s, lambda: goes_on(core, world)))
    for row in world.deadlines:
        env.process(renter(env, driver.happen, core, row))
    env.process(processes.arrivals(env, driver.happen, world.jobs.submit_s, rows_of(world.deadlines)))


def ticks(core: Core, world: World) -> bool:
    """Whether the control clock runs: with nothing to lend and nobody to rank there is nothing to tick for."""
    wanted = core.policy.lend is not lend_nothing or core.policy.looks_back
    return wanted and bool(world.control_interval_s)


def goes_on(core: Core, world: World) -> bool:
    """Whether there is anything left to lend for: always before a fixed horizon, else while jobs are open."""
    return world.horizon_s < NEVER or core.open_count > 0
