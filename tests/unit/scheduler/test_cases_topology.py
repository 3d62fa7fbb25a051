"""Topology and eviction plans against the published cases (V5-shapes, V7, V20, V21, V21b, V21c), through the core."""

from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest

import broken_cores
from case_file import case
from scheduler.core import Core
from scheduler.errors import PolicyError
from scheduler.events import Event, EventKind, Plan
from scheduler.nodes.capacity import Capacity, Hold, Room
from scheduler.nodes.nodeset import of_rows, rows
from scheduler.policies import POLICIES, Policy
from scheduler.policy.need import Holder, Ledger, Need, Parting
from scheduler.policy.place import EVERYWHERE, PLACES, Choice, fragments
from scheduler.policy.victims import cheapest, gfs_waste, lyra, youngest_first
from scheduler.tables import JobTable, PoolRow, ProductRow
from tenants.band import Band

LONG_S = 10_000
CRITICAL, INTERNAL, SPOT = 0, 1, 2
PRODUCTS = (
    ProductRow(int(Band.INTERNAL_CRITICAL), 0, False, 0, False, True, 0, 0),
    ProductRow(int(Band.INTERNAL), 0, False, 0, False, True, 0, 0),
    ProductRow(int(Band.SPOT), 0, False, 60, True, True, 0, 0),
)


class Stage:
    """A small pool on which jobs are put on named nodes, one after the other, before the case begins."""

    def __init__(self, pool: PoolRow, jobs: list[dict], policy: str | Policy) -> None:
        columns = {
            "tenant": 0, "product": 0, "pool": 0, "gpus": 1, "submit_s": 0, "run_s": LONG_S, "estimate_s": LONG_S,
            "patience_s": (1 << 62) - 1, "within": 0, "credit_micro_usd": 0,
        }  # fmt: skip
        table = {name: np.array([job.get(name, rest) for job in jobs]) for name, rest in columns.items()}
        table["submit_s"] = np.arange(len(jobs)) + 1
        chosen = POLICIES[policy] if isinstance(policy, str) else policy
        self.core = Core(JobTable(table, (pool,), PRODUCTS), (pool,), PRODUCTS, chosen)
        self.core.step(0, [Event(EventKind.CONTROL)])

    def submit(self, job: int) -> None:
        """Submit a job at its time; nothing that the core asked to be told is due before the case begins."""
        self.core.step(job + 1, [Event(EventKind.SUBMIT, job)])

    def end(self, job: int, at_s: int) -> None:
        self.core.step(at_s, [Event(EventKind.CONTROL), Event(EventKind.FINISH, job, self.core.jobs.epoch[job])])

    def nodes(self, job: int) -> list[int]:
        return list(rows(self.core.pools[0].hold[job].nodes))


def plan_of(domains: list[int], holders: dict[str, tuple[list[int], int | None]], policy: str = "easy_cheapest"):
    """Put holders (nodes, credit; None: critical work) on their nodes, ask for two nodes in one domain, and return
    the plan with job names."""
    pool = PoolRow(sum(domains), 1, 0, (tuple(domains),))
    fillers = [{"product": CRITICAL} for _ in range(pool.nodes)]
    names = list(holders)
    kept = {nodes[0]: name for name, (nodes, credit) in holders.items() if credit is None}
    gangs = [
        {"product": SPOT, "gpus": len(nodes), "credit_micro_usd": credit or 0} for nodes, credit in holders.values()
    ]
    stage = Stage(pool, [*fillers, *gangs, {"product": CRITICAL, "gpus": 2, "within": 1}], policy)
    for filler in range(pool.nodes):  # one on each node, from below
        stage.submit(filler)
    clock: Iterator[int] = count(100)
    for place, (name, (nodes, credit)) in enumerate(holders.items()):
        if credit is None:
            continue
        for node in nodes:
            stage.end(node, next(clock))
        stage.core.step(next(clock), [Event(EventKind.SUBMIT, pool.nodes + place)])
        assert stage.nodes(pool.nodes + place) == nodes, name
    stage.core.out.clear()
    stage.core.step(next(clock), [Event(EventKind.SUBMIT, pool.nodes + len(holders))])
    assert stage.core.out.plans, "somebody had to leave"
    plan: Plan = stage.core.out.plans[0]
    assert all(kept.get(node) is None for node in rows(plan.domain))

    def named(jobs: tuple[int, ...]) -> list[str]:
        return sorted(names[job - pool.nodes] for job in jobs)

    return named(plan.victims), named(plan.runner_up), plan


