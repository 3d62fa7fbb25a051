"""Published cases of order: fair tree (V13), usage that fades (V13b); and what ranks, estimates and rotation do."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from case_file import case
from flat_jobs import RESEARCH, schedule, starts
from scheduler.core import Core
from scheduler.errors import PolicyError, TableError
from scheduler.events import NEVER, Event, EventKind
from scheduler.jobs.usage import Usage, decayed
from scheduler.policies import POLICIES, Policy
from scheduler.policy.estimate import ESTIMATES, history, size_class, user_limit
from scheduler.policy.fair_tree import FairShare, ShareRow, fair_places, fair_share_bp, level_shares, whole_tree
from scheduler.policy.rank import RANKS, Facts, Standing, las, multifactor
from scheduler.policy.rotate import ROTATES, Runner, by_rank
from scheduler.tables import JobTable, PoolRow

DAY_S = 86_400


def test_v13_fair_tree_shares_places_and_factors() -> None:
    one = case("V13")
    tree, usage, names, users = [], [], [], []
    for account, row in one["inputs"]["accounts"].items():
        parent = len(tree)
        tree.append(ShareRow(-1, row["shares"]))
        names.append(account)
        for user, each in row["users"].items():
            tree.append(ShareRow(parent, each["shares"], len(usage)))
            usage.append(each["usage"])
            names.append(user)
            users.append(user)
    expected = one["expected"]
    found = {name: top / bottom for name, (top, bottom) in zip(names, level_shares(tree, usage), strict=True)}
    assert found == expected["level_fs"]
    places = fair_places(tree, usage)
    assert [user for _, user in sorted(zip(places, users, strict=True))] == expected["order"]
    for user, place in zip(users, places, strict=True):
        factor = fair_share_bp(place, len(users)) / 10_000
        assert factor == pytest.approx(expected["fair_share"][user], abs=one["tolerance"]["abs"])


def test_v13b_usage_fades_by_half_in_a_half_life() -> None:
    one = case("V13b")
    given_, expected = one["inputs"], one["expected"]["usage_gpu_s"]
    found = [decayed(given_["usage_gpu_s"], after_s, given_["half_life_s"]) for after_s in given_["after_s"]]
    assert all(abs(a - b) <= one["tolerance"]["abs"] for a, b in zip(found, expected, strict=True))


@given(st.integers(0, 10**15), st.integers(0, 10**8), st.integers(1, 10**7))
def test_fading_is_the_exact_value_rounded(amount: int, elapsed_s: int, half_life_s: int) -> None:
    exact = amount * math.pow(2, -elapsed_s / half_life_s)
    assert abs(decayed(amount, elapsed_s, half_life_s) - exact) <= 0.51 + exact * 1e-9


def test_fading_in_thousands_of_ticks_is_fading_at_once() -> None:
    ledger = Usage(1, 604_800, (10_000,) * 4 + (0,))
    ledger.add(0, 2, 10**9)
    for at_s in range(300, 604_801, 300):
        ledger.decay(at_s)
    assert abs(ledger.gpu_s()[0] - 5 * 10**8) <= 1
    ledger.add(0, 4, 10**9)  # spot counts nothing
    assert abs(ledger.gpu_s()[0] - 5 * 10**8) <= 1


def test_a_half_life_of_nothing_is_refused() -> None:
    with pytest.raises(TableError, match="half-life"):
        Usage(1, 0, (10_000,) * 5)


@pytest.mark.parametrize(
    ("tree", "word"),
    [
        ([ShareRow(0, 1, 0)], "parent"),
        ([ShareRow(-1, 1, 0), ShareRow(0, 1, 1)], "parent"),
        ([ShareRow(-1, -1, 0)], "shares of 0"),
        ([ShareRow(-1, 1, 0), ShareRow(-1, 1, 0)], "once"),
        ([ShareRow(-1, 1, 9)], "once"),
    ],
)
def test_impossible_trees_are_refused_with_their_row(tree: list[ShareRow], word: str) -> None:
    with pytest.raises(TableError, match=word) as caught:
        whole_tree(tree, 2)
    assert "share[" in str(caught.value)


def slow_places(tree: list[ShareRow], usage: list[int]) -> list[int]:
    """The same walk with floats, straight from the definition; only for trees without ties."""

    def used(row: int) -> int:
        below = sum(used(child) for child, each in enumerate(tree) if each.parent == row)
        return below + (usage[tree[row].tenant] if tree[row].tenant >= 0 else 0)

    order: list[int] = []

    def walk(parent: int) -> None:
        rows = [row for row, each in enumerate(tree) if each.parent == parent]
        all_shares, all_used = sum(tree[row].shares for row in rows), sum(map(used, rows))

        def level(row: int) -> float:
            return (tree[row].shares / all_shares) / (used(row) / all_used)

        for row in sorted(rows, key=level, reverse=True):
            order.extend([tree[row].tenant] if tree[row].tenant >= 0 else [])
            walk(row)

    walk(-1)
    return [order.index(tenant) for tenant in range(len(usage))]


@given(st.data())
def test_places_are_those_of_the_plain_walk(data: st.DataObject) -> None:
    tree, tenants = [], 0
    for _ in range(data.draw(st.integers(1, 10))):
        accounts = [row for row, each in enumerate(tree) if each.tenant < 0]
        parent = data.draw(st.sampled_from([-1, *accounts]))
        shares = data.draw(st.integers(1, 1000))
        leaf = data.draw(st.booleans())
        tree.append(ShareRow(parent, shares, tenants if leaf else -1))
        tenants += leaf
    usage = data.draw(st.lists(st.integers(1, 10**9), min_size=tenants, max_size=tenants))
    levels = level_shares(tree, usage)
    equal = any(
        a != b and tree[a].parent == tree[b].parent and levels[a][0] * levels[b][1] == levels[b][0] * levels[a][1]
        for a in range(len(tree))
        for b in range(len(tree))
    )
    if not equal and min([level[0] * level[1] for level in levels], default=1) > 0:
        assert list(fair_places(tree, usage)) == slow_places(tree, usage)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=12), st.integers(0, 3))
def test_tenants_with_equal_shares_stand_as_they_do_in_one_account(usage: list[int], shares: int) -> None:
    """Equals at the root are counted by a short cut; below one account the tree is walked."""
    flat = [ShareRow(-1, shares, tenant) for tenant in range(len(usage))]
    below = [ShareRow(-1, 1), *(ShareRow(0, shares, tenant) for tenant in range(len(usage)))]
    assert fair_places(flat, usage) == fair_places(below, usage)


def test_tenants_that_stand_equally_well_share_a_place_and_their_children_are_compared_together() -> None:
    assert fair_places(whole_tree((), 3), [0, 0, 7]) == (0, 0, 2)
    tree = [
        ShareRow(-1, 1),
        ShareRow(-1, 1),
        ShareRow(0, 1, 0),
        ShareRow(0, 1, 1),
        ShareRow(1, 1, 2),
        ShareRow(1, 1, 3),
    ]
    assert fair_places(tree, [30, 10, 20, 20]) == (3, 0, 1, 1)


def test_history_is_a_median_of_the_past_and_never_more_than_the_limit() -> None:
    assert history((), 500) == history((10, 10), 500) == user_limit((10, 10, 10), 500) == 500
    assert history((10, 30, 20), 500) == 20
    assert history((10, 20, 30, 41), 500) == 25
    assert history((900, 900, 900), 500) == 500
    assert history((0, 0, 0), 500) == 1
    assert [size_class(gpus) for gpus in (1, 2, 3, 4, 5, 8, 9)] == [0, 1, 2, 2, 3, 3, 4]
    assert set(ESTIMATES) == {"user_limit", "history"}


def test_a_prediction_uses_only_what_has_finished_before_it() -> None:
    submit_s = [0, 100, 200, 300, 400]
    core = schedule(submit_s, [1] * 5, [10] * 5, [1000] * 5, nodes=1, policy="easy_predicted")
    assert list(core.estimate_s) == [1000, 1000, 1000, 10, 10]
    assert core.jobs.array("estimate_s").tolist() == [1000] * 5


def facts(**words: int) -> Facts:
    usual = {"tenant": 0, "gpus": 8, "estimate_s": 1, "waited_s": 0, "attained_gpu_s": 0, "pool_gpus": 64}
    return Facts(**(usual | words))


def test_ranks_say_what_they_promise() -> None:
    standing = Standing(0, (0, 1))
    assert [las(standing, facts(attained_gpu_s=given_)) for given_ in (0, 28_799, 28_800, 288_000)] == [0, 0, 1, 2]
    assert las(standing, facts(attained_gpu_s=288_000, waited_s=8 * 36_000)) == 2
    assert las(standing, facts(attained_gpu_s=288_000, waited_s=8 * 36_000 + 1)) == 0
    young, old = multifactor(standing, facts()), multifactor(standing, facts(waited_s=DAY_S))
    assert old < young
    assert multifactor(standing, facts(gpus=64)) < young < multifactor(standing, facts(tenant=1))
    assert multifactor(standing, facts(waited_s=7 * DAY_S)) == multifactor(standing, facts(waited_s=70 * DAY_S))
    assert set(RANKS) == {"fair_tree", "las", "multifactor"}


def test_rotation_takes_the_worst_and_youngest_and_no_more_than_needed() -> None:
    runners = [Runner(1, 2), Runner(2, 1), Runner(3, 2), Runner(4, 0)]
    size = {1: 4, 2: 1, 3: 1, 4: 8}
    assert by_rank(0, runners, lambda jobs: sum(size[job] for job in jobs) >= 1) == [3]
    assert by_rank(0, runners, lambda jobs: sum(size[job] for job in jobs) >= 4) == [1]
    assert by_rank(0, runners, lambda jobs: sum(size[job] for job in jobs) >= 7) == []
    assert by_rank(2, runners, lambda jobs: True) == []
    assert set(ROTATES) == {"by_rank"}


def ticking(policy: Policy, rows: list[tuple[int, int, int, int]], nodes: int, fair: FairShare) -> Core:
    """Run (submit_s, tenant, gpus, run_s) on nodes of one GPU, with a control tick every 100 s until all is done."""
    import heapq

    pools = (PoolRow(nodes, 1, 0),)
    submit_s, tenant, gpus, run_s = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    zeros = np.zeros(len(rows), dtype=np.int64)
    columns = {"tenant": tenant, "product": zeros, "pool": zeros, "gpus": gpus, "submit_s": submit_s, "run_s": run_s}
    jobs = JobTable(columns | {"estimate_s": run_s, "patience_s": zeros + NEVER}, pools, (RESEARCH,))
    core = Core(jobs, pools, (RESEARCH,), policy, (0, 0), fair=fair)
    heap = [(int(at_s), Event(EventKind.SUBMIT, row)) for row, at_s in enumerate(submit_s)]
    heap.append((0, Event(EventKind.CONTROL)))
    heapq.heapify(heap)
    while heap and core.open_count:
        now_s, events = heap[0][0], []
        while heap and heap[0][0] == now_s:
            events.append(heapq.heappop(heap)[1])
        for timer in core.step(now_s, events):
            heapq.heappush(heap, tuple(timer))
        if now_s % 100 == 0 and not any(event.kind == EventKind.CONTROL for _, event in heap):
            heapq.heappush(heap, (now_s + 100, Event(EventKind.CONTROL)))
        core.out.clear()
    return core


def test_under_the_fair_tree_shares_decide_over_time_and_not_who_came_first() -> None:
    # Tenant 0 submits forty jobs at once, tenant 1 ten a little later: with equal shares they take turns from then on.
    rows = [(0, 0, 1, 100)] * 40 + [(50, 1, 1, 100)] * 10
    for shares, last in (((1, 1), 40), ((1, 4), 28)):
        tree = tuple(ShareRow(-1, each, tenant) for tenant, each in enumerate(shares))
        core = ticking(POLICIES["fair_tree"], rows, 2, FairShare(tree))
        first_start_s = core.jobs.array("first_start_s")
        assert first_start_s[40:].max() < last * 50
        assert first_start_s[:40].max() > first_start_s[40:].max()
    fifo = ticking(POLICIES["easy"], rows, 2, FairShare())
    assert fifo.jobs.array("first_start_s")[40:].min() >= 2000


def test_tiresias_lets_a_short_job_take_its_turn_and_the_long_one_goes_on_later() -> None:
    rows = [(0, 0, 8, 200_000), (10, 1, 8, 300)]
    core = ticking(POLICIES["tiresias"], rows, 8, FairShare())
    assert core.jobs.first_start_s[1] < 5_000  # after a node-hour the long one is behind the newcomer
    assert core.jobs.preemptions[0] >= 1 and core.jobs.work_s[0] == 200_000
    assert ticking(POLICIES["easy"], rows, 8, FairShare()).jobs.first_start_s[1] == 200_000


def test_shortest_first_goes_by_size_and_waiting_brings_big_jobs_up() -> None:
    core = schedule([0, 1, 2], [1, 1, 1], [50, 300, 100], [50, 300, 100], nodes=1, policy="sjf")
    assert starts(core) == [0, 150, 50]
    stream = [(at_s, 1, 100) for at_s in range(0, 20_000, 100)]
    rows = sorted([*stream, (5, 1, 5_000)])
    submit_s, gpus, run_s = zip(*rows, strict=True)
    core = schedule(submit_s, gpus, run_s, run_s, nodes=1, policy="sjf")
    assert 0 < starts(core)[rows.index((5, 1, 5_000))] < 1_000


@pytest.mark.parametrize(
    ("policy", "part"),
    [
        (Policy("bad", rank=lambda standing, facts: -1), "rank"),
        (Policy("bad", rank=lambda standing, facts: 0.5), "rank"),
        (Policy("bad", estimate=lambda past_s, limit_s: -1), "estimate"),
        (Policy("bad", rank=las, rotate=lambda head, runners, enough: [99]), "rotate"),
    ],
)
def test_impossible_answers_are_refused_with_policy_part_and_row(policy: Policy, part: str) -> None:
    rows = [(0, 0, 1, 1000), (10, 0, 1, 1000)]
    with pytest.raises(PolicyError) as caught:
        ticking(policy, rows, 1, FairShare())
    assert f"policy bad: {part}: job[" in str(caught.value)
