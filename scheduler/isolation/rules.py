"""Who may have a node: one pure question, asked of every node of a gang before anything is programmed.

The gang is refused as a whole by the first node that refuses it, so nobody starts on half of his nodes. Source:
ISOLATION.md section 6, cases P1 to P8 and R1.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from scheduler.isolation.states import NodeState

NOBODY = -1  # no trust domain; 0 is the house itself


class ShareMode(IntEnum):
    """How one GPU serves several holders. Only MIG divides memory and compute in hardware."""

    WHOLE = 0  # it serves one
    MIG = 1
    MPS = 2
    TIME_SLICE = 3


class Refusal(IntEnum):
    """Why a start was refused."""

    NONE = 0
    TAKEN = 1  # another trust domain holds a node
    NOT_CLEAN = 2  # a node is not clean, and was last another's
    CLOSED = 3  # a node is being scrubbed, quarantined, down or drained
    SHARE = 4  # its GPU would be shared with another trust domain, and not by MIG
    NVLINK = 5  # its NVLink domain would be shared, and has no partitions
    CONFIDENTIAL = 6  # a confidential job, and hardware that cannot keep its memory secret
    ATTESTATION = 7  # a confidential job, and a node whose measurements nobody has confirmed
    REGION = 8  # the tenant's work may not be in this region
    EXHAUSTED = 9  # no P_Key, VNI or partition is left
    NETWORK = 10  # a port was not acknowledged


class NodeFacts(NamedTuple):
    """What does not change about a node (or about a slice, where a pool places slices)."""

    pool: int = 0
    region: int = 0
    nvlink: int = NOBODY  # NVLink domain, counted over all pools
    gpu: int = NOBODY  # the GPU that a slice is part of, counted over all pools; NOBODY: a whole node
    share: ShareMode = ShareMode.WHOLE
    confidential: bool = False  # its GPUs can keep memory and links encrypted


class Record(NamedTuple):
    """What the controller has written down about a node: it survives a crash, and is written before each action."""

    state: NodeState = NodeState.FREE
    domain: int = NOBODY  # whose claim or hold it is
    jobs: frozenset[int] = frozenset()
    last_domain: int = NOBODY  # who held it last, while it is not clean
    clean: bool = True
    network: int = NOBODY  # the trust domain whose keys its ports may carry
    attested: bool = False  # firmware and attestation were good when it was last validated
    draining: bool = False  # takes no new claim


class Wants(NamedTuple):
    """What a job asks of its nodes. `regions`: where its tenant's work may be; empty: anywhere."""

    domain: int
    confidential: bool = False
    regions: frozenset[int] = frozenset()


def refusal(facts: NodeFacts, record: Record, near: Iterable[tuple[NodeFacts, Record]], wants: Wants) -> Refusal:
    """Say why a job may not have a node, or NONE.

    `near` are the nodes that share a GPU or an NVLink domain with it, as far as somebody holds or claims them.
    """
    if wants.regions and facts.region not in wants.regions:
        return Refusal.REGION
    if wants.confidential and not facts.confidential:
        return Refusal.CONFIDENTIAL
    if wants.confidential and not record.attested:
        return Refusal.ATTESTATION
    if record.state == NodeState.ATTACHING and record.domain == wants.domain and not record.draining:
        return Refusal.NETWORK  # a port of it stayed silent in this very second: it is not asked again for the next job
    if record.draining or record.state not in (NodeState.FREE, NodeState.HELD):
        return Refusal.CLOSED
    if record.state == NodeState.HELD and record.domain != wants.domain:
        return Refusal.TAKEN
    if record.state == NodeState.FREE and not record.clean and record.last_domain != wants.domain:
        return Refusal.NOT_CLEAN
    for other, its in near:
        if its.domain in (NOBODY, wants.domain):
            continue
        if other.gpu == facts.gpu != NOBODY and not may_share(facts.share):
            return Refusal.SHARE
        if other.nvlink == facts.nvlink != NOBODY:
            return Refusal.NVLINK
    return Refusal.NONE


def may_share(mode: ShareMode) -> bool:
    """Whether a GPU in this mode may serve two trust domains at once."""
    return mode is ShareMode.MIG