def test_v5_shapes_a_promise_is_a_node_and_not_a_number_of_gpus() -> None:
    inputs, expected = case("V5-shapes")["inputs"], case("V5-shapes")["expected"]
    on = {row: job[6] for row, job in enumerate(inputs["jobs"]) if job[6] is not None}
    placed: list[int] = []

    def where_they_run(room, full, part, preference):
        """The first two are put where the case has them, everybody else by best fit."""
        if len(placed) < len(on):
            placed.append(on[len(placed)])
            return Choice(0, 1 << placed[-1])
        return PLACES["packed"](room, full, part, preference)

    jobs = [{"product": INTERNAL, "gpus": gpus, "run_s": run_s, "estimate_s": est_s}
            for _, _, gpus, _, est_s, run_s, _ in inputs["jobs"]]  # fmt: skip
    stage = Stage(PoolRow(inputs["nodes"], inputs["gpus_per_node"], 0), jobs, Policy("pinned", place=where_they_run))
    core = stage.core
    core.step(1, [Event(EventKind.SUBMIT, 0), Event(EventKind.SUBMIT, 1)])  # second 0 of the case is second 1 here
    core.step(2, [Event(EventKind.SUBMIT, 2)])
    core.step(3, [Event(EventKind.SUBMIT, 3)])
    assert stage.nodes(3) == [expected["node"]["X"]]
    core.step(51, [Event(EventKind.FINISH, 1, 0)])
    assert stage.nodes(2) == [expected["node"]["H"]]
    names = [row[0] for row in inputs["jobs"]]
    assert {name: core.jobs.start_s[row] - 1 for row, name in enumerate(names)} == expected["start_s"]


def test_v20_through_the_core_notice_runs_inside_the_guarantee_and_never_shortens_it() -> None:
    inputs, expected = case("V20")["inputs"], case("V20")["expected"]
    for row, evict_at_s, notice_at_s in zip(
        inputs["rows"], expected["evict_at_s"], expected["notice_sent_at_s"], strict=True
    ):
        guarantee_s = max(0, row["guaranteed_until_s"] - 1)
        spot = PRODUCTS[SPOT]._replace(notice_s=row["notice_s"], guarantee_s=guarantee_s)
        table = {name: np.array(column) for name, column in {
            "tenant": (0, 0), "product": (1, 0), "pool": (0, 0), "gpus": (1, 1), "submit_s": (1, row["now_s"]),
            "run_s": (LONG_S, 5), "estimate_s": (LONG_S, 5), "patience_s": (1 << 60, 1 << 60)}.items()}  # fmt: skip
        pool, products = PoolRow(1, 1, 0), (PRODUCTS[CRITICAL], spot)
        core = Core(JobTable(table, (pool,), products), (pool,), products, POLICIES["easy_cheapest"])
        core.step(1, [Event(EventKind.CONTROL), Event(EventKind.SUBMIT, 0)])
        core.step(row["now_s"], [Event(EventKind.SUBMIT, 1)])
        assert (core.jobs.evict_at_s[0], core.jobs.noticed_s[0]) == (evict_at_s, notice_at_s), row
        assert core.out.plans[0].ready_s == evict_at_s


V21 = {"A": ([0], 100), "T": ([1], None), "B": ([2], 300), "C": ([3], 300)}


def test_v21_victims_are_planned_per_domain() -> None:
    expected = case("V21")["expected"]
    victims, runner_up, plan = plan_of([2, 2], V21)
    assert (victims, plan.domain) == (expected["victims"], of_rows([2, 3]))
    assert runner_up == [] and plan.cost_micro_usd == 600 and plan.decided_by == "the only plan"


def test_v21_canary_the_cheapest_wherever_they_are_is_caught() -> None:
    with broken_cores.victims_scattered(), pytest.raises(PolicyError, match="does not make room"):
        plan_of([2, 2], V21)


V21B = {"G": ([2, 4], 500), "C": ([3], 100), "E": ([0], 280), "F": ([1], 300), "T": ([5], None)}


def test_v21b_a_gang_costs_what_it_costs_wherever_its_nodes_are() -> None:
    expected = case("V21b")["expected"]
    victims, runner_up, plan = plan_of([2, 2, 2], V21B)
    assert (victims, plan.domain) == (expected["victims"], of_rows([0, 1]))
    assert {"D0": plan.cost_micro_usd, "D1": plan.runner_up_cost_micro_usd} == expected["plan_cost_micro_usd"]
    assert (runner_up, plan.decided_by) == (["C", "G"], "cost")


def test_v21b_canary_a_cost_that_is_split_over_nodes_is_caught() -> None:
    with broken_cores.cost_split_per_node():
        victims, _, plan = plan_of([2, 2, 2], V21B)
    assert victims == ["C", "G"] != case("V21b")["expected"]["victims"]
    assert plan.cost_micro_usd == case("V21b")["expected"]["wrong_if_gang_cost_is_split_per_node"]["D1"]


