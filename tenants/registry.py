"""Everybody who takes part and everything that was promised, in one immutable value, checked as a whole.

Order is meaning here: the position of a tenant or a product is its dense index in every table of a run.

    [[tenant]]
    id = "acme"
    name = "Acme Robotics"
    kind = "external"

    [[product]]              # changes one key of a built-in product, keeps the rest
    code = "bare.spot"
    notice_s = 120

    [[contract]]
    id = "acme-2026"
    tenant = "acme"
    product = "bare.reserved"
    region = "eu-1"
    sku = "h100"
    nodes = 16
    from_s = 0
    until_s = 2592000
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from tenants.contract import Contract
from tenants.contract_check import refuse_impossible, refuse_unknown_parties, refuse_unknown_payers
from tenants.errors import TenantError, from_validation
from tenants.exclusion import Exclusion, refuse_unknown
from tenants.lookup import refuse_duplicates, row_of
from tenants.model import Record, Tenant
from tenants.product import CATALOGUE, Product
from tenants.quota import Budget, Cohort, Guarantee, Quota, refuse_tangled
from tenants.sla_terms import SLA_PRESETS, SlaTerms
from tenants.toml_file import read_toml as read_toml
from tenants.wallet import SpendAlert, Wallet

# TOML has arrays, not tuples; strictness about the rows inside stays.
_Tenants = Annotated[tuple[Tenant, ...], Field(strict=False)]
_Products = Annotated[tuple[Product, ...], Field(strict=False)]
_Contracts = Annotated[tuple[Contract, ...], Field(strict=False)]
_SlaTerms = Annotated[tuple[SlaTerms, ...], Field(strict=False)]
_Exclusions = Annotated[tuple[Exclusion, ...], Field(strict=False)]
_Cohorts = Annotated[tuple[Cohort, ...], Field(strict=False)]
_Quotas = Annotated[tuple[Quota, ...], Field(strict=False)]
_Budgets = Annotated[tuple[Budget, ...], Field(strict=False)]
_Guarantees = Annotated[tuple[Guarantee, ...], Field(strict=False)]
_Wallets = Annotated[tuple[Wallet, ...], Field(strict=False)]
_SpendAlerts = Annotated[tuple[SpendAlert, ...], Field(strict=False)]


class RegistryFile(Record):
    """The shape of a registry in TOML, under the names that people write; `Registry` is what the program uses."""

    tenant: _Tenants = ()
    product: _Products = ()
    contract: _Contracts = ()
    sla: _SlaTerms = ()
    sla_exclusion: _Exclusions = ()
    cohort: _Cohorts = ()
    quota: _Quotas = ()
    budget: _Budgets = ()
    guarantee: _Guarantees = ()
    wallet: _Wallets = ()
    spend_alert: _SpendAlerts = ()


class Registry(Record):
    """Tenants, products, contracts and SLA terms that refer to each other correctly: ids are unique and known.

    Raises `TenantError` when they do not, with the row's place as it would be in a file.
    """

    tenants: _Tenants
    products: _Products = CATALOGUE
    contracts: _Contracts = ()
    sla_terms: _SlaTerms = SLA_PRESETS
    exclusions: _Exclusions = ()
    cohorts: _Cohorts = ()
    quotas: _Quotas = ()
    budgets: _Budgets = ()
    guarantees: _Guarantees = ()
    wallets: _Wallets = ()
    spend_alerts: _SpendAlerts = ()

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a registry from a TOML file. Raises `TenantError`."""
        return cls.from_mapping(read_toml(path), where=str(path))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], where: str = "registry") -> Self:
        """Build a registry from parsed TOML with the keys `tenant`, `product`, `contract`, `sla`, `sla_exclusion`,
        `cohort`, `quota`, `budget`, `guarantee`, `wallet`, `spend_alert`, each optional.

        Rows of the mapping come first and in its order, so that an index in an error is the index in the file; after
        them come the built-in products and SLA presets that no row names. A row that names one changes the keys it
        gives and keeps the others.

        Raises `TenantError`, with `where` for the file.
        """
        completed = {
            **mapping,
            "product": _with_built_in(mapping.get("product", []), CATALOGUE, "code"),
            "sla": _with_built_in(mapping.get("sla", []), SLA_PRESETS, "name"),
        }
        try:
            file = RegistryFile.model_validate(completed)
            return cls(
                tenants=file.tenant,
                products=file.product,
                contracts=file.contract,
                sla_terms=file.sla,
                exclusions=file.sla_exclusion,
                cohorts=file.cohort,
                quotas=file.quota,
                budgets=file.budget,
                guarantees=file.guarantee,
                wallets=file.wallet,
                spend_alerts=file.spend_alert,
            )
        except ValidationError as error:
            raise from_validation(error, where, RegistryFile) from None
        except TenantError as error:
            error.file = where
            raise

    def tenant_index(self, tenant_id: str) -> int:
        """Return the dense index of a tenant. Raises `TenantError` if there is none of that id."""
        return row_of("tenant", tenant_id, self._tenant_rows)

    def product_index(self, code: str) -> int:
        """Return the dense index of a product. Raises `TenantError` if there is none of that code."""
        return row_of("product", code, self._product_rows)

    def sla_of(self, product: int) -> SlaTerms | None:
        """Return the SLA terms of the product with dense index `product`; None where it promises no availability."""
        name = self.products[product].sla
        return None if name is None else self.sla_terms[row_of("SLA", name, self._sla_rows)]

    def contracts_in_force(self, at_s: int) -> tuple[Contract, ...]:
        """Return the contracts whose term [from_s, until_s) holds `at_s`, in the order of the registry."""
        return tuple(contract for contract in self.contracts if contract.in_force(at_s))

    def trust_domains(self) -> tuple[int, ...]:
        """Return the trust domain of each tenant: who may follow whom on a node without a scrub.

        0 for all internal and platform tenants, which are one house; 1, 2, ... for the external ones, in their order.
        """
        domains, external_count = [], 0
        for tenant in self.tenants:
            external_count += tenant.kind == "external"
            domains.append(external_count if tenant.kind == "external" else 0)
        return tuple(domains)

    @cached_property
    def _tenant_rows(self) -> dict[str, int]:
        return {tenant.id: row for row, tenant in enumerate(self.tenants)}

    @cached_property
    def _product_rows(self) -> dict[str, int]:
        return {product.code: row for row, product in enumerate(self.products)}

    @cached_property
    def _sla_rows(self) -> dict[str, int]:
        return {terms.name: row for row, terms in enumerate(self.sla_terms)}

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        refuse_duplicates("tenant", "id", [tenant.id for tenant in self.tenants])
        refuse_duplicates("product", "code", [product.code for product in self.products])
        refuse_duplicates("sla", "name", [terms.name for terms in self.sla_terms])
        for row, product in enumerate(self.products):
            if product.sla is not None:
                row_of("SLA", product.sla, self._sla_rows, path=f"product[{row}].sla")
        refuse_unknown_parties(self.contracts, self._tenant_rows, self._product_rows, self.products)
        refuse_impossible(self.contracts)
        refuse_unknown_payers(self.wallets, self.spend_alerts, self.contracts, self._tenant_rows)
        refuse_unknown(self.exclusions, self._tenant_rows, self._product_rows)
        self._refuse_unknown_holders()
        refuse_tangled(self.cohorts, self.quotas, self.budgets, self.guarantees)
        return self

    def _refuse_unknown_holders(self) -> None:
        """Quotas, budgets and guarantees are for internal tenants: renters buy what lend releases, and never borrow."""
        refuse_duplicates("cohort", "id", [cohort.id for cohort in self.cohorts])
        holders: dict[str, list[str | None]] = {
            "quota": [quota.tenant for quota in self.quotas],
            "budget": [budget.tenant for budget in self.budgets],
            "guarantee": [guarantee.tenant for guarantee in self.guarantees],
        }
        for table, tenants in holders.items():
            for row, tenant in enumerate(tenants):
                if tenant is None:
                    continue
                path = f"{table}[{row}].tenant"
                kind = self.tenants[row_of("tenant", tenant, self._tenant_rows, path=path)].kind
                if kind != "internal":
                    internal = tuple(each.id for each in self.tenants if each.kind == "internal")
                    message = f"a {table} is for internal work, this tenant is {kind}"
                    raise TenantError(message, path=path, found=tenant, allowed=internal)


def _with_built_in(rows: object, built_in: Sequence[Record], key: str) -> object:
    """Complete the rows that name a built-in one by `key`, and append the built-in ones that no row names.

    What is not an array of tables is passed on as it is: the model that reads it next says what is wrong with it.
    """
    if not isinstance(rows, list | tuple):
        return rows
    known = {getattr(row, key): row for row in built_in}
    completed: list[object] = []
    for row in rows:
        name = row.get(key) if isinstance(row, Mapping) else None
        base = known.get(name) if isinstance(name, str) else None
        completed.append(row if base is None else {**base.model_dump(), **row})
    named = [row.get(key) for row in rows if isinstance(row, Mapping)]
    return [*completed, *(row for name, row in known.items() if name not in named)]
