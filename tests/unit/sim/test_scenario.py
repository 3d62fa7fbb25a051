"""Scenario files: what is read, what is refused and in which words, and what a report can say about the inputs."""

import copy
import json
import re
import tomllib
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from billing.errors import BillingError
from sim.errors import ScenarioError, SimError
from sim.scenario.file import bundled, from_mapping, load, override, parse, show
from sim.scenario.model import guesses, parameters
from sim.scenario.schema import schema
from sim.scenario.toml_text import to_toml
from tenants.errors import TenantError

SMALL = tomllib.loads(show("small"), parse_float=Decimal)


def changed(path: tuple[str | int, ...], value: object) -> dict[str, Any]:
    """The small scenario with one value replaced; None removes it."""
    mapping: dict[str, Any] = copy.deepcopy(SMALL)
    place: Any = mapping
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return mapping


def test_the_bundled_scenarios_are_these() -> None:
    assert bundled() == ["acme", "gap", "labs", "rsc", "small", "wholesale"]


@pytest.mark.parametrize("name", bundled())
def test_a_bundled_scenario_bears_its_file_name_and_keeps_its_text(name: str) -> None:
    scenario = load(name)
    assert (scenario.name, scenario.file) == (name, f"{name}.toml")
    assert scenario.text == show(name)
    assert scenario.title


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(show("small").replace('name = "small"', 'name = "mine"'))
    assert load(path).name == "mine"
    assert load(str(path)) == load(path)


