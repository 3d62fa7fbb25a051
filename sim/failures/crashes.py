"""What happens to jobs and not to nodes: crashes by software, and the drains that come before maintenance.

Both are events as the core is told them: (second, kind, row, number). A crash is drawn per node, second and GPU, never
per job: it hits whoever holds that GPU then.
"""

from collections.abc import Sequence

from scheduler.events import EventKind
from sim.failures.faults import Faults, Window
from sim.result import Mishap
from sim.workload.draw import DAY_S, stream


def draw_crashes(
    faults: Faults | None, pools: Sequence[tuple[str, int, int]], seed: int, horizon_s: int
) -> list[Mishap]:
    """Draw crashes before `horizon_s`; `pools` are (name, nodes, GPUs per node). Each node has its own stream."""
    found: list[Mishap] = []
    if not faults or not faults.software or not faults.software.rate_per_1000_node_days.value:
        return found
    mean_gap_s = float(1000 * DAY_S / faults.software.rate_per_1000_node_days.value)
    first = 0
    for name, count, per_node in pools:
        for index in range(count):
            rng = stream(seed, f"crashes/{name}", index)
            at_s = max(int(rng.exponential(mean_gap_s)), 1)
            while at_s < horizon_s:
                found.append((at_s, int(EventKind.JOB_CRASH), first + index, int(rng.integers(0, per_node))))
                at_s += max(int(rng.exponential(mean_gap_s)), 1)
        first += count
    return sorted(found)


def drains(windows: Sequence[Window], horizon_s: int) -> list[Mishap]:
    """Return the drain of every node that planned maintenance takes down."""
    return sorted(
        (window.drain_s, int(EventKind.DRAIN), node, window.down_s)
        for window in windows
        for node in range(window.first, window.first + window.nodes)
        if window.drain_s < horizon_s
    )
