"""What no schema can say about a scenario: names that must exist, and sizes that must fit each other.

Each raises a `ScenarioError` that names the key path, what was found and what is allowed. This module is a bit longer
than others because one reader looks for all of them here.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from scheduler.policies import POLICIES
from scheduler.policy.lend import LENDS
from sim.errors import ScenarioError
from sim.failures.faults import check_rack_level
from sim.pools import check_sizes
from sim.scenario.model import Scenario
from sim.workload.demand import Demand
from sim.workload.draw import UNIT_BP
from sim.workload.programme import Programme, gang_nodes
from tenants.band import Band
from tenants.capacity import nodes_at, peak_nodes, spans
from tenants.errors import did_you_mean
from tenants.product import Product

INTERNAL_STREAMS = ("frontier", "infer", "research", "llm")
JOBS_MAX = 10_000_000  # of one stream: what a machine still holds in memory


def check(scenario: Scenario) -> None:
    """Raise ScenarioError for the first thing that does not hold together."""
    _known(scenario.policy.name, POLICIES, "policy", "policy.name")
    _known(scenario.policy.lend, LENDS, "lend function", "policy.lend")
    _pools_are_distinct(scenario)
    _units_are_clear(scenario)
    _contracts_fit(scenario)
    for row, window in enumerate(scenario.maintenance):
        path = f"maintenance[{row}]"
        window.refuse_beyond(scenario.pool[pool_index(scenario, window.region, window.sku, path)].nodes, path)
    if scenario.programme is not None:
        _programme_fits(scenario, scenario.programme)
    for row, demand in enumerate(scenario.demand):
        _demand_fits(scenario, demand, f"demand[{row}]")
    _streams_are_distinct(scenario)


def refuse_unknown_tables(mapping: Mapping[str, Any], known: tuple[str, ...], file: str) -> None:
    """Unknown keys at the top come first: `[[tenent]]` would otherwise read as a tenant that does not exist."""
    for key in [key for key in mapping if key not in known]:
        message = f"unknown key{did_you_mean(key, known)}"
        raise ScenarioError(message, code="unknown_key", file=file, path=key, allowed=known)


def pool_index(scenario: Scenario, region: str, sku: str, path: str) -> int:
    """Return the one pool with this region and SKU, either of which may be left out ("") where it is clear.

    Raises:
        ScenarioError: none or several fit.
    """
    pools = [(pool.region, pool.sku) for pool in scenario.pool]
    fitting = [row for row, pool in enumerate(pools) if region in ("", pool[0]) and sku in ("", pool[1])]
    if len(fitting) == 1:
        return fitting[0]
    message = "several pools fit: name region and sku" if fitting else "no such pool"
    asked = f"region {region or '(none)'}, sku {sku or '(none)'}"
    raise _impossible(message, path, asked, ", ".join("/".join(pool) for pool in pools))


def contract_peak_nodes(scenario: Scenario, pool: int) -> int:
    """Return the most nodes that the contracts of a pool hold at any one time."""
    name = (scenario.pool[pool].region, scenario.pool[pool].sku)
    here = [contract for contract in scenario.contract if (contract.region, contract.sku) == name]
    changes_s = {span.from_s for contract in here for span in spans(contract)}
    return max((sum(nodes_at(contract, at_s) for contract in here) for at_s in changes_s), default=0)


def reserved_window(scenario: Scenario, demand: Demand, pool: int) -> tuple[int, int, int]:
    """Return (nodes, from_s, until_s) of the contracts that a demand in band RESERVED draws on; nodes of the largest.

    (0, 0, 0) where there is none.
    """
    place = (demand.tenant, demand.product, scenario.pool[pool].region, scenario.pool[pool].sku)
    own = [c for c in scenario.contract if (c.tenant, c.product, c.region, c.sku) == place]
    if not own:
        return 0, 0, 0
    return max(map(peak_nodes, own)), min(c.from_s for c in own), max(c.end_s for c in own)


def _pools_are_distinct(scenario: Scenario) -> None:
    if not scenario.pool:
        raise _impossible("a cluster has nodes", "pool", "no [[pool]]", "at least one")
    seen: dict[tuple[str, str], int] = {}
    for row, pool in enumerate(scenario.pool):
        first = seen.setdefault((pool.region, pool.sku), row)
        if first != row:
            message = f"same region and sku as pool[{first}]"
            raise _impossible(message, f"pool[{row}]", f"{pool.region}/{pool.sku}", "each pair once")


def _units_are_clear(scenario: Scenario) -> None:
    """What one unit of a SKU is must be the same everywhere: a GPU, or a slice of one profile."""
    first: dict[str, int] = {}
    for row, pool in enumerate(scenario.pool):
        check_sizes(pool, f"pool[{row}]")
        other = scenario.pool[first.setdefault(pool.sku, row)]
        if pool.mig_profile != other.mig_profile:
            message = f"a slice is a SKU of its own, and pool[{first[pool.sku]}] is {other.mig_profile or 'whole GPUs'}"
            raise _impossible(message, f"pool[{row}].mig_profile", pool.mig_profile, "another sku")
    check_rack_level(scenario.faults, scenario.domains)  # reads and checks every topology, too


def level_of(scenario: Scenario, pool: int, name: str, path: str) -> int:
    """Return the level of this name in a pool's topology; 0 for "". Raises ScenarioError with the names there are."""
    names = scenario.domains[pool].names
    if not name:
        return 0
    if not names:
        place = f"pool[{pool}]"
        raise _impossible(f"{place} has no topology", path, repr(name), f"rack_nodes or the like on {place}")
    _known(name, names, "level", path)
    return names.index(name) + 1


