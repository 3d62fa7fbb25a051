"""Nobody is slowed by others beyond what was agreed: quotas, reserved capacity, guarantees, evictions, gaming."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st

import broken_cores
from core_checks import crowded_nodes
from guarded_worlds import LEGAL, guarded_world
from isolation import Case, attack, mutant
from private_clusters import ReservedWatch, from_the_start, late_of_reserved, starts_of
from reference.slow_quota import SlowQuota
from scheduler.decide import serve
from scheduler.events import NEVER, Event, EventKind, Status
from scheduler.jobs.lives import Lives
from scheduler.jobs.usage import Usage
from scheduler.policies import POLICIES
from scheduler.quotas import guarantee as guaranteeing
from scheduler.quotas.gate import Gate
from scheduler.tables import JobTable, PoolRow, ProductRow
from small_worlds import CRITICAL, HORIZON_S, INTERNAL, RESERVED, Log, SmallWorld, flat_drive, small_world
from tenancy_worlds import QuotaWorld, contended_world

SEEDS = st.integers(0, 10**6)


# -- Q1: quotas ------------------------------------------------------------------------------------------------------


def shattered(world: QuotaWorld) -> QuotaWorld:
    """The same demand as many requests of one GPU each, in the same second: a quota is passed by the crumb or not."""
    jobs = {name: np.repeat(column, np.minimum(world.jobs["gpus"], 3)) for name, column in world.jobs.items()}
    jobs["gpus"] = np.ones_like(jobs["gpus"])
    told = tuple((at_s, Event(EventKind.SUBMIT, row)) for row, at_s in enumerate(jobs["submit_s"].tolist()))
    return replace(world, jobs=jobs, told=told)


@attack("Q1")
def test_what_a_tenant_holds_or_was_granted_is_never_more_than_its_quota(case: Case) -> None:
    def look(seed: int) -> None:
        for world in (contended_world(seed), shattered(contended_world(seed))):
            core, slow = world.core(), SlowQuota(world.tenancy, 0)
            governed = {row.tenant for row in slow.rows}

            def counted(now_s: int, core=core, slow=slow, governed=governed) -> None:
                used = dict.fromkeys(governed, 0)
                for job, hold in core.pools[0].hold.items():
                    if core.jobs.status[job] != Status.EVICTING:
                        used[core.jobs.tenant[job]] += hold.gpu_count(core.pools[0].per_node)
                assert slow.allowed(used), f"seed {seed}: tenants hold {used} at {now_s}, more than their quotas"

            flat_drive(core, world, 900, each_step=counted)

    case.given(SEEDS, look, examples=8)


@mutant(
    "Q1",
    "what is granted and has not started is not counted",
    of=test_what_a_tenant_holds_or_was_granted_is_never_more_than_its_quota,
)
@contextmanager
def grants_not_counted() -> Iterator[None]:
    real = Gate.gpus
    with patch.object(Gate, "hold", lambda self, job: None), patch.object(Gate, "gpus", real):
        yield


@mutant(
    "Q1",
    "the quota is looked at once for a whole pass, then used many times",
    of=test_what_a_tenant_holds_or_was_granted_is_never_more_than_its_quota,
)
@contextmanager
def checked_then_used() -> Iterator[None]:
    real, serving, seen = Gate.allowance, Gate.serve, {}

    def remembered(self: Gate, tenant: int) -> tuple[int, int]:
        return seen.setdefault((self.index, tenant), real(self, tenant))

    def forgetful(self: Gate, *words: Any) -> None:
        seen.clear()
        serving(self, *words)

    with patch.object(Gate, "allowance", remembered), patch.object(Gate, "serve", forgetful):
        yield


# -- Q3: reserved capacity -------------------------------------------------------------------------------------------


ANY_POLICY = ("easy", "fcfs", "conservative", "fair_tree", "tiresias", "gfs", "easy_blind")  # all serve a line in order


def alone(world: SmallWorld, row: int) -> SmallWorld:
    """The private cluster of one contract: its nodes, its tenant's gangs, and nobody else."""
    kept = world.reservations[row]
    jobs = world.jobs
    mine = np.flatnonzero((jobs["tenant"] == kept.tenant) & (jobs["product"] == RESERVED) & (jobs["pool"] == kept.pool))
    columns = {name: column[mine] for name, column in jobs.items()}
    columns["pool"] = np.zeros(len(mine), dtype=np.int64)
    told = [(at_s, Event(EventKind.SUBMIT, new)) for new, at_s in enumerate(columns["submit_s"].tolist())]
    told.append((kept.from_s, Event(EventKind.CONTRACT_BEGIN, 0)))
    pool = world.pools[kept.pool]._replace(nodes=kept.nodes)
    return replace(world, pools=(pool,), reservations=(kept._replace(pool=0),), jobs=columns, told=tuple(told))


