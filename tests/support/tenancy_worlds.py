"""Worlds with quotas: hand-made ones for cases, random ones for properties, and checks of what came out."""

import random
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from random_tenancy import random_tenancy
from reference.slow_quota import SlowQuota
from scheduler.core import Core
from scheduler.events import NEVER, Event, EventKind, Status
from scheduler.policies import policy_by_name
from scheduler.policy.lend import lend_by_name
from scheduler.quotas.rows import NO_LIMIT, NO_TENANCY, CohortRow, QuotaRow, Tenancy
from scheduler.tables import JobTable, PoolRow, ProductRow
from small_worlds import CRITICAL, HORIZON_S, INTERNAL, Log, SmallWorld, small_world

RESEARCH = ProductRow(INTERNAL, 0, False, 0, False, True, 0, 0)


@dataclass(frozen=True)
class QuotaWorld(SmallWorld):
    """A small world with quotas, budgets and guarantees."""

    tenancy: Tenancy = NO_TENANCY

    def core(self, policy: str = "easy", lend: str = "all_idle", headroom_nodes: int = 0) -> Core:
        """A fresh core for this world."""
        table = JobTable(self.jobs, self.pools, self.products)
        chosen = replace(policy_by_name(policy), lend=lend_by_name(lend, headroom_nodes))
        return Core(table, self.pools, self.products, chosen, self.domains, self.reservations, self.tenancy)


def random_quota_world(seed: int, *, roots: bool = False, **kind: bool) -> QuotaWorld:
    """A small world whose internal jobs belong to four tenants with random quotas."""
    world = small_world(seed, **kind)
    rng = random.Random(f"tenants of {seed}")
    internal = np.isin(world.jobs["product"], (CRITICAL, INTERNAL))
    jobs = dict(world.jobs)
    drawn = np.array([rng.choice((0, 1, 5, 6)) for _ in range(len(internal))], dtype=np.int64)
    jobs["tenant"] = np.where(internal, drawn, jobs["tenant"])
    gpus = tuple(pool.nodes * pool.gpus_per_node for pool in world.pools)
    tenancy = random_tenancy(seed, 4, gpus, roots=roots)
    names = {0: 0, 1: 1, 2: 5, 3: 6, -1: -1}
    quotas = tuple(row._replace(tenant=names[row.tenant]) for row in tenancy.quotas)
    fields = {name: getattr(world, name) for name in SmallWorld.__dataclass_fields__}
    return QuotaWorld(**fields | {"jobs": jobs}, tenancy=tenancy._replace(quotas=quotas))


