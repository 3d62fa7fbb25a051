"""The plant: what is physically so on nodes and switches, apart from what the controller believes of it.

In the model it is kept beside the controller so that invariants can be checked against the truth, and so that a step
may fail, or be skipped in silence, whatever anybody writes down about it. Hardware rows of the catalogue are proved on
this plant: they show the scheduler's duty, not that silicon was wiped.
"""

from collections.abc import Callable

from scheduler.isolation.fabric import NO_KEYS, Keys
from scheduler.isolation.scrub_report import ATTESTATION, FIRMWARE, NET, Memory

PROGRAM = "program"
# (node, step) -> True: done and acknowledged; False: not done, and said so; None: not done, and no answer.
Answers = Callable[[int, str], bool | None]
Tag = tuple[int, Memory]  # trust domain, where it left something


def all_well(_node: int, _step: str) -> bool:
    """Every step is done and acknowledged."""
    return True


class Plant:
    """Residue and keys of every node. Only what succeeds changes them."""

    def __init__(self, nodes: int, answers: Answers = all_well) -> None:
        """Start with empty memories and ports in nobody's partition."""
        self.answers = answers
        self.residue: list[set[Tag]] = [set() for _ in range(nodes)]
        self.ports: list[Keys] = [NO_KEYS] * nodes

    def use(self, node: int, domain: int) -> None:
        """A tenant works on a node: from now on something of it lies in every class of memory."""
        self.residue[node].update((domain, memory) for memory in Memory)

    def program(self, node: int, keys: Keys) -> bool:
        """Put a node's ports into the partitions of `keys`; return whether the fabric acknowledged it."""
        if self.answers(node, PROGRAM) is not True:
            return False
        self.ports[node] = keys
        return True

    def remove(self, node: int) -> bool | None:
        """Take every key off a node's ports; return the acknowledgement."""
        answer = self.answers(node, NET)
        if answer:
            self.ports[node] = NO_KEYS
        return answer

    def wipe(self, node: int, memory: Memory) -> bool | None:
        """Erase one class of memory; return what the cleaner reports."""
        answer = self.answers(node, memory.name.lower())
        if answer:
            self.residue[node] = {tag for tag in self.residue[node] if tag[1] != memory}
        return answer

    def measure(self, node: int) -> dict[str, bool]:
        """Return the fields of firmware and attestation, as far as there was an answer."""
        found = {name: self.answers(node, name) for name in (FIRMWARE, ATTESTATION)}
        return {name: answer for name, answer in found.items() if answer is not None}
