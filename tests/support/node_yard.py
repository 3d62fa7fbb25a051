"""A yard of nodes to attack: custody, a plant whose answers are scripted, and a Hypothesis machine of histories.

Every rule is something that may befall a node. After each one all invariants are held against the plant, and on the way
the plant itself looks at what is done to it: no memory is wiped while a port still carries a key, and nobody begins on
a node where another one left something.
"""

from collections.abc import Callable, Iterable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from scheduler.isolation import custody as custody_module
from scheduler.isolation.custody import Custody
from scheduler.isolation.fabric import NO_KEYS, Fabric
from scheduler.isolation.invariants import breaches
from scheduler.isolation.plant import PROGRAM, Plant
from scheduler.isolation.rules import NodeFacts, Record, Refusal, Wants
from scheduler.isolation.scrub_report import ATTESTATION, FIRMWARE, NET, Memory
from scheduler.isolation.states import SCRUB, NodeState

MEMORIES = tuple(memory.name.lower() for memory in Memory)
ASKED = {NodeState.DETACHING: (NET,), NodeState.CLEANING: MEMORIES, NodeState.VALIDATING: (FIRMWARE, ATTESTATION)}
BAD = (False, None)  # it failed and said so; it said nothing


class CrashError(Exception):
    """The controller is gone in the middle of a step."""


class Yard:
    """Nodes, trust domains and running jobs. `bad` holds what each step of a node answers if it is not well."""

    def __init__(self, facts: list[NodeFacts], fabric: Fabric) -> None:
        self.facts, self.fabric = facts, fabric
        self.bad: dict[tuple[int, str], bool | None] = {}
        self.crash_in = -1  # the controller is lost at the so-manieth question to the plant, or record to be written
        self.failed: set[int] = set()  # a step of the scrub that they are in was not well
        self.plant = Plant(len(facts), self.answer)
        self.custody = self.controller()
        self.running: dict[int, tuple[list[int], int]] = {}
        self.next_job = 0
        for node in range(len(facts)):
            self.custody.boot(node)

    def controller(self, records: Iterable[Record] = ()) -> Custody:
        """A controller that can be lost before each record it writes."""
        custody = Custody(self.facts, self.fabric, self.plant, records)
        write = custody.write

        def written(node: int, record: Record) -> None:
            self.lost_here()
            write(node, record)

        custody.write = written  # type: ignore[method-assign]
        return custody

    def lost_here(self) -> None:
        if self.crash_in == 0:
            self.crash_in = -1
            raise CrashError
        self.crash_in -= self.crash_in > 0

    def answer(self, node: int, step: str) -> bool | None:
        self.lost_here()
        if step in MEMORIES:
            assert self.plant.ports[node] == NO_KEYS, f"node {node}: {step} is wiped while a port carries a key"
        answer = self.bad.get((node, step), True)
        if answer is not True and step != PROGRAM:
            self.failed.add(node)
        return answer

    def claim(self, nodes: list[int], domain: int, confidential: bool = False) -> Refusal:
        """A gang asks to begin; what is refused is released, as the scheduler does."""
        job, self.next_job = self.next_job, self.next_job + 1
        try:
            refused = self.custody.claim(job, nodes, Wants(domain, confidential))
        except CrashError:
            self.restart()
            return Refusal.NETWORK
        if refused:
            self.told_until_done(lambda: self.custody.release(job, nodes))
            assert not any(job in record.jobs for record in self.custody.records), "half a gang holds nodes"
        else:
            self.running[job] = (nodes, domain)
        self.check()
        return refused

    def release(self, job: int, scrub: bool) -> None:
        nodes, _ = self.running.pop(job)
        self.told_until_done(lambda: self.custody.release(job, nodes))
        for node in nodes:
            if scrub and self.state(node) == NodeState.FREE:
                self.scrub(node)
        self.check()

    def scrub(self, node: int) -> None:
        self.told_until_done(lambda: self.custody.scrub(node))
        self.failed.discard(node)
        self.check()

    def told_until_done(self, do: Callable[[], None]) -> None:
        """What the controller was told when it was lost, it is told again."""
        try:
            do()
        except CrashError:
            self.restart()
            do()

    def advance(self, node: int) -> None:
        try:
            self.custody.advance(node)
        except CrashError:
            self.restart()
        assert node not in self.failed or self.state(node) != NodeState.FREE, f"node {node} is free, and a step failed"
        self.check()

    def scrub_fully(self, node: int) -> NodeState:
        """All three steps, as far as they go."""
        self.scrub(node)
        while self.state(node) in SCRUB:
            self.advance(node)
        return self.state(node)

    def down(self, node: int) -> None:
        for job in [job for job, (nodes, _) in self.running.items() if node in nodes]:
            self.release(job, scrub=False)
        self.told_until_done(lambda: self.custody.close(node, NodeState.DOWN))
        self.check()

    def restart(self) -> None:
        """The controller comes back with what it had written down, and nothing else."""
        before = self.custody.records
        self.custody = self.controller(custody_module.recovered(before))
        for old, new in zip(before, self.custody.records, strict=True):
            assert old.state not in SCRUB or new.state == NodeState.QUARANTINED, f"{old.state.name} was reopened"
        half = {job for old in before if old.state == NodeState.ATTACHING for job in old.jobs}
        held = [record.jobs for record in self.custody.records]
        assert not half & {job for jobs in held for job in jobs}, "a gang that was half attached holds nodes"
        for node, jobs in enumerate(held):
            for job in jobs - self.running.keys():  # it had not begun: whoever knows of no such job ends it
                self.custody.release(job, [node])
        for job, (nodes, _) in list(self.running.items()):
            if not all(job in held[node] for node in nodes):
                del self.running[job]
        self.check()

    def state(self, node: int) -> NodeState:
        return self.custody.records[node].state

    def check(self) -> None:
        found = list(breaches(self.custody, range(len(self.facts))))
        assert not found, found[0]


