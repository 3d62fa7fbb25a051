"""M/M/c in two ways that share nothing with the scheduler: Erlang's formula, and a heap of servers.

Times are whole ticks, with a mean service of 100,000 of them, so that rounding shows in the fifth figure at most.
"""

import heapq

import numpy as np

SERVICE = 100_000  # ticks, mean


def erlang_c(servers: int, load: float) -> tuple[float, float]:
    """(chance to wait, mean wait over mean service) of M/M/c at `load` per server. Source: Erlang 1917; case V12."""
    offered = servers * load
    term, below = 1.0, 0.0
    for number in range(servers):
        below += term
        term *= offered / (number + 1)
    queued = term * servers / (servers - offered)
    p_wait = queued / (below + queued)
    return p_wait, p_wait / (servers - offered)


def poisson_jobs(servers: int, load: float, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(submit, run) of `count` jobs, ticks: Poisson arrivals, exponential service."""
    rng = np.random.default_rng(seed)
    submit = np.floor(np.cumsum(rng.exponential(SERVICE / (servers * load), count))).astype(np.int64)
    return submit, np.maximum(1, np.floor(rng.exponential(SERVICE, count))).astype(np.int64)


def first_come_first_served(servers: int, submit: np.ndarray, run: np.ndarray) -> list[int]:
    """Start of each job on identical servers: the next job takes the server that is free first."""
    free = [0] * servers
    starts = []
    for at, length in zip(submit.tolist(), run.tolist(), strict=True):
        start = max(at, heapq.heappop(free))
        heapq.heappush(free, start + length)
        starts.append(start)
    return starts


def waits(submit: np.ndarray, starts: list[int]) -> tuple[float, float]:
    """(share of jobs that waited, mean wait over mean service); the first tenth, while it fills up, left out."""
    wait = (np.array(starts) - submit)[len(submit) // 10 :]
    return float((wait > 0).mean()), float(wait.mean()) / SERVICE
