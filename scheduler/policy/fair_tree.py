"""Fair tree: who is next by right, over a tree of tenants. Slurm's algorithm in integers.

Among siblings the one that has used least of its share comes first: level fair share = (own shares / shares of all
siblings) / (own usage / usage of all siblings), infinite for who has used nothing. The tree is walked depth first in
that order, so no tenant of an account comes before a tenant of an account that stands better. Siblings that stand
equally well are merged: their children are compared as if they were siblings (design, section 5.7; V13).
"""

from collections.abc import Sequence
from functools import cmp_to_key
from typing import NamedTuple

from scheduler.errors import TableError

Level = tuple[int, int]  # numerator, denominator: infinite where the denominator is 0
USUAL_HALF_LIFE_S = 604_800
USUAL_FACTOR_BP = (10_000, 10_000, 10_000, 10_000, 0)  # by band: spot takes what is left over and counts nothing


class ShareRow(NamedTuple):
    """A node of the tree. `parent` is another row, -1 the root; `tenant` -1 is an account, which only has children."""

    parent: int
    shares: int
    tenant: int = -1


class FairShare(NamedTuple):
    """How past usage counts, and whose right it is to be next. An empty tree: all tenants are equal."""

    tree: tuple[ShareRow, ...] = ()
    half_life_s: int = USUAL_HALF_LIFE_S
    factor_bp: tuple[int, ...] = USUAL_FACTOR_BP


USUAL_SHARE = FairShare()


def whole_tree(tree: Sequence[ShareRow], tenant_count: int) -> tuple[ShareRow, ...]:
    """Return the tree with every tenant in it: who is not mentioned has one share at the root.

    Raises TableError, naming the row: shares below 0, a parent that is no account or does not come before its child, a
    tenant that does not exist or stands there twice.
    """
    seen: set[int] = set()
    for row, (parent, shares, tenant) in enumerate(tree):
        wrong = ""
        if shares < 0:
            wrong = "shares of 0 or more"
        elif not -1 <= parent < row or (parent >= 0 and tree[parent].tenant >= 0):
            wrong = "an account of an earlier row as parent, or -1"
        elif tenant in seen or not -1 <= tenant < tenant_count:
            wrong = f"each tenant of 0 to {tenant_count - 1} once, or -1 for an account"
        if wrong:
            raise TableError("impossible share", path=f"share[{row}]", found=tuple(tree[row]), allowed=wrong)
        if tenant >= 0:
            seen.add(tenant)
    return (*tree, *(ShareRow(-1, 1, tenant) for tenant in range(tenant_count) if tenant not in seen))


def used_by(tree: Sequence[ShareRow], usage: Sequence[int]) -> list[int]:
    """Return what each row of the tree has used, accounts with all below them. O(rows)."""
    used = [usage[row.tenant] if row.tenant >= 0 else 0 for row in tree]
    for place in range(len(tree) - 1, -1, -1):
        if tree[place].parent >= 0:
            used[tree[place].parent] += used[place]
    return used


def level_shares(tree: Sequence[ShareRow], usage: Sequence[int]) -> list[Level]:
    """Return the level fair share of each row, as a fraction. `usage`: of each tenant, in any unit. O(rows)."""
    used = used_by(tree, usage)
    shares_of: dict[int, int] = {}
    used_of: dict[int, int] = {}
    for place, row in enumerate(tree):
        shares_of[row.parent] = shares_of.get(row.parent, 0) + row.shares
        used_of[row.parent] = used_of.get(row.parent, 0) + used[place]
    found: list[Level] = []
    for place, row in enumerate(tree):
        if not row.shares:
            found.append((0, 1))
        elif not used[place]:
            found.append((1, 0))
        else:
            found.append((row.shares * used_of[row.parent], used[place] * shares_of[row.parent]))
    return found


def fair_places(tree: Sequence[ShareRow], usage: Sequence[int]) -> tuple[int, ...]:
    """Return how many tenants come before each, by right: (tenants,), equal where they stand equally well.

    `tree` holds every tenant (`whole_tree`). Cost: O(rows log rows).
    """
    if all(row[:2] == (-1, tree[0].shares) and row.tenant >= 0 for row in tree):  # without shares all stand equally
        return _places_of_equals(usage) if tree and tree[0].shares else (0,) * len(usage)
    levels, used = level_shares(tree, usage), used_by(tree, usage)
    children: dict[int, list[int]] = {}
    for place, row in enumerate(tree):
        children.setdefault(row.parent, []).append(place)
    found = [0] * len(usage)
    count = 0

    def better(one: int, other: int) -> int:
        left, right = levels[one][0] * levels[other][1], levels[other][0] * levels[one][1]
        return (left < right) - (left > right)

    def walk(siblings: list[int]) -> None:
        nonlocal count
        if len({(tree[place].parent, tree[place].shares) for place in siblings}) == 1:
            ordered = sorted(siblings, key=used.__getitem__)  # the same order, without a comparison of fractions
        else:
            ordered = sorted(siblings, key=cmp_to_key(better))
        first = 0
        while first < len(ordered):
            last = first + 1
            while last < len(ordered) and not better(ordered[first], ordered[last]):
                last += 1
            equal, first = ordered[first:last], last
            tenants = [tree[place].tenant for place in equal if tree[place].tenant >= 0]
            for tenant in tenants:
                found[tenant] = count
            count += len(tenants)
            merged = [child for place in equal for child in children.get(place, ())]
            if merged:
                walk(merged)

    walk(children.get(-1, []))
    return tuple(found)


def _places_of_equals(usage: Sequence[int]) -> tuple[int, ...]:
    """Return the places of tenants with equal shares and no account above them: who has used less is first."""
    place_of: dict[int, int] = {}
    for place, used in enumerate(sorted(usage)):
        place_of.setdefault(used, place)
    return tuple(map(place_of.__getitem__, usage))


def fair_share_bp(place: int, tenant_count: int) -> int:
    """Return a place as a factor: 10,000 for the first, 10,000 / tenants for the last; nearest integer."""
    return (2 * (tenant_count - place) * 10_000 + tenant_count) // (2 * tenant_count)
