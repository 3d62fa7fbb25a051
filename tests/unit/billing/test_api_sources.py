"""What the house's own emitters bring over the API: exactly once, each judged by itself, and never as a tenant."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest

from api_house import ApiHouse, api_house
from billing.api.strict import BODY_BYTES_MAX
from billing.log.cloudevents import to_cloudevent
from billing.log.event import Event, chained
from billing.store.engine import open_store, reading
from billing.store.reader import events_in

FACTS = [(f"e{n}", "source.beat", 1_800_000_000 + n, "operator", {"n": n}) for n in range(1, 7)]


@pytest.fixture
def either(store_place: str) -> Iterator[ApiHouse]:
    """On each engine: the worker's rights are the engine's."""
    with api_house(store_place) as made:
        yield made


def told(events: list[Event]) -> dict[str, Any]:
    kept = ("id", "source", "type", "time", "subject", "seq", "prevhash", "data")
    return {"events": [{k: v for k, v in to_cloudevent(event).items() if k in kept} for event in events]}


def statuses(house: ApiHouse, events: list[Event]) -> str:
    answer = house.post("operator", "/v1/operator/events", told(events))
    assert answer.status_code == 200, answer.text
    return " ".join(each["status"] for each in answer.json()["results"])


def test_events_come_in_exactly_once_each_judged_by_itself(either: ApiHouse) -> None:
    chain = list(chained("run/a", FACTS))
    assert statuses(either, chain[:3]) == "new new new"
    assert statuses(either, chain[:3]) == "duplicate duplicate duplicate"
    other = chain[3]._replace(data='{"n":99}')
    foreign = chain[4]._replace(source="api/acme")
    assert statuses(either, [chain[2], chain[3], chain[3], other, foreign, chain[4]]) == (
        "duplicate new duplicate conflict refused new"
    )
    store = open_store(either.place)
    with reading(store) as connection:
        assert list(events_in(connection)) == chain[:5]
    store.dispose()
    assert either.actions("").count("events.feed") == 2


def test_nobody_speaks_for_the_desk(either: ApiHouse) -> None:
    """It goes on from its last event: one that somebody else has numbered would be the last that it can tell."""
    far = next(chained("rentals", FACTS))._replace(seq=2**63 - 1, prevhash="0" * 64)
    assert statuses(either, [*chained("rentals", FACTS[:1]), far]) == "refused refused"
    assert either.rows("all_event") == []


def test_only_operators_feed_the_log(either: ApiHouse) -> None:
    body = told(list(chained("run/a", FACTS)))
    for who in ("acme", "acme/member", "auditor"):
        assert either.post(who, "/v1/operator/events", body).status_code == 403
    assert either.rows("all_event") == []


def test_a_reason_repeats_nothing_that_was_sent(either: ApiHouse) -> None:
    body = told(list(chained("run/a", FACTS[:1])))
    for change in ({"time": "2026-13-41T00:00:00Z"}, {"data": {"spw_x": 1.5}}, {"seq": 2}, {"source": "api/bolt"}):
        sent = {"events": [body["events"][0] | change]}
        (result,) = either.post("operator", "/v1/operator/events", sent).json()["results"]
        assert result["status"] == "refused"
        assert not any(word in result["reason"] for word in ("13-41", "spw_", "bolt"))


def test_a_source_has_one_set_of_terms_for_ever(either: ApiHouse) -> None:
    said = {"source": "run/a", "terms": "# the terms", "events": 6}
    first = either.ask("operator", "PUT", "/v1/operator/source-terms", json=said)
    assert first.status_code == 200
    assert either.ask("operator", "PUT", "/v1/operator/source-terms", json=said).json() == first.json()
    for change, status in (({"terms": "# others"}, 409), ({"source": "api/acme"}, 422)):
        answer = either.ask("operator", "PUT", "/v1/operator/source-terms", json=said | change)
        assert answer.status_code == status
    assert [row["terms"] for row in either.rows("event_terms")] == ["# the terms"]


def test_a_snapshot_replaces_the_one_before_and_no_later_one(either: ApiHouse) -> None:
    empty: dict[str, Any] = {"source": "run/a", "nodes": [], "queue": [], "queue_count": 0, "notices": []}
    for at, kept in (("01", "01"), ("03", "03"), ("02", "03")):
        body = empty | {"time": f"2026-01-{at}T00:00:00Z"}
        answer = either.ask("operator", "PUT", "/v1/operator/snapshots", json=body)
        assert answer.json() == {"source": "run/a", "time": f"2026-01-{kept}T00:00:00Z"}
    assert len(either.rows("all_snapshot")) == 1


def test_the_largest_cluster_fits(either: ApiHouse) -> None:
    fixed = {"region": "us-east-1", "sku": "h100", "state": "held", "holder": "research-1", "product": "int.research"}
    nodes = [
        {"node": f"us-east-1/h100/{n}", "job": f"research/{n:08}", "gpus": 8, "held_gpus": 8, **fixed}
        for n in range(8_192)
    ]
    body = {"source": "run/a", "time": "2026-01-01T00:00:00Z", "nodes": nodes, "queue": [], "queue_count": 0}
    assert either.ask("operator", "PUT", "/v1/operator/snapshots", json=body | {"notices": []}).status_code == 200


def test_a_body_may_be_packed_and_is_no_larger_unpacked(either: ApiHouse) -> None:
    text = json.dumps(told(list(chained("run/a", FACTS)))).encode()
    packed = {"content-type": "application/json", "content-encoding": "gzip"}

    def send(body: bytes, **more: str) -> int:
        headers = packed | {name.replace("_", "-"): value for name, value in more.items()}
        return int(either.ask("operator", "POST", "/v1/operator/events", headers=headers, content=body).status_code)

    assert send(gzip.compress(text)) == 200
    assert len(either.rows("all_event")) == 6
    assert send(gzip.compress(b" " * (BODY_BYTES_MAX + 1))) == 413
    assert send(gzip.compress(text)[:-9]) == send(gzip.compress(text) + b"x") == send(text) == 422
    assert send(text, content_encoding="br") == 415