def machine(make: Callable[[], Yard], domains: int) -> type[RuleBasedStateMachine]:
    """Histories of a yard: claims, ends, preemptions, scrubs, failed and silent steps, crashes, faults, repairs."""

    class Histories(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.yard = make()

        def nodes_in(self, *states: NodeState) -> list[int]:
            return [node for node in range(len(self.yard.facts)) if self.yard.state(node) in states]

        @rule(data=st.data(), domain=st.integers(0, domains - 1), broken=st.integers(0, 5), anywhere=st.booleans())
        def claim(self, data: st.DataObject, domain: int, broken: int, anywhere: bool) -> None:
            among = [] if anywhere else self.nodes_in(NodeState.FREE)
            among = among or list(range(len(self.yard.facts)))
            nodes = data.draw(st.lists(st.sampled_from(among), min_size=1, max_size=3, unique=True))
            self.yard.bad = {(nodes[0], "program"): BAD[broken % 2]} if broken < 2 else {}
            self.yard.claim(nodes, domain)
            self.yard.bad = {}

        @precondition(lambda self: self.yard.running)
        @rule(data=st.data(), scrub=st.booleans())
        def end(self, data: st.DataObject, scrub: bool) -> None:
            self.yard.release(data.draw(st.sampled_from(sorted(self.yard.running))), scrub)

        @precondition(lambda self: self.nodes_in(NodeState.FREE, NodeState.QUARANTINED, NodeState.DOWN))
        @rule(data=st.data())
        def scrub(self, data: st.DataObject) -> None:
            some = self.nodes_in(NodeState.FREE, NodeState.QUARANTINED, NodeState.DOWN)
            self.yard.scrub(data.draw(st.sampled_from(some)))

        @precondition(lambda self: self.nodes_in(*SCRUB))
        @rule(data=st.data(), bad=st.sampled_from((*BAD, True)))
        def step(self, data: st.DataObject, bad: bool | None) -> None:
            node = data.draw(st.sampled_from(self.nodes_in(*SCRUB)))
            self.yard.bad = {(node, data.draw(st.sampled_from(ASKED[self.yard.state(node)]))): bad}
            self.yard.advance(node)
            self.yard.bad = {}

        @precondition(lambda self: self.nodes_in(*SCRUB))
        @rule(data=st.data())
        def finish(self, data: st.DataObject) -> None:
            node = data.draw(st.sampled_from(self.nodes_in(*SCRUB)))
            while self.yard.state(node) in SCRUB:
                self.yard.advance(node)

        @rule(data=st.data())
        def fault(self, data: st.DataObject) -> None:
            up = [node for node in range(len(self.yard.facts)) if self.yard.state(node) != NodeState.DOWN]
            if up:
                self.yard.down(data.draw(st.sampled_from(up)))

        @rule(after=st.integers(0, 4))
        def crash(self, after: int) -> None:
            """At once, or in the middle of what comes next."""
            self.yard.crash_in = after or -1
            if not after:
                self.yard.restart()

    return Histories
