"""The small rules of the scheduler: tables refuse nonsense, work is split, reasons are sentences, words agree."""

import numpy as np
import pytest

from billing.usage import CAUSES, STATES
from flat_jobs import schedule
from scheduler.errors import UnknownPolicyError
from scheduler.events import NEVER, Cause, Reason, Status
from scheduler.jobs.life import MOVES, check_move
from scheduler.jobs.work import settle_work
from scheduler.policies import POLICIES, policy_by_name
from scheduler.policy.forecast import NO_FORECAST
from scheduler.policy.lend import LENDS, LOOKS, Offer, Supply, lend_by_name
from scheduler.policy.order import ROW_BITS, fifo
from scheduler.state.pool import Pool
from scheduler.state.waiting import Queue
from scheduler.tables import JobTable, PoolRow, ProductRow, ReservationRow, TableError, refuse_impossible_tables
from scheduler.why.reasons import Why, why
from scheduler.why.sentences import SENTENCES, sentence
from small_worlds import flat_drive, small_world
from tenants.band import TIER_OF_BAND

POOLS = (PoolRow(4, 8, 0),)
SPOT = ProductRow(4, 0, False, 60, True, True, 0, 0)
RESEARCH = ProductRow(2, 0, False, 60, False, True, 0, 0)


def table(**changed: list[int]) -> JobTable:
    columns = {
        "tenant": [0, 0], "product": [0, 1], "pool": [0, 0], "gpus": [3, 9], "submit_s": [0, 5],
        "run_s": [1, 1], "estimate_s": [1, 1], "patience_s": [NEVER, NEVER],
    }  # fmt: skip
    columns.update(changed)
    arrays = {name: np.array(values, dtype=np.int64) for name, values in columns.items()}
    return JobTable(arrays, POOLS, (RESEARCH, SPOT))


def test_rentals_are_rounded_up_to_whole_nodes_and_internal_jobs_are_not() -> None:
    jobs = table()
    assert (jobs.array("full").tolist(), jobs.array("part").tolist()) == ([0, 2], [3, 0])


def test_columns_show_later_writes_and_cannot_be_written_from_outside() -> None:
    jobs = table()
    jobs.start_s[1] = 77
    assert jobs.array("start_s").tolist() == [-1, 77]
    with pytest.raises(ValueError, match="read-only"):
        jobs.array("start_s")[0] = 1


@pytest.mark.parametrize(
    ("column", "values", "text"),
    [
        ("gpus", [3, 0], r"job\[1\]\.gpus: impossible job \(found 0; allowed at least 1\)"),
        ("run_s", [-1, 1], r"job\[0\]\.run_s: impossible job \(found -1"),
        ("product", [0, 2], r"job\[1\]\.product: impossible job \(found 2; allowed 0 to 1\)"),
        ("submit_s", [5, 4], r"job\[1\]\.submit_s: impossible job \(found 4; allowed ascending\)"),
    ],
)
def test_an_impossible_row_is_refused_by_name(column: str, values: list[int], text: str) -> None:
    with pytest.raises(TableError, match=text):
        table(**{column: values})


@pytest.mark.parametrize(
    ("pools", "products", "reservations", "place"),
    [
        ((PoolRow(0, 8, 0),), (), (), r"pool\[0\]"),
        (POOLS, (SPOT._replace(notice_s=-1),), (), r"product\[0\]"),
        (POOLS, (SPOT._replace(whole_nodes=False),), (), r"product\[0\]\.whole_nodes"),
        (POOLS, (SPOT._replace(rolling=True),), (), r"product\[0\]\.guarantee_s"),
        (POOLS, (), (ReservationRow(0, 0, 5, 0, 9),), r"reservation\[0\]"),
    ],
)
def test_an_impossible_cluster_is_refused_by_name(pools, products, reservations, place) -> None:
    with pytest.raises(TableError, match=place):
        refuse_impossible_tables(pools, products, reservations)


@pytest.mark.parametrize("find", [policy_by_name, lend_by_name])
def test_an_unknown_policy_lists_the_known_ones(find) -> None:
    with pytest.raises(UnknownPolicyError, match=r"found 'esay'; allowed .*(easy|all_idle)"):
        find("esay")


def test_policies_and_lend_functions_go_by_the_names_they_carry() -> None:
    assert {name: policy.name for name, policy in POLICIES.items()} == {name: name for name in POLICIES}
    assert list(LENDS) == ["none", "all_idle", "fixed_headroom", "quantile_quota", "priced_quota", "oracle"]


