"""What answers tell besides what they say: waits in steps with a bound, and totals only of many."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st

from isolation import Case, attack, mutant
from scheduler.events import Event, EventKind, Status
from sim.answers import queue as answers
from sim.answers import quota as quotas
from sim.answers.queue import told_to_tenant, waiting_in
from sim.answers.quota import quota_of_tenant
from small_worlds import CRITICAL, INTERNAL, SmallWorld, flat_drive, small_world
from tenants.isolation import told as telling
from tenants.isolation.channels import CHANNELS
from tenants.isolation.told import CROWD_MIN, INTERVAL_S, WAIT_STEPS_S, moment_of, step_bits

ME = 3
MOMENTS_S = range(0, 2_400, 150)
Answer = tuple[tuple[Any, ...], ...]

# -- C5: the queue ---------------------------------------------------------------------------------------------------


def among(seed: int) -> SmallWorld:
    """My few jobs, always the same, among others' jobs that are different in each world."""
    mine, others = small_world(77, faults=False), small_world(seed, faults=False)
    rng = random.Random(seed)
    keep = np.flatnonzero(np.isin(others.jobs["product"], (CRITICAL, INTERNAL, 4)))
    jobs = {name: column[keep] for name, column in others.jobs.items()}
    jobs["tenant"] = np.where(jobs["product"] == 4, 4, jobs["tenant"])
    jobs["pool"] = 0 * jobs["pool"]
    jobs["run_s"] = jobs["run_s"] * rng.choice((1, 3, 20))
    jobs["estimate_s"] = jobs["run_s"] + 0
    own = {"submit_s": [100, 200, 300], "tenant": [ME] * 3, "product": [4] * 3, "gpus": [per_node(mine)] * 3}
    own |= {"run_s": [500] * 3, "estimate_s": [500] * 3, "patience_s": [1 << 40] * 3, "pool": [0] * 3}
    both = {name: np.concatenate([jobs[name], np.array(own[name], dtype=np.int64)]) for name in jobs}
    order = np.lexsort((np.arange(len(both["gpus"])), both["submit_s"]))
    both = {name: column[order] for name, column in both.items()}
    both["gpus"] = np.where(both["product"] == 4, per_node(mine), both["gpus"])
    told = tuple((at_s, Event(EventKind.SUBMIT, row)) for row, at_s in enumerate(both["submit_s"].tolist()))
    return replace(mine, pools=mine.pools[:1], jobs=both, told=told, reservations=())


def per_node(world: SmallWorld) -> int:
    return world.pools[0].gpus_per_node


def answers_of(seed: int) -> dict[int, Answer]:
    """What I am told at each moment while I wait; the core decides nothing between two of them that I could see."""
    world = among(seed)
    core = world.core()
    tenants = world.jobs["tenant"].tolist()
    mine = [row for row, tenant in enumerate(tenants) if tenant == ME]
    names = {row: f"mine-{place}" for place, row in enumerate(mine)}
    columns = {
        "job_id": [names.get(row, f"job-{row}") for row in range(len(tenants))],
        "tenant": [f"t{tenant}" for tenant in tenants],
        "product": ["spot"] * len(tenants),
        "gpus": world.jobs["gpus"].tolist(),
    }
    found: dict[int, Answer] = {}
    due = list(MOMENTS_S)

    def look(now_s: int) -> None:
        while due and due[0] <= now_s:
            at_s = moment_of(due.pop(0))
            rows = told_to_tenant(waiting_in(core, columns), f"t{ME}", at_s)
            waiting = {names[row] for row in mine if core.jobs.status[row] in (Status.PENDING, Status.GRANTED)}
            assert {row.job_id for row in rows} == waiting, "somebody else's job, or an own one that is missing"
            found[at_s] = tuple((row.job_id, row.reason, row.start_within_s) for row in rows)

    flat_drive(core, world, 2_400, each_step=look)
    return found