def contended_world(seed: int) -> QuotaWorld:
    """One small pool, four internal tenants that want more than there is, and cohorts in which they borrow: much to
    reclaim. Two bands, so that quota freed below is wanted above."""
    rng = random.Random(f"contended {seed}")
    pool = PoolRow(rng.randint(3, 7), rng.choice((2, 4)), 0)
    gpus = pool.nodes * pool.gpus_per_node
    cohorts = (CohortRow(-1, 1), CohortRow(0, 1), CohortRow(rng.choice((0, 1)), 2))
    quotas = []
    for tenant in range(4):
        nominal = rng.randint(1, gpus // 4)
        lent = rng.choice((NO_LIMIT, NO_LIMIT, nominal // 2))
        quotas.append(QuotaRow(tenant, rng.choice((0, 1, 2)), 0, nominal, NO_LIMIT, lent, rng.choice((1, 2))))
    jobs, bands = [], []
    for _ in range(50):
        size = rng.choice((1, 1, 2, pool.gpus_per_node, 2 * pool.gpus_per_node))
        jobs.append((rng.randint(0, 900), rng.randrange(4), size, rng.randint(20, 400)))
        bands.append(rng.choice((0, 1, 1)))
    products = (
        ProductRow(CRITICAL, 0, False, rng.choice((0, 20)), False, True, 0, 0),
        ProductRow(INTERNAL, rng.choice((0, 50)), False, rng.choice((0, 15)), False, True, 10, 3),
    )
    order = sorted(range(50), key=lambda row: jobs[row])
    tenancy = Tenancy(cohorts, tuple(quotas))
    return hand_world(pool, [jobs[row] for row in order], tenancy, products, [bands[row] for row in order])


def hand_world(
    pool: PoolRow,
    jobs: list[tuple[int, int, int, int]],
    tenancy: Tenancy,
    products: tuple[ProductRow, ...] = (RESEARCH,),
    product: int | list[int] = 0,
) -> QuotaWorld:
    """Jobs as (submit_s, tenant, gpus, run_s), in order of submission, all of the same product or one each."""
    columns = [np.array(column, dtype=np.int64) for column in zip(*jobs, strict=True)]
    table = {
        "submit_s": columns[0],
        "tenant": columns[1],
        "gpus": columns[2],
        "run_s": columns[3],
        "estimate_s": columns[3],
        "product": np.zeros(len(jobs), dtype=np.int64) + np.array(product),
        "pool": np.zeros(len(jobs), dtype=np.int64),
        "patience_s": np.full(len(jobs), NEVER),
    }
    told = tuple((at_s, Event(EventKind.SUBMIT, row)) for row, at_s in enumerate(columns[0].tolist()))
    return QuotaWorld((pool,), products, (), (), table, told, 300, tenancy)


def held_gpus(core: Core) -> dict[int, int]:
    """GPUs that each tenant's jobs hold or have been granted now, those under notice left out."""
    found: dict[int, int] = defaultdict(int)
    for pool in core.pools:
        for job, hold in pool.hold.items():
            if core.jobs.status[job] != Status.EVICTING:
                found[core.jobs.tenant[job]] += hold.gpu_count(pool.per_node)
    return dict(found)


class QuotaWatch:
    """Looks at a core after each step and notes what quotas forbid or should have let through."""

    def __init__(self, world: QuotaWorld, core: Core) -> None:
        self.core = core
        self.slow = [SlowQuota(world.tenancy, pool) for pool in range(len(world.pools))]
        self.governed = [{row.tenant for row in slow.rows} for slow in self.slow]
        self.complaints: list[str] = []

    def look(self, now_s: int) -> None:
        """Note what is wrong after the step at `now_s`."""
        jobs = self.core.jobs
        for pool, slow, governed in zip(self.core.pools, self.slow, self.governed, strict=True):
            used: dict[int, int] = defaultdict(int)
            leaving = False
            for job, hold in pool.hold.items():
                if jobs.band[job] not in (CRITICAL, INTERNAL):
                    continue
                leaving |= jobs.status[job] == Status.EVICTING
                if jobs.tenant[job] in governed and jobs.status[job] != Status.EVICTING:
                    used[jobs.tenant[job]] += hold.gpu_count(pool.per_node)
            if not slow.allowed(used):
                self.complaints.append(f"pool {pool.index} at {now_s}: {dict(used)} is more than allowed")
            waiting = [job for job in range(jobs.count) if self._waits(job, pool.index)]
            if len(waiting) == 1 and not leaving:
                self._lonely(pool, slow, waiting[0], used, governed, now_s)

    def _waits(self, job: int, pool: int) -> bool:
        jobs = self.core.jobs
        inside = jobs.band[job] in (CRITICAL, INTERNAL)
        return inside and jobs.pool[job] == pool and jobs.status[job] == Status.PENDING

    def _lonely(self, pool, slow, job, used, governed, now_s) -> None:
        """Only one internal job waits: with quota and nodes free it should not."""
        jobs = self.core.jobs
        tenant, tier = jobs.tenant[job], 0 if jobs.band[job] == CRITICAL else 1
        gpus = jobs.full[job] * pool.per_node + jobs.part[job]
        free = tenant not in governed or gpus <= slow.headroom(tenant, used)
        kept = pool.kept_nodes(tier)
        if free and pool.room(tier).fits(jobs.full[job], jobs.part[job], kept):
            self.complaints.append(f"pool {pool.index} at {now_s}: job {job} waits with quota and nodes free")


def gpus_over_time(log: Log, core: Core, until_s: int = HORIZON_S) -> dict[int, int]:
    """GPU-seconds of each tenant, from segments."""
    found: dict[int, int] = defaultdict(int)
    for part in log.segments:
        found[core.jobs.tenant[part.job]] += part.gpus * (min(part.end_s, until_s) - part.start_s)
    return dict(found)
