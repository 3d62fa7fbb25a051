"""What must hold of every node at every event, checked against the plant and not against what was written down.

(i) to (vi) of ISOLATION.md section 7, and the routes and partitions between tenants. Each is a function that yields
one line for each breach; each has a broken twin in the tests, which it must catch.
"""

from collections.abc import Callable, Iterable, Iterator

from scheduler.isolation.custody import Custody
from scheduler.isolation.fabric import MANAGEMENT, NO_KEYS, Fabric
from scheduler.isolation.rules import NOBODY, may_share
from scheduler.isolation.states import CLOSED, NodeState


def holder_finds_nothing(custody: Custody, node: int) -> Iterator[str]:
    """(i) Held: residue of the holder's own trust domain only."""
    record = custody.records[node]
    strange = {domain for domain, _ in custody.plant.residue[node]} - {record.domain}
    if record.state == NodeState.HELD and strange:
        yield f"{record.domain} finds residue of {sorted(strange)}"


def network_is_the_holders(custody: Custody, node: int) -> Iterator[str]:
    """(ii) Held: the network is exactly the holder's."""
    record = custody.records[node]
    if record.state == NodeState.HELD:
        fabric, keys = custody.fabric, custody.plant.ports[node]
        found = fabric.p_keys.owner.get(keys.p_key), fabric.vnis.owner.get(keys.vni)
        if found != (record.domain, record.domain):
            yield f"{record.domain} holds it with the network of {found}"


def clean_is_empty(custody: Custody, node: int) -> Iterator[str]:
    """(iii) Free and clean: no residue, no key."""
    record, plant = custody.records[node], custody.plant
    if record.state == NodeState.FREE and record.clean and (plant.residue[node] or plant.ports[node] != NO_KEYS):
        yield f"clean, with {len(plant.residue[node])} tags and {plant.ports[node]}"


def dirt_is_the_last_holders(custody: Custody, node: int) -> Iterator[str]:
    """(iv) Free and not clean: residue and keys of its last trust domain only."""
    record = custody.records[node]
    if record.state == NodeState.FREE and not record.clean:
        strange = {domain for domain, _ in custody.plant.residue[node]} - {record.last_domain}
        owner = custody.fabric.p_keys.owner.get(custody.plant.ports[node].p_key, NOBODY)
        if strange or owner not in (NOBODY, record.last_domain):
            yield f"last held by {record.last_domain}, with residue of {sorted(strange)} and a key of {owner}"


def closed_is_in_no_placement(custody: Custody, node: int) -> Iterator[str]:
    """(v) Scrubbed, quarantined, down: nobody's. Held: somebody's."""
    record = custody.records[node]
    if record.state in CLOSED and (record.jobs or record.domain != NOBODY):
        yield f"{record.state.name} and placed: jobs {sorted(record.jobs)}"
    if record.state == NodeState.HELD and not record.jobs:
        yield "held by no job"


def gpu_is_divided_in_hardware(custody: Custody, node: int) -> Iterator[str]:
    """Two trust domains on one GPU: by MIG only. In one NVLink domain: with a partition each."""
    mine, facts = custody.records[node], custody.facts[node]
    if mine.state != NodeState.HELD or NOBODY == facts.gpu == facts.nvlink:
        return
    for other in custody.beside(node):
        its = custody.records[other]
        if its.state != NodeState.HELD or its.domain == mine.domain:
            continue
        if custody.facts[other].gpu == facts.gpu != NOBODY and not may_share(facts.share):
            yield f"{mine.domain} shares its GPU with {its.domain} by {facts.share.name}"
        partitions = [custody.plant.ports[each].partition for each in (node, other)]
        if custody.facts[other].nvlink == facts.nvlink != NOBODY and (0 in partitions or len({*partitions}) < 2):
            yield f"{mine.domain} and {its.domain} share NVLink partition {partitions}"


def ids_are_unique(fabric: Fabric) -> Iterator[str]:
    """(vi) No two live trust domains have one P_Key, VNI or partition."""
    for pool in (fabric.p_keys, fabric.vnis, *fabric.nvlink.values()):
        back = {domain: number for number, domain in pool.owner.items()}
        if back != pool.of or len(back) != len(pool.owner):
            yield f"{pool.name}: an id has two owners, or an owner two ids"


def routes_are_wanted(fabric: Fabric) -> Iterator[str]:
    """No route that not both sides want, and none to the management network."""
    for domain in fabric.p_keys.of:
        for other in fabric.routes(domain) - {domain}:
            if other == MANAGEMENT:
                yield f"{domain} reaches the management network"
            elif {(domain, other), (other, domain)} - fabric.wants:
                yield f"{domain} reaches {other}, which does not want it"


OF_NODES: dict[str, Callable[[Custody, int], Iterator[str]]] = {
    "residue": holder_finds_nothing,
    "network": network_is_the_holders,
    "clean": clean_is_empty,
    "dirt": dirt_is_the_last_holders,
    "closed": closed_is_in_no_placement,
    "sharing": gpu_is_divided_in_hardware,
}
OF_FABRIC: dict[str, Callable[[Fabric], Iterator[str]]] = {"ids": ids_are_unique, "routes": routes_are_wanted}


def breaches(custody: Custody, nodes: Iterable[int]) -> Iterator[str]:
    """Yield every breach on these nodes and in the fabric. Cost: O(nodes + live trust domains)."""
    for node in nodes:
        for name, invariant in OF_NODES.items():
            for line in invariant(custody, node):
                yield f"node {node}: {name}: {line}"
    for name, check in OF_FABRIC.items():
        yield from (f"fabric: {name}: {line}" for line in check(custody.fabric))
