"""Quotas with Kueue's rules: nominal, borrowing limit, lending limit, cohorts as a tree; shares with weights.

Nodes of the tree are the cohorts, by row, and behind them one leaf per tenant with a quota. Each pool is a resource of
its own. What a node uses beyond its *local* part (what it does not lend) is used from its parent, and so on upwards:
`used[node]` counts what was used in or through the node, so that a question costs O(depth) whatever the tree's size.
All functions are pure but `add`, which writes to the list that it is given. Ratios are cross-multiplied.

Source: Kueue's cohort rules and KEP-1714 as stated in the design's section 5.6; cases V14, V14b, V22.
"""

from typing import NamedTuple

from scheduler.quotas.rows import NO_LIMIT, Tenancy


class Share(NamedTuple):
    """A ratio over / of, 0 <= over; (1, 0) is infinite."""

    over: int
    of: int


NOTHING_OVER, INFINITE = Share(0, 1), Share(1, 0)


class PoolQuota:
    """The tree's numbers in one pool, in GPUs, by node."""

    __slots__ = ("borrowing_limit", "has", "local", "nominal", "parent", "potential", "subtree", "used")

    def __init__(self, parent: list[int]) -> None:
        count = len(parent)
        self.parent = parent
        self.nominal = [0] * count
        self.borrowing_limit = [NO_LIMIT] * count
        self.local = [0] * count  # what the node does not lend, so uses by itself
        self.subtree = [0] * count  # its own nominal, and what its children lend it
        self.potential = [0] * count  # the most that could ever be used through it
        self.used = [0] * count
        self.has = [False] * count  # leaves: whether the tenant has a quota in this pool


class Quotas:
    """All quotas of a cluster. `leaf`: tenant -> node; `path[node]`: from the root down to the node."""

    def __init__(self, tenancy: Tenancy, pool_count: int) -> None:
        """Build the tree. The rows must have passed `refuse_impossible_tenancy`. Cost: O(pools x nodes)."""
        self.leaf: dict[int, int] = {}
        self.parent = [cohort.parent for cohort in tenancy.cohorts]
        self.weight = [cohort.weight for cohort in tenancy.cohorts]
        for quota in tenancy.quotas:
            if quota.tenant >= 0 and quota.tenant not in self.leaf:
                self.leaf[quota.tenant] = len(self.parent)
                self.parent.append(quota.cohort)
                self.weight.append(quota.weight)
        self.path = [self._path(node) for node in range(len(self.parent))]
        self.pools = [PoolQuota(self.parent) for _ in range(pool_count)]
        lending_limit = [[NO_LIMIT] * len(self.parent) for _ in range(pool_count)]
        for quota in tenancy.quotas:
            node = self.leaf[quota.tenant] if quota.tenant >= 0 else quota.cohort
            pool = self.pools[quota.pool]
            pool.has[node] = True
            pool.nominal[node] = quota.nominal_gpus
            pool.borrowing_limit[node] = quota.borrowing_limit_gpus
            lending_limit[quota.pool][node] = quota.lending_limit_gpus
        for pool, limits in zip(self.pools, lending_limit, strict=True):
            self._fill(pool, limits)

    def _path(self, node: int) -> tuple[int, ...]:
        found: list[int] = []
        while node >= 0:
            found.append(node)
            node = self.parent[node]
        return tuple(reversed(found))

    def _fill(self, pool: PoolQuota, lending_limit: list[int]) -> None:
        deepest_first = sorted(range(len(self.parent)), key=lambda node: -len(self.path[node]))
        for node in deepest_first:
            pool.subtree[node] += pool.nominal[node]
            if self.parent[node] >= 0:
                lent = min(pool.subtree[node], lending_limit[node])
                pool.local[node] = pool.subtree[node] - lent
                pool.subtree[self.parent[node]] += lent
        for node in reversed(deepest_first):
            above = self.parent[node]
            most = pool.local[node] + pool.potential[above] if above >= 0 else pool.subtree[node]
            pool.potential[node] = min(most, pool.subtree[node] + pool.borrowing_limit[node])

    def root(self, node: int) -> int:
        """Return the top of the node's tree."""
        return self.path[node][0]

    def share(self, node: int, pool: int = -1, more: int = 0, used: list[int] | None = None) -> Share:
        """Return the dominant share of a node: over all pools the largest part of what its parent could lend that the
        node uses above its own, over its weight. `more`: GPUs counted as used in `pool` on top;
        `used`: what to take for the use of `pool` instead of what is used now.

        Weight 0 makes whatever is borrowed an infinite share. O(pools).
        """
        above, weight = self.parent[node], self.weight[node]
        largest = NOTHING_OVER
        if above < 0:
            return largest
        for index, each in enumerate(self.pools):
            over = each.used[node] - each.subtree[node]
            if index == pool:
                over = (each.used if used is None else used)[node] + more - each.subtree[node]
            if over > 0:
                of = each.potential[above] * weight
                found = Share(over, of) if of else INFINITE
                if less(largest, found):
                    largest = found
        return largest


