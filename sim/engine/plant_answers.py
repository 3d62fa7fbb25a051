"""How often steps of the network and of a scrub fail: every answer of the plant, fixed when the world is built.

Whether the third scrub of node 7 fails is a function of the world's draw, the node, the step and the number of the try,
and of nothing else: neither of who held it nor of when. So a run with rentals and one without meet the same faults as
long as their nodes go the same way.
"""

from collections import Counter
from hashlib import blake2b

from scheduler.isolation.plant import PROGRAM
from scheduler.isolation.scrub_report import ATTESTATION, FIRMWARE, NET, Memory
from sim.result import IsolationTerms
from sim.workload.draw import UNIT_BP

MEMORIES = tuple(memory.name.lower() for memory in Memory)
MEASURED = (FIRMWARE, ATTESTATION)


class PlantAnswers:
    """Answers in the order of the questions. Half of the failures are silent: no answer instead of a bad one."""

    def __init__(self, terms: IsolationTerms) -> None:
        net_bp, clean_bp, validate_bp, attach_bp = terms.failures_bp
        self._key = terms.draw.to_bytes(8, "big")
        # A step fails in so many of so many tries; a rate for all memories together is shared among them.
        self._rates = {NET: (net_bp, 1), PROGRAM: (attach_bp, 1)}
        self._rates |= dict.fromkeys(MEMORIES, (clean_bp, len(MEMORIES)))
        self._rates |= dict.fromkeys(MEASURED, (validate_bp, len(MEASURED)))
        self._asked: Counter[tuple[int, str]] = Counter()

    def __call__(self, node: int, step: str) -> bool | None:
        """Answer for the next try of a step on a node. Cost: one hash, where the step can fail at all."""
        rate_bp, shared = self._rates[step]
        if not rate_bp:
            return True
        self._asked[node, step] += 1
        asked = f"{node}/{step}/{self._asked[node, step]}".encode()
        drawn = int.from_bytes(blake2b(asked, key=self._key, digest_size=8).digest(), "big")
        if drawn % (UNIT_BP * shared) >= rate_bp:
            return True
        return None if drawn >> 63 else False
