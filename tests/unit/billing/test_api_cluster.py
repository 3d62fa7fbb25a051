"""The cluster over the API: of a run, and of what was settled and told live."""

from collections.abc import Iterator
from typing import Any

import pytest

from api_house import ApiHouse
from billing.api.house_sums import free_in
from billing.api.schemas.snapshots import NodeNow
from billing.money import SECONDS_PER_HOUR
from runs_shown import NODE, RUN, OneRun
from settled_house import settled_house

COLUMNS = ("critical", "internal", "reserved", "on_demand", "spot", "down", "idle")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with settled_house(str(tmp_path_factory.mktemp("cluster") / "store.db")) as made:
        yield made


def read(house: ApiHouse, path: str) -> Any:
    answer = house.get("operator", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_every_gpu_second_of_a_run_is_in_one_column(house: ApiHouse) -> None:
    told = read(house, f"/v1/operator/cluster?run={RUN.id}")
    (bucket,) = told["items"]
    assert sum(bucket[f"{holder}_gpu_s"] for holder in COLUMNS) == bucket["installed_gpu_s"] == told["installed_gpu_s"]
    assert told["installed_gpu_s"] == RUN.installed_gpus * SECONDS_PER_HOUR == sum(s["gpu_s"] for s in told["states"])
    assert (bucket["critical_gpu_s"], bucket["spot_gpu_s"]) == (3_000, 3_600)
    assert (bucket["down_gpu_s"], bucket["idle_gpu_s"]) == (100, 500)


@pytest.mark.parametrize("bucket", ["hour", "day", "month"])
def test_buckets_of_the_settled_cluster_add_up(house: ApiHouse, bucket: str) -> None:
    rows = house.rows("all_capacity_hour")
    told = read(house, f"/v1/operator/cluster?bucket={bucket}")
    assert told["installed_gpu_s"] == sum(row["gpu_s"] for row in rows) > 0
    assert sum(each["installed_gpu_s"] for each in told["items"]) == told["installed_gpu_s"]


def test_revenue_is_what_renters_are_charged_and_delay_stands_beside_it(house: ApiHouse) -> None:
    told = read(house, f"/v1/operator/revenue?run={RUN.id}")
    assert told["rented"] == {"currency": "USD", "amount": "2.95", "minor": "295"}
    assert told["items"][0]["internal"]["amount"] == "1.67"
    assert told["delay"] == {"jobs": 2, "later": 1, "earlier": 0, "total_s": 60, "p99_s": 60, "max_s": 60}
    live = read(house, "/v1/operator/revenue")
    assert live["delay"] is None
    assert sum(each["gpu_s"] for each in live["products"]) == sum(r["gpu_s"] for r in house.rows("all_house_hour"))


def test_free_nodes_are_counted_in_their_pieces() -> None:
    nodes = [NodeNow.model_validate(node) for node in OneRun().snapshot(RUN.id, 0)["nodes"]]
    (pool,) = free_in(nodes)
    assert (pool.nodes, pool.free_nodes, pool.down_nodes, pool.longest_run_nodes) == (6, 4, 1, 2)
    assert (pool.free_gpus, pool.stranded_gpus) == (34, 2)


def test_a_live_cluster_is_as_it_was_last_told(house: ApiHouse) -> None:
    assert house.get("operator", "/v1/operator/nodes").status_code == 404
    seen = {"source": "run/a", "time": "2026-02-20T00:00:00Z", "queue": [], "queue_count": 0, "notices": []}
    body = seen | {"nodes": [{**NODE, "node": "us-1/h100/0"}]}
    assert house.ask("operator", "PUT", "/v1/operator/snapshots", json=body).status_code == 200
    told = read(house, "/v1/operator/nodes")
    assert (told["source"], told["time"], len(told["items"])) == ("run/a", seen["time"], 1)
    assert read(house, "/v1/operator/queue?source=run/a")["items"] == []
    clusters = read(house, "/v1/operator/clusters")
    assert [each["source"] for each in clusters["items"]] == ["run/a"]
    assert clusters["settled_events"] > 0 and not clusters["settling_fault"]


def test_runs_their_evictions_and_credits(house: ApiHouse) -> None:
    assert [each["id"] for each in read(house, "/v1/operator/runs")["items"]] == [RUN.id]
    figures = {each["name"]: each["value"] for each in read(house, f"/v1/operator/runs/{RUN.id}")["figures"]}
    assert figures["internal_delay.max_s"] == "60" and figures["reclaim.bound_s"] is None
    (gone,) = read(house, f"/v1/operator/evictions?run={RUN.id}")["items"]
    assert (gone["notice_s"], gone["inside_guarantee"], gone["lost"]["amount"]) == (60, False, "0.39")
    assert read(house, f"/v1/operator/credits?run={RUN.id}")["items"][0]["credit"]["amount"] == "1.50"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("cluster?run=nobodys", 404),
        ("cluster?from=2026-02-02T00:00:00Z&until=2026-02-01T00:00:00Z", 422),
        ("cluster?from=1990-01-01T00:00:00Z&bucket=hour", 422),
        (f"nodes?run={RUN.id}&at=2030-01-01T00:00:00Z", 422),
        ("queue?at=2026-01-01T00:00:00Z", 422),
        ("queue?source=nobodys", 404),
        ("credits", 422),
    ],
)
def test_what_is_not_there_is_refused(house: ApiHouse, query: str, status: int) -> None:
    assert house.get("operator", f"/v1/operator/{query}").status_code == status
    assert house.get("acme", f"/v1/operator/{query}").status_code == 403