def less(one: Share, other: Share) -> bool:
    """Whether one share is smaller than the other, exactly."""
    return one.over * other.of < other.over * one.of


def headroom(pool: PoolQuota, used: list[int], node: int) -> int:
    """Return how many GPUs more the node may use, borrowing included; below 0: it uses more than it may. O(depth)."""
    above = pool.parent[node]
    if above < 0:
        return pool.subtree[node] - used[node]
    free_local = max(0, pool.local[node] - used[node])
    own_limit = pool.subtree[node] + pool.borrowing_limit[node] - used[node]
    return min(free_local + max(0, headroom(pool, used, above)), own_limit)


def add(pool: PoolQuota, used: list[int], node: int, gpus: int) -> None:
    """Count `gpus` more (negative: fewer) as used by a node and, beyond its local part, by those above it. O(depth)."""
    while node >= 0:
        before = max(0, used[node] - pool.local[node])
        used[node] += gpus
        gpus = max(0, used[node] - pool.local[node]) - before
        if not gpus:
            return
        node = pool.parent[node]


def within_nominal(pool: PoolQuota, used: list[int], node: int, gpus: int) -> bool:
    """Whether the request lies within the node's own nominal: what lets a job reclaim."""
    return used[node] + gpus <= pool.nominal[node]


def borrowed(pool: PoolQuota, used: list[int], node: int) -> int:
    """Return the GPUs that a node uses above what is its own."""
    return max(0, used[node] - pool.subtree[node])


def gives_back(quotas: Quotas, pool: PoolQuota, used: list[int], node: int, claimant: int) -> bool:
    """Whether the quota that `claimant` lacks was borrowed by `node`: it and every cohort above it, up to the first one
    that both belong to, use more than is theirs. What a cohort's member borrowed from its sibling is not lent by us."""
    if quotas.root(node) != quotas.root(claimant):
        return False
    shared = quotas.path[claimant]
    return all(borrowed(pool, used, each) > 0 for each in quotas.path[node] if each not in shared)


def may_take(taker: Share, giver: Share, giver_without: Share) -> str:
    """Return the rule by which a borrower may evict another one: "a", "b", or "" for none.

    Args:
        taker:         share of the taker with its job.
        giver:         share of the victim's side as it is.
        giver_without: share of the victim's side without the victim.

    Source: KEP-1714, (a) share_X(+w) <= share_Y(-z), (b) share_X(+w) < share_Y; case V14b.
    """
    if not less(giver_without, taker):
        return "a"
    return "b" if less(taker, giver) else ""


def rivals(quotas: Quotas, one: int, other: int) -> tuple[int, int] | None:
    """Return the two nodes whose shares decide between two leaves: where their paths part. None: different trees."""
    if quotas.root(one) != quotas.root(other):
        return None
    for mine, theirs in zip(quotas.path[one], quotas.path[other], strict=False):
        if mine != theirs:
            return mine, theirs
    return None
