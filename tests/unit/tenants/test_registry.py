import textwrap
import tomllib
from pathlib import Path

import pytest

import tenants.registry as registry_module
from tenants.errors import TenantError
from tenants.model import Tenant
from tenants.product import CATALOGUE
from tenants.registry import Registry, read_toml
from tenants.sla_terms import SLA_PRESETS

FILE = """
[[tenant]]
id = "core"
name = "Model training"
kind = "internal"

[[tenant]]
id = "acme"
name = "Acme Robotics"
kind = "external"

[[tenant]]
id = "serving"
name = "Hosted models"
kind = "platform"

[[tenant]]
id = "zeta"
name = "Zeta Bio"
kind = "external"

[[product]]
code = "bare.spot"
notice_s = 120

[[product]]
code = "bare.block"
band = "RESERVED"
guarantee_s = 0
rolling = false
notice_s = 0
whole_nodes = true
requeue = false
checkpoint_s = 0
restart_s = 60
sla = "block"

[[sla]]
name = "block"
target_bp = 9900
steps = [{ below_bp = 9900, credit_bp = 1000 }]
source = "our own block terms"
confidence = "primary"

[[contract]]
id = "acme-2026"
tenant = "acme"
product = "bare.reserved"
region = "eu-1"
sku = "h100"
nodes = 16
from_s = 0
until_s = 2592000

[[contract]]
id = "zeta-block"
tenant = "zeta"
product = "bare.block"
region = "eu-1"
sku = "h100"
nodes = 4
from_s = 86400
until_s = 172800
"""


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    path = tmp_path / "tenants.toml"
    path.write_text(FILE)
    return Registry.load(path)


def make_rows(**tables: list[dict[str, object]]) -> dict[str, list[dict[str, object]]]:
    """One external tenant with one contract; a table that is named changes rows by position, or adds some."""
    rows: dict[str, list[dict[str, object]]] = {
        "tenant": [{"id": "acme", "name": "Acme", "kind": "external"}],
        "contract": [
            {"id": "c1", "tenant": "acme", "product": "bare.reserved", "region": "eu-1", "sku": "h100"}
            | {"nodes": 1, "from_s": 0, "until_s": 10}
        ],
    }
    for table, changes in tables.items():
        old = rows.get(table, [])
        padded = [*old, *({} for _ in changes[len(old) :])]
        rows[table] = [row | change for row, change in zip(padded, changes, strict=True)]
    return rows


def test_position_is_the_dense_index(registry: Registry) -> None:
    assert [registry.tenant_index(tenant.id) for tenant in registry.tenants] == [0, 1, 2, 3]
    assert [registry.product_index(product.code) for product in registry.products] == list(range(7))


def test_rows_of_the_file_come_first_and_built_in_ones_follow(registry: Registry) -> None:
    codes = [product.code for product in registry.products]
    kept = [product.code for product in CATALOGUE if product.code != "bare.spot"]
    assert codes == ["bare.spot", "bare.block", *kept]
    assert [terms.name for terms in registry.sla_terms] == ["block", *(preset.name for preset in SLA_PRESETS)]


def test_a_row_that_names_a_built_in_product_changes_only_what_it_says(registry: Registry) -> None:
    spot = registry.products[registry.product_index("bare.spot")]
    built_in = next(product for product in CATALOGUE if product.code == "bare.spot")
    assert spot == built_in.model_copy(update={"notice_s": 120})


def test_a_row_that_names_a_preset_changes_only_what_it_says() -> None:
    registry = Registry.from_mapping({"sla": [{"name": "target_9990", "cap_bp": 5_000}]})
    preset = next(preset for preset in SLA_PRESETS if preset.name == "target_9990")
    assert registry.sla_terms[0] == preset.model_copy(update={"cap_bp": 5_000})


def test_the_example_in_the_documentation_loads() -> None:
    example = "\n".join(line for line in (registry_module.__doc__ or "").splitlines() if line.startswith("    "))
    registry = Registry.from_mapping(tomllib.loads(textwrap.dedent(example)))
    assert [contract.tenant for contract in registry.contracts_in_force(0)] == ["acme"]


def test_an_empty_file_is_the_built_in_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "tenants.toml"
    path.touch()
    assert Registry.load(path) == Registry(tenants=())
    assert Registry.load(path).products == CATALOGUE


