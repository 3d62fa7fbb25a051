"""From the isolation that a scenario asks for to rows of the world, and what of it cannot be.

Residency needs no table: a tenant with `regions` is refused wherever its work would be placed outside them.
"""

from collections.abc import Iterator

from scheduler.isolation.rules import NOBODY, NodeFacts, ShareMode
from sim.errors import ScenarioError
from sim.pools import Domains, Pool
from sim.result import IsolationTerms
from sim.scenario.model import Scenario
from sim.workload.draw import stream
from tenants.band import Band
from tenants.errors import did_you_mean

NVLINK = "nvlink"  # the level of a topology whose domains need partitions
_RENTED = (Band.RESERVED, Band.ON_DEMAND, Band.SPOT)


def check_isolation(scenario: Scenario) -> None:
    """Raise ScenarioError for the first tenant, product or pool whose isolation cannot be kept.

    Work outside a tenant's regions; confidential products without [isolation] or in other pools; GPUs that renters
    would share by anything but MIG; steps that are no scrub time; peers that nobody knows.
    """
    for path, tenant, product, row in _placements(scenario):
        pool = scenario.pool[row]
        regions = next((each.regions for each in scenario.tenant if each.id == tenant), ())
        if regions and pool.region not in regions:
            message = f"the work of {tenant} may not be in this region"
            raise _refused(message, f"{path}.region", pool.region, ", ".join(regions))
        sold = next((each for each in scenario.product if each.code == product), None)
        if sold is None:
            continue
        if sold.confidential and not (pool.confidential and scenario.isolation):
            message = (
                "a confidential product needs a pool with confidential = true, and [isolation] to attest its nodes"
            )
            raise _refused(message, f"{path}.product", product, "such a pool")
        renter = any(each.id == tenant and each.kind == "external" for each in scenario.tenant)
        if renter and pool.slices and pool.share != "mig":
            message = f"{tenant} is external, and would share GPUs by {pool.share}"
            raise _refused(message, f"{path}.product", product, "a pool of whole nodes, or share = 'mig'")
        if renter and scenario.isolation and sold.band not in _RENTED:
            message = f"{tenant} is external, and its nodes would not be scrubbed when it leaves them"
            raise _refused(message, f"{path}.product", f"{product} in band {sold.band.name}", "a rented band")
    if scenario.isolation is not None:
        _steps_are_scrubs(scenario)


def _placements(scenario: Scenario) -> Iterator[tuple[str, str, str, int]]:
    """Yield (key path, tenant, product, pool) of all that the scenario places."""
    for place, pool in enumerate(scenario.pool):
        for number, row in enumerate(scenario.demand):
            if row.region in ("", pool.region) and row.sku in ("", pool.sku):
                for product in filter(None, (row.product, row.fallback)):
                    yield f"demand[{number}]", row.tenant, product, place
        for number, kept in enumerate(scenario.contract):
            if (kept.region, kept.sku) == (pool.region, pool.sku):
                yield f"contract[{number}]", kept.tenant, kept.product, place


def _steps_are_scrubs(scenario: Scenario) -> None:
    assert scenario.isolation is not None
    total_s = sum(scenario.isolation.steps_s)
    for row, pool in enumerate(scenario.pool):
        if pool.scrub_s.value != total_s:
            message = "detach, clean, validate and attach add up to something else"
            raise _refused(message, f"pool[{row}].scrub_s", pool.scrub_s.value, f"{total_s}, as [isolation] says")
    known = [tenant.id for tenant in scenario.tenant]
    for number, peer in enumerate(scenario.isolation.peer):
        for key, name in (("tenant", peer.tenant), ("to", peer.to)):
            if name not in known:
                path = f"isolation.peer[{number}].{key}"
                raise _refused(f"unknown tenant{did_you_mean(name, known)}", path, repr(name), ", ".join(known))


def tenant_regions(scenario: Scenario) -> tuple[frozenset[int], ...]:
    """Return the regions of each tenant as indices into the names of the world's regions; () where nobody has any."""
    names = list(dict.fromkeys(pool.region for pool in scenario.pool))
    if not any(tenant.regions for tenant in scenario.registry.tenants):
        return ()
    return tuple(
        frozenset(names.index(region) if region in names else len(names) for region in tenant.regions)
        for tenant in scenario.registry.tenants
    )


def isolation_terms(scenario: Scenario) -> IsolationTerms | None:
    """Return the terms of a world; None where the scenario asks for none. The draw follows from its seed alone."""
    asked = scenario.isolation
    if asked is None:
        return None
    names = (tenant.id for tenant in scenario.registry.tenants)
    domain_of = dict(zip(names, scenario.registry.trust_domains(), strict=True))
    return IsolationTerms(
        nodes=tuple(_facts(scenario)),
        steps_s=asked.steps_s,
        failures_bp=asked.failures_bp,
        repair_s=asked.repair_s.value,
        restart_s=asked.restart_every_s,
        draw=int(stream(scenario.seed, "isolation").integers(0, 2**62)),
        p_keys=asked.p_keys.value,
        vnis=asked.vnis.value,
        partitions=asked.nvlink_partitions.value,
        peers=tuple((domain_of[peer.tenant], domain_of[peer.to]) for peer in asked.peer),
        confidential=tuple(product.confidential for product in scenario.registry.products),
    )


def _facts(scenario: Scenario) -> Iterator[NodeFacts]:
    """Yield the facts of every node, or slice, over all pools."""
    regions = list(dict.fromkeys(pool.region for pool in scenario.pool))
    first_nvlink = first_gpu = 0
    for row, (pool, domains) in enumerate(zip(scenario.pool, scenario.domains, strict=True)):
        nvlinks = _nvlinks(domains)
        for node in range(pool.rows):
            yield NodeFacts(
                pool=row,
                region=regions.index(pool.region),
                nvlink=first_nvlink + nvlinks[node] if nvlinks else NOBODY,
                gpu=first_gpu + node // pool.slices_per_gpu if pool.slices_per_gpu else NOBODY,
                share=_mode(pool),
                confidential=pool.confidential,
            )
        first_nvlink += max(nvlinks, default=NOBODY) + 1
        first_gpu += pool.nodes * pool.gpus_per_node


def _nvlinks(domains: Domains) -> list[int]:
    """The NVLink domain of each row of a pool; nothing where its topology has no such level."""
    if NVLINK not in domains.names:
        return []
    sizes = domains.sizes[domains.names.index(NVLINK)]
    return [number for number, size in enumerate(sizes) for _ in range(size)]


def _mode(pool: Pool) -> ShareMode:
    return ShareMode[pool.share.upper()] if pool.slices else ShareMode.WHOLE


def _refused(message: str, path: str, found: object, allowed: str) -> ScenarioError:
    return ScenarioError(message, code="isolation", path=path, found=found, allowed=allowed)
