"""The mean of one long run with an interval: values that hang together are cut into batches that hardly do."""

from collections.abc import Sequence

import numpy as np

from sim.stats.estimates import LEVEL_BP, Estimate, mean_interval

BATCHES = 30


def batch_means(values: Sequence[float], batches: int = BATCHES, level_bp: int = LEVEL_BP) -> Estimate:
    """Return the mean of a stationary series and its interval; `n` of the estimate is the number of batches.

    Values at the front that fill no batch are left out. The interval is right where a batch is much longer than values
    remember each other. ValueError for fewer values than batches. Source: Law, Simulation Modeling, 9.5.3.
    """
    size = len(values) // batches
    if not size:
        raise ValueError(f"{len(values)} values are fewer than {batches} batches")
    kept = np.asarray(values, dtype=np.float64)[len(values) - size * batches :]
    return mean_interval(kept.reshape(batches, size).mean(axis=1).tolist(), level_bp)
