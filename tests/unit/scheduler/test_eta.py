"""Expected starts: right where nothing is unknown, a question that changes nothing, honest about how wrong it is."""

import numpy as np
import pytest

from flat_jobs import RESEARCH, drive
from scheduler.core import Core
from scheduler.events import NEVER, Event, EventKind, Status
from scheduler.plan.eta import Expected, error_quantiles_bp, expected_starts
from scheduler.policies import POLICIES
from scheduler.quotas.rows import NO_LIMIT, NO_TENANCY, BudgetRow, QuotaRow, Tenancy
from scheduler.tables import JobTable, PoolRow, ProductRow, ReservationRow
from sim.traces import swf
from small_worlds import flat_drive, small_world
from tenants.band import Band

Asked = tuple[int, Expected]  # when it was asked, and the answer


def questioned(columns: dict, nodes: int, policy: str, every: int) -> tuple[Core, list[Asked]]:
    """Run jobs on nodes of one GPU and ask for expected starts after every so many submissions."""
    pools, zeros = (PoolRow(nodes, 1, 0),), np.zeros(len(columns["submit_s"]), dtype=np.int64)
    usual = {"tenant": zeros, "product": zeros, "pool": zeros, "patience_s": zeros + NEVER}
    core = Core(JobTable(usual | columns, pools, (RESEARCH,)), pools, (RESEARCH,), POLICIES[policy])
    asked: list[Asked] = []
    seen = 0

    def ask(now_s: int, events: list[Event]) -> None:
        nonlocal seen
        fresh = sum(event.kind == EventKind.SUBMIT for event in events)
        if seen // every != (seen + fresh) // every:
            asked.extend((now_s, row) for row in expected_starts(core, core.pools[0]))
        seen += fresh

    drive(core, columns["submit_s"], ask)
    return core, asked


def by_hand(*rows: tuple[int, int, int, int]) -> dict:
    """Columns of (submit_s, gpus, run_s, estimate_s)."""
    names = ("submit_s", "gpus", "run_s", "estimate_s")
    return {name: np.array(each, dtype=np.int64) for name, each in zip(names, zip(*rows, strict=True), strict=True)}


@pytest.mark.parametrize("policy", ["easy", "fcfs", "conservative"])
def test_with_right_estimates_and_nobody_to_come_the_answer_is_what_happens(policy: str) -> None:
    columns = by_hand((0, 4, 10, 10), (1, 6, 20, 20), (2, 2, 100, 100), (3, 2, 100, 100), (4, 2, 5, 5))
    core, asked = questioned(columns, 8, policy, 5)
    assert asked
    for at_s, row in asked:
        assert at_s == 4
        assert row.early_s == row.start_s == row.late_s == core.jobs.first_start_s[row.job]


def test_the_interval_is_the_play_with_estimates_as_wrong_as_they_have_been() -> None:
    # Ten jobs that took half of what was asked for; then one runs and another one waits for it.
    rows = [(100 * each, 2, 10, 20) for each in range(10)] + [(2000, 2, 100, 200), (2010, 2, 100, 200)]
    core, asked = questioned(by_hand(*rows), 2, "easy", 12)
    assert error_quantiles_bp(core) == (5000, 5000)
    assert asked == [(2010, Expected(11, 2200, 2100, 2200))]
    assert core.jobs.first_start_s[11] == 2100


@pytest.mark.parametrize("seeds", [range(8), pytest.param(range(8, 40), marks=pytest.mark.slow)], ids=["few", "many"])
@pytest.mark.parametrize("policy", ["easy", "fcfs", "conservative", "conservative_depth", "fair_tree", "tiresias"])
def test_asking_changes_nothing_and_every_waiting_job_has_an_answer(policy: str, seeds: range) -> None:
    for seed in seeds:
        world = small_world(seed)
        quiet, asked = world.core(policy), world.core(policy)
        found: list[str] = []

        def ask(now_s: int, core=asked, found=found) -> None:
            rows = [row for pool in core.pools for row in expected_starts(core, pool)]
            waits = [s in (Status.PENDING, Status.GRANTED) for s in core.jobs.status]
            if {row.job for row in rows} != {job for job, each in enumerate(waits) if each} - set(core.paused):
                found.append(f"at {now_s}: other jobs than those that wait")
            if any(not now_s <= row.early_s <= row.start_s <= row.late_s for row in rows):
                found.append(f"at {now_s}: times out of order")

        silent, told = flat_drive(quiet, world), flat_drive(asked, world, each_step=ask)
        assert silent.decisions == told.decisions, f"seed {seed}"
        assert found == [], f"seed {seed}"