@attack("Q3")
def test_reserved_capacity_is_as_good_as_a_private_cluster(case: Case) -> None:
    """Others flood the pool in every band.

    Where they may be told to go at once and nothing is cleaned, a contract's gangs start in the second in which they
    start in a private cluster of its size. Where they have notice, a gang is granted in the second in which a private
    cluster would have started it, and starts within one notice and one cleaning of that. While nodes fail, nobody
    waits for a promise that the nodes that are up can keep.
    """

    def look(seed: int) -> None:
        policy = random.Random(seed).choice(ANY_POLICY)
        world = from_the_start(small_world(seed, instant=True, faults=False))
        core = world.core(policy)
        log = flat_drive(core, world)
        for number, row in enumerate(world.reservations):
            private = alone(world, number)
            lonely = private.core(policy)
            wanted = starts_of(lonely, flat_drive(lonely, private), row.tenant, 0)
            assert starts_of(core, log, row.tenant, row.pool) == wanted, (
                f"seed {seed}, {policy}: not the starts of a private one"
            )
        world = from_the_start(small_world(seed, faults=False))
        core = world.core(policy)
        late = late_of_reserved(world, core, flat_drive(core, world))
        assert late == [], f"seed {seed}, {policy}: {late}"
        world = from_the_start(without_critical(small_world(seed)))
        core = world.core(policy)
        watch = ReservedWatch(world, core)
        flat_drive(core, world, each_step=watch.look)
        assert watch.complaints == [], f"seed {seed}, {policy}: {watch.complaints}"

    case.given(SEEDS, look, examples=25)


def without_critical(world: SmallWorld) -> SmallWorld:
    """Critical training shares a contract's tier: when too many nodes fail, neither takes from the other."""
    product = np.where(world.jobs["product"] == CRITICAL, INTERNAL, world.jobs["product"])
    return replace(world, jobs={**world.jobs, "product": product})


@attack("Q3")
def test_a_guarantee_in_cells_is_as_good_as_a_private_cluster(case: Case) -> None:
    """A tenant that never asks for more than its cells starts when it would alone, later by one notice at most."""

    def look(seed: int) -> None:
        starts = []
        for others in (False, True):
            world = guarded_world(seed, others=others)
            core = world.core()
            log = flat_drive(core, world)
            jobs = core.jobs
            mine = [each for each in log.started if jobs.tenant[each.job] == LEGAL]
            starts.append(sorted((jobs.submit_s[each.job], jobs.run_s[each.job], each.start_s) for each in mine))
            assert not [gone for gone in log.evicted if jobs.tenant[gone.job] == LEGAL], f"seed {seed}: evicted"
            crowded = crowded_nodes(world, core, log)
            assert crowded == [], f"seed {seed}: somebody stayed in cells that were granted: {crowded[:2]}"
        bound_s = max(each.notice_s for each in world.products)
        private, shared = starts
        assert len(private) == len(shared), f"seed {seed}: {len(shared)} of {len(private)} started"
        for one, other in zip(private, shared, strict=True):
            assert one[:2] == other[:2] and 0 <= other[2] - one[2] <= bound_s, f"seed {seed}: {one} alone, {other}"

    case.given(SEEDS, look, examples=12)


@mutant(
    "Q3",
    "reservations are admitted through the common queue",
    of=test_reserved_capacity_is_as_good_as_a_private_cluster,
)
@contextmanager
def reserved_in_the_common_queue() -> Iterator[None]:
    real = serve._serve_contracts

    def behind(core: Lives, pool: Any) -> None:
        if not pool.queue[0].count and not pool.queue[1].count:
            real(core, pool)

    with patch.object(serve, "_serve_contracts", behind):
        yield


@mutant("Q3", "who has to leave gets twice his notice", of=test_reserved_capacity_is_as_good_as_a_private_cluster)
@contextmanager
def twice_the_notice() -> Iterator[None]:
    with broken_cores.notice_served_twice_as_long():
        yield


@mutant("Q3", "others may evict from guaranteed cells", of=test_a_guarantee_in_cells_is_as_good_as_a_private_cluster)
@contextmanager
def guaranteed_cells_for_all() -> Iterator[None]:
    with patch.object(Gate, "guaranteed", lambda self, job: False):
        yield


