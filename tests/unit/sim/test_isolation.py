"""Isolation as a scenario asks for it: what is refused, what a run with it leaves behind, and that it changes nothing
where nothing fails."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from isolated_runs import WELL, assert_changes_of_hands_are_clean, isolated_run
from scheduler.isolation.states import SCRUB, NodeState
from sim.cli import app
from sim.engine.plant_answers import PlantAnswers
from sim.engine.run import run
from sim.engine.warden import WHYS
from sim.errors import ScenarioError, SimError
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load
from tenants.access.pseudonym import pseudonym


def small(**changes: Any) -> dict[str, Any]:
    """The tables of `small`, some of them replaced."""
    return {**load("small").mapping, **changes}


def tenants(name: str, **more: Any) -> list[dict[str, Any]]:
    """The tenants of `small`, one of them with more keys."""
    return [{**row, **more} if row["id"] == name else row for row in load("small").mapping["tenant"]]


def pools(**more: Any) -> list[dict[str, Any]]:
    return [{**row, **more} for row in load("small").mapping["pool"]]


SECRET = [{"code": "bare.spot", "confidential": True}]
REFUSED = {
    "work outside its regions": (
        {"tenant": tenants("acme", regions=["eu-1"])},
        "the work of acme may not be in this region",
    ),
    "a contract outside its regions": ({"tenant": tenants("fjord", regions=["eu-1"])}, "the work of fjord may not"),
    "confidential work on other nodes": ({"product": SECRET, "isolation": {}}, "a confidential product needs a pool"),
    "confidential work that nobody attests": ({"product": SECRET, "pool": pools(confidential=True)}, "a confidential"),
    "steps that are no scrub": ({"isolation": {"clean_s": 500}}, "detach, clean, validate and attach add up"),
    "an unknown peer": ({"isolation": {"peer": [{"tenant": "acme", "to": "birk"}]}}, "unknown tenant"),
    "renters on one GPU by MPS": (
        {"pool": pools(slices_per_gpu=2, share="mps")},
        "is external, and would share GPUs by mps",
    ),
    "a mode that nobody knows": ({"pool": pools(share="luck")}, "share"),
    "an impossible rate": ({"isolation": {"clean_failures_bp": 10_001}}, "clean_failures_bp"),
    "a step without time": ({"isolation": {"detach_s": 0}}, "detach_s"),
}


@pytest.mark.parametrize(("changes", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_a_scenario_that_cannot_be_isolated_is_refused(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        from_mapping(small(**changes), "s.toml")
    assert line in str(caught.value) and "\n" not in str(caught.value) and str(caught.value).startswith("s.toml: ")


def test_work_that_the_scenario_does_not_name_is_held_to_its_regions_too() -> None:
    """Jobs of the internal programme stand in no demand: the core is not made for them."""
    world = build(from_mapping(small(tenant=tenants("research", regions=["eu-1"]))), days=1)
    with pytest.raises(SimError, match="the work of research may not be in this region"):
        run(world, tape=False)


def test_where_nothing_fails_a_run_is_what_it_was() -> None:
    plain = run(build(load("small"), seed=3, days=2), tape=False, reasons=False, engine="python")
    watched = isolated_run(3)
    assert np.array_equal(plain.segments.job, watched.segments.job)
    assert np.array_equal(plain.segments.end_s, watched.segments.end_s)
    assert list(plain.segment_nodes) == list(watched.segment_nodes)
    assert plain.isolation is None and watched.isolation is not None and watched.isolation.checked > 200


def test_the_compiled_engine_steps_back() -> None:
    world = build(from_mapping(small(isolation={})), days=1)
    with pytest.raises(SimError, match="the compiled engine cannot run this"):
        run(world, reasons=False, engine="numba")


def test_failed_scrubs_take_nodes_out_until_a_repair_and_another_scrub() -> None:
    result = isolated_run(5, {"clean_failures_bp": 2_000, "repair_s": 1_000}, times=3)
    assert result.isolation is not None
    out: dict[int, int] = {}
    back = 0
    for at_s, node, state, _, why in result.isolation.changes.T.tolist():
        if state == NodeState.QUARANTINED:
            out[node] = at_s
            assert WHYS[why]
        elif node in out:
            assert state in (NodeState.DETACHING, NodeState.DOWN), "it came back without a scrub"
            assert state == NodeState.DOWN or at_s - out[node] <= 1_000
            back += state == NodeState.DETACHING
            del out[node]
    assert back > 5


def test_a_controller_that_is_lost_closes_what_was_under_way() -> None:
    result = isolated_run(5, WELL | {"restart_every_s": 700, "repair_s": 1_000}, times=3)
    assert result.isolation is not None
    begun: dict[int, int] = {}
    closed = 0
    for at_s, node, state, _, why in result.isolation.changes.T.tolist():
        if WHYS[why] == "restart":
            assert at_s % 700 == 0 and state == NodeState.QUARANTINED
            closed += node in begun
        if state in SCRUB:
            begun[node] = at_s
        else:
            begun.pop(node, None)
    assert closed > 5
    assert assert_changes_of_hands_are_clean(result) > 10


def test_two_keys_are_enough_for_two_trust_domains() -> None:
    """The third tenant is refused again and again, and everybody else goes on."""
    result = isolated_run(2, WELL | {"p_keys": 2})
    assert result.isolation is not None
    refused = [job for job, why in result.isolation.changes[3:].T.tolist() if WHYS[why] == "exhausted"]
    assert {result.world.tenant_domain[result.world.jobs.tenant[job]] for job in refused} - {0}
    assert (result.outcomes.end_s >= 0).sum() > 50


def test_an_nvlink_domain_without_partitions_serves_one_trust_domain() -> None:
    result = isolated_run(2, WELL | {"nvlink_partitions": 0}, pool=pools(nvlink_nodes=4))
    assert result.isolation is not None
    assert "nvlink" in {WHYS[why] for why in result.isolation.changes[4].tolist()}
    divided = isolated_run(2, WELL, pool=pools(nvlink_nodes=4))
    assert divided.isolation is not None and not divided.isolation.changes[4].any()


def test_confidential_work_runs_on_attested_nodes() -> None:
    result = isolated_run(4, {"validate_failures_bp": 500}, product=SECRET, pool=pools(confidential=True))
    assert result.isolation is not None and len(result.segments.job)


def test_answers_of_the_plant_are_fixed_by_the_draw() -> None:
    terms = build(from_mapping(small(isolation={"clean_failures_bp": 5_000})), days=1).isolation
    assert terms is not None
    first, second = PlantAnswers(terms), PlantAnswers(terms)
    told = [first(node, "hbm") for node in range(200)]
    assert told == [second(node, "hbm") for node in range(200)]
    assert {True, False, None} == set(told)
    assert 160 < sum(answer is True for answer in told) < 195  # a tenth fails: one of five memories


def test_names_of_nodes_are_a_tenants_own() -> None:
    names = {pseudonym(b"s" * 32, tenant, f"us-1/h100/{node}") for tenant in ("a", "b") for node in range(100)}
    assert len(names) == 200 and all(name.startswith("n-") and len(name) == 18 for name in names)
    assert pseudonym(b"s" * 32, "a", "b/1") != pseudonym(b"s" * 32, "a:b", "/1") != pseudonym(b"t" * 32, "a:b", "/1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A day with failures, and one without the table, as run folders."""
    place = tmp_path_factory.mktemp("runs")
    text = from_mapping(small(isolation={"clean_failures_bp": 500, "attach_failures_bp": 100})).text
    (place / "isolated.toml").write_text(text)
    for name, scenario in (("one", str(place / "isolated.toml")), ("plain", "small")):
        words = ["run", scenario, "--days", "1", "--out", str(place / name), "-q"]
        assert CliRunner().invoke(app, words).exit_code == 0
    return place


