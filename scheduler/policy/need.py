"""What victims have to make room for, and what it takes to see each of them off: what rules for victims are told."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.nodes.nodeset import NOTHING, NodeSet

IntArray = NDArray[np.int64]


class Holder(NamedTuple):
    """A gang of a lower tier that may be evicted. `shares`: internal work, whose nodes may hold other gangs as well."""

    job: int
    nodes: NodeSet
    shares: bool


class Parting(NamedTuple):
    """What it takes to see a gang off: the service credit, and the work lost since its checkpoint at the job's price.

    `start_s` is that of its allocation; a claim, which loses nothing, has the time of its grant.
    """

    tier: int
    leave_s: int
    cost_micro_usd: int
    start_s: int
    gpus: int


class Ledger(NamedTuple):
    """What is known of a pool's rentals so far: evictions, those that ran to their end, GPUs, and since when."""

    evicted: int
    kept: int
    gpus: int
    now_s: int


class Partings(NamedTuple):
    """What it takes to see many gangs off: columns of `Parting`, (gangs,) int64; tier 0 for who may not be evicted."""

    tier: IntArray
    leave_s: IntArray
    cost_micro_usd: IntArray
    start_s: IntArray


class Rentals(NamedTuple):
    """The renters that may be evicted, for rules that compare thousands of them at once.

    `owner` is the job that rents each node of the pool, -1 for nobody, (nodes,) int64. `lacking` says how many whole
    nodes renters have to vacate in a domain, whichever they are, until the job fits there.
    """

    owner: IntArray
    lacking: Callable[[NodeSet], int]
    partings: Callable[[IntArray], Partings | None]
    holder: Callable[[int], Holder | None]  # of a job; None for who may not be evicted
    line: Callable[[], Iterable[int]]  # jobs in the order in which rules are shown them, and others


Enough = Callable[[NodeSet], bool]  # whether the job fits once these nodes are vacated


@dataclass(frozen=True, slots=True)
class Need:
    """What the victims have to make room for. Calling it says whether the job fits once these nodes are vacated.

    `domains` are those that can hold the job once every lower tier has left them, the whole pool where it may lie
    anywhere. `missing` are the whole nodes that a domain still lacks; -1 where that cannot be said in whole nodes.
    """

    inside: Callable[[NodeSet, NodeSet], bool]  # (vacated nodes, domain) -> whether the job fits in that domain
    domains: Callable[[], Sequence[NodeSet]]
    missing: Callable[[NodeSet], int]
    parting: Callable[[int], Parting]  # of a gang, by its job
    ledger: Callable[[], Ledger]
    fresh: NodeSet = -1  # nodes that are gained when a gang leaves: not those that another one is leaving already
    rentals: Rentals | None = None  # where there are many, and vacant nodes can be counted

    def __call__(self, vacant: NodeSet) -> bool:
        return self.inside(vacant, -1)


class Ranked(list[Holder]):
    """The victims of the best plan, with the domain it is for, the plan that came second, and what decided."""

    domain: NodeSet = -1
    runner_up: Sequence[Holder] = ()
    decided_by: str = ""


def vacated(chosen: list[Holder], staying: Iterable[Holder]) -> NodeSet:
    """Return the nodes that come free when `chosen` leave and `staying` stay."""
    left = NOTHING
    for holder in chosen:
        left |= holder.nodes
    for holder in staying:
        left &= ~holder.nodes
    return left
