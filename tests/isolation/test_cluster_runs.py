"""Placement and sanitisation in whole runs: the scheduler itself never offers a node that is not to be had.

The warden ends a run in which it does, or in which an invariant breaks. And the allocations of the run, read on their
own, show a whole scrub between two trust domains.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import numpy as np

from isolated_runs import SCRUB_S, WELL, assert_changes_of_hands_are_clean, holds_by_node, isolated_run
from isolation import Case, attack, mutant
from scheduler.events import Cause, Event, EventKind
from scheduler.isolation.custody import Custody
from scheduler.isolation.plant import Plant
from scheduler.isolation.rules import Refusal, Wants
from scheduler.isolation.scrub_report import Memory
from scheduler.isolation.states import SCRUB, NodeState
from scheduler.jobs import lives
from scheduler.jobs.lives import Lives
from scheduler.nodes.nodeset import rows
from scheduler.state.pool import Pool
from scheduler.tables import PoolRow, ProductRow, ReservationRow
from sim.answers import allocations
from sim.engine import warden
from sim.engine.plant_answers import PlantAnswers
from sim.engine.warden import WHYS
from sim.folder import run_folder
from sim.scenario.file import load
from sim.settle import settle
from small_worlds import SmallWorld, flat_drive
from tenants.band import Band

take, scrub = Pool.take, Lives.scrub


@attack("P1", "P5", "P6", "M2")
def test_nodes_change_hands_one_at_a_time_and_clean(case: Case) -> None:
    """Training, research, a contract and renters on sixteen nodes that are always wanted; failing steps in half of the
    runs."""
    changes = 0
    for seed in range(case.seed % 1000, case.seed % 1000 + 3):
        failing = {"clean_failures_bp": 300, "attach_failures_bp": 50}
        result = isolated_run(seed, isolation=None if seed % 2 else failing, times=3)
        changes += assert_changes_of_hands_are_clean(result)
        case.tried()
    assert changes > 20, "nothing was attacked"


@mutant("P1", "free slots of an occupied node count as free", of=test_nodes_change_hands_one_at_a_time_and_clean)
@contextmanager
def rented_nodes_look_free() -> Iterator[None]:
    def forget(self: Pool, tier: int, job: int, hold: Any) -> None:
        take(self, tier, job, hold)
        self.rented[tier] &= ~hold.whole

    with patch.object(Pool, "take", forget):
        yield


@mutant("P5", "the internal tenant is exempt from exclusivity", of=test_nodes_change_hands_one_at_a_time_and_clean)
@contextmanager
def internal_work_joins_renters() -> Iterator[None]:
    with patch.object(lives, "in_the_way", lambda pool, tier, hold: ()):
        yield


@mutant("P5", "internal training needs no scrub", of=test_nodes_change_hands_one_at_a_time_and_clean)
@contextmanager
def nobody_is_a_renter() -> Iterator[None]:
    with patch.object(lives, "_renters", lambda jobs, domain: np.zeros(jobs.count, dtype=bool).data):
        yield


@mutant("P6", "the gang starts when its first node is ready", of=test_nodes_change_hands_one_at_a_time_and_clean)
@contextmanager
def first_node_is_enough() -> Iterator[None]:
    advance = Lives.advance

    def hurry(self: Lives, pool: Pool, job: int, gather: Any) -> None:
        nodes = pool.hold[job].nodes
        if nodes & ~pool.scrubbing and pool.scrubbing & nodes and not gather.victims:
            del pool.granted[job]
            self._start(pool, gather.tier, job)
        else:
            advance(self, pool, job, gather)

    with patch.object(Lives, "advance", hurry):
        yield


@mutant("M2", "a preempted node goes straight to FREE, scrubbed", of=test_nodes_change_hands_one_at_a_time_and_clean)
@contextmanager
def preempted_is_clean() -> Iterator[None]:
    def shortcut(self: Lives, pool: Pool, nodes: int) -> None:
        if self.out.segments and self.out.segments[-1].nodes == nodes and self.out.segments[-1].cause == Cause.EVICTED:
            pool.dirty &= ~nodes
        else:
            scrub(self, pool, nodes)

    with patch.object(Lives, "scrub", shortcut):
        yield


@mutant("M2", "one memory is not wiped between renters", of=test_nodes_change_hands_one_at_a_time_and_clean)
@contextmanager
def memory_is_left() -> Iterator[None]:
    wipe = Plant.wipe
    with patch.object(Plant, "wipe", lambda self, node, memory: memory == Memory.HBM or wipe(self, node, memory)):
        yield


@attack("M8")
def test_no_load_shortens_a_scrub_and_nobody_pays_for_it(case: Case) -> None:
    """Ten times the demand: every scrub takes its whole time, is metered as such, and lies in nobody's bill."""
    result = isolated_run(case.seed % 1000, times=10)
    changes = assert_changes_of_hands_are_clean(result)
    assert changes > 20, "nothing was attacked"
    begun: dict[int, int] = {}
    scrubbed_s = 0
    for at_s, node, state, _, _ in result.isolation.changes.T.tolist():
        if state == NodeState.DETACHING:
            begun[node] = at_s
        elif state == NodeState.FREE and node in begun:
            assert at_s - begun.pop(node) == SCRUB_S - 30, "a scrub was cut short"  # links are trained after it
            scrubbed_s += SCRUB_S
        elif state in (NodeState.HELD, NodeState.ATTACHING):
            assert node not in begun, f"node {node} was held in the middle of a scrub"
        elif state == NodeState.DOWN and node in begun:
            scrubbed_s += at_s - begun.pop(node)
    scrubbed_s += sum(min(SCRUB_S, result.horizon_s - at_s) for at_s in begun.values())
    books = settle(result)
    states = books.capacity
    scrubbing = states.state_names.index("scrubbing")
    metered_gpu_s = int(states.gpu_s[states.state == scrubbing].sum())
    assert abs(metered_gpu_s - 8 * scrubbed_s) <= 8 * 30 * 16, "scrub time is not what was metered"
    assert int(states.gpu_s.sum()) == 16 * 8 * result.horizon_s, "a GPU-second is missing"
    held_gpu_s = int(((result.segments.end_s - result.segments.start_s) * result.segments.gpus).sum())
    assert int(books.usage.quantity.sum()) <= held_gpu_s, "somebody was billed for more than was held"
    case.tried(changes)


