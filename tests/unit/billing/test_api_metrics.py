"""What a service tells of itself: sums over all, to whoever may ask, and lines that give nobody away."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api_house import NOW_S, ApiHouse, api_house
from billing.api.metrics import BUCKETS_US, Metered
from billing.store.health import health_in
from tenants.access.scope import local_scope

TOKEN = "t" * 32
GAUGES = {"spillway_events": 7, 'spillway_rentals{state="running"}': 2}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path / "spillway.db")) as made:
        yield made


def metered(house: ApiHouse, host: str, token: str = "", lines: list[str] | None = None) -> TestClient:
    log = None if lines is None else lines.append
    return TestClient(Metered(house.app, "1", lambda: GAUGES, token, log), client=(host, 50_000))


def test_it_counts_what_it_answers(house: ApiHouse) -> None:
    client = metered(house, "127.0.0.1")
    key = {"Authorization": f"Bearer {house.keys['acme']}"}
    for path in ("/v1/invoices", "/v1/invoices/acme-000001", "/v1/invoices/acme-000002?x=1", "/nowhere", "/v1/me"):
        client.get(path, headers=key)
    client.head("/v1/me", headers=key)
    client.request("BREW", "/v1/me", headers=key)
    text = client.get("/metrics").text
    for line in (
        'spillway_requests_total{process="1",method="GET",route="/v1/invoices",status="200"} 1',
        'spillway_requests_total{process="1",method="GET",route="/v1/invoices/{number}",status="200"} 1',
        'spillway_requests_total{process="1",method="GET",route="/v1/invoices/{number}",status="422"} 1',
        'spillway_requests_total{process="1",method="GET",route="",status="404"} 1',
        'spillway_requests_total{process="1",method="HEAD",route="/v1/me",status="200"} 1',
        'spillway_request_duration_us_bucket{process="1",le="+Inf"} 7',
        'spillway_request_duration_us_count{process="1"} 7',
        'spillway_requests_under_way{process="1"} 0',
        "spillway_events 7",
        'spillway_rentals{state="running"} 2',
    ):
        assert line in text.splitlines(), text
    assert 'method="OTHER"' in text and "BREW" not in text
    assert "acme" not in text and "bolt" not in text and house.keys["acme"] not in text
    below = [int(line.split()[-1]) for line in text.splitlines() if "_bucket" in line]
    assert below == sorted(below) and len(below) == len(BUCKETS_US) + 1


def test_only_this_machine_or_a_token_sees_them(house: ApiHouse) -> None:
    absent = metered(house, "10.0.0.7").get("/nowhere")
    for client, headers in (
        (metered(house, "10.0.0.7"), {}),
        (metered(house, "127.0.0.1"), {"X-Forwarded-For": "10.0.0.7"}),
        (metered(house, "127.0.0.1"), {"Forwarded": "for=10.0.0.7"}),
        (metered(house, "127.0.0.1", TOKEN), {}),
        (metered(house, "127.0.0.1", TOKEN), {"Authorization": f"Bearer {TOKEN}x"}),
        (metered(house, "127.0.0.1", TOKEN), {"Authorization": f"Bearer {house.keys['operator']}"}),
    ):
        refused = client.get("/metrics", headers=headers)
        assert (refused.status_code, refused.content) == (404, absent.content)
    for host in ("127.0.0.1", "10.0.0.7"):
        told = metered(house, host, TOKEN).get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert told.status_code == 200 and told.headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_behind_a_proxy_everybody_comes_from_here_and_nobody_sees_them_without_the_token(house: ApiHouse) -> None:
    """A proxy need not say for whom it asks: one of the most used says nothing unless it is told to."""

    def behind(token: str) -> TestClient:
        outer = Metered(house.app, "1", lambda: GAUGES, token, behind_proxy=True)
        return TestClient(outer, client=("127.0.0.1", 50_000))

    assert behind("").get("/metrics").status_code == 404
    assert behind(TOKEN).get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert metered(house, "127.0.0.1").get("/metrics", headers={"Via": "1.1 proxy"}).status_code == 404


def test_a_line_for_each_request_holds_no_query_no_id_and_no_key(house: ApiHouse) -> None:
    lines: list[str] = []
    client = metered(house, "127.0.0.1", lines=lines)
    key = house.keys["acme"]
    client.get(f"/v1/invoices/acme-000001?key={key}", headers={"Authorization": f"Bearer {key}"})
    client.get(f"/{key}")
    told = [json.loads(line) for line in lines]
    assert [(each["method"], each["route"], each["status"]) for each in told] == [
        ("GET", "/v1/invoices/{number}", 422),
        ("GET", "", 404),
    ]
    assert all(each["bytes"] > 0 and each["took_us"] >= 0 and each["request"].startswith("req_") for each in told)
    assert key not in str(lines) and "acme" not in str(lines)


def test_the_store_tells_how_it_fares(house: ApiHouse) -> None:
    with house.door.working(local_scope(), write=False) as bound:
        told = health_in(bound.connection, NOW_S)
    assert told["spillway_events"] == told["spillway_settling_lag_events"] == 0
    assert told['spillway_deliveries{status="dead"}'] == 0 and "spillway_hours_closed_age_s" not in told
