"""Whatever stands in a registry file, it is either a registry that keeps its promises or one clear line."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tenants.contract import Contract
from tenants.errors import TenantError
from tenants.model import Tenant
from tenants.product import Product
from tenants.quota import Budget, Cohort, Guarantee, Quota
from tenants.registry import Registry
from tenants.sla_terms import SlaTerms

KINDS = st.sampled_from(["internal", "external", "platform"])
# What a person may have typed: the right names with wrong values, wrong names, and values of every TOML type.
NAMES = st.sampled_from(["acme", "bare.spot", "bare.reserved", "bare.new", "target_9990", "RESERVED", "external", ""])
SCALARS = (
    NAMES | st.integers() | st.integers(0, 10_000) | st.booleans() | st.floats() | st.dates() | st.text(max_size=9)
)
MODELS = (Tenant, Product, Contract, SlaTerms, Cohort, Quota, Budget, Guarantee)
PLAUSIBLE_KEYS = sorted({key for model in MODELS for key in model.model_fields} | {"nots"})
KEYS = st.sampled_from(PLAUSIBLE_KEYS) | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)
ROWS = st.dictionaries(KEYS, VALUES, max_size=6)
FILES = st.dictionaries(
    st.sampled_from(["tenant", "product", "contract", "sla", "cohort", "quota", "budget", "guarantee"]) | KEYS,
    st.lists(ROWS, max_size=3) | VALUES,
    max_size=4,
)
GOOD: dict[str, list[dict[str, Any]]] = {
    "tenant": [{"id": "acme", "name": "Acme", "kind": "external"}, {"id": "lab", "name": "Lab", "kind": "internal"}],
    "product": [{"code": "bare.spot"}, {"code": "bare.reserved"}],
    "contract": [
        {"id": "c1", "tenant": "acme", "product": "bare.reserved", "region": "eu-1", "sku": "h100"}
        | {"nodes": 1, "from_s": 0, "until_s": 10}
    ],
    "sla": [{"name": "target_9990"}],
    "cohort": [{"id": "all"}, {"id": "labs", "parent": "all", "weight": 2}],
    "quota": [{"tenant": "lab", "cohort": "labs", "nominal_gpus": 4}, {"cohort": "all", "nominal_gpus": 4}],
    "budget": [{"tenant": "lab", "soft_gpu_hours": 1, "hard_gpu_hours": 2}],
    "guarantee": [{"tenant": "lab", "cells": {"node": 1}}],
}


def refused_or_sound(mapping: dict[str, Any]) -> None:
    try:
        registry = Registry.from_mapping(mapping, "t.toml")
    except TenantError as error:
        line = str(error)
        assert line.startswith("t.toml: ")
        assert line.isprintable() and len(line) < 1_000
        return
    for contract in registry.contracts:
        product = registry.products[registry.product_index(contract.product)]
        assert product.band.name == "RESERVED" and product.whole_nodes
        assert contract in registry.contracts_in_force(contract.from_s)
        assert contract not in registry.contracts_in_force(contract.until_s)
        registry.tenant_index(contract.tenant)
    for row, product in enumerate(registry.products):
        assert registry.product_index(product.code) == row
        terms = registry.sla_of(row)
        assert (terms.name if terms else None) == product.sla


@given(FILES)
def test_any_file_is_refused_in_one_line_or_sound(mapping: dict[str, Any]) -> None:
    refused_or_sound(mapping)


@given(st.sampled_from(sorted(GOOD)), st.integers(0, 1), KEYS, VALUES)
def test_a_good_file_with_one_value_changed_is_refused_in_one_line_or_sound(
    table: str, row: int, key: str, value: Any
) -> None:
    rows = [dict(each) for each in GOOD[table]]
    rows[row % len(rows)][key] = value
    refused_or_sound({**GOOD, table: rows})


@given(st.lists(KINDS, max_size=20))
def test_trust_domains_are_dense_and_no_two_renters_share_one(kinds: list[Any]) -> None:
    tenants = tuple(Tenant(id=f"t{row}", name="x", kind=kind) for row, kind in enumerate(kinds))
    domains = Registry(tenants=tenants).trust_domains()
    rented = [domain for domain, kind in zip(domains, kinds, strict=True) if kind == "external"]
    assert rented == list(range(1, kinds.count("external") + 1))
    assert all(domain == 0 for domain, kind in zip(domains, kinds, strict=True) if kind != "external")
