"""What one tenant may be told of quotas: its own, and what others took of it only where they are many."""

from typing import Any

from tenants.isolation.told import crowd


def quota_of_tenant(found: dict[str, Any], tenant: str) -> dict[str, Any]:
    """Return a tenant's own rows of a run's quotas and budgets (`summary.json`, "quota").

    What it lent is what others borrowed: told as one total of the run where at least `CROWD_MIN` other tenants have a
    quota in that pool, else None.
    """
    rows = found["tenants"]

    def others(row: dict[str, Any]) -> set[str]:
        place = row["region"], row["sku"]
        return {each["tenant"] for each in rows if (each["region"], each["sku"]) == place} - {tenant}

    mine = [row for row in rows if row["tenant"] == tenant]
    return {
        "tenants": [{**row, "lent_gpu_s": row["lent_gpu_s"] if crowd(others(row)) else None} for row in mine],
        "budgets": [row for row in found["budgets"] if row["tenant"] == tenant],
    }
