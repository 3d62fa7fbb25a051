"""Random quota trees, drawn from one integer: cohorts in cohorts, own quotas of cohorts, limits of all kinds."""

import random

from scheduler.quotas.rows import NO_LIMIT, CohortRow, QuotaRow, Tenancy


def random_tenancy(
    seed: int, tenant_count: int = 5, pool_gpus: tuple[int, ...] = (40,), *, roots: bool = True
) -> Tenancy:
    """Quotas of tenants 0, 1, ... whose nominals together are at most the pool's GPUs."""
    rng = random.Random(seed)
    cohort_count = rng.randint(1, 4)
    cohorts = tuple(
        CohortRow(rng.randint(-1 if roots or not row else 0, row - 1), rng.choice((0, 1, 1, 2, 3)))
        for row in range(cohort_count)
    )
    places = {
        tenant: (rng.randint(-1 if roots else 0, cohort_count - 1), rng.choice((0, 1, 1, 2)))
        for tenant in range(tenant_count)
    }
    quotas = []

    def limit(most: int) -> int:
        return rng.choice((NO_LIMIT, NO_LIMIT, 0, rng.randint(0, most)))

    for pool, gpus in enumerate(pool_gpus):
        holders = [(tenant, *place) for tenant, place in places.items() if rng.random() < 0.8]
        holders += [(-1, row, 1) for row in range(cohort_count) if rng.random() < 0.4]
        left = gpus
        for tenant, cohort, weight in holders:
            nominal = rng.randint(0, max(0, min(left, 2 * gpus // max(1, len(holders)))))
            left -= nominal
            quotas.append(QuotaRow(tenant, cohort, pool, nominal, limit(gpus), limit(gpus), weight))
    return Tenancy(cohorts, tuple(quotas))
