"""Sanitisation and network on the model: histories of a yard of nodes, and an attack on each thing that may be skipped.

Rows about hardware prove the scheduler's duty on a modelled plant, not that silicon was wiped.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from hypothesis import strategies as st

from isolation import Case, attack, mutant
from node_yard import BAD, Yard, machine
from scheduler.isolation import custody, rules
from scheduler.isolation.custody import Custody
from scheduler.isolation.fabric import MANAGEMENT, NO_KEYS, Fabric, IdPool
from scheduler.isolation.invariants import breaches
from scheduler.isolation.plant import Plant
from scheduler.isolation.rules import NOBODY, NodeFacts, Record, Refusal, ShareMode, Wants
from scheduler.isolation.scrub_report import FIELDS, Memory
from scheduler.isolation.states import SCRUB, NodeState

NODES, DOMAINS = 4, 4
PLAIN = [NodeFacts() for _ in range(NODES)]


def small_yard() -> Yard:
    """Four nodes, four tenants, and ids for three of them."""
    return Yard(list(PLAIN), Fabric(p_keys=3, vnis=3))


@contextmanager
def put(owner: object, name: str, value: Callable[..., Any]) -> Iterator[None]:
    with patch.object(owner, name, value):
        yield


# -- histories -----------------------------------------------------------------------------------------------


@attack("M1", "M3", "M5", "M6", "M7", "N1", "N2")
def test_no_history_leaves_anything_behind(case: Case) -> None:
    """Claims, ends, scrubs with failed and silent steps, crashes in the middle of a step, faults and repairs."""
    case.machine(machine(small_yard, DOMAINS), examples=100, steps=25)


wipe, remove, close, detach, release, scrub = (
    Plant.wipe,
    Plant.remove,
    Custody.close,
    Custody._detach,
    Custody.release,
    Custody.scrub,
)


@mutant("M1", "one memory class is not wiped", of=test_no_history_leaves_anything_behind)
@contextmanager
def local_memory_is_left() -> Iterator[None]:
    with put(Plant, "wipe", lambda self, node, memory: memory == Memory.LOCAL_MEM or wipe(self, node, memory)):
        yield


@mutant("M3", "a failed clean goes to FREE", of=test_no_history_leaves_anything_behind)
@contextmanager
def failed_clean_is_free() -> Iterator[None]:
    def free(self: Custody, node: int, state: NodeState) -> None:
        if self.records[node].state in SCRUB and state == NodeState.QUARANTINED:
            self.records[node] = Record(network=self.records[node].network)
        else:
            close(self, node, state)

    with put(Custody, "close", free):
        yield


@mutant("M5", "the state is that of the last completed step", of=test_no_history_leaves_anything_behind)
@contextmanager
def restart_trusts_the_last_step() -> Iterator[None]:
    with put(custody, "recovered", lambda records: list(records)):
        yield


@mutant("M6", "a quick recycle clears the residue tag", of=test_no_history_leaves_anything_behind)
@contextmanager
def quick_recycle_says_clean() -> Iterator[None]:
    def recycle(self: Custody, job: int, nodes: list[int]) -> None:
        release(self, job, nodes)
        for node in nodes:
            if self.records[node].state == NodeState.FREE:
                self.records[node] = self.records[node]._replace(clean=True, last_domain=NOBODY)

    with put(Custody, "release", recycle):
        yield


@mutant("M7", "a repair goes to FREE", of=test_no_history_leaves_anything_behind)
@contextmanager
def repaired_is_free() -> Iterator[None]:
    def repair(self: Custody, node: int) -> None:
        if self.records[node].state in (NodeState.DOWN, NodeState.QUARANTINED):
            self.records[node] = Record(network=self.records[node].network)
        else:
            scrub(self, node)

    with put(Custody, "scrub", repair):
        yield


@mutant("N1", "a stale P_Key is kept on the next allocation", of=test_no_history_leaves_anything_behind)
@contextmanager
def stale_key_is_kept() -> Iterator[None]:
    with put(Plant, "remove", lambda self, node: True):
        yield


@mutant("N2", "the network is detached after cleaning", of=test_no_history_leaves_anything_behind)
@contextmanager
def detached_after_cleaning() -> Iterator[None]:
    def clean_first(self: Custody, node: int) -> bool:
        for memory in Memory:
            self.plant.wipe(node, memory)
        return detach(self, node)

    with put(Custody, "_detach", clean_first):
        yield


# -- one thing at a time -------------------------------------------------------------------------------------


@attack("M4")
def test_free_means_that_every_field_was_reported_good(case: Case) -> None:
    """Any set of fields is skipped in silence or fails: the node is free exactly when the set is empty."""

    def tried(bad: dict[str, bool | None]) -> None:
        yard = small_yard()
        yard.claim([0], 1)
        yard.release(0, scrub=False)
        yard.bad = {(0, field): answer for field, answer in bad.items()}
        state = yard.scrub_fully(0)
        assert (state == NodeState.FREE) == (not bad), f"{state.name} although {sorted(bad)} is not good"
        assert bad == {} or yard.custody.blame(0) in bad

    case.given(st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(BAD), max_size=3), tried, examples=40)


@mutant("M4", "a missing field is read as ok", of=test_free_means_that_every_field_was_reported_good)
@contextmanager
def missing_is_good() -> Iterator[None]:
    with put(custody, "bad_fields", lambda report: tuple(name for name in FIELDS if report.get(name) is False)):
        yield


@attack("N5")
def test_a_crash_at_any_step_of_a_start_lands_closed(case: Case) -> None:
    """A gang starts, also on nodes that its tenant holds, and the controller is lost before each question and each
    record in turn, or a port stays silent."""
    for nodes in ([0], [0, 1], [0, 1, 2]):
        for held in (0, 1):
            crashes = 0
            while True:
                yard = small_yard()
                for job in range(held):
                    assert yard.claim([nodes[0]], 2) is Refusal.NONE, job
                yard.crash_in = crashes
                begun = yard.claim(nodes, 2) is Refusal.NONE
                _held_is_programmed(yard)
                case.tried()
                if yard.crash_in >= 0:
                    break
                assert not begun, "it began although the controller was lost on the way"
                crashes += 1
            assert begun and crashes >= 3 * len(nodes) - 2 * held, "it did not get as far"
        for silent in nodes:
            for answer in BAD:
                yard = small_yard()
                yard.bad = {(silent, "program"): answer}
                assert yard.claim(nodes, 2) is Refusal.NETWORK, f"it began without a network on node {silent}"
                _held_is_programmed(yard)
                case.tried()


def _held_is_programmed(yard: Yard) -> None:
    for node, record in enumerate(yard.custody.records):
        assert record.state != NodeState.HELD or yard.plant.ports[node] != NO_KEYS, f"node {node} has no network"


@mutant("N5", "the start does not wait for the acknowledgement", of=test_a_crash_at_any_step_of_a_start_lands_closed)
@contextmanager
def start_does_not_wait() -> Iterator[None]:
    attach = Custody.attach
    with put(Custody, "attach", lambda self, *told: attach(self, *told) or True):
        yield


@mutant("N5", "half a gang is left holding after a crash", of=test_a_crash_at_any_step_of_a_start_lands_closed)
@contextmanager
def half_a_gang_stays() -> Iterator[None]:
    real = custody._closed_if_open
    with put(custody, "_closed_if_open", lambda record, half: real(record, set())):
        yield


@attack("N6")
def test_the_last_id_is_refused_and_no_live_one_is_recycled(case: Case) -> None:
    """More tenants than ids, coming and going: whoever is refused finds every id live, and nobody gets a live one."""

    def tried(told: tuple[tuple[int, int], list[tuple[list[int], int]]]) -> None:
        (p_keys, vnis), moves = told
        net = Fabric(p_keys, vnis, partitions=2)
        yard = Yard([NodeFacts(nvlink=node // 3) for node in range(6)], net)

        def carried(nodes: Iterable[int]) -> set[int]:
            """Whose keys are on ports: what is live, whatever the pools of ids say."""
            return {net.p_keys.owner[keys.p_key] for node in nodes if (keys := yard.plant.ports[node]) != NO_KEYS}

        for nodes, domain in moves:
            held = [job for job, (its, _) in yard.running.items() if set(nodes) & set(its)]
            if held:
                yard.release(held[0], scrub=True)
            elif all(yard.state(node) == NodeState.FREE for node in nodes):
                live = carried(range(6))
                full = len(live) == min(p_keys, vnis) and domain not in live
                for first in {3 * (node // 3) for node in nodes}:
                    beside = carried(range(first, first + 3))
                    full = full or (len(beside) == 2 and domain not in beside)
                refused = yard.claim(nodes, domain)
                assert (refused is Refusal.EXHAUSTED) <= full, "an id is lost: no port carries it, and nobody gets it"
                assert not (full and refused is Refusal.NONE), "an id that is live was given away"
            for node in nodes:
                while yard.state(node) in SCRUB:
                    yard.advance(node)

    nodes = st.lists(st.integers(0, 5), min_size=1, max_size=2, unique=True)
    moves = st.lists(st.tuples(nodes, st.integers(0, 6)), max_size=30)
    case.given(st.tuples(st.sampled_from(((3, 5), (5, 3), (4, 4))), moves), tried, examples=60)


@mutant("N6", "a wrap-around allocator", of=test_the_last_id_is_refused_and_no_live_one_is_recycled)
@contextmanager
def wraps_around() -> Iterator[None]:
    def choose(self: IdPool) -> int:
        number = self._next
        self._step()
        return number

    with put(IdPool, "choose", choose):
        yield


@attack("N3", "N4")
def test_no_way_between_tenants_unless_both_asked_and_none_to_management(case: Case) -> None:
    """The closure of the route tables is held against the peerings that were asked for, drawn at random."""

    def tried(wants: set[tuple[int, int]]) -> None:
        net = Fabric(peers=wants)
        for domain in range(5):
            net.lease(domain)
        mutual = {(one, other) for one, other in wants if (other, one) in wants}
        for domain in range(5):
            routes = net.routes(domain)
            assert MANAGEMENT not in routes, f"{domain} reaches the management network"
            assert routes == {domain} | {other for one, other in mutual if one == domain}
        found = list(breaches(Custody([], net, Plant(0)), ()))
        assert not found, found[0]

    pairs = st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(lambda pair: pair[0] != pair[1])
    case.given(st.sets(pairs, max_size=12), tried, examples=60)


@mutant("N3", "one-sided peering is accepted", of=test_no_way_between_tenants_unless_both_asked_and_none_to_management)
@contextmanager
def one_side_is_enough() -> Iterator[None]:
    with put(Fabric, "both_want", lambda self, one, other: (one, other) in self.wants):
        yield


@mutant("N4", "the default route leaks", of=test_no_way_between_tenants_unless_both_asked_and_none_to_management)
@contextmanager
def default_route_leaks() -> Iterator[None]:
    routes = Fabric.routes
    with put(Fabric, "routes", lambda self, domain: routes(self, domain) | {MANAGEMENT}):
        yield


@mutant(
    "N6",
    "what was leased for a gang that is refused is lost",
    of=test_the_last_id_is_refused_and_no_live_one_is_recycled,
)
@contextmanager
def leased_and_lost() -> Iterator[None]:
    with put(Custody, "_forget", lambda self, domain, nvlinks: None):
        yield


# -- who may share, and who may be where ---------------------------------------------------------------------


def _live(custody_: Custody, node: int) -> int:
    return custody_.records[node].domain


@attack("P3")
def test_two_tenants_meet_on_a_gpu_by_mig_only(case: Case) -> None:
    """Slices of GPUs in every mode, claimed by anybody."""

    def tried(told: tuple[ShareMode, list[tuple[int, int]]]) -> None:
        mode, claims = told
        yard = Yard([NodeFacts(gpu=node // 3, share=mode) for node in range(6)], Fabric())
        for node, domain in claims:
            if yard.state(node) == NodeState.FREE:
                yard.claim([node], domain)
        for gpu in (0, 1):
            here = {_live(yard.custody, node) for node in range(3 * gpu, 3 * gpu + 3)} - {NOBODY}
            assert len(here) < 2 or mode is ShareMode.MIG, f"{sorted(here)} share a GPU by {mode.name}"

    claims = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=8)
    case.given(st.tuples(st.sampled_from(list(ShareMode)[1:]), claims), tried, examples=60)


@mutant("P3", "MPS is treated like MIG", of=test_two_tenants_meet_on_a_gpu_by_mig_only)
@contextmanager
def mps_is_mig() -> Iterator[None]:
    with put(rules, "may_share", lambda mode: mode in (ShareMode.MIG, ShareMode.MPS)):
        yield


@attack("P4")
def test_an_nvlink_domain_is_divided_by_partitions_only(case: Case) -> None:
    """Two NVLink domains, none, one or two partitions in each, and gangs that lie across both, come and go."""

    def tried(told: tuple[int, list[tuple[list[int], int]]]) -> None:
        partitions, claims = told
        yard = Yard([NodeFacts(nvlink=node // 4) for node in range(8)], Fabric(partitions=partitions))
        for nodes, domain in claims:
            held = [job for job, (its, _) in yard.running.items() if set(nodes) & set(its)]
            if held:
                yard.release(held[0], scrub=domain > 0)
                for node in range(8):
                    while yard.state(node) in SCRUB:
                        yard.advance(node)
            else:
                yard.claim(nodes, domain)
        for first in (0, 4):
            here = [node for node in range(first, first + 4) if yard.state(node) == NodeState.HELD]
            owners = {_live(yard.custody, node) for node in here}
            used = {(_live(yard.custody, node), yard.plant.ports[node].partition) for node in here}
            assert len(owners) <= max(1, partitions), "more tenants in an NVLink domain than partitions"
            assert len({number for _, number in used}) == len(owners) or len(owners) < 2, "tenants share a partition"

    nodes = st.lists(st.integers(0, 7), min_size=1, max_size=3, unique=True)
    moves = st.lists(st.tuples(nodes, st.integers(0, 2)), min_size=3, max_size=14)
    case.given(st.tuples(st.integers(0, 2), moves), tried, examples=60)


@mutant("P4", "the partition check is skipped for half racks", of=test_an_nvlink_domain_is_divided_by_partitions_only)
@contextmanager
def half_racks_are_skipped() -> Iterator[None]:
    with put(Custody, "_near", lambda self, node: iter(())):
        yield


@mutant("P4", "a partition is free when its first port is", of=test_an_nvlink_domain_is_divided_by_partitions_only)
@contextmanager
def partition_given_back_too_soon() -> Iterator[None]:
    forget = Custody._forget

    def too_soon(self: Custody, domain: int, nvlinks: set[int]) -> None:
        forget(self, domain, nvlinks)
        for nvlink in nvlinks:
            self.fabric.give_back_partition(domain, nvlink)

    with put(Custody, "_forget", too_soon):
        yield


@attack("P8")
def test_confidential_work_needs_capable_and_attested_nodes(case: Case) -> None:
    """Nodes that can and cannot, that passed and did not: at boot, after a scrub, after a repair."""

    def tried(told: tuple[list[bool], list[str], list[int]]) -> None:
        capable, failing, repaired = told
        yard = Yard([NodeFacts(confidential=can) for can in capable], Fabric())
        yard.bad = {(node, field): None for node, field in enumerate(failing) if field}
        good = set()
        for node in range(3):
            yard.custody.boot(node)
            if node in repaired:
                yard.down(node)
                yard.scrub_fully(node)
            if capable[node] and not failing[node]:
                good.add(node)
        for node in range(3):
            begun = yard.claim([node], 1, confidential=True) is Refusal.NONE
            assert begun == (node in good), f"node {node}: capable {capable[node]}, failing {failing[node]!r}"
        assert yard.custody.claim(99, [0, 1, 2], Wants(1, confidential=True)) is Refusal.NONE or len(good) < 3

    three = st.lists(st.booleans(), min_size=3, max_size=3)
    fields = st.lists(st.sampled_from(("", "", "attestation", "firmware")), min_size=3, max_size=3)
    case.given(st.tuples(three, fields, st.lists(st.integers(0, 2), max_size=2)), tried, examples=50)


@mutant("P8", "the attestation flag defaults to true", of=test_confidential_work_needs_capable_and_attested_nodes)
@contextmanager
def attested_by_default() -> Iterator[None]:
    def boot(self: Custody, node: int) -> None:
        self.records[node] = self.records[node]._replace(attested=True)

    with put(Custody, "boot", boot):
        yield
