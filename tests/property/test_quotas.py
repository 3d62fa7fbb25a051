"""Quotas on random worlds: nobody holds more than he may, nobody waits without need, reclaim takes no one too many."""

import itertools
from dataclasses import replace
from unittest.mock import patch

import pytest

from core_checks import broken_guarantees, crowded_nodes, internal_starts, partial_gangs, unaccounted
from reference.slow_quota import SlowQuota
from scheduler.events import Status
from scheduler.quotas import reclaim as reclaiming
from scheduler.quotas.gate import Gate
from scheduler.quotas.quota import add
from small_worlds import CRITICAL, flat_drive
from tenancy_worlds import QuotaWatch, QuotaWorld, contended_world, random_quota_world
from tenants.band import TIER_OF_BAND

SEEDS = range(30)


def complaints(seed: int, policy: str = "easy", world_of=random_quota_world) -> list[str]:
    """Everything that the checks say of one world."""
    world = world_of(seed)
    core = world.core(policy)
    watch = QuotaWatch(world, core)
    log = flat_drive(core, world, each_step=watch.look)
    found = [
        *watch.complaints,
        *unaccounted(world, log),
        *crowded_nodes(world, core, log),
        *broken_guarantees(world, core, log),
        *partial_gangs(world, core, log),
    ]
    return [f"{world_of.__name__}({seed}), {policy}: {text}" for text in found]


@pytest.mark.parametrize("policy", ["easy", "fcfs", "easy_blind"])
def test_nobody_holds_more_than_he_may_and_nobody_waits_without_need(policy: str) -> None:
    assert [text for seed in SEEDS for text in complaints(seed, policy)] == []
    assert [text for seed in SEEDS for text in complaints(seed, policy, contended_world)] == []


def fairly_contended_world(seed: int) -> QuotaWorld:
    """The same where borrowers may take from each other."""
    world = contended_world(seed)
    return replace(world, tenancy=world.tenancy._replace(fair_reclaim=True))


def test_quotas_are_kept_where_borrowers_take_from_each_other() -> None:
    assert [text for seed in SEEDS for text in complaints(seed, "easy", fairly_contended_world)] == []


def test_everything_is_given_back_in_the_end() -> None:
    for seed in SEEDS:
        world = random_quota_world(seed)
        core = world.core()
        flat_drive(core, world, 20_000)
        for pool in core.pools:
            assert pool.gate is not None
            held = sum(pool.gate.gpus(job) for job in pool.gate.charged)
            assert held or not any(pool.gate.quota.used), f"seed {seed}"
            assert set(pool.gate.charged) <= set(pool.hold), f"seed {seed}"


def test_with_instant_reclaim_internal_starts_are_the_same_with_rentals_on_and_off() -> None:
    """Cases V6b and V6c hold with quotas as they do without."""
    for seed in SEEDS:
        world = random_quota_world(seed, instant=True)
        starts = []
        for lend in ("none", "all_idle"):
            core = world.core("easy_blind", lend)
            starts.append(internal_starts(core, flat_drive(core, world)))
        assert starts[0] == starts[1], f"seed {seed}"


# -- victims -----------------------------------------------------------------------------------------------------------


