"""Where the warm-up of a long run ends."""

from collections.abc import Sequence

import numpy as np

BATCH = 5


def mser5(series: Sequence[float]) -> int:
    """Return how many values at the front of a series to leave out: a multiple of 5, below half of it.

    The cut is the one that makes the standard error of the mean of what is left smallest, in batches of 5; the
    earliest of several. Source: White, Cobb and Spratt, "A comparison of five steady-state truncation heuristics for
    simulation", WSC 2000. Cost: O(n). A series of fewer than 20 values is left whole.
    """
    count = len(series) // BATCH
    if count < 4:
        return 0
    batches = np.asarray(series[: count * BATCH], dtype=np.float64).reshape(count, BATCH).mean(axis=1)
    batches = batches - batches[-1]  # around 0, so that squares of large numbers do not hide small differences
    left = count - np.arange(count)
    total, squares = batches[::-1].cumsum()[::-1], (batches**2)[::-1].cumsum()[::-1]
    spread = np.maximum(squares - total**2 / left, 0) / left.astype(np.float64) ** 2
    return int(np.argmin(spread[: (count + 1) // 2])) * BATCH
