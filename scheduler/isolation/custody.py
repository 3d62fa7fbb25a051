"""Custody: who has which node, from claim to clean, written down before each action.

The scheduler decides where a job goes; custody decides whether it may begin there, and under which conditions a node
may be offered again. Nothing here knows a clock: whoever drives it says when a step is done. A node's record is written
before the plant is touched, so a restart finds at worst a step that was begun, and closes the node (`recovered`).
Source: ISOLATION.md section 7.
"""

from collections.abc import Iterable, Iterator, Sequence

from scheduler.isolation.fabric import ExhaustedError, Fabric, Keys
from scheduler.isolation.plant import Plant
from scheduler.isolation.rules import NOBODY, NodeFacts, Record, Refusal, Wants, refusal
from scheduler.isolation.scrub_report import ATTESTATION, FIRMWARE, NET, Memory, bad_fields
from scheduler.isolation.states import SCRUB, NodeState, check_move


class Custody:
    """All nodes of a cluster. Nodes are rows that count over all pools."""

    def __init__(
        self, facts: Sequence[NodeFacts], fabric: Fabric, plant: Plant, records: Iterable[Record] = ()
    ) -> None:
        """`records`: what an earlier life has written down; default: all free, clean and not attested."""
        self.facts, self.fabric, self.plant = facts, fabric, plant
        self.records = list(records) or [Record()] * len(facts)
        self.reports: dict[int, dict[str, bool]] = {}  # of scrubs under way: lost in a crash, on purpose
        self._beside: dict[tuple[str, int], list[int]] = {}
        for node, each in enumerate(facts):
            for kind, number in (("gpu", each.gpu), ("nvlink", each.nvlink)):
                if number != NOBODY:
                    self._beside.setdefault((kind, number), []).append(node)
        self._carried: dict[int, set[int]] = {}  # trust domain -> nodes whose ports may carry its keys
        for node, record in enumerate(self.records):
            if record.network != NOBODY:
                self._carried.setdefault(record.network, set()).add(node)

    # -- holding ---------------------------------------------------------------------------------------------------

    def claim(self, job: int, nodes: Sequence[int], wants: Wants) -> Refusal:
        """Program the network of a gang and let it begin; NONE: it has. Otherwise it has not, on any node.

        Ports that did not acknowledge, and those that did before them, keep ATTACHING until the job is released.
        Cost: O(nodes, and nodes that share a GPU or NVLink domain with them).
        """
        for node in nodes:
            no = refusal(self.facts[node], self.records[node], self._near(node), wants)
            if no is not Refusal.NONE:
                return no
        try:
            keys = {node: self.fabric.lease(wants.domain, self.facts[node].nvlink) for node in nodes}
        except ExhaustedError:
            self._forget(wants.domain, {self.facts[node].nvlink for node in nodes})
            return Refusal.EXHAUSTED
        if not self.attach(job, nodes, wants.domain, keys):
            return Refusal.NETWORK
        for node in nodes:
            record = self.records[node]
            self.write(node, record._replace(state=NodeState.HELD, clean=False, jobs=record.jobs | {job}))
            self.plant.use(node, wants.domain)
        return Refusal.NONE

    def attach(self, job: int, nodes: Sequence[int], domain: int, keys: dict[int, Keys]) -> bool:
        """Program every port that does not carry its keys yet; return whether all have acknowledged."""
        acknowledged = True
        for node in nodes:
            record = self.records[node]
            if record.state == NodeState.HELD:
                continue
            claimed = record._replace(state=NodeState.ATTACHING, domain=domain, network=domain, jobs=frozenset({job}))
            self.write(node, claimed)
            acknowledged = self.plant.program(node, keys[node]) and acknowledged
        return acknowledged

    def release(self, job: int, nodes: Iterable[int]) -> None:
        """A job leaves its nodes: they are not clean, and stay with their trust domain until they are scrubbed."""
        for node in nodes:
            record = self.records[node]
            jobs = record.jobs - {job}
            if record.state not in (NodeState.HELD, NodeState.ATTACHING) or job not in record.jobs:
                continue
            if jobs:
                self.write(node, record._replace(jobs=jobs))
            else:
                left = record._replace(state=NodeState.FREE, domain=NOBODY, jobs=jobs, clean=False)
                self.write(node, left._replace(last_domain=record.domain))

    # -- cleaning --------------------------------------------------------------------------------------------------

    def scrub(self, node: int) -> None:
        """Begin a full scrub, from the first step, whatever was done before."""
        self.reports[node] = {}
        self.write(node, self.records[node]._replace(state=NodeState.DETACHING, clean=False, attested=False))

    def advance(self, node: int) -> NodeState:
        """Do the step of its scrub that a node is in; return its new state: the next step, FREE, or QUARANTINED."""
        step = {
            NodeState.DETACHING: self._detach,
            NodeState.CLEANING: self._clean,
            NodeState.VALIDATING: self._validate,
        }
        good = step[self.records[node].state](node)
        if not good:
            self.close(node, NodeState.QUARANTINED)
        return self.records[node].state

    def _detach(self, node: int) -> bool:
        """Take the keys off; only an acknowledgement lets the cleaning begin."""
        answer = self.plant.remove(node)
        self._report(node, {NET: answer})
        if not answer:
            return False
        self.detached(node)
        self.write(node, self.records[node]._replace(state=NodeState.CLEANING))
        return True

    def _clean(self, node: int) -> bool:
        if self.records[node].network != NOBODY:
            return False  # cleaning never begins beside a live key
        answers = {memory.name.lower(): self.plant.wipe(node, memory) for memory in Memory}
        self._report(node, answers)
        if False in answers.values():  # what was not answered at all is found when the report is read
            return False
        self.write(node, self.records[node]._replace(state=NodeState.VALIDATING))
        return True

    def _validate(self, node: int) -> bool:
        """Measure, and read the whole report: one field that is bad or missing closes the node."""
        self._report(node, dict(self.plant.measure(node)))
        if bad_fields(self.reports[node]):
            return False
        self.write(node, Record(attested=True, draining=self.records[node].draining))
        return True

    def _report(self, node: int, answers: dict[str, bool | None]) -> None:
        told = {name: answer for name, answer in answers.items() if answer is not None}
        self.reports.setdefault(node, {}).update(told)

    def detached(self, node: int) -> None:
        """Note that no key is on a node's ports; ids that are on no port any more are free again."""
        domain = self.records[node].network
        self.write(node, self.records[node]._replace(network=NOBODY))
        if domain != NOBODY:
            self._forget(domain, {self.facts[node].nvlink})

    def _forget(self, domain: int, nvlinks: set[int]) -> None:
        """Give back the ids of a trust domain that no port carries, and its partitions of these NVLink domains."""
        carried = self._carried.get(domain, set())
        for nvlink in nvlinks - {self.facts[other].nvlink for other in carried}:
            self.fabric.give_back_partition(domain, nvlink)
        if not carried:
            self.fabric.give_back(domain)

    def blame(self, node: int) -> str:
        """Return the first field of a node's latest report that is not good; "" where all are."""
        return next(iter(bad_fields(self.reports.get(node, {}))), "")

    # -- what befalls nodes ----------------------------------------------------------------------------------------

    def close(self, node: int, state: NodeState) -> None:
        """Take a node out: QUARANTINED or DOWN. Tags, keys and last trust domain stay known; jobs must have left."""
        record = self.records[node]
        last = record.domain if record.domain != NOBODY else record.last_domain
        closed = record._replace(state=state, domain=NOBODY, jobs=frozenset(), clean=False, last_domain=last)
        self.write(node, closed._replace(attested=False))

    def drain(self, node: int, draining: bool) -> None:
        """Take no new claim on a node (or again)."""
        self.records[node] = self.records[node]._replace(draining=draining)

    def boot(self, node: int) -> None:
        """Measure a node before its first holder. What does not pass is not attested, and may not be confidential."""
        found = self.plant.measure(node)
        good = found.get(FIRMWARE) is True and found.get(ATTESTATION) is True
        self.records[node] = self.records[node]._replace(attested=good)

    # -- records ---------------------------------------------------------------------------------------------------

    def write(self, node: int, record: Record) -> None:
        """Persist a record; only moves of the life cycle pass. Raises IsolationError."""
        now = self.records[node]
        if record.state != now.state:
            check_move(node, now.state, record.state)
        if record.network != now.network:
            if now.network != NOBODY:
                self._carried[now.network].discard(node)
            if record.network != NOBODY:
                self._carried.setdefault(record.network, set()).add(node)
        self.records[node] = record

    def _near(self, node: int) -> Iterator[tuple[NodeFacts, Record]]:
        """The nodes that share a GPU with this one, or an NVLink domain that cannot be divided."""
        for other in self.beside(node):
            if self.facts[other].gpu == self.facts[node].gpu != NOBODY or not self.fabric.partitions:
                yield self.facts[other], self.records[other]

    def beside(self, node: int) -> list[int]:
        """Return the other nodes that share a GPU or an NVLink domain with this one."""
        facts = self.facts[node]
        found = [*self._beside.get(("gpu", facts.gpu), ()), *self._beside.get(("nvlink", facts.nvlink), ())]
        return [other for other in found if other != node]


def recovered(records: Sequence[Record]) -> list[Record]:
    """Return what the records mean after a crash: whatever was under way is closed, with its tags and keys.

    A gang that was being attached holds none of its nodes. One that is held stays held: its network had been
    acknowledged before its record said so.
    """
    half = {job for record in records if record.state == NodeState.ATTACHING for job in record.jobs}
    return [_closed_if_open(record, half) for record in records]


def _closed_if_open(record: Record, half: set[int]) -> Record:
    jobs = record.jobs - half
    if record.state not in (*SCRUB, NodeState.ATTACHING) and (jobs or record.state != NodeState.HELD):
        return record._replace(jobs=jobs)
    last = record.domain if record.domain != NOBODY else record.last_domain
    closed = record._replace(state=NodeState.QUARANTINED, domain=NOBODY, jobs=frozenset(), clean=False)
    return closed._replace(last_domain=last, attested=False)
