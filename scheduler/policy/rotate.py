"""Rotation: may a running job have to make way for a waiting one of its own band? Asked at control ticks only.

Everywhere else nobody is evicted inside a band. A policy that rotates gives that up on purpose: its order depends on
what jobs have been given, and without taking turns it would only bind newcomers. Who has to leave is given the notice
and the guarantee of its product, and waits again.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Runner(NamedTuple):
    """A running job of the head's tier that may be told to leave, and its rank."""

    job: int
    rank: int


# (rank of the head, who runs, first started first; whether the head fits once these have left) -> who leaves
Rotate = Callable[[int, Sequence[Runner], Callable[[Sequence[int]], bool]], list[int]]


def by_rank(head_rank: int, runners: Sequence[Runner], enough: Callable[[Sequence[int]], bool]) -> list[int]:
    """Let those leave whose rank is worse than the head's, the worst and youngest first; nobody if it is not enough.

    Who turns out not to be needed stays. Cost: O(runners) questions.
    """
    worse = [runner for runner in reversed(runners) if runner.rank > head_rank]
    chosen: list[int] = []
    for runner in sorted(worse, key=lambda runner: -runner.rank):  # stable: the youngest first inside a rank
        chosen.append(runner.job)
        if enough(chosen):
            break
    else:
        return []
    for job in list(reversed(chosen[:-1])):
        rest = [other for other in chosen if other != job]
        if enough(rest):
            chosen = rest
    return chosen


ROTATES: dict[str, Rotate] = {"by_rank": by_rank}