@attack("C5")
def test_the_queue_tells_a_tenant_no_more_than_was_declared(case: Case) -> None:
    """Many worlds that differ in others' jobs alone: of one own wait they show few values, all of them declared, and
    the bits that these are worth stay below the bound."""
    seen: dict[tuple[int, str], set[Any]] = {}
    reasons: set[str] = set()
    for seed in range(case.seed % 1_000, case.seed % 1_000 + 60):
        case.tried()
        for at_s, rows in answers_of(seed).items():
            assert at_s % INTERVAL_S == 0, f"asked at {at_s}, and told as of then"
            for job_id, reason, within_s in rows:
                seen.setdefault((at_s, job_id), set()).add(within_s)
                reasons.add(reason)
    values = {value for each in seen.values() for value in each}
    assert values <= {*WAIT_STEPS_S, None}, f"waits are told that are no steps: {sorted(values, key=str)[:5]}"
    bits = max((len(each) - 1).bit_length() for each in seen.values())
    assert 0 < bits <= step_bits(), f"one answer tells {bits} bits, declared are {step_bits()}"
    case.note(f"others' jobs differed in 60 worlds: one answer told {bits} bits, declared are {step_bits()}")
    assert reasons <= {"capacity", "budget", "paused"}, f"why others are in the way is told: {reasons}"
    assert next(each for each in CHANNELS if each.id == "queue_wait").bound.count(str(step_bits()))


@mutant("C5", "the exact wait is told", of=test_the_queue_tells_a_tenant_no_more_than_was_declared)
@contextmanager
def exact_wait() -> Iterator[None]:
    with patch.object(answers, "wait_step", lambda wait_s: wait_s):
        yield


@mutant(
    "C5", "the place in the queue is told as the reason", of=test_the_queue_tells_a_tenant_no_more_than_was_declared
)
@contextmanager
def reasons_of_others() -> Iterator[None]:
    with patch.object(
        answers, "_OWN_REASONS", ("offer", "turn", "repair", "reclaim", "scrub", "fragmented", "reserved")
    ):
        yield


@mutant("C5", "whoever waits is listed", of=test_the_queue_tells_a_tenant_no_more_than_was_declared)
@contextmanager
def whole_queue() -> Iterator[None]:
    real = answers.told_to_tenant

    def everybody(rows: Sequence[answers.Waiting], tenant: str, at_s: int) -> list[answers.OwnWait]:
        return real([row._replace(tenant=tenant) for row in rows], tenant, at_s)

    with patch.dict(globals(), {"told_to_tenant": everybody}):
        yield


# -- R3: totals ------------------------------------------------------------------------------------------------------


def summary(others: int, rng: random.Random) -> dict[str, Any]:
    """The quotas of a run with some other tenants, in two pools."""
    rows = [
        {
            "tenant": tenant,
            "region": region,
            "sku": "h100",
            "nominal_gpus": 8,
            "used_gpus_max": rng.randrange(10**6),
            **{f"{what}_gpu_s": rng.randrange(10**9) for what in ("used", "borrowed", "lent")},
        }
        for region in ("eu", "us")
        for tenant in ("acme", *(f"other-{number}" for number in range(others if region == "eu" else 1)))
    ]
    budgets = [{"tenant": row["tenant"], "month": "2026-01", "used_gpu_s": row["used_gpu_s"]} for row in rows]
    return {"tenants": rows, "budgets": budgets}


@attack("R3")
def test_totals_over_others_are_told_only_where_they_are_many(case: Case) -> None:
    """A tenant is told what was lent, which is what others borrowed, of five or more others in one region; never a row
    or a name of one of them, and one region with many does not open another with few."""

    def look(drawn: tuple[int, int]) -> None:
        others, seed = drawn
        found = summary(others, random.Random(seed))
        told = quota_of_tenant(found, "acme")
        assert {row["tenant"] for part in told.values() for row in part} == {"acme"}
        for row in told["tenants"]:
            many = row["region"] == "eu" and others >= 5
            assert (row["lent_gpu_s"] is not None) == many, f"a total over {others} others in {row['region']} is told"
        own = [row for row in found["tenants"] if row["tenant"] == "acme"]
        for row, real in zip(told["tenants"], own, strict=True):
            assert row | {"lent_gpu_s": 0} == real | {"lent_gpu_s": 0}

    case.given(st.tuples(st.integers(0, 8), st.integers(0, 10**6)), look, examples=60)
    assert CROWD_MIN == 5, "docs and channels say five"


@mutant("R3", "k = 1", of=test_totals_over_others_are_told_only_where_they_are_many)
@contextmanager
def a_crowd_of_one() -> Iterator[None]:
    with patch.object(telling, "CROWD_MIN", 1):
        yield


@mutant("R3", "tenants are counted over all regions", of=test_totals_over_others_are_told_only_where_they_are_many)
@contextmanager
def counted_everywhere() -> Iterator[None]:
    every = {f"other-{number}" for number in range(8)}
    with patch.object(quotas, "crowd", lambda others: telling.crowd(every)):
        yield
