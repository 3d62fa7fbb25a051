"""Rounding a whole and dealing it out: exact amounts of any denominators to whole minor units that add up."""

from collections.abc import Sequence
from math import lcm

from billing.money import BP, Exact, largest_remainder, round_half_up


def add_exact(amounts: Sequence[Exact]) -> Exact:
    """Return the sum, over the least common denominator; not reduced further."""
    whole = lcm(*(amount.denominator for amount in amounts)) if amounts else 1
    return Exact(sum(amount.numerator * (whole // amount.denominator) for amount in amounts), whole)


def share_out(amounts: Sequence[Exact], minor_micro: int) -> list[int]:
    """Return each amount in whole minor units, as micro-units, so that they add up to their exact sum rounded once.

    The sum is rounded half up; each part is the floor of its exact value or one minor unit more, by largest remainder,
    ties to the earlier one (BILLING 9.3). Negative amounts are floored too, so |part - exact| < 1 minor unit always.
    """
    if not amounts:
        return []
    whole = lcm(*(amount.denominator for amount in amounts))
    numerators = [amount.numerator * (whole // amount.denominator) for amount in amounts]
    return [part * minor_micro for part in largest_remainder(numerators, whole * minor_micro)]


def share_tax(nets_micro: Sequence[int], tax_bp: int, minor_micro: int) -> list[int]:
    """Return the tax on each net amount of one rate: tax of their sum, rounded once, dealt out by largest remainder."""
    return share_out([Exact(net * tax_bp, BP) for net in nets_micro], minor_micro)


def round_to_minor(amount: Exact, minor_micro: int) -> int:
    """Return the amount rounded half up to whole minor units, as micro-units."""
    return minor_micro * round_half_up(amount.numerator, amount.denominator * minor_micro)
