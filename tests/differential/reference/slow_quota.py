"""Quotas straight from their definition: everything is summed up anew for each question, one GPU at a time.

A node lends its parent the smaller of its lending limit and what is its own (nominal, and what its children lend it).
A node *keeps* what it does not lend. What a node uses is what its leaves use, less what lower nodes covered by what
they kept. A state is allowed when no node uses more than its own plus its borrowing limit, and no root more than its
own. Shares are fractions.
"""

from fractions import Fraction
from functools import cache

from scheduler.quotas.rows import Tenancy

ENDLESS = 10**9


class SlowQuota:
    """One pool of a tenancy; `used` maps tenants to GPUs."""

    def __init__(self, tenancy: Tenancy, pool: int) -> None:
        self.tenancy = tenancy
        self.rows = [row for row in tenancy.quotas if row.pool == pool]
        self.cohort_of = {row.tenant: row.cohort for row in tenancy.quotas if row.tenant >= 0}
        self.tenant_weight = {row.tenant: row.weight for row in tenancy.quotas if row.tenant >= 0}

    @cache  # noqa: B019
    def _row(self, node):
        kind, name = node
        for row in self.rows:
            if (kind == "tenant" and row.tenant == name) or (
                kind == "cohort" and row.tenant == -1 and row.cohort == name
            ):
                return row
        return None

    @cache  # noqa: B019
    def parent(self, node):
        kind, name = node
        above = self.cohort_of[name] if kind == "tenant" else self.tenancy.cohorts[name].parent
        return ("cohort", above) if above >= 0 else None

    @cache  # noqa: B019
    def children(self, node):
        nodes = [("tenant", tenant) for tenant in self.cohort_of]
        nodes += [("cohort", row) for row in range(len(self.tenancy.cohorts))]
        return [each for each in nodes if self.parent(each) == node]

    @cache  # noqa: B019
    def own(self, node):
        row = self._row(node)
        return (row.nominal_gpus if row else 0) + sum(self.lends(child) for child in self.children(node))

    @cache  # noqa: B019
    def lends(self, node):
        row = self._row(node)
        return min(self.own(node), row.lending_limit_gpus if row else ENDLESS)

    def uses(self, node, used):
        if node[0] == "tenant":
            return used.get(node[1], 0)
        return sum(
            max(0, self.uses(child, used) - (self.own(child) - self.lends(child))) for child in self.children(node)
        )

    def allowed(self, used):
        nodes = [("tenant", tenant) for tenant in self.cohort_of]
        nodes += [("cohort", row) for row in range(len(self.tenancy.cohorts))]
        for node in nodes:
            row = self._row(node)
            limit = min(row.borrowing_limit_gpus if row else ENDLESS, ENDLESS if self.parent(node) else 0)
            if self.uses(node, used) > self.own(node) + limit:
                return False
        return True

    def headroom(self, tenant, used):
        """GPUs that can be added one by one before the state is not allowed any more."""
        found, state = 0, dict(used)
        while found < 1000:
            state[tenant] = state.get(tenant, 0) + 1
            if not self.allowed(state):
                return found
            found += 1
        raise AssertionError("no end")

    def potential(self, node):
        """What could be used through a node if it were the only one: its own and all that those above can pass on."""
        above = self.parent(node)
        row = self._row(node)
        if above is None:
            return self.own(node)
        most = self.own(node) - self.lends(node) + self.potential(above)
        return min(most, self.own(node) + row.borrowing_limit_gpus) if row else most

    def share(self, node, used):
        """Share in this pool alone; None: infinite."""
        above = self.parent(node)
        over = max(0, self.uses(node, used) - self.own(node)) if above else 0
        if not over:
            return Fraction(0)
        weight = self.tenant_weight[node[1]] if node[0] == "tenant" else self.tenancy.cohorts[node[1]].weight
        of = self.potential(above) * weight
        return Fraction(over, of) if of else None