@mutant("Q3", "nobody is told to leave a guaranteed cell", of=test_a_guarantee_in_cells_is_as_good_as_a_private_cluster)
@contextmanager
def cells_not_cleared() -> Iterator[None]:
    with patch.object(guaranteeing, "in_its_cells", lambda core, pool, hold: []):
        yield


# -- Q4: gaming ------------------------------------------------------------------------------------------------------

NODES, LONGEST_S = 4, 120
UNTIL_S = 1_200
# What cutting jobs up may gain in GPU time: what is under way at the moment of looking, one longest job on each node.
SPLIT_TOLERANCE_GPU_S = NODES * LONGEST_S
GAMER = 0
ONE_GPU = ProductRow(INTERNAL, 0, False, 0, False, True, 0, 0)
Ask = tuple[int, int, int, int]  # submit_s, tenant, run_s, patience_s


def backlog(rng: random.Random) -> list[Ask]:
    """Three tenants that want far more than there is, each with the same right."""
    asks = [
        (rng.choice((0, 0, 10, rng.randint(0, 300))), tenant, rng.randint(20, LONGEST_S), NEVER)
        for tenant in range(3)
        for _ in range(45)
    ]
    return sorted(asks)


def played(asks: list[Ask], policy: str) -> tuple[int, list[tuple[int, int, int]]]:
    """GPU-seconds that the gamer held by `UNTIL_S`, and (submit, run, start) of all that started and never gave up."""
    names = ("submit_s", "tenant", "run_s", "patience_s")
    columns = {
        name: np.array(column, dtype=np.int64) for name, column in zip(names, zip(*asks, strict=True), strict=True)
    }
    zeros = np.zeros(len(asks), dtype=np.int64)
    jobs = {**columns, "estimate_s": columns["run_s"], "gpus": zeros + 1, "pool": zeros, "product": zeros}
    told = tuple((at_s, Event(EventKind.SUBMIT, row)) for row, at_s in enumerate(columns["submit_s"].tolist()))
    world = SmallWorld((PoolRow(NODES, 1, 0),), (ONE_GPU,), (), (), jobs, told, 60)
    core = world.core(policy)
    log = flat_drive(core, world, UNTIL_S)
    held = sum(part.end_s - part.start_s for part in log.segments if core.jobs.tenant[part.job] == GAMER)
    starts = [(core.jobs.submit_s[each.job], core.jobs.run_s[each.job], each.start_s) for each in log.started]
    return held, sorted(starts)


