"""The life cycle of a job as a table: every move that is not in it is our own mistake, and stops the run.

                                  +---------------------------- evicted, node fault (requeued)
                                  v                                              |
    NEW --submit--> PENDING --grant--> GRANTED --all nodes ready--> RUNNING --notice--> EVICTING
                     |   ^                |                            |                  |
                     |   +--claim lost----+                            +---- finish ------+--> DONE
                     +--refused, patience over--> CANCELLED <-- not requeued

GRANTED is a state (ADR 0005): quota and nodes are held from the grant on, while victims leave and nodes are scrubbed.
"""

from scheduler.events import Status

MOVES: dict[Status, frozenset[Status]] = {
    Status.NEW: frozenset({Status.PENDING, Status.CANCELLED}),
    Status.PENDING: frozenset({Status.GRANTED, Status.CANCELLED}),
    Status.GRANTED: frozenset({Status.RUNNING, Status.PENDING, Status.DONE}),
    Status.RUNNING: frozenset({Status.EVICTING, Status.DONE, Status.PENDING, Status.CANCELLED}),
    Status.EVICTING: frozenset({Status.DONE, Status.PENDING, Status.CANCELLED}),
    Status.DONE: frozenset(),
    Status.CANCELLED: frozenset(),
}

# The same table by number, for the hot path: ALLOWED[from * 8 + to].
ALLOWED = bytes(
    Status(now) in MOVES and to in MOVES[Status(now)] if now < len(Status) and to < len(Status) else False
    for now in range(8)
    for to in range(8)
)


def check_move(now: int, to: int) -> None:
    """Assert that a job may go from status `now` to status `to`."""
    assert ALLOWED[now * 8 + to], f"no move from {Status(now).name} to {Status(to).name}"


# The life of a node, as far as this core follows it. A node is free, held or claimed while HEALTHY; which of these is
# a matter of capacity (scheduler.nodes.capacity), not of its state.
NODE_MOVES: dict[str, frozenset[str]] = {
    "healthy": frozenset({"scrubbing", "draining", "down"}),
    "draining": frozenset({"down"}),
    "scrubbing": frozenset({"healthy", "down"}),
    "down": frozenset({"scrubbing", "healthy"}),  # repaired: cleaned in full first; at once where cleaning takes 0 s
}
