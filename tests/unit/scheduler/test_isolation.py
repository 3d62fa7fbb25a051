"""The model of the cluster's isolation, piece by piece: each invariant has a broken twin, and sees it."""

from collections.abc import Callable

import pytest

from scheduler.isolation.custody import Custody
from scheduler.isolation.fabric import ExhaustedError, Fabric, IdPool, Keys
from scheduler.isolation.invariants import OF_FABRIC, OF_NODES, breaches
from scheduler.isolation.plant import Plant
from scheduler.isolation.rules import NodeFacts, Refusal, ShareMode, Wants
from scheduler.isolation.scrub_report import FIELDS, Memory, bad_fields
from scheduler.isolation.states import IsolationError, NodeState


def custody(facts: list[NodeFacts] | None = None) -> Custody:
    facts = facts or [NodeFacts()] * 2
    made = Custody(facts, Fabric(partitions=2), Plant(len(facts)))
    assert made.claim(0, [0], Wants(1)) is Refusal.NONE
    return made


def residue(it: Custody) -> None:
    it.plant.residue[0].add((2, Memory.HBM))


def network(it: Custody) -> None:
    it.plant.ports[0] = Keys(0, 0, 0)


def clean(it: Custody) -> None:
    it.plant.use(1, 3)


def dirt(it: Custody) -> None:
    it.release(0, [0])
    it.plant.use(0, 3)


def closed(it: Custody) -> None:
    it.records[0] = it.records[0]._replace(state=NodeState.DOWN)


def shared_gpu(it: Custody) -> None:
    it.facts = [NodeFacts(gpu=0, share=ShareMode.MPS)] * 2
    it._beside = {("gpu", 0): [0, 1]}
    it.records[1] = it.records[0]._replace(domain=2)


def ids(it: Custody) -> None:
    it.fabric.vnis.of[7] = it.fabric.vnis.of[1]


def routes(it: Custody) -> None:
    it.fabric.routes = lambda domain: frozenset({domain, 9})  # type: ignore[method-assign]


TWINS: dict[str, Callable[[Custody], None]] = {
    "residue": residue,
    "network": network,
    "clean": clean,
    "dirt": dirt,
    "closed": closed,
    "sharing": shared_gpu,
    "ids": ids,
    "routes": routes,
}


@pytest.mark.parametrize("name", [*OF_NODES, *OF_FABRIC])
def test_each_invariant_sees_its_broken_twin(name: str) -> None:
    well = custody()
    assert list(breaches(well, (0, 1))) == []
    TWINS[name](well)
    assert any(f": {name}: " in line for line in breaches(well, (0, 1)))


def test_a_report_is_good_when_every_field_is() -> None:
    good = dict.fromkeys(FIELDS, True)
    assert bad_fields(good) == ()
    assert bad_fields({}) == FIELDS
    assert bad_fields(good | {"hbm": False}) == ("hbm",)
    assert bad_fields({name: True for name in FIELDS if name != "ib"}) == ("ib",)


def test_a_scrub_opens_the_node_and_gives_its_ids_back() -> None:
    it = custody()
    assert it.fabric.p_keys.of == {1: 1}
    it.release(0, [0])
    assert it.claim(1, [0], Wants(2)) is Refusal.NOT_CLEAN
    assert it.claim(2, [0], Wants(1)) is Refusal.NONE  # the same trust domain again: nothing was cleaned
    it.release(2, [0])
    it.scrub(0)
    assert it.claim(3, [0], Wants(1)) is Refusal.CLOSED
    states = [it.advance(0) for _ in range(3)]
    assert states == [NodeState.CLEANING, NodeState.VALIDATING, NodeState.FREE]
    assert it.fabric.p_keys.of == {} and it.plant.residue[0] == set()
    assert it.claim(4, [0], Wants(2)) is Refusal.NONE


def test_two_jobs_of_one_trust_domain_share_a_node_until_the_last_leaves() -> None:
    it = custody()
    assert it.claim(1, [0], Wants(1)) is Refusal.NONE
    it.release(0, [0])
    assert it.records[0].state == NodeState.HELD
    assert it.claim(2, [0], Wants(2)) is Refusal.TAKEN
    it.release(1, [0])
    assert it.records[0].state == NodeState.FREE and not it.records[0].clean


@pytest.mark.parametrize("state", [NodeState.CLEANING, NodeState.VALIDATING, NodeState.QUARANTINED, NodeState.DOWN])
def test_no_way_leads_from_a_scrub_or_a_repair_to_a_holder(state: NodeState) -> None:
    it = custody()
    it.release(0, [0])
    it.records[0] = it.records[0]._replace(state=state)
    with pytest.raises(IsolationError, match="no move from"):
        it.write(0, it.records[0]._replace(state=NodeState.HELD))


def test_draining_nodes_and_other_regions_are_refused() -> None:
    it = custody([NodeFacts(region=1), NodeFacts()])
    it.drain(1, draining=True)
    assert it.claim(5, [1], Wants(1)) is Refusal.CLOSED
    assert it.claim(6, [0], Wants(1, regions=frozenset({0}))) is Refusal.REGION


def test_an_id_pool_takes_the_id_that_was_longest_out_of_use() -> None:
    pool = IdPool("P_Key", 3)
    assert [pool.lease(domain) for domain in (5, 6, 5, 7)] == [1, 2, 1, 3]
    with pytest.raises(ExhaustedError, match="no P_Key left"):
        pool.lease(8)
    pool.give_back(6)
    assert pool.lease(8) == 2