@mutant("M8", "scrub_s = 0 when the queue is long", of=test_no_load_shortens_a_scrub_and_nobody_pays_for_it)
@contextmanager
def hurried_by_the_queue() -> Iterator[None]:
    def hurry(self: Lives, pool: Pool, nodes: int) -> None:
        if pool.waits():
            pool.dirty &= ~nodes
        else:
            scrub(self, pool, nodes)

    with patch.object(Lives, "scrub", hurry):
        yield


@attack("M5")
def test_a_lost_controller_leaves_no_node_open(case: Case) -> None:
    """Every eleven minutes the controller is lost, with all it had not written down, in a run full of scrubs."""
    closed = 0
    for seed in range(case.seed % 1000, case.seed % 1000 + 2):
        result = isolated_run(seed, isolation=WELL | {"restart_every_s": 660, "repair_s": 900}, times=3)
        assert_changes_of_hands_are_clean(result)
        assert result.isolation is not None
        rows = result.isolation.changes.T.tolist()
        for lost_s in range(660, result.horizon_s, 660):
            last = {node: state for at_s, node, state, _, _ in rows if at_s < lost_s}
            then = {node: WHYS[why] for at_s, node, _, _, why in rows if at_s == lost_s}
            left = {node for node, state in last.items() if state in SCRUB and node not in then}
            assert not left, f"nodes {sorted(left)} go on in the middle of a scrub at {lost_s} s"
            closed += list(then.values()).count("restart")
        case.tried()
    assert closed > 2, "nothing was attacked"


@mutant("M5", "the controller goes on where it was", of=test_a_lost_controller_leaves_no_node_open)
@contextmanager
def restart_goes_on() -> Iterator[None]:
    with patch.object(warden, "recovered", lambda records: list(records)):
        yield