def test_v21c_whoever_is_not_needed_in_the_end_is_kept_out() -> None:
    inputs, expected = case("V21c")["inputs"], case("V21c")["expected"]
    first, holders = 0, []
    for row, (_, nodes) in enumerate(inputs["candidates_in_order"]):
        holders.append(Holder(row, of_rows(range(first, first + nodes)), False))
        first += nodes
    chosen = youngest_first(holders, [], lambda vacant: vacant.bit_count() >= inputs["need_nodes"])
    names = [name for name, _ in inputs["candidates_in_order"]]
    assert [names[holder.job] for holder in chosen or ()] == expected["after_reverse_prune"]


def test_v7_fragmentation_of_a_node_and_where_a_part_breaks_up_the_least() -> None:
    inputs, expected = case("V7")["inputs"], case("V7")["expected"]
    mix = [0] * (inputs["gpus_per_node"] + 1)
    for gpus, share in inputs["mix"].items():
        mix[int(gpus)] = round(share * 10_000)
    assert [fragments(free, mix) for free in inputs["free"]] == [round(value * 10_000) for value in expected["F"]]
    capacity = Capacity(3, 8)
    for node, gpus in ((1, 4), (2, 6)):
        capacity.take(Hold(0, 1 << node, gpus))
    room = Room(capacity, 0, mix=mix)
    chosen = {gpus: PLACES["fgd"](room, 0, gpus, EVERYWHERE) for gpus in (1, 2, 4)}
    assert chosen == {1: Choice(0, 1 << 2), 2: Choice(0, 1 << 2), 4: Choice(0, 1 << 1)}  # free: 8, 4, 2


def test_fgd_parts_with_best_fit_where_the_mix_says_so() -> None:
    """Everybody asks for 3 GPUs: taking 1 of 4 leaves room for another, taking it from 3 leaves two fragments."""
    capacity = Capacity(2, 8)
    capacity.take(Hold(0, 1 << 0, 5))
    capacity.take(Hold(0, 1 << 1, 4))
    room = Room(capacity, 0, mix=[0, 0, 0, 10, 0, 0, 0, 0, 0])
    assert PLACES["fgd"](room, 0, 1, EVERYWHERE) == Choice(0, 1 << 1)
    assert PLACES["packed"](room, 0, 1, EVERYWHERE) == Choice(0, 1 << 0)


def need_of(nodes: int, facts: dict[int, Parting]) -> Need:
    return Need(
        inside=lambda vacant, domain: (vacant & domain).bit_count() >= nodes,
        domains=lambda: (0b11111,),
        missing=lambda domain: nodes,
        parting=facts.__getitem__,
        ledger=lambda: Ledger(1, 3, 8, 100),
    )


def test_lyra_empties_the_nodes_of_wide_gangs_first() -> None:
    """A node of a gang of three costs a third of an eviction; case of the published rule, two nodes wanted."""
    holders = [Holder(0, 0b1, False), Holder(1, 0b10, False), Holder(2, 0b11100, False)]
    facts = {job: Parting(3, 60, 0, 0, 1) for job in range(3)}
    assert [one.job for one in lyra(holders, [], need_of(2, facts)) or ()] == [2]


def test_the_policy_lyra_evicts_the_fewest_gangs_whatever_they_cost() -> None:
    holders = {"W": ([0, 1], 900), "X": ([2], 0), "Y": ([3], 0)}
    assert plan_of([2, 2], holders, "lyra")[0] == ["W"]
    assert plan_of([2, 2], holders)[0] == ["X", "Y"]


def test_gfs_takes_the_gang_that_wastes_the_least_gpu_time() -> None:
    holders = [Holder(0, 0b1, False), Holder(1, 0b10, False), Holder(2, 0b100, False)]
    facts = {job: Parting(3, 60, 0, start_s, gpus) for job, start_s, gpus in ((0, 90, 8), (1, 50, 1), (2, 10, 1))}
    assert [one.job for one in gfs_waste(holders, [], need_of(1, facts)) or ()] == [1]  # 50 GPU-s, not 80 or 90


def test_critical_work_evicts_internal_work_by_the_same_rule() -> None:
    """Two internal gangs of equal cost: the younger one leaves; and no rental leaves where internal work must."""
    jobs = [{"product": INTERNAL}, {"product": INTERNAL}, {"product": CRITICAL}]
    stage = Stage(PoolRow(2, 1, 0), jobs, "easy_cheapest")
    for job in range(3):
        stage.submit(job)
    plan = stage.core.out.plans[0]
    assert plan.victims == (1,) and cheapest is POLICIES["easy_cheapest"].victims
