"""Lend, the fifth policy function: how many nodes may be sold, at which guarantee, until the next control tick."""

from collections.abc import Callable
from typing import NamedTuple

from scheduler.errors import UnknownPolicyError


class Supply(NamedTuple):
    """What a lend function is told about a pool, in nodes.

    `idle_nodes`: whole nodes that internal work and contracts leave free, whether rented out now or not.
    `reserved_unused_nodes`: how many of them contracts may call on at any time.
    """

    pool: int
    healthy_nodes: int
    idle_nodes: int
    reserved_unused_nodes: int


class Offer(NamedTuple):
    """For guarantees of up to `guarantee_s[i]` seconds, at most `nodes_max[i]` nodes may be rented out in total.

    Both are aligned, guarantees ascending; a longer guarantee never allows more nodes. A sale of guarantee g needs
    room at every entry of g or less.
    """

    guarantee_s: tuple[int, ...]
    nodes_max: tuple[int, ...]


Lend = Callable[[Supply], Offer]

NO_OFFER = Offer((0,), (0,))


def none(supply: Supply) -> Offer:
    """Sell nothing: the run without rentals, against which every delay is measured."""
    return NO_OFFER


def all_idle(supply: Supply) -> Offer:
    """Sell whatever is idle now at every guarantee: the naive upper end."""
    return Offer((0,), (supply.idle_nodes,))


def fixed_headroom(headroom_nodes: int) -> Lend:
    """Return a lend function that sells what is idle but for a fixed reserve. A baseline, not a recommendation."""

    def fixed(supply: Supply) -> Offer:
        return Offer((0,), (max(0, supply.idle_nodes - headroom_nodes),))

    return fixed


# Name -> maker; each takes the number of nodes to hold back and ignores it where it has no use for it.
LENDS: dict[str, Callable[[int], Lend]] = {
    "none": lambda headroom_nodes: none,
    "all_idle": lambda headroom_nodes: all_idle,
    "fixed_headroom": fixed_headroom,
}


def lend_by_name(name: str, headroom_nodes: int = 0) -> Lend:
    """Return the lend function of that name. Raises UnknownPolicyError with the list of names."""
    if name not in LENDS:
        raise UnknownPolicyError("unknown lend policy", path="lend", found=name, allowed=", ".join(LENDS))
    return LENDS[name](headroom_nodes)
