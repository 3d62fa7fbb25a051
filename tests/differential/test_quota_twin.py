"""Headroom, use and shares in random cohort trees against the definition, and broken trees that must be caught."""

import random

import pytest

from random_tenancy import random_tenancy
from reference.slow_quota import SlowQuota
from scheduler.quotas import quota
from scheduler.quotas.quota import INFINITE, Quotas, add, headroom
from scheduler.quotas.rows import refuse_impossible_tenancy
from scheduler.tables import PoolRow

SEEDS = range(120)


def differences(seed: int) -> list[str]:
    """What the two trees do not agree on, over a walk of requests and releases."""
    rng = random.Random(seed)
    tenancy = random_tenancy(seed)
    refuse_impossible_tenancy(tenancy, (PoolRow(40, 1, 0),))
    quotas, slow = Quotas(tenancy, 1), SlowQuota(tenancy, 0)
    pool, used = quotas.pools[0], {}
    for _ in range(12):
        tenant = rng.choice(list(quotas.leaf) or [None])
        if tenant is None:
            return []
        leaf = quotas.leaf[tenant]
        ours, theirs = headroom(pool, pool.used, leaf), slow.headroom(tenant, used)
        if max(0, ours) != theirs:
            return [f"seed {seed}: headroom of {tenant} is {ours}, by definition {theirs}, at {used}"]
        gpus = -rng.randint(0, used.get(tenant, 0)) if rng.random() < 0.4 else rng.randint(0, max(0, theirs))
        used[tenant] = used.get(tenant, 0) + gpus
        add(pool, pool.used, leaf, gpus)
        for node in [("tenant", each) for each in quotas.leaf] + [
            ("cohort", row) for row in range(len(tenancy.cohorts))
        ]:
            row = quotas.leaf[node[1]] if node[0] == "tenant" else node[1]
            share, exact = quotas.share(row), slow.share(node, used)
            if (share == INFINITE) != (exact is None) or (exact is not None and share.over != exact * share.of):
                return [f"seed {seed}: share of {node} is {share}, by definition {exact}, at {used}"]
    return []


def test_headroom_and_shares_are_those_of_the_definition() -> None:
    assert [text for seed in SEEDS for text in differences(seed)] == []


def forgets_the_lending_limit(pool, used, node, gpus):
    while node >= 0:
        used[node] += gpus
        node = pool.parent[node]


def ignores_the_borrowing_limit(pool, used, node):
    above = pool.parent[node]
    if above < 0:
        return pool.subtree[node] - used[node]
    return max(0, pool.local[node] - used[node]) + ignores_the_borrowing_limit(pool, used, above)


@pytest.mark.parametrize(
    ("name", "broken"), [("add", forgets_the_lending_limit), ("headroom", ignores_the_borrowing_limit)]
)
def test_a_broken_tree_is_caught(name, broken, monkeypatch) -> None:
    monkeypatch.setattr(f"{__name__}.{name}", broken)
    assert hasattr(quota, name)
    assert any(differences(seed) for seed in SEEDS)