def _stays_in_a_domain(scenario: Scenario, pool: int, name: str, nodes: int, path: str) -> None:
    level = level_of(scenario, pool, name, f"{path}.within")
    largest = max(scenario.domains[pool].sizes[level - 1]) if level else nodes
    if nodes > largest:
        raise _impossible(f"larger than every {name}", f"{path}.nodes", nodes, f"at most {largest}")


def _contracts_fit(scenario: Scenario) -> None:
    for row, contract in enumerate(scenario.contract):
        path = f"contract[{row}]"
        pool = pool_index(scenario, contract.region, contract.sku, path)
        nodes = scenario.pool[pool].rows
        levels = [("nodes", contract.nodes)]
        levels += [(f"steps[{number}].nodes", step.nodes) for number, step in enumerate(contract.steps)]
        for place, promised in levels:
            if promised > nodes:
                raise _impossible("larger than its pool", f"{path}.{place}", promised, f"at most {nodes}")
        if contract.gpus_per_node not in (None, gpus := scenario.pool[pool].row_gpus):
            raise _impossible("not as its pool", f"{path}.gpus_per_node", contract.gpus_per_node, f"{gpus}, or no key")
    for pool, size in enumerate(scenario.pool):
        promised = contract_peak_nodes(scenario, pool)
        if promised > (reach := size.rows - size.spare_rows):
            message = f"contracts of one time promise more than pool[{pool}] has"
            raise _impossible(message, "contract", promised, f"at most {reach} nodes")


def _programme_fits(scenario: Scenario, programme: Programme) -> None:
    pool = pool_index(scenario, programme.region, programme.sku, "programme")
    kinds = {tenant.id: tenant.kind for tenant in scenario.tenant}
    for name in ("frontier", "inference", "research", "llm_era"):
        part = getattr(programme, name)
        if part is None:
            continue
        path = f"programme.{name}"
        _known(part.tenant, kinds, "tenant", f"{path}.tenant")
        if kinds[part.tenant] != "internal":
            allowed = "a tenant of kind internal"
            raise _impossible("internal work needs an internal tenant", f"{path}.tenant", part.tenant, allowed)
        _known(part.product, _products(scenario), "product", f"{path}.product")
    size = scenario.pool[pool]
    if (floor := programme.inference) and floor.trough_bp.value > floor.peak_bp.value:
        path = "programme.inference.trough_bp"
        raise _impossible(
            "the trough lies above the peak", path, floor.trough_bp.value, f"at most {floor.peak_bp.value}"
        )
    if (mix := programme.research) and mix.small_time_bp.value + mix.largest_time_bp.value > UNIT_BP:
        path = "programme.research.largest_time_bp"
        left = f"at most {UNIT_BP - mix.small_time_bp.value}"
        raise _impossible("shares of the GPU time exceed the whole", path, mix.largest_time_bp.value, left)
    if mix:
        per_day = mix.jobs_per_day(size.rows * size.row_gpus)
        _can_be_held(per_day, scenario.days, "programme.research.jobs_per_day_per_16k_gpus")
        level_of(scenario, pool, mix.within, "programme.research.within")
    if era := programme.llm_era:
        per_day = era.jobs_per_day(size.rows * size.row_gpus)
        _can_be_held(per_day, scenario.days, "programme.llm_era.jobs_per_day_per_2416_gpus")
    gang_nodes(programme, size.rows - size.spare_rows, contract_peak_nodes(scenario, pool))