@attack("N5", "N6", "P4", "P8")
def test_a_start_that_isolation_refuses_is_over_in_a_second(case: Case) -> None:
    """Silent ports, too few keys, NVLink domains that cannot be divided, nodes that nobody has attested: whatever was
    refused works nowhere, read from the allocations, and not from what the warden says of itself."""
    small = load("small").mapping
    racks = [{**row, "nvlink_nodes": 4} for row in small["pool"]]
    secret = {
        "pool": [{**row, "confidential": True} for row in small["pool"]],
        "product": [{"code": "bare.spot", "confidential": True}],
        "demand": [row for row in small["demand"] if row["product"] == "bare.spot"],
        "programme": None,  # whose nodes are scrubbed, and so attested, before a renter gets them
    }
    for why, isolation, more in (
        ("network", {"attach_failures_bp": 1_000}, {}),
        ("exhausted", {"p_keys": 2}, {}),
        ("nvlink", {"nvlink_partitions": 0}, {"pool": racks}),
        ("attestation", {"validate_failures_bp": 8_000}, secret),
    ):
        result = isolated_run(case.seed % 1000, WELL | isolation, **more)
        assert result.isolation is not None
        told: dict[tuple[int, int], str] = {}
        for at_s, node, state, job, no in result.isolation.changes.T.tolist():
            if job >= 0 and (no or state == NodeState.ATTACHING):
                told[job, at_s] = WHYS[no] or f"node {node}, whose ports are silent"
        for job, start_s, end_s in _times(result):
            no = told.get((job, start_s))
            assert no is None or end_s <= start_s + 1, f"job {job} works for {end_s - start_s} s, refused by {no}"
            case.tried()
        if why == "exhausted":
            assert _most_at_once(result, lambda node: 0) <= 2, "more tenants at work than keys"
        if why == "nvlink":
            assert _most_at_once(result, lambda node: node // 4) == 1, "two tenants in one NVLink domain"
        if why == "attestation":
            _assert_attested(result)
        assert case.mutant or why in told.values(), f"{why}: nothing was attacked"


def _times(result: Any) -> list[tuple[int, int, int]]:
    segments = result.segments
    return list(zip(segments.job.tolist(), segments.start_s.tolist(), segments.end_s.tolist(), strict=True))


def _most_at_once(result: Any, place: Any) -> int:
    """How many trust domains work at one time in one place, at most; what is over in a second did not work."""
    changes: list[tuple[int, int, int, int]] = []
    for (_, node), holds in holds_by_node(result).items():
        for held in holds:
            if held.end_s > held.start_s + 1:
                changes += [(held.end_s, 0, place(node), held.domain), (held.start_s, 1, place(node), held.domain)]
    here, most = Counter[tuple[int, int]](), 0
    for _, begins, where, domain in sorted(changes):
        here[where, domain] += 1 if begins else -1
        most = max(most, sum(1 for (at, _), nodes in here.items() if at == where and nodes))
    return most


def _assert_attested(result: Any) -> None:
    """A confidential job works where the node was measured well at its start, or has been validated since."""
    world, terms = result.world, result.world.isolation
    plant = Plant(len(terms.nodes), PlantAnswers(terms))
    well = [list(plant.measure(node).values()) == [True, True] for node in range(len(terms.nodes))]
    validated: dict[int, int] = {}
    before: dict[int, int] = {}
    for at_s, node, state, _, _ in result.isolation.changes.T.tolist():
        if state == NodeState.FREE and before.get(node) == NodeState.VALIDATING:
            validated.setdefault(node, at_s)
        before[node] = state
    for place, (job, start_s, end_s) in enumerate(_times(result)):
        if terms.confidential[world.jobs.product[job]] and end_s > start_s + 1:
            for node in rows(result.segment_nodes[place]):
                assert well[node] or validated.get(node, end_s) <= start_s, f"job {job} on node {node}, not attested"


def _not_refused(why: Refusal) -> AbstractContextManager[object]:
    """Whatever is refused for this reason goes on as if it had begun."""
    real = Custody.claim

    def claim(self: Custody, *words: Any) -> Refusal:
        found = real(self, *words)
        return Refusal.NONE if found is why else found

    return patch.object(Custody, "claim", claim)


@mutant("N5", "the run does not wait for the network", of=test_a_start_that_isolation_refuses_is_over_in_a_second)
def no_network_is_needed() -> AbstractContextManager[object]:
    return _not_refused(Refusal.NETWORK)


@mutant("N6", "who gets no keys begins without", of=test_a_start_that_isolation_refuses_is_over_in_a_second)
def no_keys_are_needed() -> AbstractContextManager[object]:
    return _not_refused(Refusal.EXHAUSTED)


@mutant("P4", "the run asks for no partition", of=test_a_start_that_isolation_refuses_is_over_in_a_second)
def no_partition_is_needed() -> AbstractContextManager[object]:
    return _not_refused(Refusal.NVLINK)


@mutant("P8", "the run does not say what is confidential", of=test_a_start_that_isolation_refuses_is_over_in_a_second)
def nothing_is_confidential() -> AbstractContextManager[object]:
    return patch.object(warden, "Wants", lambda domain, confidential, regions: Wants(domain, False, regions))


@mutant(
    "N5", "a refusal is noted, and not told to the core", of=test_a_start_that_isolation_refuses_is_over_in_a_second
)
def refused_and_goes_on() -> AbstractContextManager[object]:
    return patch.object(warden, "Event", lambda kind, job, epoch: Event(kind, job, epoch + 99))


# -- reserved nodes ------------------------------------------------------------------------------------------

NOTICE_S, GUARANTEE_S, CLEAN_S, KEPT = 20, 90, 30, 4
PRODUCTS = tuple(
    ProductRow(
        band=band,
        guarantee_s=GUARANTEE_S if band == Band.ON_DEMAND else 0,
        rolling=band == Band.ON_DEMAND,
        notice_s=NOTICE_S if band >= Band.INTERNAL else 0,
        whole_nodes=band in (Band.RESERVED, Band.ON_DEMAND, Band.SPOT),
        requeue=True,
        checkpoint_s=60,
        restart_s=5,
    )
    for band in Band
)


@attack("P2")
def test_a_reservation_is_there_when_it_is_wanted(case: Case) -> None:
    """Everybody else, critical training too, floods eight nodes of which four are reserved and idle. Whenever their
    tenant asks within its contract, it is granted at once, and starts after one guarantee or notice, and a scrub."""
    for _ in range(25):
        world = _flooded(case.rng)
        core = world.core(policy="easy", lend="all_idle")
        asked = [job for job in range(core.jobs.count) if core.jobs.band[job] == Band.RESERVED]
        flat_drive(core, world, horizon_s=4000)
        for job in asked:
            waited_s = core.jobs.first_start_s[job] - core.jobs.submit_s[job]
            assert core.jobs.first_granted_s[job] == core.jobs.submit_s[job], "a reservation had to queue"
            assert 0 <= waited_s <= max(NOTICE_S, GUARANTEE_S) + CLEAN_S, f"it took {waited_s} s"
        case.tried()


def _flooded(rng: Any) -> SmallWorld:
    """Jobs of tenant 1 draw on its contract one after the other; those of tenants 0 and 2 take all there is."""
    rows = []
    for band in (Band.INTERNAL_CRITICAL, Band.INTERNAL, Band.ON_DEMAND, Band.SPOT):
        tenant = 0 if band in (Band.INTERNAL_CRITICAL, Band.INTERNAL) else 2
        rows += [(rng.randint(0, 900), tenant, int(band), rng.randint(1, 4), rng.randint(200, 3000)) for _ in range(6)]
    at_s = rng.randint(300, 900)
    for _ in range(3):
        run_s = rng.randint(50, 300)
        rows.append((at_s, 1, int(Band.RESERVED), rng.randint(1, KEPT), run_s))
        at_s += run_s + 2 * GUARANTEE_S + CLEAN_S + rng.randint(0, 200)
    rows.sort()
    submit, tenant, product, nodes, run_s = np.array(rows, dtype=np.int64).T
    jobs = {
        "tenant": tenant,
        "product": product,
        "pool": np.zeros_like(tenant),
        "gpus": nodes,
        "submit_s": submit,
        "run_s": run_s,
        "estimate_s": run_s,
        "patience_s": np.full_like(tenant, 1 << 40),
    }
    told = tuple((int(at), Event(EventKind.SUBMIT, row)) for row, at in enumerate(submit))
    return SmallWorld(
        pools=(PoolRow(8, 1, CLEAN_S),),
        products=PRODUCTS,
        reservations=(ReservationRow(1, 0, KEPT, 0, 10_000),),
        domains=(0, 1, 2),
        jobs=jobs,
        told=((0, Event(EventKind.CONTRACT_BEGIN, 0)), *told),
        control_interval_s=50,
    )


@mutant("P2", "a reservation is ignored while it is idle", of=test_a_reservation_is_there_when_it_is_wanted)
@contextmanager
def idle_reservations_are_taken() -> Iterator[None]:
    with patch.object(Pool, "kept_nodes", lambda self, tier: 0):
        yield


# -- names ---------------------------------------------------------------------------------------------------


@attack("P7")
def test_nobody_finds_his_neighbours_by_the_names_of_nodes(case: Case) -> None:
    """Every tenant is told its allocations of a run in which nodes change hands all the time: no name is told twice,
    and none is a real one."""
    place = case.folder / "run"
    run_folder.write(place, isolated_run(case.seed % 1000, times=3), None, "small", 'name = "small"\n', {})
    folder = run_folder.read(place)
    told = {tenant: _names(folder, tenant) for tenant in folder.names.tenants}
    seen: dict[str, str] = {}
    for tenant, names in told.items():
        for name in names:
            assert seen.setdefault(name, tenant) == tenant, f"{tenant} and {seen[name]} are told the same name"
            assert not any(part.isdecimal() for part in name.replace("/", "-").split("-")), f"{name} is a real name"
            case.tried()
    assert sum(map(len, told.values())) > 20, "nothing was attacked"


def _names(folder: Any, tenant: str) -> set[str]:
    return {name for row in allocations.allocations_of(folder, tenant) for name in row["nodes"]}


@mutant("P7", "the raw node id is in the answer", of=test_nobody_finds_his_neighbours_by_the_names_of_nodes)
@contextmanager
def raw_names() -> Iterator[None]:
    with patch.object(allocations, "pseudonym", lambda secret, tenant, raw: raw):
        yield


@mutant("P7", "one pseudonym for all tenants", of=test_nobody_finds_his_neighbours_by_the_names_of_nodes)
@contextmanager
def shared_names() -> Iterator[None]:
    told = allocations.pseudonym
    with patch.object(allocations, "pseudonym", lambda secret, tenant, raw: told(secret, "", raw)):
        yield
