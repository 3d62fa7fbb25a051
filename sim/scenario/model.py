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

import tomllib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PrivateAttr, ValidationError, field_validator

from billing.errors import BillingError
from billing.months import parse_utc
from billing.rating.price_row import PriceRow
from billing.tax import TaxRow
from scheduler.policies import own_lend
from sim.errors import ScenarioError, from_validation
from sim.failures.faults import Faults
from sim.failures.operations import Maintenance, Requeue
from sim.param import Origin, origins
from sim.pools import Domains, Pool, domains_of
from sim.scenario.check import check, refuse_unknown_tables
from sim.scenario.fair import Share
from sim.scenario.policy_choice import PolicyChoice
from sim.scenario.tenancy import tenancy_rows
from sim.scenario.terms import price_tables
from sim.scenario.toml_text import to_toml
from sim.workload.demand import Demand
from sim.workload.draw import HOUR_S
from sim.workload.programme import Programme
from tenants.contract import Contract
from tenants.errors import did_you_mean
from tenants.exclusion import Exclusion
from tenants.model import Id, Record, Tenant
from tenants.product import Product
from tenants.quota import Budget, Cohort, Guarantee, Quota
from tenants.registry import Registry
from tenants.sla_terms import SlaTerms
from tenants.wallet import SpendAlert, Wallet

_ROWS = ("tenant", "product", "contract", "cohort", "quota", "budget", "guarantee", "wallet", "spend_alert")
# Table of the file -> field of the registry that it fills.
_PARTIES = {table: f"{table}s" for table in _ROWS}
_PARTIES |= {"sla": "sla_terms", "sla_exclusion": "exclusions"}
_SUFFIX = ".toml"


class Scenario(Record):
    """A scenario, checked. Make one with `load`, `parse` or `from_mapping`."""

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
    demand: Annotated[tuple[Demand, ...], Field(strict=False)] = ()

    _mapping: dict[str, Any] = PrivateAttr(default_factory=dict)
    _text: str = PrivateAttr(default="")
    _file: str = PrivateAttr(default="scenario")

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
    def text(self) -> str:
        """The scenario as TOML: the file as written, or what it became by `override`."""
        return self._text

    @property
    def file(self) -> str:
        """The file as errors name it."""
        return self._file

    @cached_property
    def registry(self) -> Registry:
        """Who takes part and what was promised."""
        return Registry(**{field: getattr(self, table) for table, field in _PARTIES.items()})

    @cached_property
    def domains(self) -> tuple[Domains, ...]:
        """The topology of each pool. Raises ScenarioError; files of hosts are read once."""
        return tuple(domains_of(pool, f"pool[{row}]", self._file) for row, pool in enumerate(self.pool))

    def override(
        self, *, seed: int | None = None, days: int | None = None, policy: str | None = None, lend: str | None = None
    ) -> "Scenario":
        """Return the scenario with some values replaced, and its text with them. Raises as `from_mapping`."""
        top = {key: value for key, value in (("seed", seed), ("days", days)) if value is not None}
        if policy is not None and lend is None:
            lend = own_lend(policy)  # a policy that brings its own is run with it, unless somebody says otherwise
        names = {key: value for key, value in (("name", policy), ("lend", lend)) if value is not None}
        if not top and not names:
            return self
        changed = self._mapping | top
        if names:
            changed["policy"] = self._mapping.get("policy", {}) | names
        return from_mapping(changed, self._file)


def bundled() -> list[str]:
    """Return the names of the scenarios that come with the package."""
    folder = resources.files("sim") / "scenarios"
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in folder.iterdir() if entry.name.endswith(_SUFFIX))


def show(name_or_path: str | Path) -> str:
    """Return the text of a scenario file; see `load` for names and errors."""
    return _read(name_or_path)[0]


def load(name_or_path: str | Path) -> Scenario:
    """Return a scenario by the name of a bundled one, or from a file. A file wins over a bundled name.

    Raises:
        ScenarioError, TenantError, BillingError: one line that names the file, the key, what was found and what is
            allowed.
    """
    text, file = _read(name_or_path)
    return parse(text, file)


def parse(text: str, file: str = "scenario") -> Scenario:
    """Return a scenario from TOML text. Raises as `load`."""
    try:
        # Decimals stay exact: a rate of 3.79 is 379/100, not the nearest float.
        mapping = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ScenarioError(f"is not TOML: {error}", code="bad_file", file=file) from None
    return from_mapping(mapping, file, text)


def from_mapping(mapping: Mapping[str, Any], file: str = "scenario", text: str | None = None) -> Scenario:
    """Return a scenario from parsed TOML; without `text`, its text is written anew. Raises as `load`."""
    refuse_unknown_tables(mapping, tuple(Scenario.model_fields), file)
    parties = Registry.from_mapping({key: mapping[key] for key in _PARTIES if key in mapping}, file)
    read = {table: getattr(parties, field) for table, field in _PARTIES.items()}
    read |= price_tables(mapping, file)
    try:
        scenario = Scenario.model_validate({**mapping, **read})
    except ValidationError as error:
        raise from_validation(error, Scenario, file) from None
    scenario._mapping = dict(mapping)
    scenario._text = to_toml(mapping) if text is None else text
    scenario._file = file
    try:
        check(scenario)
        tenancy_rows(scenario)
    except ScenarioError as error:
        raise error.in_file(file) from None
    return scenario


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


def _read(name_or_path: str | Path) -> tuple[str, str]:
    """Return (text, name of the file for errors). A folder called `gap`, such as a run's, hides no scenario."""
    name, names = str(name_or_path), bundled()
    if name in names and not Path(name).is_file():
        return (resources.files("sim") / "scenarios" / f"{name}{_SUFFIX}").read_text(encoding="utf-8"), name + _SUFFIX
    try:
        return Path(name).read_bytes().decode(), name
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text: byte {error.object[error.start]:#04x} at offset {error.start}"
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}{did_you_mean(name, names)}"
    allowed = f"a TOML file, or one of {', '.join(names)}"
    raise ScenarioError(reason, code="bad_file", file=name, allowed=allowed)
