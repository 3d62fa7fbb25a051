"""Maintenance that a contract takes out of its service levels."""

from sim.errors import ScenarioError
from sim.scenario.check import pool_index
from sim.scenario.model import Scenario
from tenants.errors import did_you_mean
from tenants.exclusion import Exclusion


def agreed_maintenance(scenario: Scenario, horizon_s: int) -> tuple[Exclusion, ...]:
    """Return the windows of maintenance that are declared `excluded`, each for its whole pool.

    Raises:
        ScenarioError: a `[[sla_exclusion]]` names a region or a SKU that no pool has.
    """
    for row, exclusion in enumerate(scenario.sla_exclusion):
        _known(exclusion.region, [pool.region for pool in scenario.pool], f"sla_exclusion[{row}].region", scenario.file)
        _known(exclusion.sku, [pool.sku for pool in scenario.pool], f"sla_exclusion[{row}].sku", scenario.file)
    found = []
    for row, maintenance in enumerate(scenario.maintenance):
        if maintenance.excluded:
            pool = scenario.pool[pool_index(scenario, maintenance.region, maintenance.sku, f"maintenance[{row}]")]
            found += [
                Exclusion(
                    cause="maintenance", from_s=window.down_s, until_s=window.up_s, region=pool.region, sku=pool.sku
                )
                for window in maintenance.windows(0, horizon_s)
            ]
    return tuple(found)


def _known(name: str | None, known: list[str], path: str, file: str) -> None:
    if name is not None and name not in known:
        message, allowed = f"no pool has it{did_you_mean(name, known)}", ", ".join(dict.fromkeys(known))
        raise ScenarioError(message, code="unknown_name", file=file, path=path, found=name, allowed=allowed)