def call(runs: Path, *words: str) -> Any:
    return CliRunner().invoke(app, [*words, "--runs", str(runs)])


def test_isolation_shows_what_came_of_it(runs: Path) -> None:
    done = call(runs, "isolation", "one", "--json")
    told = json.loads(done.stdout)
    (pool,) = told["pools"]
    assert pool["scrubs_failed"] > 0 and pool["scrubs_begun"] >= pool["scrubs_failed"] + pool["nodes_cleaned"]
    assert (
        told["nodes_checked"] > 100
        and pool["scrubbing_gpu_s"] > 0
        and sum(row["times"] for row in told["failures"]) > 0
    )
    assert "What went wrong" in call(runs, "isolation", "one").stdout
    life = json.loads(call(runs, "isolation", "one", "--node", "us-1/h100/3", "--json").stdout)["changes"]
    assert [each["until_s"] for each in life[:-1]] == [each["at_s"] for each in life[1:]]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("isolation", "plain"), "nothing was isolated in this run"),
        (("isolation", "one", "--node", "us-1/h100/16"), "no such node"),
        (("isolation", "one", "--node", "3"), "no such node"),
        (("allocations", "one", "--tenant", "acne"), "no such tenant, did you mean 'acme'?"),
    ],
)
def test_questions_without_an_answer_are_refused(runs: Path, words: tuple[str, ...], line: str) -> None:
    done = call(runs, *words)
    assert (done.exit_code, line in done.stderr, done.stderr.count("\n")) == (2, True, 1)


def test_a_tenant_is_told_its_own_allocations(runs: Path) -> None:
    rows = json.loads(call(runs, "allocations", "one", "--tenant", "acme", "--json").stdout)["allocations"]
    assert rows and all(row["product"].startswith("bare.") and row["nodes"] for row in rows)
    assert len(call(runs, "allocations", "one", "--tenant", "acme", "--csv").stdout.splitlines()) == len(rows) + 1


def test_a_tape_replays_without_a_warden(runs: Path) -> None:
    done = call(runs, "replay", str(runs / "one"), "--format", "tape")
    assert done.exit_code == 0, done.stderr
