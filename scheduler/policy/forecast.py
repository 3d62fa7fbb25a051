"""What internal work may ask for next, from nothing but its past and from what has been announced.

Time is cut into slots of an hour. For each slot the history keeps the demand at its first control tick and the highest
one seen in it. A forecast asks: when it was like now before (the same hour of the week first, then the same hour of the
day, then any hour, the latest first), how far did demand rise within the horizon? Each such rise on top of the demand
of now is one sample of the peak to come. What happens between two control ticks is not seen.

Before there is a history, nothing is known, and that is what a forecast says: each sample that is missing stands at the
size of the whole pool. So nothing risky is sold in the first days; only what is sold at any risk is.
"""

from math import isqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]

SAMPLES = 64
HOUR_S, DAY_S = 3_600, 86_400
# (length of a season, most slots taken from it): eight weeks back, four weeks of days, then whatever is recent.
SEASONS = ((7 * DAY_S, 8), (DAY_S, 28), (0, SAMPLES))
TENANT_SAMPLES_MIN = 24  # fewer give no variance worth the name
UNIT_BP = 10_000


class Forecast(NamedTuple):
    """What a lend function is told of the demand to come, in nodes of one pool.

    Args:
        horizon_s:  (H,) seconds, ascending.
        peak_nodes: (S, H) int64, samples of the peak within each horizon; each column ascends.
        need_nodes: what the tenants' forecast asks for at its quantile, 1, 2, ... slots of `slot_s` ahead.
    """

    horizon_s: tuple[int, ...]
    peak_nodes: IntArray
    need_nodes: tuple[int, ...] = ()
    slot_s: int = HOUR_S


NO_FORECAST = Forecast((), np.zeros((0, 0), dtype=np.int64))


class History:
    """Demand by slot: row 0 the level at the first tick of a slot, row 1 the highest seen in it, then more levels."""

    def __init__(self, more: int = 0) -> None:
        """`more`: further series of which only the level is kept, such as one for each tenant."""
        self.slots = 0  # begun so far; the last one is not over yet
        self._rows = np.zeros((2 + more, 256), dtype=np.int64)

    @property
    def level(self) -> IntArray:
        """Demand at the start of each slot, (slots,)."""
        return self._rows[0, : self.slots]

    @property
    def peak(self) -> IntArray:
        """Highest demand seen in each slot, (slots,)."""
        return self._rows[1, : self.slots]

    @property
    def more(self) -> IntArray:
        """Levels of the further series, (series, slots)."""
        return self._rows[2:, : self.slots]

    def begins(self, slot: int) -> bool:
        """Whether `slot` is a new one."""
        return slot >= self.slots

    def note(self, slot: int, level: int, more: IntArray | None = None) -> None:
        """Note the demand seen at a tick in `slot`; slots without a tick repeat the one before. O(1), amortised."""
        if slot < self.slots:
            self._rows[1, slot] = max(int(self._rows[1, slot]), level)
            return
        while slot >= self._rows.shape[1]:
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)], axis=1)
        if self.slots:
            last = self._rows[:, self.slots - 1 : self.slots].copy()
            last[1] = last[0]
            self._rows[:, self.slots : slot] = last
        self._rows[0, slot] = self._rows[1, slot] = level
        if more is not None:
            self._rows[2:, slot] = more
        self.slots = slot + 1


def slots_of(horizon_s: int, slot_s: int) -> int:
    """Return how many slots a horizon spans, at least 1."""
    return max(1, -(-horizon_s // slot_s))


def anchors(slot: int, span: int, slot_s: int) -> IntArray:
    """Return past slots that are like `slot`, each followed by `span` slots that are known at its beginning.

    At most SAMPLES of them, the most alike first: same hour of the week, same hour of the day, any; later before
    earlier. Cost: O(SAMPLES).
    """
    found: dict[int, None] = {}
    for season_s, most in SEASONS:
        step = max(1, season_s // slot_s)
        taken = 0
        for age in range(-(-span // step) * step, slot + 1, step):
            if taken == most or len(found) == SAMPLES:
                break
            if slot - age not in found:
                found[slot - age] = None
                taken += 1
    return np.array(list(found), dtype=np.int64)


def rises(history: History, slot: int, span: int, slot_s: int) -> IntArray:
    """Return by how much demand rose within `span` slots, at each anchor of `slot`; ascending, (<= SAMPLES,) int64."""
    at = anchors(slot, span, slot_s)
    window = at[:, None] + np.arange(span, dtype=np.int64)
    return np.sort(history.peak[window].max(axis=1, initial=0) - history.level[at])


def peak_samples(now_nodes: int, risen: IntArray, announced_nodes: int, pool_nodes: int) -> IntArray:
    """Return the samples of the peak within one horizon, ascending, (SAMPLES,) int64.

    Args:
        now_nodes:       internal demand of now.
        risen:           rises seen in the past, ascending.
        announced_nodes: what runs that are announced, but not submitted, will ask for within the horizon.
        pool_nodes:      the pool's size: no sample lies above it, and missing ones lie there.
    """
    found = np.full(SAMPLES, pool_nodes, dtype=np.int64)
    found[: len(risen)] = np.minimum(risen + (now_nodes + announced_nodes), pool_nodes)
    return found


class Change(NamedTuple):
    """How the tenants' demand together changes over some slots: the sum of their means and of their variances."""

    mean: int
    variance: int


def tenant_change(history: History, slot: int, ahead: int, slot_s: int) -> Change | None:
    """Return how demand of all tenants changes `ahead` slots from `slot`; None while too little is known.

    Tenants are taken as independent, each with the mean and the variance of its changes at the anchors, rounded down.
    """
    at = anchors(slot, ahead, slot_s)
    count = len(at)
    if count < TENANT_SAMPLES_MIN:
        return None
    change = history.more[:, at + ahead] - history.more[:, at]
    total, squares = change.sum(axis=1), (change * change).sum(axis=1)
    return Change(int((total // count).sum()), int(((count * squares - total * total) // (count * count)).sum()))


def requirement(mean: int, variance: int, z_bp: int, capacity: int) -> int:
    """Return R = clip(floor(mu + z sigma), 0, C): demand at a quantile, if it were normal.

    `mean` and `variance` are the sums over tenants, `z_bp` the normal quantile in basis points. Source: GFS, design
    section 5.9; case V19.
    """
    return min(max(mean + isqrt(variance * z_bp * z_bp) // UNIT_BP, 0), capacity)