@attack("Q4")
def test_gaming_the_queue_gains_nothing(case: Case) -> None:
    """Under first come first served and under fair shares: what was cancelled leaves nothing behind, and cutting jobs
    up gains no more GPU time than is under way when one looks."""

    def look(seed: int) -> None:
        rng = random.Random(f"gaming {seed}")
        honest = backlog(rng)
        mine = [ask for ask in honest if ask[1] == GAMER]
        others = [ask for ask in honest if ask[1] != GAMER]
        halves = [(at_s, GAMER, part, NEVER) for at_s, _, run_s, _ in mine for part in (run_s // 2, run_s - run_s // 2)]
        later = [(at_s + 400, GAMER, run_s, NEVER) for at_s, _, run_s, _ in mine]
        # In line from the first second on, gone before it is served, and asked for again: only the second time counts.
        early = [(1, GAMER, run_s, 1) for _, _, run_s, _ in mine]
        for policy in ("easy", "fair_tree"):
            plain, _ = played(honest, policy)
            cut, _ = played(sorted([*others, *halves]), policy)
            gained.append(cut - plain)
            assert cut - plain <= SPLIT_TOLERANCE_GPU_S, f"seed {seed}, {policy}: {cut - plain} GPU-s by cutting up"
            busy = [(0, 1, LONGEST_S, NEVER)] * NODES  # nobody is served in the first seconds
            waited, without = played(sorted([*busy, *others, *later]), policy)
            again, with_early = played(sorted([*busy, *others, *early, *later]), policy)
            assert (again, with_early) == (waited, without), (
                f"seed {seed}, {policy}: a cancelled place was worth something"
            )

    gained: list[int] = []
    case.given(SEEDS, look, examples=4)
    case.note(f"cutting jobs up gained {max(gained)} GPU-s at most, tolerated are {SPLIT_TOLERANCE_GPU_S}")


@mutant(
    "Q4", "age counts from the first submission of a job that was cancelled", of=test_gaming_the_queue_gains_nothing
)
@contextmanager
def age_kept() -> Iterator[None]:
    real = POLICIES["easy"]

    def first_seen(jobs: JobTable) -> Any:
        """A tenant's later jobs stand where those stood that it gave up."""
        keys = real.order(jobs).copy()
        rows = range(jobs.count)
        given_up = [row for row in rows if jobs.patience_s[row] != NEVER]
        again = [
            row for row in rows if given_up and jobs.tenant[row] == jobs.tenant[given_up[0]] and row not in given_up
        ]
        for old, new in zip(given_up, again, strict=False):
            keys[old], keys[new] = keys[new], keys[old]
        return keys

    with patch.dict(POLICIES, {"easy": replace(real, order=first_seen)}):
        yield


@mutant("Q4", "fair shares count jobs, not the GPU time that they took", of=test_gaming_the_queue_gains_nothing)
@contextmanager
def small_jobs_for_free() -> Iterator[None]:
    real = Usage.add
    with patch.object(Usage, "add", lambda self, tenant, band, gpu_s: real(self, tenant, band, max(0, gpu_s - 40))):
        yield


# -- Q5: evictions ---------------------------------------------------------------------------------------------------


def evictions_of(seed: int) -> tuple[SmallWorld, Log]:
    """A world in which critical work comes again and again, and whoever may be evicted will be."""
    world = small_world(seed, faults=False)
    rng = random.Random(f"thrash {seed}")
    jobs = dict(world.jobs)
    thrash = rng.choice((CRITICAL, INTERNAL))
    jobs["product"] = np.where((jobs["product"] == CRITICAL) | (jobs["product"] == RESERVED), thrash, jobs["product"])
    jobs["run_s"] = np.where(jobs["product"] == thrash, 5 + jobs["run_s"] % 60, 4 * jobs["run_s"] + 100)
    rentals = np.isin(jobs["product"], (3, 4))
    jobs["patience_s"] = np.where(rentals, NEVER, jobs["patience_s"])
    products = tuple(each._replace(requeue=True) for each in world.products)
    world = replace(world, jobs=jobs, products=products, reservations=())
    world = replace(world, told=tuple(each for each in world.told if each[1].kind == EventKind.SUBMIT))
    core = world.core()
    return world, flat_drive(core, world)


@attack("Q5")
def test_nobody_is_evicted_inside_a_guarantee_or_more_often_than_it_allows(case: Case) -> None:
    """Every start has its own guarantee, so a job is evicted once per guarantee or notice at most."""

    def look(seed: int) -> None:
        world, log = evictions_of(seed)
        product = world.jobs["product"].tolist()
        began_s = {(part.job, part.end_s): part.start_s for part in log.segments}
        count: dict[int, int] = {}
        for gone in log.evicted:
            terms = world.products[product[gone.job]]
            least_s = max(terms.guarantee_s, terms.notice_s)
            held_s = gone.evicted_s - began_s[gone.job, gone.evicted_s]
            assert held_s >= least_s, f"seed {seed}: job {gone.job} held {held_s} s of {least_s}"
            count[gone.job] = count.get(gone.job, 0) + 1
            if least_s:
                assert count[gone.job] <= HORIZON_S // least_s, f"seed {seed}: job {gone.job} evicted too often"

    case.given(SEEDS, look, examples=25)


@mutant(
    "Q5",
    "the guarantee is not renewed after a restart",
    of=test_nobody_is_evicted_inside_a_guarantee_or_more_often_than_it_allows,
)
@contextmanager
def guarantee_of_the_first_start() -> Iterator[None]:
    real, rolled = Lives._start, Lives._rolled_on

    def once(self: Lives, pool: Any, tier: int, job: int) -> None:
        real(self, pool, tier, job)
        if self.jobs.first_start_s[job] < self.now_s:
            self.jobs.guaranteed_until_s[job] = self.now_s

    def ended(self: Lives, pool: Any, job: int, product: ProductRow) -> int:
        return (
            rolled(self, pool, job, product) if self.jobs.first_start_s[job] == self.jobs.start_s[job] else self.now_s
        )

    with ExitStack() as stack:
        stack.enter_context(patch.object(Lives, "_start", once))
        stack.enter_context(patch.object(Lives, "_rolled_on", ended))
        yield


@mutant("Q5", "notice is forgotten", of=test_nobody_is_evicted_inside_a_guarantee_or_more_often_than_it_allows)
@contextmanager
def no_notice() -> Iterator[None]:
    real = Lives.serve_notice

    def at_once(self: Lives, pool: Any, job: int, *words: Any, **told: Any) -> None:
        rows = self.products
        self.products = tuple(each._replace(notice_s=0, guarantee_s=0, rolling=False) for each in rows)
        self.jobs.guaranteed_until_s[job] = 0
        real(self, pool, job, *words, **told)
        self.products = rows

    with patch.object(Lives, "serve_notice", at_once):
        yield
