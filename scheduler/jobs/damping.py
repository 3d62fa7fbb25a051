"""Requeue damping: whoever fails again and again waits longer each time, and in the end may push nobody aside.

One published crash loop of a 1,024-GPU job was queued again 35 times and evicted 548 others on the way (case V15). The
n-th restart within a window waits min(base x 2^n, longest); after a number of quick failures the job may evict nobody
until a run of it has lasted for a health check.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Damping(NamedTuple):
    """Terms of requeue damping, seconds; `quick_failures` of them in a row forbid evictions. Source: the design's 8.6;
    its defaults rest on no measurement."""

    base_s: int = 30
    longest_s: int = 3600
    window_s: int = 86_400
    quick_failures: int = 3
    health_s: int = 1800


def pause_s(damping: Damping, restart: int) -> int:
    """Return how long the n-th restart within the window waits, n counted from 1.

    >>> [pause_s(Damping(), restart) for restart in (1, 2, 6, 7, 40)]
    [60, 120, 1920, 3600, 3600]
    """
    return min(damping.base_s << min(restart, 40), damping.longest_s)


class Damper:
    """Remembers failures, for jobs that have any. O(failures inside the window) for each failure."""

    def __init__(self, damping: Damping) -> None:
        self.damping = damping
        self._failed_at: dict[int, Sequence[int]] = {}
        self._quick: dict[int, int] = {}

    def failed(self, job: int, now_s: int) -> int:
        """Note a failure; return the seconds that the restart has to wait."""
        recent = [at_s for at_s in self._failed_at.get(job, ()) if at_s > now_s - self.damping.window_s]
        self._failed_at[job] = [*recent, now_s]
        return pause_s(self.damping, len(recent) + 1)

    def ran(self, job: int, length_s: int, failed: bool) -> None:
        """Note how long a run lasted: long enough is a passed health check, however it ended."""
        if length_s >= self.damping.health_s:
            self._quick.pop(job, None)
        elif failed:
            self._quick[job] = self._quick.get(job, 0) + 1

    def is_meek(self, job: int) -> bool:
        """Whether the job may evict nobody for now."""
        return self._quick.get(job, 0) >= self.damping.quick_failures
