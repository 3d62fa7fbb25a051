"""The budget ledger against counting second by second, and what a stop does in the core."""

from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.events import NEVER, Reason
from scheduler.quotas.budget import Ledger
from scheduler.quotas.rows import NO_LIMIT, BudgetRow, Tenancy
from scheduler.tables import PoolRow
from scheduler.why.reasons import why
from small_worlds import flat_drive
from tenancy_worlds import hand_world

MONTHS_S = (-10, 20, 50, 90)


def ledger_of(soft_gpu_s: int = NO_LIMIT, hard_gpu_s: int = NO_LIMIT) -> Ledger:
    return Ledger(Tenancy(budgets=(BudgetRow(3, soft_gpu_s, hard_gpu_s),), months_s=MONTHS_S))


def wrong(changes: list[tuple[int, int]], asked_s: list[int]) -> bool:
    """Whether the ledger differs from a count of every second of the month. `changes`: (second, GPUs from then on)."""
    ledger, held = ledger_of(), 0
    plan = dict(sorted(changes))
    gpus_at = []
    differs = False
    for now_s in range(120):
        if now_s in plan:
            ledger.run(3, plan[now_s] - held, now_s)
            held = plan[now_s]
        if now_s in asked_s:
            begin_s = max(at_s for at_s in MONTHS_S if at_s <= now_s)
            differs |= ledger.used_gpu_s(3, now_s) != sum(gpus_at[max(0, begin_s) :])
        gpus_at.append(held)
    return differs


@given(st.lists(st.tuples(st.integers(0, 110), st.integers(0, 9))), st.lists(st.integers(0, 119)))
def test_use_is_counted_exactly_whenever_somebody_asks(changes: list[tuple[int, int]], asked_s: list[int]) -> None:
    assert not wrong(changes, asked_s)


def test_a_ledger_that_carries_over_into_the_next_month_is_caught() -> None:
    def carries(self, tenant: int, now_s: int) -> int:
        return self._used_gpu_s[tenant] + self._held_gpus[tenant] * (now_s - self._counted_s[tenant])

    with patch.object(Ledger, "used_gpu_s", carries):
        assert wrong([(5, 4)], [60])


def test_months_follow_each_other_and_end() -> None:
    ledger = ledger_of()
    assert [ledger.next_month_s(now_s) for now_s in (0, 20, 60, 90)] == [20, 50, 90, NEVER]
    assert not ledger.over_soft(7, 0) and not ledger.over_hard(7, 0)  # who has no budget


def budget_world(soft_gpu_s: int, hard_gpu_s: int, jobs: list[tuple[int, int, int, int]]):
    tenancy = Tenancy(budgets=(BudgetRow(0, soft_gpu_s, hard_gpu_s),), months_s=(0, 1000))
    return hand_world(PoolRow(2, 4, 0), jobs, tenancy)


def test_a_hard_stop_lets_what_runs_go_on_and_holds_until_the_month_is_over() -> None:
    world = budget_world(800, 800, [(0, 0, 8, 150), (120, 0, 4, 30), (130, 1, 4, 30)])
    core = world.core()
    seen = []

    def look(now_s: int) -> None:
        if now_s == 300:
            seen.append(why(core, 1))

    log = flat_drive(core, world, 2000, each_step=look)
    starts = {start.job: start.start_s for start in log.started}
    assert starts == {0: 0, 2: 150, 1: 1000}  # job 0 used 800 GPU-seconds by 100, and runs to its end
    assert [found.reason for found in seen] == [Reason.BUDGET]
    assert core.jobs.wait_s[1] == 880


def test_a_soft_stop_is_asked_after_everybody_else() -> None:
    jobs = [(0, 0, 8, 100), (10, 0, 8, 10), (20, 1, 8, 10)]
    for soft_gpu_s, order in ((NO_LIMIT, [0, 1, 2]), (400, [0, 2, 1])):
        world = budget_world(soft_gpu_s, NO_LIMIT, jobs)
        core = world.core()
        log = flat_drive(core, world, 900)
        assert [start.job for start in log.started] == order


@pytest.mark.parametrize("hard_gpu_s", [0, 1])
def test_a_budget_of_nothing_grants_nothing(hard_gpu_s: int) -> None:
    world = budget_world(0, hard_gpu_s, [(0, 0, 4, 50), (60, 0, 4, 50)])
    core = world.core()
    log = flat_drive(core, world, 900)
    assert len(log.started) == hard_gpu_s
