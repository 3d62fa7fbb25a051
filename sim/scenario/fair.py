"""Shares of a scenario as rows for the core: whose right it is to be next, under policies that look at usage.

[[share]]                       # an account: others name it as their parent
id = "research"
shares = 3

[[share]]                       # a tenant; who is not mentioned has one share at the root
id = "vision"
parent = "research"
shares = 2
"""

from scheduler.policy.fair_tree import FairShare, ShareRow
from sim.errors import ScenarioError
from sim.scenario.model import Scenario


def fair_share(scenario: Scenario) -> FairShare:
    """Return the tree of shares, parents first, and the half-life of usage.

    Raises ScenarioError, naming the row: an id that is there twice, a parent that is no account, or a cycle.
    """
    file, rows = scenario.file, {row.id: place for place, row in enumerate(scenario.share)}
    tenants = {tenant.id: scenario.registry.tenant_index(tenant.id) for tenant in scenario.tenant}
    accounts = [row.id for row in scenario.share if row.id not in tenants]
    for place, row in enumerate(scenario.share):
        if rows[row.id] != place:
            path = f"share[{place}].id"
            raise ScenarioError("share is there twice", code="duplicate", file=file, path=path, found=row.id)
        if row.parent is not None and row.parent not in accounts:
            path, allowed = f"share[{place}].parent", accounts or "an account: an id of a share that is no tenant"
            raise ScenarioError(
                "no such account", code="unknown_name", file=file, path=path, found=row.parent, allowed=allowed
            )
    placed: dict[str, int] = {}
    tree: list[ShareRow] = []
    while len(placed) < len(rows):
        ready = [row for row in scenario.share if row.id not in placed and (row.parent is None or row.parent in placed)]
        if not ready:
            left = next(row.id for row in scenario.share if row.id not in placed)
            path, found = f"share[{rows[left]}].parent", scenario.share[rows[left]].parent
            raise ScenarioError(
                "shares form a cycle", code="cycle", file=file, path=path, found=found, allowed="a tree"
            )
        for row in ready:
            placed[row.id] = len(tree)
            tree.append(ShareRow(-1 if row.parent is None else placed[row.parent], row.shares, tenants.get(row.id, -1)))
    return FairShare(tuple(tree), scenario.policy.usage_half_life_s)
