"""Victims: which gangs leave so that a granted job can have their nodes. Whole gangs, the smallest set found."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from scheduler.nodeset import NOTHING, NodeSet


class Holder(NamedTuple):
    """A gang of a lower tier that may be evicted. `shares`: internal work, whose nodes may hold other gangs as well."""

    job: int
    nodes: NodeSet
    shares: bool


Enough = Callable[[NodeSet], bool]  # whether the job fits once these nodes are vacated
# (renters, sharers, enough): both least important band first, youngest first inside a band. Renters are looked at one
# by one, so that a plan costs as much as it has victims, not as much as there are renters.
Victims = Callable[[Iterable[Holder], Sequence[Holder], Enough], list[Holder] | None]


def vacated(chosen: list[Holder], staying: Iterable[Holder]) -> NodeSet:
    """Return the nodes that come free when `chosen` leave and `staying` stay."""
    left = NOTHING
    for holder in chosen:
        left |= holder.nodes
    for holder in staying:
        left &= ~holder.nodes
    return left


def youngest_first(renters: Iterable[Holder], sharers: Sequence[Holder], enough: Enough) -> list[Holder] | None:
    """Take the youngest gangs of the least important band until the job fits, then drop whoever is not needed.

    The reverse walk is Kueue's rule: from the last but one back, keep a victim out if the plan still fits (V21c).
    Returns None when even all of them are not enough. Cost: O(victims), times O(sharers) where nodes are shared.
    """
    chosen: list[Holder] = []
    for holder in chain(renters, sharers):
        chosen.append(holder)
        staying = [other for other in sharers if other not in chosen]
        if enough(vacated(chosen, staying)):
            return _pruned(chosen, staying, enough)
    return None


def _pruned(chosen: list[Holder], staying: list[Holder], enough: Enough) -> list[Holder]:
    kept = list(chosen)
    for holder in reversed(chosen[:-1]):
        without = [other for other in kept if other is not holder]
        stays = [*staying, holder] if holder.shares else staying
        if enough(vacated(without, stays)):
            kept, staying = without, stays
    return kept


VICTIMS: dict[str, Victims] = {"youngest_first": youngest_first}
