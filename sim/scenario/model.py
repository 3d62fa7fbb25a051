"""Scenarios: one TOML file that says everything about a run, read once and checked as a whole.

    name = "tiny"
    epoch = "2026-01-01T00:00:00Z"
    days = 2
    programme = "seed"

    [[pool]]
    region = "us-1"
    sku = "h100"
    nodes = 16
    gpus_per_node = 8

Unknown keys are refused, nothing is converted on the quiet, and sizes that no cluster can have are errors here, not in
the middle of a run. Parties and promises follow `tenants.registry`, prices `billing.rating.prices`. No randomness lives
here: `sim.scenario.build` turns a scenario and a seed into a world.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr, field_validator

from billing.errors import BillingError
from billing.months import parse_utc
from billing.rating.price_row import PriceRow
from billing.tax import TaxRow
from sim.failures.faults import Faults
from sim.failures.operations import Maintenance, Requeue
from sim.isolation import Isolation
from sim.param import Origin, origins
from sim.pools import Domains, Pool, domains_of
from sim.scenario.policy_choice import PolicyChoice
from sim.scenario.share import Share
from sim.workload.demand import Demand
from sim.workload.draw import HOUR_S
from sim.workload.programme import Programme
from tenants.contract import Contract
from tenants.exclusion import Exclusion
from tenants.model import Id, Record, Tenant
from tenants.product import Product
from tenants.quota import Budget, Cohort, Guarantee, Quota
from tenants.registry import Registry
from tenants.sla_terms import SlaTerms
from tenants.wallet import SpendAlert, Wallet

_ROWS = ("tenant", "product", "contract", "cohort", "quota", "budget", "guarantee", "wallet", "spend_alert")
# Table of the file -> field of the registry that it fills.
PARTIES = {table: f"{table}s" for table in _ROWS}
PARTIES |= {"sla": "sla_terms", "sla_exclusion": "exclusions"}


class Scenario(Record):
    """A scenario, checked. Make one with `load`, `parse` or `from_mapping` of `sim.scenario.file`."""

    name: Id
    title: str = ""
    epoch: str
    days: Annotated[int, Field(ge=1, le=36_500)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    pool: Annotated[tuple[Pool, ...], Field(strict=False)]
    policy: PolicyChoice = PolicyChoice()
    programme: Programme | None = None
    faults: Faults | None = None
    maintenance: Annotated[tuple[Maintenance, ...], Field(strict=False)] = ()
    requeue: Requeue | None = None
    isolation: Isolation | None = None
    tenant: tuple[Tenant, ...] = ()
    product: tuple[Product, ...] = ()
    contract: tuple[Contract, ...] = ()
    sla: tuple[SlaTerms, ...] = ()
    sla_exclusion: tuple[Exclusion, ...] = ()
    cohort: tuple[Cohort, ...] = ()
    quota: tuple[Quota, ...] = ()
    budget: tuple[Budget, ...] = ()
    guarantee: tuple[Guarantee, ...] = ()
    wallet: tuple[Wallet, ...] = ()
    spend_alert: tuple[SpendAlert, ...] = ()
    share: Annotated[tuple[Share, ...], Field(strict=False)] = ()
    price: tuple[PriceRow, ...] = ()
    tax: tuple[TaxRow, ...] = ()
    showback: dict[str, str | int] | None = None
    demand: Annotated[tuple[Demand, ...], Field(strict=False)] = ()

    _mapping: dict[str, Any] = PrivateAttr(default_factory=dict)
    _text: str = PrivateAttr(default="")
    _file: str = PrivateAttr(default="scenario")

    def as_read(self, mapping: Mapping[str, Any], text: str, file: str) -> Self:
        """Remember what the scenario was read from."""
        self._mapping, self._text, self._file = dict(mapping), text, file
        return self

    @field_validator("epoch", mode="before")
    @classmethod
    def _as_text(cls, epoch: object) -> object:
        return epoch.isoformat() if isinstance(epoch, datetime) else epoch  # TOML has times of its own

    @field_validator("epoch")
    @classmethod
    def _on_a_full_hour(cls, epoch: str) -> str:
        try:
            epoch_s = parse_utc(epoch)
        except BillingError as error:
            raise ValueError(f"{error.message}, must be {error.allowed}") from None
        if epoch_s % HOUR_S:
            raise ValueError("bills are hourly: must lie on a full hour, UTC")
        return epoch

    @property
    def epoch_s(self) -> int:
        """Unix time of second 0."""
        return parse_utc(self.epoch)

    @property
    def mapping(self) -> dict[str, Any]:
        """The tables of the file, as they were read."""
        return self._mapping

    @property
    def text(self) -> str:
        """The scenario as TOML: the file as written, or what it became by `override`."""
        return self._text

    @property
    def file(self) -> str:
        """The file as errors name it."""
        return self._file

    @cached_property
    def registry(self) -> Registry:
        """Who takes part and what was promised. A contract counts nodes, and its pool says how many GPUs they have."""
        gpus = {(pool.region, pool.sku): pool.row_gpus for pool in self.pool}
        contracts = tuple(
            each.model_copy(update={"gpus_per_node": each.gpus_per_node or gpus.get((each.region, each.sku))})
            for each in self.contract
        )
        parties = {field: getattr(self, table) for table, field in PARTIES.items()}
        return Registry(**{**parties, "contracts": contracts})

    @cached_property
    def domains(self) -> tuple[Domains, ...]:
        """The topology of each pool. Raises ScenarioError; files of hosts are read once."""
        return tuple(domains_of(pool, f"pool[{row}]", self._file) for row, pool in enumerate(self.pool))


def parameters(scenario: Scenario) -> list[Origin]:
    """Return every number of the scenario that states where it comes from, defaults included."""
    fields = [name for name in Scenario.model_fields if name != "sla"]
    stated = [origin for name in fields for origin in origins(getattr(scenario, name), name)]
    promised = {product.sla for product in scenario.product}
    used = [terms for terms in scenario.sla if terms.name in promised]
    return stated + [origin for terms in used for origin in origins(terms, f"sla.{terms.name}")]


def guesses(scenario: Scenario) -> list[Origin]:
    """Return the parameters that nobody vouches for: what a reader of a report should doubt first."""
    return [origin for origin in parameters(scenario) if origin.confidence == "guess"]
