"""Closing the books of a run: from facts to usage, line items, indicators and credits, and whether it all adds up."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from billing.columns import require_columns, require_interval, require_range
from billing.contracts.agreed import NOTHING_AGREED, Agreed
from billing.contracts.basis import Basis
from billing.contracts.lines import contract_lines
from billing.currency import DEFAULT, Currency
from billing.finding import Finding
from billing.invoices.agree import agree
from billing.invoices.bill import Bill, make_bill, month_bills
from billing.metering.classes import BY_RULE, Charging, charge_marks, free_rules
from billing.metering.meter import TIME_S_MAX, UsageTable, meter, require_indices
from billing.metering.states import StateTable, all_states
from billing.metering.sums import add_up, metered_usage
from billing.money import INT64_MAX
from billing.months import Period
from billing.rating.prices import PriceBook
from billing.rating.rate import LineItemTable, rate
from billing.reconcile import Pool, reconcile
from billing.sla.credit import ServiceCredit
from billing.sla.exclusions import Excluded, exclusion_table
from billing.sla.facts import SlaFacts
from billing.sla.indicators import SlaRow, assess, promises
from billing.sla.reserved import reserved_of
from billing.sla.told import Told, told_by_number
from billing.usage import (
    STATES,
    CapacityTable,
    EvictionTable,
    ExclusionTable,
    Names,
    OutageTable,
    SegmentTable,
    StartTable,
    WorkTable,
)
from tenants.registry import Registry


@dataclass(frozen=True, slots=True)
class Books:
    """The closed books of a run. `findings` is empty when everything adds up."""

    names: Names
    horizon_s: int
    usage: UsageTable
    lines: LineItemTable
    sla: list[SlaRow]
    credits: list[ServiceCredit]
    excluded: list[Excluded]
    capacity: StateTable
    findings: list[Finding]
    agreed: Agreed = NOTHING_AGREED
    currency: Currency = DEFAULT

    def month_bills(self) -> list[Bill]:
        """Return the bill of every tenant and month, sorted by (tenant, month)."""
        return month_bills(self.names, self.lines, self.credits, self.agreed, self.currency)

    def bill(self, tenant: int, period: Period) -> Bill:
        """Return the bill of the tenant with dense index `tenant`."""
        return make_bill(self.names, self.lines, self.credits, tenant, period, self.agreed, self.currency)


def close(
    names: Names,
    registry: Registry,
    book: PriceBook,
    segments: SegmentTable,
    starts: StartTable,
    evictions: EvictionTable,
    outages: OutageTable,
    capacity: CapacityTable,
    installed: Mapping[Pool, int] | None,
    horizon_s: int,
    work: WorkTable | None = None,
    exclusions: ExclusionTable | None = None,
    charging: Charging = BY_RULE,
    node_gpus: Mapping[Pool, int] | None = None,
    currency: Currency = DEFAULT,
    told: Told | None = None,
) -> Books:
    """Return the books of a run over [0, horizon_s).

    Args:
        registry:   must hold every one of `names.products`; its price plans are what the price book is asked for.
        installed:  GPUs of each (region, sku), dense indices; None: nobody knows, and capacity is not checked.
        work:       what segments held without keeping work; None: all of it was kept. Its seconds of start-up are for
                    products that do not charge them.
        exclusions: time that no service level counts; None: what the registry says.
        charging:   what else decides how segments are charged.
        node_gpus:  GPUs of a node of each (region, sku), for contracts that do not say it themselves.
        currency:   that of the prices: bills and credits come in its smallest coin, rounded as it is.
        told:       ids of jobs and events, for the evidence of credits; None: their numbers.

    Raises:
        UsageError:   a table of the wrong shape, an impossible row, an index that `names` does not hold.
        PriceError:   usage without a price.
        TenantError:  a product that the registry does not hold.

    Everything else that is wrong is in `findings`.
    """
    _require_facts(names, segments, starts, evictions, outages, capacity)
    plans = tuple(registry.products[registry.product_index(code)].price_plan for code in names.products)
    work = work or WorkTable(*(np.zeros_like(segments.job) for _ in fields(WorkTable)))
    if charging.stalled_s is None:
        charging = charging._replace(stalled_s=work.stalled_s)
    usage = meter(segments, charge_marks(segments, free_rules(names, registry), charging))
    if charging.metered is not None:
        usage = add_up(usage, metered_usage(charging.metered))
    lines = rate(names, usage, book, plans)
    states = all_states(names, usage, capacity)
    basis = Basis(names, registry, book, lines, states, horizon_s, node_gpus or {}, currency)
    contracts = contract_lines(basis)
    exclusions = exclusion_table(names, registry.exclusions) if exclusions is None else exclusions
    reserved = reserved_of(names, contracts, lines.denominator)
    told = told or told_by_number(segments, evictions, outages)
    facts = SlaFacts(lines, segments, work, starts, evictions, outages, exclusions, told, reserved)
    levels = assess(names, promises(names, registry), facts, currency)
    agreed = agree(basis, contracts, levels.credits)
    findings = reconcile(
        names, segments, usage, lines, levels.credits, book, states, installed, horizon_s, plans, agreed, currency
    )
    return Books(names, horizon_s, usage, lines, *levels, states, findings, agreed, currency)


def _require_facts(
    names: Names,
    segments: SegmentTable,
    starts: StartTable,
    evictions: EvictionTable,
    outages: OutageTable,
    capacity: CapacityTable,
) -> None:
    """Refuse tables that cannot be billed. `meter` looks at the times and GPUs of segments itself."""
    tables = {"segments": segments, "starts": starts, "evictions": evictions, "outages": outages, "capacity": capacity}
    for name, table in tables.items():
        columns = _columns(table)
        require_columns(name, columns)
        known = ("tenant", "product", "region", "sku")
        require_indices(names, name, **{key: column for key, column in columns.items() if key in known})
        for key, column in columns.items():
            if key.endswith("_s") and key not in ("guaranteed_until_s", "gpu_s"):
                require_range(name, key, column, 0, TIME_S_MAX)
    require_interval("starts", "pending_s", starts.pending_s, "start_s", starts.start_s)
    require_interval("evictions", "noticed_s", evictions.noticed_s, "evicted_s", evictions.evicted_s)
    require_interval("outages", "from_s", outages.from_s, "until_s", outages.until_s)
    require_range("evictions", "gpus", evictions.gpus, 0, INT64_MAX)
    require_range("outages", "gpus", outages.gpus, 0, INT64_MAX)
    require_range("capacity", "state", capacity.state, 0, len(STATES) - 1)


def _columns(table: Any) -> dict[str, Any]:
    return {field.name: getattr(table, field.name) for field in fields(table)}
