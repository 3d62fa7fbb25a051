"""Sharing safety for guarantees: what a tenant does inside its cells is the same whatever others do."""

import random
from dataclasses import replace
from unittest.mock import patch

import pytest

from core_checks import crowded_nodes, partial_gangs, unaccounted
from guarded_worlds import LEGAL, OTHERS, RENTER, guarded_world
from scheduler.events import NEVER, Event, EventKind
from scheduler.nodes.nodeset import NOTHING
from scheduler.quotas import guarantee as guaranteeing
from scheduler.quotas.cells import CellTree
from scheduler.quotas.gate import Gate
from scheduler.quotas.guarantee import Guarantees
from scheduler.quotas.rows import GuaranteeRow, Tenancy
from scheduler.tables import PoolRow, ProductRow, ReservationRow
from small_worlds import CRITICAL, INTERNAL, RESERVED, flat_drive
from tenancy_worlds import QuotaWorld, hand_world

SEEDS = range(40)


def own_grants(world: QuotaWorld, policy: str) -> tuple[list[tuple[int, int, int]], list[str]]:
    """(submit_s, granted_s, run_s) of the jobs inside the guarantee, and what other checks say."""
    core = world.core(policy)
    log = flat_drive(core, world)
    found = []
    jobs = core.jobs
    for start in log.started:
        if jobs.tenant[start.job] == LEGAL:
            found.append((jobs.submit_s[start.job], start.granted_s, jobs.run_s[start.job]))
            notice_s = world.products[CRITICAL].notice_s
            assert start.start_s <= start.granted_s + notice_s, f"job {start.job} started at {start.start_s}"
    evicted = [f"job {gone.job} was evicted" for gone in log.evicted if jobs.tenant[gone.job] == LEGAL]
    waited = [
        f"contract's job {start.job} waited for a start"
        for start in log.started
        if jobs.band[start.job] == RESERVED and start.granted_s > start.pending_s and world.reservations == ()
    ]
    rest = [*unaccounted(world, log), *crowded_nodes(world, core, log), *partial_gangs(world, core, log)]
    return sorted(found), [*evicted, *waited, *rest]


def complaints(seed: int, policy: str = "easy") -> list[str]:
    """How the jobs inside a guarantee differ with others and without."""
    alone, _ = own_grants(guarded_world(seed, others=False), policy)
    crowded, found = own_grants(guarded_world(seed), policy)
    late = [f"submitted {submit_s}, granted {granted_s}" for submit_s, granted_s, _ in crowded if granted_s > submit_s]
    found = [*found, *late, *(["starts differ"] if alone != crowded else [])]
    return [f"seed {seed}, {policy}: {text}" for text in found]


@pytest.mark.parametrize("policy", ["easy", "fcfs", "easy_spread", "easy_blind"])
def test_jobs_inside_a_guarantee_are_granted_at_once_whatever_others_do(policy: str) -> None:
    assert [text for seed in SEEDS for text in complaints(seed, policy)] == []


def test_the_worlds_are_crowded_enough_to_mean_something() -> None:
    evictions = 0
    for seed in SEEDS:
        world = guarded_world(seed)
        core = world.core()
        evictions += sum(core.jobs.band[gone.job] in (CRITICAL, INTERNAL) for gone in flat_drive(core, world).evicted)
    assert evictions > 100


def test_cells_are_all_free_again_in_the_end_even_where_nodes_failed() -> None:
    for seed in SEEDS:
        world = guarded_world(seed)
        rng = random.Random(f"faults {seed}")
        nodes = range(world.pools[0].nodes)
        down = [(rng.randint(0, 900), node) for node in nodes if rng.random() < 0.5]
        told = [(at_s, Event(EventKind.NODE_DOWN, node)) for at_s, node in down]
        told += [(at_s + 200, Event(EventKind.NODE_UP, node)) for at_s, node in down]
        world = replace(world, told=(*world.told, *told))
        core = world.core()
        log = flat_drive(core, world, 60_000)
        gate = core.pools[0].gate
        assert gate is not None and gate.guarantees is not None
        assert not gate.guarantees.jobs and not core.pools[0].hold, f"seed {seed}"
        assert gate.guarantees.physical.free_rows[-1].bit_count() == len(gate.guarantees.tree.size_gpus[-1])
        assert crowded_nodes(world, core, log) == []