@pytest.mark.traces
def test_most_jobs_of_a_real_trace_start_within_the_interval_that_they_were_told(trace_file) -> None:
    jobs = swf.read(trace_file("swf_kth_sp2/KTH-SP2-1996-2.1-cln.swf.gz")).jobs
    columns = {name: getattr(jobs, name)[:5000] for name in ("submit_s", "gpus", "run_s", "estimate_s")}
    core, asked = questioned(columns, 100, "easy", 100)
    inside = sum(row.early_s <= core.jobs.first_start_s[row.job] <= row.late_s for _, row in asked)
    assert len(asked) > 200
    assert 5 * inside >= 4 * len(asked), f"{inside} of {len(asked)}"


def waiting_core(columns: dict, pool: PoolRow, tenancy: Tenancy = NO_TENANCY) -> Core:
    """Submit jobs of one tenant, a second apart, and leave it at that."""
    count = len(columns["gpus"])
    zeros = np.zeros(count, dtype=np.int64)
    usual = dict.fromkeys(("tenant", "product", "pool"), zeros)
    usual |= {"submit_s": np.arange(count), "patience_s": zeros + NEVER, "estimate_s": columns["run_s"]}
    table = JobTable(usual | columns, (pool,), (RESEARCH,))
    core = Core(table, (pool,), (RESEARCH,), POLICIES["easy_first_fit"], tenancy=tenancy)
    for row in range(count):
        core.step(row, [Event(EventKind.SUBMIT, row)])
    return core


def test_a_gang_is_expected_when_one_domain_will_be_free_not_when_so_many_gpus_are() -> None:
    # Three jobs hold nodes 0, 1 and 2 of two racks of two; node 1 is left first, node 0 at 40, node 2 at 62.
    columns = {name: np.array(each) for name, each in (("gpus", [1, 1, 1, 2]), ("run_s", [40, 9, 60, 5]))}
    core = waiting_core(columns | {"within": np.array([0, 0, 0, 1])}, PoolRow(4, 1, 0, topology=((2, 2),)))
    assert expected_starts(core, core.pools[0]) == [Expected(3, 40, 40, 40)]


def test_a_job_is_expected_when_its_tenants_own_jobs_have_given_back_the_quota_or_the_month_is_over() -> None:
    columns = {name: np.array(each) for name, each in (("gpus", [1, 1, 1]), ("run_s", [40, 9, 5]))}
    quota = QuotaRow(0, -1, 0, 2, 0, NO_LIMIT, 1)
    core = waiting_core(columns, PoolRow(4, 1, 0), Tenancy(quotas=(quota,)))
    assert expected_starts(core, core.pools[0]) == [Expected(2, 10, 10, 10)]
    core = waiting_core(columns, PoolRow(4, 1, 0), Tenancy(budgets=(BudgetRow(0, 0, 1),), months_s=(0, 500)))
    # A second of job 0 has used the budget up before the other two are submitted.
    assert [(row.job, row.start_s) for row in expected_starts(core, core.pools[0])] == [(1, 500), (2, 500)]


def test_a_job_of_a_contract_waits_for_its_contract_and_not_for_the_pool() -> None:
    # Two of eight nodes are the contract's: the third job starts when the first has ended, however free the rest is.
    pools, product = (PoolRow(8, 1, 0),), ProductRow(Band.RESERVED, 0, False, 0, True, True, 0, 0)
    columns = by_hand((1, 1, 50, 50), (1, 1, 90, 90), (2, 1, 10, 10), (3, 1, 10, 10))
    zeros = np.zeros(4, dtype=np.int64)
    usual = {"tenant": zeros, "product": zeros, "pool": zeros, "patience_s": zeros + NEVER}
    jobs = JobTable(usual | columns, pools, (product,))
    kept = ReservationRow(tenant=0, pool=0, nodes=2, from_s=0, until_s=1000)
    core = Core(jobs, pools, (product,), POLICIES["easy"], reservations=(kept,))
    core.step(0, [Event(EventKind.CONTRACT_BEGIN, 0)])
    core.step(1, [Event(EventKind.SUBMIT, 0), Event(EventKind.SUBMIT, 1)])
    for row in (2, 3):
        core.step(row, [Event(EventKind.SUBMIT, row)])
    assert [(row.job, row.start_s) for row in expected_starts(core, core.pools[0])] == [(2, 51), (3, 61)]
