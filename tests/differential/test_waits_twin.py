"""Delay attribution: the ledger counts what its slow twin counts, and a job's causes add up to its wait."""

from collections import Counter

import numpy as np
import pytest

from lend_worlds import lend_world
from reference.slow_waits import SlowWaits
from scheduler.core import Core
from scheduler.events import Status
from scheduler.policies import POLICIES
from scheduler.policy.lend import LENDS, Look
from scheduler.why.reasons import why
from scheduler.why.wait_cause import CAUSE_OF_REASON, WaitCause
from scheduler.why.waits import WaitLedger
from small_worlds import HORIZON_S, SmallWorld, flat_drive, small_world
from swarm_worlds import swarm_world
from tenancy_worlds import random_quota_world

SEEDS = range(25)


def attributed(world: SmallWorld, core: Core, ledger_class=WaitLedger) -> tuple[dict, dict, dict]:
    """Seconds by (job, cause) of the ledger and of the twin, and each job's wait."""
    ledger, twin = ledger_class(core), SlowWaits(core)
    step = core.step

    def watched(now_s, events):
        timers = step(now_s, events)
        ledger.after_step(now_s, events)
        return timers

    core.step = watched
    flat_drive(core, world, each_step=twin)
    found: Counter = Counter()
    for job, cause, seconds in np.array(ledger.close(HORIZON_S)).reshape(-1, 3).tolist():
        found[job, WaitCause(cause).name.lower()] += seconds
    jobs = core.jobs
    waits = {}
    for job in range(jobs.count):
        open_s = HORIZON_S - jobs.pending_s[job] if jobs.status[job] in (Status.PENDING, Status.GRANTED) else 0
        if jobs.wait_s[job] + open_s:
            waits[job] = jobs.wait_s[job] + open_s
    return dict(found), twin.close(HORIZON_S), waits


def residuals(found: dict, waits: dict) -> dict:
    """Jobs whose causes do not add up to their wait, with what is missing."""
    total: Counter = Counter(waits)
    for (job, _), seconds in found.items():
        total[job] -= seconds
    return {job: seconds for job, seconds in total.items() if seconds}


KINDS = {  # every policy in plain worlds; features of the world under one policy each
    **{f"plain, {policy}": (small_world, policy, {}) for policy in sorted(POLICIES)},
    "topology, easy_domain": (small_world, "easy_domain", {"topology": True}),
    "mishaps, easy": (small_world, "easy", {"mishaps": True, "damped": True}),
    "mishaps and topology, easy_cheapest": (small_world, "easy_cheapest", {"mishaps": True, "topology": True}),
    "quotas, easy": (random_quota_world, "easy", {}),
    "quotas and topology, fcfs": (random_quota_world, "fcfs", {"topology": True}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_ledger_counts_what_the_slow_one_counts(kind: str) -> None:
    make, policy, features = KINDS[kind]
    seen: Counter = Counter()
    for seed in SEEDS:
        world = make(seed, **features)
        found, twin, waits = attributed(world, world.core(policy, headroom_nodes=1))
        assert found == twin, f"seed {seed}, {kind}"
        assert residuals(found, waits) == {}, f"seed {seed}, {kind}"
        for (_, cause), seconds in found.items():
            seen[cause] += seconds
    expected = {"capacity", "fragmentation", "promised", "failure", "rentals", "preemption", "scrubbing", "offer"}
    expected |= {"damping"} if "mishaps, " in kind else set()
    assert expected | ({"fair_share"} if "quotas" in kind else set()) <= set(seen)


@pytest.mark.parametrize("look", [Look.TENANTS, Look.SAMPLES])
def test_an_offer_of_several_lengths_is_attributed_alike(look: Look) -> None:
    for seed in range(6):
        world = lend_world(seed)
        found, twin, waits = attributed(world.small, world.core("easy", look))
        assert found == twin and residuals(found, waits) == {}, f"seed {seed}, {look.name}"


def swarm_differences(seeds: range) -> list[str]:
    """Worlds in which features are mixed by chance, under policies and lend functions in turn."""
    policies, lends, wrong = sorted(POLICIES), sorted(LENDS), []
    for seed in seeds:
        policy, lend = policies[seed % len(policies)], lends[seed % len(lends)]
        # Quotas do not go with policies that plan starts.
        world = swarm_world(seed, **({"quotas": False} if getattr(POLICIES[policy], "depth", 0) else {}))
        found, twin, waits = attributed(world, world.core(policy, lend, headroom_nodes=1))
        if found != twin or residuals(found, waits):
            wrong.append(f"swarm_world({seed}), {policy}, {lend}")
    return wrong


def test_causes_add_up_to_the_wait_whatever_features_a_world_mixes() -> None:
    assert swarm_differences(range(60)) == []


@pytest.mark.slow
def test_causes_add_up_to_the_wait_in_many_worlds() -> None:
    assert swarm_differences(range(60, 1500)) == []


class LastIntervalDropped(WaitLedger):
    """Forgets what a job waited for last, just before its wait was over."""

    def _leave(self, job: int, now_s: int) -> None:
        if self.core.jobs.status[job] not in (Status.PENDING, Status.GRANTED):
            self._granted.pop(job, None)
        super()._leave(job, now_s)


class LineNeverAskedAgain(WaitLedger):
    """Goes on believing what a line waited for when it began."""

    def _look(self, pool, families, now_s) -> None:
        pass


@pytest.mark.parametrize("broken", [LastIntervalDropped, LineNeverAskedAgain])
def test_a_broken_ledger_is_caught(broken: type[WaitLedger]) -> None:
    caught = 0
    for seed in SEEDS:
        world = small_world(seed)
        found, twin, waits = attributed(world, world.core(headroom_nodes=1), broken)
        caught += bool(residuals(found, waits)) if broken is LastIntervalDropped else found != twin
    assert caught > 5


def test_every_reason_of_a_job_in_a_queue_has_a_cause() -> None:
    for seed in range(15):
        world = small_world(seed, topology=True)
        core = world.core()

        def ask(_: int, core=core) -> None:
            for job in np.flatnonzero(core.jobs.array("status") == Status.PENDING).tolist():
                assert why(core, job, promise=False).reason in CAUSE_OF_REASON

        flat_drive(core, world, each_step=ask)