def _demand_fits(scenario: Scenario, demand: Demand, path: str) -> None:
    _known(demand.tenant, [tenant.id for tenant in scenario.tenant], "tenant", f"{path}.tenant")
    _known(demand.product, _products(scenario), "product", f"{path}.product")
    pool = pool_index(scenario, demand.region, demand.sku, path)
    sizes, weights = demand.nodes.value, demand.weights.value
    if len(sizes) != len(weights):
        raise _impossible("one weight per size", f"{path}.weights", f"{len(weights)} weights", f"{len(sizes)}")
    nodes = scenario.pool[pool].rows
    if max(sizes) > nodes:
        raise _impossible("larger than its pool", f"{path}.nodes", max(sizes), f"at most {nodes}")
    _stays_in_a_domain(scenario, pool, demand.within, max(sizes), path)
    product = scenario.registry.products[scenario.registry.product_index(demand.product)]
    _shares_no_node(scenario, demand, product, f"{path}.product")
    if product.band is Band.RESERVED:
        promised, _, _ = reserved_window(scenario, demand, pool)
        if max(sizes) > promised:
            message = "larger than the tenant's contract" if promised else "needs a contract of this tenant and product"
            raise _impossible(message, f"{path}.nodes", max(sizes), f"at most {promised}")
    if demand.fallback:
        _known(demand.fallback, _products(scenario), "product", f"{path}.fallback")
        fallback = scenario.registry.products[scenario.registry.product_index(demand.fallback)]
        if (product.band, fallback.band) != (Band.SPOT, Band.ON_DEMAND):
            found = f"{product.band.name} falling back on {fallback.band.name}"
            raise _impossible("only spot falls back, on on-demand", f"{path}.fallback", found, "SPOT on ON_DEMAND")
    _can_be_held(demand.jobs_per_day.value, scenario.days, f"{path}.jobs_per_day")
    median_s, mean_s, max_s = demand.run_median_s.value, demand.run_mean_s.value, demand.run_max_s.value
    if not median_s <= mean_s <= max_s:
        found = f"median {median_s}, mean {mean_s}, max {max_s}"
        raise _impossible("run times out of order", f"{path}.run_mean_s", found, "median <= mean <= max")
    if demand.until_day is not None and demand.until_day <= demand.from_day:
        raise _impossible(
            "ends before it begins", f"{path}.until_day", demand.until_day, f"more than {demand.from_day}"
        )


def _shares_no_node(scenario: Scenario, demand: Demand, product: Product, path: str) -> None:
    """Products for renters hold whole nodes, or whole slices; nobody else's product may be sold to one."""
    kind = next(tenant.kind for tenant in scenario.tenant if tenant.id == demand.tenant)
    if kind == "external" and not product.whole_nodes:
        message = f"{demand.tenant} is external, and would hold parts of nodes beside others"
        raise _impossible(message, path, demand.product, "a product that holds whole nodes")


def _can_be_held(per_day: Decimal, days: int, path: str) -> None:
    if per_day * days > JOBS_MAX:
        found = f"about {per_day * days:.0f} in {days} days"
        raise _impossible("more jobs than a run can hold", path, found, f"at most {JOBS_MAX}")


def _streams_are_distinct(scenario: Scenario) -> None:
    """Names of streams key the random draws and the job ids, so no two streams may share one."""
    seen = dict.fromkeys(INTERNAL_STREAMS, "the internal programme")
    for row, demand in enumerate(scenario.demand):
        for name in (demand.stream_name, *([demand.fallback_name] if demand.fallback else [])):
            if name in seen:
                message = f"the name of this stream belongs to {seen[name]}"
                raise _impossible(message, f"demand[{row}].name", repr(name), "a name of its own")
            seen[name] = f"demand[{row}]"


def _products(scenario: Scenario) -> list[str]:
    return [product.code for product in scenario.product]


def _known(name: str, known: Iterable[str], what: str, path: str) -> None:
    names = tuple(known)
    if name not in names:
        message = f"unknown {what}{did_you_mean(name, names)}"
        raise ScenarioError(message, code="unknown_name", path=path, found=repr(name), allowed=names)


def _impossible(message: str, path: str, found: object, allowed: str) -> ScenarioError:
    return ScenarioError(message, code="impossible_size", path=path, found=found, allowed=allowed)