def test_every_renter_is_its_own_trust_domain_and_the_house_is_one(registry: Registry) -> None:
    assert registry.trust_domains() == (0, 1, 0, 2)


def test_contracts_in_force_follow_their_terms(registry: Registry) -> None:
    ids = [[contract.id for contract in registry.contracts_in_force(at_s)] for at_s in (0, 86_400, 172_800, 2_592_000)]
    assert ids == [["acme-2026"], ["acme-2026", "zeta-block"], ["acme-2026"], []]


def test_the_sla_of_a_product_is_found_by_its_index(registry: Registry) -> None:
    block = registry.sla_of(registry.product_index("bare.block"))
    assert block is not None and block.source == "our own block terms"
    assert registry.sla_of(registry.product_index("bare.spot")) is None


def test_a_registry_is_a_value(registry: Registry, tmp_path: Path) -> None:
    registry.tenant_index("acme")  # fills a cache, which must not count
    again = Registry.load(tmp_path / "tenants.toml")
    assert registry == again
    assert hash(registry) == hash(again)


@pytest.mark.parametrize(
    ("method", "name", "line"),
    [
        (
            "tenant_index",
            "acm",
            "unknown tenant, did you mean 'acme'? (found 'acm'; allowed core, acme, serving, zeta)",
        ),
        ("product_index", "bare.spt", "unknown product, did you mean 'bare.spot'? (found 'bare.spt'; allowed "),
    ],
)
def test_an_unknown_name_is_an_error_with_the_nearest_one(
    registry: Registry, method: str, name: str, line: str
) -> None:
    with pytest.raises(TenantError) as caught:
        getattr(registry, method)(name)
    assert str(caught.value).startswith(line)
    assert caught.value.code == "unknown_name"


REFUSED = {
    "a tenant of an unknown kind": (
        {"tenant": [{"kind": "extrenal"}]},
        "t.toml: tenant[0].kind: unknown value, did you mean 'external'? "
        "(found 'extrenal'; allowed internal, external, platform)",
    ),
    "two tenants of one id": (
        {"tenant": [{}, {"id": "acme", "name": "Other", "kind": "internal"}]},
        "t.toml: tenant[1].id: used already by tenant[0] (found 'acme')",
    ),
    "two rows for one built-in product": (
        {"product": [{"code": "bare.spot", "notice_s": 1}, {"code": "bare.spot", "notice_s": 2}]},
        "t.toml: product[1].code: used already by product[0] (found 'bare.spot')",
    ),
    "two contracts of one id": (
        {"contract": [{}, make_rows()["contract"][0]]},
        "t.toml: contract[1].id: used already by contract[0] (found 'c1')",
    ),
    "two rows for one preset": (
        {"sla": [{"name": "target_9900"}, {"name": "target_9900"}]},
        "t.toml: sla[1].name: used already by sla[0] (found 'target_9900')",
    ),
    "a contract of an unknown tenant": (
        {"contract": [{"tenant": "acne"}]},
        "t.toml: contract[0].tenant: unknown tenant, did you mean 'acme'? (found 'acne'; allowed acme)",
    ),
    "a contract of an unknown product": (
        {"contract": [{"product": "bare.reserve"}]},
        "t.toml: contract[0].product: unknown product, did you mean 'bare.reserved'? (found 'bare.reserve'; allowed "
        "int.frontier, int.inference, int.research, bare.reserved, bare.ondemand, bare.spot)",
    ),
    "a contract of a product that is not reserved": (
        {"contract": [{"product": "bare.spot"}]},
        "t.toml: contract[0].product: a contract needs a product in band RESERVED, this one is in SPOT "
        "(found 'bare.spot'; allowed bare.reserved)",
    ),
    "a contract that ends when it begins": (
        {"contract": [{"until_s": 0}]},
        "t.toml: contract[0].until_s: must be later than from_s, which is 0 (found 0)",
    ),
    "a contract for no nodes": (
        {"contract": [{"nodes": 0}]},
        "t.toml: contract[0].nodes: promises nothing (found 0; "
        "allowed at least 1, or a contract with take_or_pay or prepayment)",
    ),
    "a product with unknown SLA terms": (
        {"product": [{"code": "bare.spot"}, {"code": "bare.ondemand", "sla": "target_995"}]},
        "t.toml: product[1].sla: unknown SLA, did you mean 'target_9950'? (found 'target_995'; allowed target_9900, "
        "target_9950, target_9990, target_9999, aws_region, nebius_k8s, linear)",
    ),
    "a negative notice": (
        {"product": [{"code": "bare.spot", "notice_s": -1}]},
        "t.toml: product[0].notice_s: out of range (found -1; allowed an integer from 0 to 1000000000000)",
    ),
    "a negative guarantee": (
        {"product": [{"code": "bare.ondemand", "guarantee_s": -3600}]},
        "t.toml: product[0].guarantee_s: out of range (found -3600; allowed an integer from 0 to 1000000000000)",
    ),
    "a rental on part of a node": (
        {"product": [{"code": "bare.spot", "whole_nodes": False}]},
        "t.toml: product[0].whole_nodes: products in band SPOT must hold whole nodes, so this must be true "
        "(found false)",
    ),
    "a product with too few promises": (
        {"product": [{"code": "bare.new", "band": "SPOT"}]},
        "t.toml: product[0].guarantee_s: missing (allowed an integer from 0 to 1000000000000)",
    ),
    "a table of an unknown name": (
        {"tenants": [{}]},
        "t.toml: tenants: unknown key, did you mean 'tenant'? (allowed tenant, product, contract, sla, "
        "sla_exclusion, "
        "cohort, quota, budget, guarantee, wallet, spend_alert)",
    ),
    "a key of an unknown name": (
        {"tenant": [{"knd": "external"}]},
        "t.toml: tenant[0].knd: unknown key, did you mean 'kind'? (allowed id, name, kind, regions)",
    ),
    "a misspelt key of a credit step": (
        {"sla": [{"name": "target_9900", "steps": [{"below_bp": 9900, "credit": 1}]}]},
        "t.toml: sla[0].steps[0].credit: unknown key, did you mean 'credit_bp'? (allowed below_bp, credit_bp)",
    ),
}