def test_hot_spares_are_bound_last_and_then_are_none_any_more() -> None:
    """Three nodes, one of them a spare; the tenant has all three guaranteed, and asks for one after the other."""
    tenancy = Tenancy(guarantees=(GuaranteeRow(LEGAL, 0, 0, 3),))
    world = hand_world(PoolRow(3, 1, 0, spare_nodes=1), [(at_s, LEGAL, 1, 500) for at_s in (0, 10, 20)], tenancy)
    core = world.core()
    spares = []
    log = flat_drive(core, world, 100, each_step=lambda now_s: spares.append(core.pools[0].spares))
    assert [start.start_s for start in log.started] == [0, 10, 20]
    assert spares[:3] == [0b100, 0b100, 0]


ONE_CELL = Tenancy(guarantees=(GuaranteeRow(LEGAL, 0, 0, 1),))
BANDS = tuple(ProductRow(band, 0, False, 0, band == RESERVED, True, 0, 0) for band in (INTERNAL, CRITICAL, RESERVED))


def starts(world: QuotaWorld, policy: str = "easy") -> list[int]:
    """When each job started for the first time."""
    core = world.core(policy)
    flat_drive(core, world, 60_000)
    return core.jobs.array("first_start_s").tolist()


def test_nobody_rotates_a_guaranteed_job_out() -> None:
    rows = [(0, LEGAL, 1, 50_000), (1, OTHERS, 1, 50_000), (10, OTHERS, 2, 5_000)]
    world = hand_world(PoolRow(2, 1, 0), rows, ONE_CELL)
    core = world.core("tiresias")
    evicted = flat_drive(core, world, 60_000).evicted
    assert 0 not in [gone.job for gone in evicted]
    assert core.jobs.end_s[0] == 50_000


def test_critical_work_is_promised_the_nodes_that_a_guaranteed_job_leaves() -> None:
    """A gang of two is promised the end of the guaranteed job; what came later and is long does not go before it."""
    rows = [(0, LEGAL, 1, 100), (1, OTHERS, 2, 50), (2, OTHERS, 1, 500)]
    assert starts(hand_world(PoolRow(2, 1, 0), rows, ONE_CELL, BANDS, [0, 1, 1])) == [0, 100, 150]


def test_a_contract_that_lacks_nodes_is_asked_when_a_guaranteed_job_ends() -> None:
    rows = [(0, LEGAL, 1, 100), (20, RENTER, 1, 50)]
    world = hand_world(PoolRow(2, 1, 0), rows, ONE_CELL, BANDS, [0, 2])
    told = [(0, Event(EventKind.CONTRACT_BEGIN, 0)), (10, Event(EventKind.NODE_DOWN, 1))]
    world = replace(world, reservations=(ReservationRow(RENTER, 0, 1, 0, NEVER),), told=(*world.told, *told))
    assert starts(world) == [0, 100]


def test_what_is_left_of_a_spare_that_a_guarantee_used_is_for_everybody() -> None:
    """The other node of two is down. Half of the spare goes to the guarantee, the other half to who waits, at once."""
    rows = [(2, OTHERS, 1, 500), (3, LEGAL, 1, 900)]
    world = hand_world(PoolRow(2, 2, 0, spare_nodes=1), rows, ONE_CELL, BANDS, [1, 0])
    world = replace(world, told=(*world.told, (1, Event(EventKind.NODE_DOWN, 0))))
    assert starts(world) == [3, 3]


def test_a_guarantee_that_others_may_evict_is_caught() -> None:
    with patch.object(Gate, "guaranteed", lambda self, job: False):
        assert any(complaints(seed) for seed in SEEDS)


def test_a_guarantee_that_clears_nobody_out_is_caught() -> None:
    with patch.object(guaranteeing, "in_its_cells", lambda core, pool, hold: []):
        assert any(complaints(seed) for seed in SEEDS)


def rack_after_nodes() -> bool:
    """Racks of 2 and of 4 nodes; four nodes are guaranteed to one tenant, which asks first, a rack to the other."""
    cells = Guarantees(CellTree(6, 1, [[2, 4]]))
    assert cells.promise(OTHERS, 0, 4) and cells.promise(LEGAL, 1, 1)
    assert all(cells.bind(job, OTHERS, (1, 0, 0), NOTHING, NOTHING) for job in range(4))
    return cells.bind(9, LEGAL, (2, 0, 1), NOTHING, NOTHING) is not None


def test_nodes_are_bound_so_that_what_else_was_promised_still_finds_its_place() -> None:
    assert rack_after_nodes()


def test_binding_without_a_look_at_what_is_still_promised_is_caught() -> None:
    with patch.object(Guarantees, "_fits", lambda self: True):
        assert not rack_after_nodes()
