"""Budgets: GPU-seconds per tenant and month, exact to the second, and what they forbid.

Between two changes a tenant's jobs hold a constant number of GPUs, so its use is counted only when it changes or when
somebody asks; a month that began in between starts from nothing by itself.
"""

from bisect import bisect_right

from scheduler.events import NEVER
from scheduler.quotas.rows import Tenancy


class Ledger:
    """What each tenant with a budget has used this month. Writers: `run`; everything else only reads."""

    def __init__(self, tenancy: Tenancy) -> None:
        self.stops = {row.tenant: (row.soft_gpu_s, row.hard_gpu_s) for row in tenancy.budgets}
        self.months_s = tenancy.months_s
        self.woken_s = -1  # the month whose beginning somebody has asked to be told of
        self._held_gpus = dict.fromkeys(self.stops, 0)
        self._used_gpu_s = dict.fromkeys(self.stops, 0)
        self._counted_s = dict.fromkeys(self.stops, 0)  # up to when

    def run(self, tenant: int, gpus: int, now_s: int) -> None:
        """From now on the tenant's jobs hold so many GPUs more (negative: fewer)."""
        if tenant in self.stops:
            self._used_gpu_s[tenant] = self.used_gpu_s(tenant, now_s)
            self._counted_s[tenant] = now_s
            self._held_gpus[tenant] += gpus

    def used_gpu_s(self, tenant: int, now_s: int) -> int:
        """Return the GPU-seconds that the tenant's jobs have held since this month began."""
        counted_s = self._counted_s[tenant]
        begin_s = self.months_s[bisect_right(self.months_s, now_s) - 1]
        before = self._used_gpu_s[tenant] if counted_s >= begin_s else 0
        return before + self._held_gpus[tenant] * (now_s - max(counted_s, begin_s))

    def over_soft(self, tenant: int, now_s: int) -> bool:
        """Whether the tenant's jobs are asked last."""
        return tenant in self.stops and self.used_gpu_s(tenant, now_s) >= self.stops[tenant][0]

    def over_hard(self, tenant: int, now_s: int) -> bool:
        """Whether none of the tenant's jobs is granted before the month is over."""
        return tenant in self.stops and self.used_gpu_s(tenant, now_s) >= self.stops[tenant][1]

    def next_month_s(self, now_s: int) -> int:
        """Return when the next month begins; NEVER where none is known."""
        place = bisect_right(self.months_s, now_s)
        return self.months_s[place] if place < len(self.months_s) else NEVER