def faults_of_plan(core, pool, tier: int, job: int, plan, world: QuotaWorld) -> list[str]:
    """What is wrong with a plan, by the definition of quotas and by trying every smaller set of its victims."""
    jobs, slow = core.jobs, SlowQuota(world.tenancy, pool.index)
    governed = {row.tenant for row in slow.rows}
    used: dict[int, int] = {}
    for other, hold in pool.hold.items():
        if jobs.band[other] in (CRITICAL, 2) and jobs.status[other] != Status.EVICTING:
            used[jobs.tenant[other]] = used.get(jobs.tenant[other], 0) + hold.gpu_count(pool.per_node)
    used = {tenant: gpus for tenant, gpus in used.items() if tenant in governed}
    gpus = jobs.full[job] * pool.per_node + jobs.part[job]
    going = [other for other in plan.victims if jobs.status[other] != Status.EVICTING]

    def enough(victims) -> bool:
        left = dict(used)
        view = (pool.firm if tier == 0 else pool.internal).copy()
        for other, hold in pool.hold.items():
            gone = other in victims or (jobs.status[other] == Status.EVICTING and jobs.band[other] in (CRITICAL, 2))
            if gone and TIER_OF_BAND[jobs.band[other]] <= tier:
                view.give(hold)
        for other in victims:
            left[jobs.tenant[other]] -= pool.hold[other].gpu_count(pool.per_node)
        room = pool.room_within(tier, jobs.within[job])._replace(capacity=view)
        quota = gpus <= slow.headroom(jobs.tenant[job], left)
        return quota and room.fits(jobs.full[job], jobs.part[job], pool.kept_nodes(tier))

    found = []
    if not enough(going):
        found.append(f"job {job}: {going} are not enough")
    for fewer in range(len(going)):
        for victims in itertools.combinations(going, fewer):
            # The greedy walk keeps its last victim in any case, as Kueue's does.
            if going[-1] in victims and enough(victims):
                found.append(f"job {job}: {victims} of {going} would be enough")
                return found
    own = {row.tenant: row.nominal_gpus for row in slow.rows}
    for other in going:
        theirs = jobs.tenant[other]
        if theirs != jobs.tenant[job] and used[theirs] <= own[theirs]:
            found.append(f"job {job}: {other} of tenant {theirs} held no more than its own")
    return found


def plan_complaints(seed: int) -> tuple[int, list[str]]:
    """How many plans had victims in one world, and what was wrong with them."""
    world = contended_world(seed)
    core = world.core()
    real, found, count = reclaiming.plan_reclaim, [], 0

    def watched(lives, pool, gate, tier, job):
        nonlocal count
        plan = real(lives, pool, gate, tier, job)
        if plan is not None:
            count += bool(plan.victims)
            if len(plan.victims) <= 8:
                found.extend(faults_of_plan(lives, pool, tier, job, plan, world))
        return plan

    with patch.object(reclaiming, "plan_reclaim", watched):
        flat_drive(core, world)
    return count, [f"seed {seed}: {text}" for text in found]


def test_reclaim_takes_from_borrowers_alone_and_no_one_too_many() -> None:
    plans = [plan_complaints(seed) for seed in SEEDS]
    assert [text for _, found in plans for text in found] == []
    assert sum(count for count, _ in plans) > 30


# -- canaries ----------------------------------------------------------------------------------------------------------


def test_quota_that_forgets_a_release_is_caught() -> None:
    def forgetful(self, pool, job):
        self.charged.pop(job, 0)

    with patch.object(Gate, "let_go", forgetful):
        assert any(complaints(seed) for seed in SEEDS)


def test_quota_that_is_not_charged_is_caught() -> None:
    with patch.object(Gate, "hold", lambda self, job: None):
        assert any(complaints(seed) for seed in SEEDS)


def test_quota_that_wakes_nobody_is_caught() -> None:
    def silent(self, pool, job):
        gpus = self.charged.pop(job, 0)
        if gpus:
            add(self.quota, self.quota.used, self.quotas.leaf[self.jobs.tenant[job]], -gpus)

    with patch.object(Gate, "let_go", silent):
        assert any(complaints(seed, world_of=contended_world) for seed in SEEDS)


def test_reclaim_that_takes_one_victim_too_few_is_caught() -> None:
    real = reclaiming.plan_reclaim

    def short(*words):
        plan = real(*words)
        return plan and plan._replace(victims=plan.victims[:-1])

    with patch.object(reclaiming, "plan_reclaim", short):
        assert any(complaints(seed, world_of=contended_world) for seed in SEEDS) or any(
            plan_complaints(seed)[1] for seed in SEEDS
        )


def test_reclaim_without_pruning_is_caught() -> None:
    with patch.object(reclaiming, "_pruned", lambda chosen, found, fits: (chosen, found)):
        assert any(plan_complaints(seed)[1] for seed in SEEDS)
