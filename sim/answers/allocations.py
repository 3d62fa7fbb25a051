"""A tenant's own allocations, told as it may know them: its nodes by names that nobody else is told (case P7)."""

from typing import Any

from sim.errors import SimError
from sim.folder.run_folder import RunFolder
from tenants.access.pseudonym import pseudonym
from tenants.errors import did_you_mean

COLUMNS = ("job_id", "product", "sku", "region", "gpus", "start_s", "end_s", "cause")


def allocations_of(run: RunFolder, tenant: str) -> list[dict[str, Any]]:
    """Return a row per allocation of a tenant, in the order in which they ended, `nodes` being its names for them.

    Raises SimError: no such tenant. The names follow from the run: another run has others.
    """
    if tenant not in run.names.tenants:
        message = f"no such tenant{did_you_mean(tenant, run.names.tenants)}"
        raise SimError(message, code="run.no_tenant", path="--tenant", found=tenant, allowed=run.names.tenants)
    secret = bytes.fromhex(run.manifest["config_sha256"])
    told = run.columns("allocations", "tenant", "nodes", *COLUMNS)
    rows = (told["tenant"] == tenant).nonzero()[0].tolist()
    known: dict[str, str] = {}

    def name(region: str, sku: str, node: int) -> str:
        raw = f"{region}/{sku}/{node}"
        if raw not in known:
            known[raw] = pseudonym(secret, tenant, raw)
        return known[raw]

    found = []
    for row in rows:
        mine: dict[str, Any] = {each: _plain(told[each][row]) for each in COLUMNS}
        found.append(
            mine | {"nodes": sorted(name(mine["region"], mine["sku"], int(node)) for node in told["nodes"][row])}
        )
    return found


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