def test_lend_offers_nothing_all_or_all_but_a_reserve() -> None:
    supply = Supply(pool=0, healthy_nodes=10, idle_nodes=6, reserved_unused_nodes=1)
    simple = [name for name in LENDS if name not in LOOKS]
    offers = [lend_by_name(name, 4)(supply, NO_FORECAST, ()).nodes_max for name in simple]
    assert offers == [(0,), (6,), (2,)]
    assert lend_by_name("fixed_headroom", 9)(supply, NO_FORECAST, ()).nodes_max == (0,)


def test_a_sale_needs_room_at_every_guarantee_up_to_its_own() -> None:
    pool = Pool(0, POOLS[0], 0)
    pool.offer = Offer((0, 3600), (3, 1))
    assert [pool.offer_room(2, guarantee_s) for guarantee_s in (0, 3599, 3600, 7200)] == [3, 3, 1, 1]


def test_fifo_goes_by_band_then_by_row() -> None:
    assert fifo(table(product=[1, 0])).tolist() == [4 << ROW_BITS, (2 << ROW_BITS) | 1]


@pytest.mark.parametrize(
    ("cause", "notice_s", "checkpoint_s", "kept"),
    [
        (Cause.FINISHED, 0, 0, (10, 90, 0)),
        (Cause.HORIZON, 0, 0, (10, 90, 0)),
        (Cause.EVICTED, 60, 0, (10, 90, 0)),
        (Cause.EVICTED, 0, 0, (10, 0, 90)),
        (Cause.NODE_FAULT, 60, 40, (10, 80, 10)),
        (Cause.NODE_FAULT, 60, 0, (10, 0, 90)),
    ],
)
def test_a_warned_job_keeps_its_work_and_a_fault_costs_what_follows_the_checkpoint(
    cause, notice_s, checkpoint_s, kept
) -> None:
    assert settle_work(100, 10, cause, notice_s, checkpoint_s) == kept


def test_a_segment_shorter_than_its_start_up_did_no_work() -> None:
    assert settle_work(5, 10, Cause.NODE_FAULT, 0, 60) == (5, 0, 0)


def test_moves_that_are_not_in_the_table_are_refused() -> None:
    for now in Status:
        for to in Status:
            if to in MOVES[now]:
                check_move(now, to)
            else:
                with pytest.raises(AssertionError, match=f"no move from {now.name} to {to.name}"):
                    check_move(now, to)


def test_the_queue_serves_the_smallest_key_of_all_shapes() -> None:
    queue = Queue()
    for key, shape in ((5, (1, 0)), (3, (2, 0)), (9, (1, 0)), (7, (1, 0))):
        queue.push(key, key, shape, 10)
    assert (queue.count, queue.head(), list(queue.jobs())) == (4, 3, [3, 5, 7, 9])
    queue.remove(3, 3, (2, 0))
    queue.remove(7, 7, (1, 0))
    assert (queue.count, queue.head(), list(queue.jobs())) == (2, 5, [5, 9])


def test_billing_and_the_scheduler_mean_the_same_by_causes_and_states() -> None:
    assert tuple(cause.name.lower() for cause in Cause) == CAUSES
    assert len(Pool(0, POOLS[0], 0).idle_gpus(waiting=True)) == len(STATES)


def test_every_reason_has_a_sentence_that_tells_its_numbers() -> None:
    assert set(SENTENCES) == set(Reason)
    assert "needs 6 nodes, 4 are free" in sentence(Why(Reason.CAPACITY, 6, 4, NEVER))


def test_a_job_that_can_never_fit_is_refused_with_a_reason_and_the_others_go_on() -> None:
    core = schedule([0, 1], [40, 8], [5, 5], [5, 5], nodes=4, gpus_per_node=8)
    assert core.jobs.array("status").tolist() == [Status.CANCELLED, Status.DONE]
    assert why(core, 0).reason == Reason.TOO_LARGE


def test_every_eviction_names_the_job_whose_grant_caused_it() -> None:
    """It is the last job that was granted nodes before the notice, and more important than the one that leaves."""
    seen = 0
    for seed in range(40):
        world = small_world(seed)
        core = world.core()
        log = flat_drive(core, world)
        for gone in log.evicted:
            told = [
                place
                for place, (_, line) in enumerate(log.decisions)
                if line[:3] == ("evict", gone.job, gone.evicted_s)
            ]
            grants = [line[1] for _, line in log.decisions[: told[-1]] if line[0] == "grant"]
            assert gone.by == grants[-1], f"seed {seed}: {gone}"
            assert TIER_OF_BAND[core.jobs.band[gone.by]] < TIER_OF_BAND[core.jobs.band[gone.job]]
            ended = [part for part in log.segments if part.job == gone.job and part.end_s == gone.evicted_s]
            assert gone.lost_s == sum(part.lost_s for part in ended), f"seed {seed}: {gone}"
            seen += 1
    assert seen > 50
