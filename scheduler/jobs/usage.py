"""How much each tenant has used, with a memory that fades: a half-life, in integers.

A tenant that was idle for six days is not punished on the seventh, and one that took everything yesterday is not
forgiven at midnight (design, section 7, rows 9, 10 and 17). Usage of a band may count in part only: spot counts nothing
by default, so that taking what is left over costs nobody his turn.
"""

from collections.abc import Sequence
from math import isqrt

from scheduler.errors import TableError

ONE_BITS = 60  # fixed point of the decay factors
ONE = 1 << ONE_BITS
UNIT_BP = 10_000
SCALE_BITS = 20  # usage is kept this much finer than GPU-seconds: ticks round it thousands of times in a half-life


def _halvings() -> tuple[int, ...]:
    """2^-(1/2), 2^-(1/4), ... in fixed point."""
    found = [isqrt(ONE << (ONE_BITS - 1))]
    while len(found) < 40:
        found.append(isqrt(found[-1] << ONE_BITS))
    return tuple(found)


HALVINGS = _halvings()


def refuse_impossible_half_life(half_life_s: int) -> None:
    """Raise TableError: a half-life of 0 would switch fairness off without a word."""
    if half_life_s < 1:
        raise TableError("impossible half-life", path="half_life_s", found=half_life_s, allowed="at least 1 second")


def decayed(amount: int, elapsed_s: int, half_life_s: int) -> int:
    """Return `amount` x 2^-(elapsed / half-life), rounded to the nearest integer (V13b: within 1). O(1)."""
    factor, bits = _factor(elapsed_s, half_life_s)
    return (amount * factor + (1 << (bits - 1))) >> bits


def _factor(elapsed_s: int, half_life_s: int) -> tuple[int, int]:
    """Return 2^-(elapsed / half-life) as a numerator, and the power of two below it."""
    whole, rest = divmod(elapsed_s, half_life_s)
    factor = ONE
    for halving in HALVINGS:
        rest <<= 1
        if rest >= half_life_s:
            rest -= half_life_s
            factor = factor * halving >> ONE_BITS
    return factor, ONE_BITS + whole


class Usage:
    """The ledger: what each tenant has used, as of `at_s`."""

    __slots__ = ("at_s", "factor_bp", "half_life_s", "scaled")

    def __init__(self, tenant_count: int, half_life_s: int, factor_bp: Sequence[int]) -> None:
        """`factor_bp`: how much a GPU-second counts, by band, in basis points. Raises TableError: half-life below 1."""
        refuse_impossible_half_life(half_life_s)
        self.half_life_s = half_life_s
        self.factor_bp = tuple(factor_bp)
        self.at_s = 0
        self.scaled = [0] * tenant_count

    def add(self, tenant: int, band: int, gpu_s: int) -> None:
        """Book GPU-seconds."""
        self.scaled[tenant] += (gpu_s * self.factor_bp[band] << SCALE_BITS) // UNIT_BP

    def decay(self, now_s: int) -> None:
        """Let everything fade up to `now_s`. O(tenants)."""
        if now_s > self.at_s:
            factor, bits = _factor(now_s - self.at_s, self.half_life_s)
            half = 1 << (bits - 1)
            self.scaled = [(amount * factor + half) >> bits for amount in self.scaled]
            self.at_s = now_s

    def gpu_s(self) -> list[int]:
        """Return the faded GPU-seconds of each tenant, rounded down."""
        return [amount >> SCALE_BITS for amount in self.scaled]
