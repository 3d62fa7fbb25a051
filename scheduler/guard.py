"""Asking a policy, and refusing an answer that no policy may give: the one door between the core and its policies.

A policy is somebody else's function. What it returns is checked before anything is done with it, and what it was shown
cannot be written, or is compared afterwards. The checks are a few operations on sets, whatever the size of the gang; a
bad answer ends the run with a `PolicyError` that names the policy, its part and the row. Whether an answer is *good* is
none of the guard's business: only whether it would break a promise.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from scheduler.errors import PolicyError
from scheduler.nodes.capacity import Capacity, Room
from scheduler.nodes.nodeset import NodeSet, lowest
from scheduler.policies import Policy
from scheduler.policy.backfill import BACKFILLS, Backfill, Promise
from scheduler.policy.forecast import Forecast
from scheduler.policy.lend import Offer, Prices, Supply
from scheduler.policy.need import Holder, Need, vacated
from scheduler.policy.place import PLACES, Choice, Step
from scheduler.policy.victims import VICTIMS
from scheduler.state.frozen import frozen
from scheduler.state.pool import Pool
from scheduler.tables import JobTable

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives

# What a policy's own fault looks like: a write to what is read-only, or an answer of another kind than asked for.
FAULTS = (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, NameError, AssertionError)
OURS = frozenset((*PLACES.values(), *VICTIMS.values(), *BACKFILLS.values()))


def keys(policy: Policy, jobs: JobTable) -> "memoryview[int]":
    """Return the order's keys, (jobs,) int64, all different. The order is shown a table that cannot be written.

    Raises PolicyError: it writes, returns another number of keys or other things than integers, or a key twice.
    Cost: that of the order, and O(n log n) to look for keys that are there twice.
    """
    try:
        found = np.asarray(policy.order(frozen(jobs)))
    except FAULTS as error:
        raise _refused(policy, "order", None, f"fails: {_fault(error)}") from error
    if found.shape != (jobs.count,) or not np.issubdtype(found.dtype, np.integer):
        text = f"{found.dtype} of shape {found.shape}"
        raise _refused(policy, "order", None, "one integer key for each job", text, f"int64 of shape ({jobs.count},)")
    rows = np.argsort(found, kind="stable")
    twice = np.flatnonzero(found[rows[1:]] == found[rows[:-1]])
    if len(twice):
        first, second = rows[twice[0] : twice[0] + 2].tolist()
        raise _refused(policy, "order", second, f"has the key of job[{first}]", int(found[second]), "each key once")
    owned: memoryview[int] = np.array(found, dtype=np.int64).data
    return owned


def foreign(policy: Policy) -> bool:
    """Whether a part of the policy is not one of ours, so that what it is shown has to be looked at afterwards.

    Ours leave everything as it is: the contract test watches each of them on random worlds, and a run need not.
    """
    return not OURS.issuperset((policy.place, policy.victims, policy.backfill))


def place(core: "Lives", job: int, room: Room, preference: Sequence[Step]) -> Choice | None:
    """Return where the policy puts a gang, or None where it finds no room. Cost: that of the policy, and O(1).

    Raises PolicyError: it writes to the room, or returns part of a gang, a node twice, a node that others hold or that
    is out of its reach, or one that does not exist, or more than one domain for a gang that has to lie in one.
    """
    full, part = core.jobs.full[job], core.jobs.part[job]
    before = _written(room.capacity) if core.watched else None
    try:
        choice = core.policy.place(room, full, part, preference)
        if before is not None and before != _written(room.capacity):
            raise _refused(core.policy, "place", job, "writes to the room that it was shown")
        if choice is None:
            return None
        whole, partly = choice.whole, choice.part
        outside = whole & ~(room.capacity.exact[-1] & ~room.closed & room.whole_limit)
        if partly:
            outside |= partly & ~room.partly(part)
        gang = whole.bit_count() == full and partly.bit_count() == (part > 0) and not whole & partly
        if gang and not outside and (not room.within or _in_one_domain(room, whole | partly)):
            return choice
    except FAULTS as error:
        raise _refused(core.policy, "place", job, f"fails: {_fault(error)}") from error
    raise _refused(core.policy, "place", job, *_misplaced(room, choice, outside, full, part))


def victims(
    core: "Lives", job: int, renters: Iterable[Holder], sharers: Sequence[Holder], enough: Need
) -> list[Holder]:
    """Return who leaves for a granted job, as the policy chooses among those that it is shown.

    Raises PolicyError: it writes to the list of sharers, names somebody who may not be evicted, or twice, or too few.
    """
    policy, before = core.policy, list(sharers)
    shown = {holder.job: holder for holder in before}

    def watched() -> Iterator[Holder]:
        for holder in renters:
            shown[holder.job] = holder
            yield holder

    try:
        chosen = policy.victims(watched(), sharers, enough)
        if list(sharers) != before:
            raise _refused(policy, "victims", job, "writes to the gangs that it was shown")
        named = [(holder.job, holder) for holder in chosen or ()]
    except FAULTS as error:
        raise _refused(policy, "victims", job, f"fails: {_fault(error)}") from error
    seen: set[int] = set()
    for row, holder in named:
        if row not in shown and enough.rentals is not None and (renter := enough.rentals.holder(row)) is not None:
            shown[row] = renter
        if row in seen or shown.get(row) != holder:
            message = "names a victim twice" if row in seen else "names a victim that may not be evicted"
            raise _refused(policy, "victims", job, message, f"job[{row}]", "gangs of lower tiers on useful nodes, once")
        seen.add(row)
    if chosen is None or not enough(vacated(chosen, [other for other in before if other.job not in seen])):
        raise _refused(policy, "victims", job, "does not make room", f"{len(named)} gangs", "enough to start the job")
    return chosen


def watched_backfill(core: "Lives", pool: Pool) -> Backfill:
    """Return the policy's backfill rule, as one that may only be asked what ours are asked too.

    It raises PolicyError, naming the pool and the shape, when the rule writes to the room or the promise that it was
    shown, or allows more than that room.
    """
    policy = core.policy

    def refused(full: int, part: int, message: str) -> PolicyError:
        path = f"policy {policy.name}: backfill: pool[{pool.index}], a job of {full} nodes and {part} GPUs"
        return PolicyError(message, path=path, allowed="the same room, less of it, or None")

    def watched(room: Room, end_s: int, full: int, part: int, promise: Promise) -> Room | None:
        before = _written(room.capacity), _written(promise.spare)
        try:
            allowed = policy.backfill(room, end_s, full, part, promise)
            wider = allowed is not None and (allowed.capacity is not room.capacity or room.closed & ~allowed.closed)
        except FAULTS as error:
            raise refused(full, part, f"fails: {_fault(error)}") from error
        if before != (_written(room.capacity), _written(promise.spare)):
            raise refused(full, part, "writes to the room or the promise that it was shown")
        if wider:
            raise refused(full, part, "allows more than the room")
        return allowed

    return watched


def offer(policy: Policy, supply: Supply, forecast: Forecast, prices: Prices) -> Offer:
    """Return what lend offers of a pool.

    Raises PolicyError: guarantees and limits are not aligned, or not ascending from 0; a longer guarantee allows more
    nodes; or an entry is negative or more than the pool's healthy nodes.
    """
    path = f"policy {policy.name}: lend: pool[{supply.pool}]"
    try:
        found = policy.lend(supply, forecast, prices)
        guarantee_s, nodes_max = tuple(found.guarantee_s), tuple(found.nodes_max)
        whole = all(isinstance(number, int) for number in (*guarantee_s, *nodes_max))
    except FAULTS as error:
        raise PolicyError(f"fails: {_fault(error)}", path=path) from error
    wrong = ""
    if not whole or not guarantee_s or len(guarantee_s) != len(nodes_max):
        wrong = "one whole number of nodes for each guarantee"
    elif guarantee_s[0] or any(later <= earlier for earlier, later in pairwise(guarantee_s)):
        wrong = "guarantees ascending from 0 s"
    elif any(later > earlier for earlier, later in pairwise(nodes_max)):
        wrong = "no more nodes at a longer guarantee"
    elif nodes_max[-1] < 0 or nodes_max[0] > supply.healthy_nodes:
        wrong = f"0 to {supply.healthy_nodes} nodes, what the pool has"
    if wrong:
        raise PolicyError("impossible offer", path=path, found=found, allowed=wrong)
    return found


def _written(capacity: Capacity) -> tuple[list[NodeSet], dict[int, int], int]:
    """Return everything in a capacity that somebody could write to."""
    return capacity.exact.copy(), capacity.excess.copy(), capacity.free_gpus


def _misplaced(room: Room, choice: Choice, outside: NodeSet, full: int, part: int) -> tuple[str, str, str]:
    """Say what is wrong with the nodes that a policy chose, by the lowest of them."""
    known = 0
    for nodes in room.capacity.exact:
        known |= nodes
    if outside & ~known:
        return "returns a node that does not exist, or is down", f"node {_first(outside & ~known)}", "free nodes"
    if outside:
        return "returns a node that is not free", f"node {_first(outside)}", "free nodes of the room that it was shown"
    if (choice.whole.bit_count(), choice.part.bit_count()) == (full, int(part > 0)):
        twice = choice.whole & choice.part
        if twice:
            return "returns a node twice", f"node {_first(twice)}", "disjoint nodes"
        return "scatters the gang", f"{full + (part > 0)} nodes", f"one domain of level {room.within}"
    found = f"{choice.whole.bit_count()} whole nodes and {choice.part.bit_count()} in part"
    return "returns part of a gang, or more", found, f"{full} and {int(part > 0)}"


def _fault(error: Exception) -> str:
    """What a policy raised; a lone `3` of a KeyError says nothing without its name."""
    return f"{type(error).__name__}: {error}"


def _in_one_domain(room: Room, nodes: NodeSet) -> bool:
    level = room.levels[room.within - 1]
    row = int(np.searchsorted(level.first_row, _first(nodes), side="right")) - 1
    return not nodes & ~level.domains[row]


def _first(nodes: NodeSet) -> int:
    return lowest(nodes, 1).bit_length() - 1


def _refused(
    policy: Policy, part: str, job: int | None, message: str, found: object = None, allowed: str | None = None
) -> PolicyError:
    row = f": job[{job}]" if job is not None else ""
    return PolicyError(message, path=f"policy {policy.name}: {part}{row}", found=found, allowed=allowed)