def test_a_folder_of_the_same_name_hides_no_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run small --out small`, and then again."""
    monkeypatch.chdir(tmp_path)
    Path("small").mkdir()
    assert load("small").name == "small"


def test_windows_line_ends_change_nothing() -> None:
    assert parse(show("small").replace("\n", "\r\n")).model_dump() == load("small").model_dump()


def test_nothing_overridden_is_the_same_scenario() -> None:
    scenario = load("small")
    assert override(scenario) is scenario


def test_overrides_reach_the_scenario_and_its_text() -> None:
    scenario = override(load("small"), seed=7, days=2, policy="fcfs", lend="none")
    assert (scenario.seed, scenario.days, scenario.policy.name, scenario.policy.lend) == (7, 2, "fcfs", "none")
    assert parse(scenario.text, scenario.file) == scenario


def test_a_preset_may_be_written_as_its_bare_name() -> None:
    bare, table = (from_mapping(changed(("programme",), form)).programme for form in ("seed", {"preset": "seed"}))
    assert bare == table
    assert bare is not None
    assert (bare.frontier is None, bare.inference is None, bare.research is None) == (False, False, True)


def test_a_time_may_be_a_toml_time() -> None:
    text = show("small").replace('epoch = "2026-01-01T00:00:00Z"', "epoch = 2026-01-01T00:00:00Z")
    assert parse(text).epoch_s == load("small").epoch_s == 1_767_225_600


def test_decimals_are_exact_however_they_are_written() -> None:
    texts = ["3.79", '"3.79"', "{ value = 3.79 }"]
    for text in texts:
        scenario = parse(re.sub(r"rate_per_1000_node_days = .*", f"rate_per_1000_node_days = {text}", show("small")))
        assert scenario.faults is not None
        assert scenario.faults.rate_per_1000_node_days.value == Decimal("3.79")


BAD: list[tuple[tuple[str | int, ...], object, type[Exception], str]] = [
    (("tenent",), [], ScenarioError, "tenent: unknown key, did you mean 'tenant'? (allowed name, title, epoch,"),
    (("faults", "repairs_s"), 3, ScenarioError, "faults.repairs_s: unknown key, did you mean 'repair_s'? (allowed"),
    (("policy", "lnd"), "none", ScenarioError, "policy.lnd: unknown key, did you mean 'lend'?"),
    (("demand", 0, "node"), [1], ScenarioError, "demand[0].node: unknown key, did you mean 'nodes'?"),
    (("tenant", 0, "nam"), "x", TenantError, "tenant[0].nam: unknown key, did you mean 'name'?"),
    (("faults", "repair_s"), {"value": 3, "sorce": ""}, ScenarioError, "repair_s.sorce: unknown key, did you mean"),
    (("faults", "repair_s"), {"source": ""}, ScenarioError, "faults.repair_s.value: missing"),
    (("faults", "repair_s"), -3, ScenarioError, "faults.repair_s: out of range (found -3; allowed an integer from 1"),
    (("faults", "repair_s"), {"value": -3}, ScenarioError, "faults.repair_s: out of range (found -3; allowed"),
    (("faults", "repair_s"), "long", ScenarioError, "faults.repair_s: wrong type (found 'long'; allowed an integer"),
    (("faults", "rate_per_1000_node_days"), -1, ScenarioError, "out of range (found -1; allowed a number from 0"),
    (("faults", "rate_per_1000_node_days"), 1.5, ScenarioError, "rate_per_1000_node_days: not a decimal number"),
    (
        ("programme", "research", "sigma"),
        4,
        ScenarioError,
        "sigma: out of range (found 4; allowed a number from 0 to 3",
    ),
    (("pool", 0, "nodes"), 0, ScenarioError, "pool[0].nodes: out of range (found 0; allowed an integer from 1"),
    (("pool", 0, "gpus_per_node"), 256, ScenarioError, "gpus_per_node: out of range (found 256; allowed an integer"),
    (("pool", 0, "scrub_s"), -1, ScenarioError, "pool[0].scrub_s: out of range (found -1"),
    (("pool",), [], ScenarioError, "pool: a cluster has nodes (found no [[pool]]; allowed at least one)"),
    (("pool",), [SMALL["pool"][0]] * 2, ScenarioError, "pool[1]: same region and sku as pool[0] (found us-1/h100"),
    (("days",), 0, ScenarioError, "days: out of range (found 0; allowed an integer from 1 to 36500)"),
    (("days",), "3", ScenarioError, "days: wrong type (found '3'; allowed an integer from 1 to 36500)"),
    (("days",), None, ScenarioError, "days: missing"),
    (("seed",), -1, ScenarioError, "seed: out of range (found -1"),
    (("epoch",), "2026-01-01", ScenarioError, "epoch: not an exact time, must be"),
    (("epoch",), "2026-01-01T00:30:00Z", ScenarioError, "epoch: bills are hourly: must lie on a full hour, UTC"),
    (("policy", "name"), "esay", ScenarioError, "policy.name: unknown policy, did you mean 'easy'? (found 'esay'"),
    (
        ("policy", "lend"),
        "some",
        ScenarioError,
        "policy.lend: unknown lend function (found 'some'; allowed none, all_idle",
    ),
    (("programme",), "sead", ScenarioError, "programme.preset: unknown value, did you mean 'seed'? (found 'sead'"),
    (
        ("programme", "region"),
        "eu",
        ScenarioError,
        "programme: no such pool (found region eu, sku (none); allowed us-1/h100",
    ),
    (
        ("programme", "frontier", "spare_nodes"),
        9,
        ScenarioError,
        "no node is left for a frontier run (found 16 nodes - 5",
    ),
    (("programme", "frontier", "tenant"), "acme", ScenarioError, "internal work needs an internal tenant (found acme"),
    (("programme", "frontier", "tenant"), "fronteer", ScenarioError, "unknown tenant, did you mean 'frontier'?"),
    (("programme", "inference", "trough_bp"), 9_000, ScenarioError, "the trough lies above the peak (found 9000"),
    (("programme", "research", "small_time_bp"), 9_000, ScenarioError, "shares of the GPU time exceed the whole"),
    (
        ("contract", 0, "nodes"),
        17,
        ScenarioError,
        "contract[0].nodes: larger than its pool (found 17; allowed at most 16)",
    ),
    (("contract", 0, "sku"), "h200", ScenarioError, "contract[0]: no such pool (found region us-1, sku h200"),
    (("contract", 0, "tenant"), "fjrd", TenantError, "contract[0].tenant: unknown tenant, did you mean 'fjord'?"),
    (("contract", 0, "from_s"), -4, TenantError, "contract[0].from_s: out of range (found -4"),
    (("demand", 0, "tenant"), "acne", ScenarioError, "demand[0].tenant: unknown tenant, did you mean 'acme'?"),
    (
        ("demand", 0, "product"),
        "bare.sopt",
        ScenarioError,
        "demand[0].product: unknown product, did you mean 'bare.spot'?",
    ),
    (
        ("demand", 0, "nodes"),
        [1, 2, 17],
        ScenarioError,
        "demand[0].nodes: larger than its pool (found 17; allowed at most 16)",
    ),
    (("demand", 0, "nodes"), [1, 0, 2], ScenarioError, "demand[0].nodes[1]: out of range (found 0"),
    (
        ("demand", 0, "weights"),
        [1],
        ScenarioError,
        "demand[0].weights: one weight per size (found 1 weights; allowed 3)",
    ),
    (("demand", 0, "run_median_s"), -1, ScenarioError, "demand[0].run_median_s: out of range (found -1"),
    (("demand", 0, "run_mean_s"), 60, ScenarioError, "run times out of order (found median 5400, mean 60, max 1209600"),
    (("demand", 0, "patience_mean_s"), 0, ScenarioError, "demand[0].patience_mean_s: out of range (found 0"),
    (("demand", 0, "until_day"), 0, ScenarioError, "demand[0].until_day: ends before it begins (found 0"),
    (("demand", 0, "jobs_per_day"), 10**7, ScenarioError, "demand[0].jobs_per_day: out of range (found 10000000"),
    (("demand", 0, "name"), "acme-spot", ScenarioError, "demand[1].name: the name of this stream belongs to demand[0]"),
    (("demand", 0, "name"), "infer", ScenarioError, "the name of this stream belongs to the internal programme"),
    (("demand", 3, "nodes"), [1, 3], ScenarioError, "demand[3].nodes: larger than the tenant's contract (found 3"),
    (("demand", 3, "tenant"), "acme", ScenarioError, "needs a contract of this tenant and product (found 2"),
    (("demand",), 3, ScenarioError, "demand: wrong type (found 3; allowed an array)"),
    (("price",), 3, ScenarioError, "price: wrong type (found 3; allowed an array)"),
    (("price", 0, "usd_per_gpu_hour"), "-1", BillingError, "price[0].usd_per_gpu_hour: negative amount"),
    (("price", 0, "usd_per_gpu_hours"), "1", BillingError, "price[0].usd_per_gpu_hours"),
]


@pytest.mark.parametrize(("path", "value", "kind", "words"), BAD, ids=lambda part: str(part)[:60])
def test_what_cannot_be_is_refused_in_one_line(
    path: tuple[str | int, ...], value: object, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind) as caught:
        from_mapping(changed(path, value), "mine.toml")
    line = str(caught.value)
    assert line.startswith("mine.toml: ")
    assert words in line
    assert "\n" not in line
    for part in ("code", "message", "file", "path", "found", "allowed"):
        assert hasattr(caught.value, part)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("demand", 0, "jobs_per_day"), 1_000),
        (("programme", "research", "jobs_per_day_per_16k_gpus"), 100_000),
    ],
)
def test_more_jobs_than_a_machine_can_hold_are_refused(path: tuple[str | int, ...], value: int) -> None:
    with pytest.raises(ScenarioError, match="more jobs than a run can hold"):
        from_mapping(changed(path, value) | {"days": 36_500})


def test_contracts_of_one_time_must_fit_together() -> None:
    twice = [SMALL["contract"][0] | {"id": name, "nodes": 9} for name in ("one", "two")]
    with pytest.raises(ScenarioError, match="contracts of one time promise more than pool"):
        from_mapping(changed(("contract",), twice))
    twice[1] |= {"from_s": twice[0]["until_s"], "until_s": twice[0]["until_s"] + 1}
    mapping = changed(("contract",), twice)
    mapping["programme"] = "custom"
    assert len(from_mapping(mapping).contract) == 2


def test_with_several_pools_a_demand_must_say_where() -> None:
    mapping = changed(("pool",), [SMALL["pool"][0], SMALL["pool"][0] | {"region": "eu-1"}])
    mapping["programme"] |= {"region": "us-1"}
    with pytest.raises(ScenarioError, match=r"demand\[0\]: several pools fit: name region and sku"):
        from_mapping(mapping)
    for row in mapping["demand"]:
        row["region"] = "us-1"
    assert len(from_mapping(mapping).pool) == 2


def binary(folder: Path) -> Path:
    (folder / "bad.toml").write_bytes(b"name = \xff\xfe")
    return folder / "bad.toml"


def not_toml(folder: Path) -> Path:
    (folder / "bad.toml").write_text("name = = 3")
    return folder / "bad.toml"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (binary, "is not UTF-8 text: byte 0xff at offset 7"),
        (not_toml, "is not TOML"),
        (lambda folder: folder, "cannot be read: Is a directory"),
        (lambda folder: folder / "none.toml", "cannot be read: No such file or directory"),
        (lambda folder: "smal", "did you mean 'small'? (allowed a TOML file, or one of acme, gap, labs, rsc, small, w"),
        (lambda folder: "null\0byte", "cannot be read"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, make: Callable[[Path], str | Path], words: str) -> None:
    with pytest.raises(SimError, match=re.escape(words)) as caught:
        load(make(tmp_path))
    assert caught.value.code == "bad_file"


def test_a_parameter_knows_where_it_comes_from() -> None:
    told = {origin.path: origin for origin in parameters(load("rsc"))}
    rate = told["faults.rate_per_1000_node_days"]
    assert rate == (rate.path, "6.50", "1/1000 node-days", "RSC-1, arXiv 2410.21680", "second-hand")
    assert told["programme.research.load_bp"].confidence == "derived"  # a default carries its origin too
    assert told["price[1]"].value.startswith("product bare.spot, sku a100, from 2026-01-01T00:00:00Z, usd")


def test_guesses_are_listed_and_the_rest_is_not() -> None:
    scenario = load("small")
    doubtful = {origin.path for origin in guesses(scenario)}
    assert {"faults.repair_s", "programme.frontier.slip_bp", "price[2]", "sla.target_9950"} <= doubtful
    assert "sla.target_9999" not in doubtful  # a preset that no product here promises
    assert "price[0]" not in doubtful  # second-hand
    assert "programme.frontier.on_days" not in doubtful  # written bare: the author's own choice
    assert doubtful < {origin.path for origin in parameters(scenario)}


def test_every_number_of_the_market_names_a_source() -> None:
    for name in bundled():
        assert all(row.source and row.as_of and row.confidence for row in load(name).price)


def test_the_schema_lets_editors_complete_and_refuse() -> None:
    document = json.loads(json.dumps(schema()))
    assert document["additionalProperties"] is False
    assert set(SMALL) <= set(document["properties"])
    tables = document["$defs"]
    assert tables["Faults"]["additionalProperties"] is False
    repair = tables[tables["Faults"]["properties"]["repair_s"]["$ref"].rpartition("/")[2]]
    assert [form["type"] for form in repair["anyOf"]] == ["integer", "object"]  # bare, or with its origin
    assert tables["Programme"]["anyOf"][0]["enum"] == ["seed", "rsc", "acme", "custom"]
    assert tables["Product"]["required"] == ["code"]  # a row may change one key of a built-in product


@pytest.mark.parametrize("name", bundled())
def test_what_is_written_reads_back_equal(name: str) -> None:
    mapping = tomllib.loads(show(name), parse_float=Decimal)
    assert tomllib.loads(to_toml(mapping), parse_float=Decimal) == mapping


def test_odd_values_read_back_equal() -> None:
    odd = {
        "plain": 'quote " backslash \\ tab \t bell \x07 delete \x7f line \n end é 中 🙂',
        "odd key": [True, -3, Decimal("1E+3"), Decimal("2"), Decimal("0.10"), {"a.b": []}],
        "rows": [{"x": 1}, {}],
        "empty": {},
    }
    assert tomllib.loads(to_toml(odd), parse_float=Decimal) == odd
    with pytest.raises(TypeError):
        to_toml({"none": None})