@pytest.mark.parametrize(("changes", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_a_registry_refuses(changes: dict[str, list[dict[str, object]]], line: str) -> None:
    with pytest.raises(TenantError) as caught:
        Registry.from_mapping(make_rows(**changes), "t.toml")
    assert str(caught.value) == line


@pytest.mark.parametrize(
    "tables", [{"product": 3}, {"product": [3]}, {"product": {"code": "x"}}, {"sla": "x"}], ids=str
)
def test_a_table_of_the_wrong_shape_is_refused_like_any_other_value(tables: dict[str, object]) -> None:
    with pytest.raises(TenantError, match="wrong type"):
        Registry.from_mapping(tables)


def test_a_registry_built_in_code_is_held_to_the_same_rules() -> None:
    twins = (Tenant(id="a", name="A", kind="internal"), Tenant(id="a", name="B", kind="internal"))
    with pytest.raises(TenantError, match=r"tenant\[1\].id: used already by tenant\[0\]"):
        Registry(tenants=twins)
    with pytest.raises(TenantError, match=r"product\[3\].sla: unknown SLA, none is defined"):
        Registry(tenants=(), sla_terms=())


UNREADABLE = {
    "binary": (b"\x7fELF\x02\xff", "is not UTF-8 text: byte 0xff at offset 5"),
    "not TOML": (b"[[tenant]", "is not TOML: Expected ']]' at the end of an array declaration (at line 1, column 9)"),
    "a key twice": (b"a = 1\na = 2\n", "is not TOML: Cannot overwrite a value (at line 2, column 6)"),
    "a number of 5,000 digits": (b"a = " + b"1" * 5_000, "holds a number of too many digits"),
    "100,000 brackets": (b"a = " + b"[" * 100_000, "is nested too deeply"),
}


@pytest.mark.parametrize(("content", "reason"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "tenants.toml"
    path.write_bytes(content)
    with pytest.raises(TenantError) as caught:
        read_toml(path)
    assert str(caught.value) == f"{path}: {reason}"
    assert caught.value.code == "bad_file"


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(TenantError, match="cannot be read") as caught:
            Registry.load(path)
        assert caught.value.file == str(path)
