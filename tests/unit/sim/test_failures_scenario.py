"""A scenario with every kind of failure, from TOML to summary: spares, crashes, lemons, racks, maintenance, damping."""

from typing import Any

import pytest

from scheduler.events import Cause
from scheduler.tape import compare
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.result import RunResult
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load
from sim.scenario.model import parameters
from sim.settle import settle
from sim.summary import summarise

HARD: dict[str, Any] = {
    "days": 10,
    "faults": {
        "rate_per_1000_node_days": 40,
        "repair_s": 7200,
        "repair_sigma": "0.5",
        "lemons": {},
        "set_aside": {},
        "racks": {"nodes": 4, "rate_per_1000_rack_days": 30},
        "software": {"rate_per_1000_node_days": 60},
    },
    "requeue": {},
    "maintenance": [{"nodes": 2, "from_day": 3, "hour": 4, "every_days": 3}],
}


def hard(**more: Any) -> Any:
    small = load("small")._mapping
    pool = {**small["pool"][0], "spare_nodes": 2, "lend_spares": True, **more.pop("pool", {})}
    return from_mapping({**small, **HARD, **more, "pool": [pool]})


@pytest.fixture(scope="module")
def finished() -> RunResult:
    return run(build(hard()))


def test_every_kind_of_failure_happens_and_the_books_close(finished: RunResult) -> None:
    books = settle(finished)
    assert books.findings == []
    told = summarise(finished, books)["reliability"]
    assert told["jobs_crashed"] == int((finished.segments.cause == Cause.CRASHED).sum()) > 0
    assert told["drains"] == 6
    assert told["faults_by_cause"]["planned maintenance"] > 0 < told["faults_by_cause"]["rack or switch"]
    assert (
        told["hardware_faults"]
        == sum(told["faults_by_cause"].values()) - told["faults_by_cause"]["planned maintenance"]
    )
    assert 0 < told["ettr_bp"] < 10_000
    assert sum(told["gpu_fraction"].values()) > 0
    assert told["second_order_evictions"] <= len(finished.evictions.job)


def test_its_tape_replays_equal_and_the_same_seed_gives_the_same_run(finished: RunResult) -> None:
    assert finished.tape is not None and '"damping"' in finished.tape[0]
    assert compare(finished.tape)[1] is None
    assert run(build(hard())).tape == finished.tape


def test_failures_are_where_they_are_whatever_is_rented(finished: RunResult) -> None:
    alone = run(build(hard()), lend="none")
    assert alone.world.mishaps == finished.world.mishaps
    assert (alone.world.faults.down_s == finished.world.faults.down_s).all()


def test_its_assumptions_are_listed_with_their_source() -> None:
    paths = {origin.path for origin in parameters(hard()) if origin.source}
    assert {"faults.lemons.factor", "faults.racks.repair_s", "requeue.base_s"} <= paths
    assert "faults.lemons.factor" not in {origin.path for origin in parameters(load("small"))}


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"pool": {"spare_nodes": 10_000}}, r"pool\[0\]\.spare_nodes"),
        ({"maintenance": [{"nodes": 10_000, "from_day": 1}]}, r"maintenance\[0\]\.nodes"),
        ({"maintenance": [{"nodes": 1, "from_day": 1, "sku": "abacus"}]}, r"maintenance\[0\]"),
        ({"maintenance": [{"nodes": 1, "form_day": 1}]}, r"maintenance\[0\]"),
        ({"requeue": {"base": 3}}, r"requeue\.base"),
        ({"faults": {"software": {"rate_per_1000_node_days": -1}}}, r"faults\.software\.rate_per_1000_node_days"),
        ({"faults": {"lemons": {"share_bp": 10_001}}}, r"faults\.lemons\.share_bp"),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(more: dict[str, Any], place: str) -> None:
    with pytest.raises(ScenarioError, match=place):
        hard(**more)
