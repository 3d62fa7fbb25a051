"""The life of a node as isolation sees it: which moves there are, and what a node in each state may be used for.

    FREE --claim--> ATTACHING --all acknowledged--> HELD --last job leaves--> FREE, not clean
     ^                  |                            (same trust domain again: claim; anybody else: scrub)
     |                  +--refused--> FREE, not clean
     +-- report good -- VALIDATING <-- CLEANING <-- DETACHING <-- scrub --- FREE, DOWN, QUARANTINED
                            |             |             |
                            +-------------+-------------+--anything bad, missing, or a restart--> QUARANTINED

A scrub can be left for FREE in one way only: every step done, every field of its report good. A repair leads to a full
scrub, never to FREE. Source: ISOLATION.md section 7.
"""

from enum import IntEnum

from scheduler.errors import SchedulerError


class IsolationError(SchedulerError):
    """A step that isolation forbids, refused before anything was done."""

    code = "scheduler.isolation"


class NodeState(IntEnum):
    """Where a node is between two holders."""

    FREE = 0  # clean, or not clean and open to its last trust domain alone
    ATTACHING = 1  # claimed; its network is being programmed
    HELD = 2
    DETACHING = 3  # scrub, first step: keys are being removed from its ports
    CLEANING = 4  # scrub, second step: memories are erased, class by class
    VALIDATING = 5  # scrub, third step: firmware is measured, attestation checked, the report read
    QUARANTINED = 6  # a step failed, or nobody knows how far it got
    DOWN = 7


SCRUB = (NodeState.DETACHING, NodeState.CLEANING, NodeState.VALIDATING)
CLOSED = (*SCRUB, NodeState.QUARANTINED, NodeState.DOWN)  # in no placement

_FAILS = frozenset({NodeState.QUARANTINED, NodeState.DOWN})
MOVES: dict[NodeState, frozenset[NodeState]] = {
    NodeState.FREE: frozenset({NodeState.ATTACHING, NodeState.DETACHING}) | _FAILS,
    NodeState.ATTACHING: frozenset({NodeState.HELD, NodeState.FREE, NodeState.DETACHING}) | _FAILS,
    NodeState.HELD: frozenset({NodeState.HELD, NodeState.FREE}) | _FAILS,
    NodeState.DETACHING: frozenset({NodeState.CLEANING}) | _FAILS,
    NodeState.CLEANING: frozenset({NodeState.VALIDATING}) | _FAILS,
    NodeState.VALIDATING: frozenset({NodeState.FREE}) | _FAILS,
    NodeState.QUARANTINED: frozenset({NodeState.DETACHING, NodeState.DOWN}),
    NodeState.DOWN: frozenset({NodeState.DETACHING}),
}


def check_move(node: int, now: NodeState, to: NodeState) -> None:
    """Raise IsolationError where a node may not go from `now` to `to`."""
    if to not in MOVES[now]:
        allowed = ", ".join(sorted(state.name for state in MOVES[now]))
        raise IsolationError(f"no move from {now.name}", path=f"node[{node}]", found=to.name, allowed=allowed)
