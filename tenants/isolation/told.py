"""How finely a tenant may be told of what others cause: in steps, at whole intervals, and never of a few of them.

A wait depends on everybody who waits, so an exact one would count them. It is told as the first step that it fits, as
of the beginning of the interval; a total over other tenants is told only where they are many. The numbers are here
alone: the answers are made with them, and `tenants.isolation.channels` states the bounds that follow.

Source: property C5 (a declared bound) and R3 (k at least a threshold) of the isolation catalogue.
"""

from collections.abc import Collection

WAIT_STEPS_S = (300, 900, 3_600, 14_400, 86_400)
INTERVAL_S = 300  # answers of one interval are the same answer
CROWD_MIN = 5  # tenants, the one who asks not counted


def moment_of(at_s: int) -> int:
    """Return the second as of which an answer at `at_s` is given: the beginning of its interval."""
    return at_s - at_s % INTERVAL_S


def wait_step(wait_s: int | None) -> int | None:
    """Return the least step that a wait fits, in seconds; None for a longer wait, and for one that nobody knows."""
    if wait_s is None:
        return None
    return next((step_s for step_s in WAIT_STEPS_S if wait_s <= step_s), None)


def step_bits() -> int:
    """Return how many bits one answer about a wait tells at most."""
    return len(WAIT_STEPS_S).bit_length()  # one value more than there are steps: longer, or not known


def crowd(others: Collection[str]) -> bool:
    """Whether a total over these other tenants may be told: of a few, it would tell of each."""
    return len(set(others)) >= CROWD_MIN
