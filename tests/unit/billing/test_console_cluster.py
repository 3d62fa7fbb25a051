"""Operators' pages of the cluster: what they show is what the API says, of a run and live."""

from collections.abc import Iterator

import pytest

from api_house import ApiHouse
from billing.console.app import with_console
from billing.console.pages.house_parts import gpu_hours, share, span
from billing.log.event import chained
from billing.store.engine import open_store, writing
from billing.store.writer import append
from pages_of import Browser
from runs_shown import NODE, RUN
from settled_house import settled_house
from told_events import EPOCH_S, unix

PLACE = {"job": "job-z1", "product": "bare.spot", "region": "eu", "sku": "h100", "gpus": 8}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with settled_house(str(tmp_path_factory.mktemp("console") / "store.db")) as made:
        yield made


@pytest.fixture
def operator(house: ApiHouse) -> Browser:
    made = Browser(with_console(house.app))
    assert made.sign_in(house.keys["operator"]).status_code == 303
    return made


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("cluster", ["50.0 %", "nobody asked for it", "GET /v1/operator/cluster?run=gap-1"]),
        (
            "nodes",
            [
                "4 of 6 nodes",
                "2 of them on nodes held in part",
                "us-1/h100/2 to 3",
                "must leave",
                "2 in one of 3 domains",
            ],
        ),
        ("queue", ["a-2", "not known", "1 min", "GET /v1/operator/queue?run=gap-1"]),
        ("evictions", ["a-1", "0.39 USD", "f-1"]),
        ("offers", ["free and on sale", "0.13", "GET /v1/operator/cluster?run=gap-1"]),
        ("revenue", ["2.95 USD", "1 of 2", "1.50 USD"]),
    ],
)
def test_a_page_of_a_run_shows_what_the_api_says(operator: Browser, page: str, words: list[str]) -> None:
    text = operator.get(f"/console/{page}?run={RUN.id}").text
    assert [word for word in words if word not in text] == []
    assert "data-live" not in text  # what has ended does not change


def test_the_live_cluster_is_followed(house: ApiHouse, operator: Browser) -> None:
    assert "No scheduler has told" in operator.get("/console/nodes?run=").text
    seen = {"source": "run/a", "time": "2026-02-20T00:00:00Z", "queue": [], "queue_count": 0, "notices": []}
    body = seen | {"nodes": [{**NODE, "node": "us-1/h100/0"}]}
    assert house.ask("operator", "PUT", "/v1/operator/snapshots", json=body).status_code == 200
    for page in ("cluster", "nodes", "queue", "revenue"):
        assert "data-live" in operator.get(f"/console/{page}?run=").text
    before = operator.get("/console/nodes?run=").headers["etag"]
    assert operator.get("/console/nodes?run=", **{"if-none-match": before}).status_code == 304
    body = body | {"time": "2026-02-20T00:05:00Z"}
    assert house.ask("operator", "PUT", "/v1/operator/snapshots", json=body).status_code == 200
    assert operator.get("/console/nodes?run=").headers["etag"] != before


def test_a_tenant_is_suspended_and_looked_into_for_a_reason(house: ApiHouse, operator: Browser) -> None:
    reason = {"tenant": "bolt", "reason": "asked for by its owner"}
    done = operator.post("/console/house", {**reason, "what": "suspend"}, "/console/house")
    assert done.headers["location"] == "/console/house?done=tenant-suspended"
    operator.post("/console/house", {**reason, "what": "resume"}, "/console/house")
    assert "no open grant" in operator.get("/console/break-glass/bolt").text
    opened = operator.post("/console/break-glass", {**reason, "minutes": "5"}, "/console/house")
    assert opened.headers["location"] == "/console/house?done=glass-broken"
    assert "bolt-000001" in operator.get("/console/break-glass/bolt").text
    told = [each for each in house.actions("bolt") if each.startswith(("tenant.s", "tenant.r", "break"))]
    assert told[:3] == ["tenant.suspend", "tenant.resume", "break_glass.open"]


def test_evictions_of_the_live_log_are_shown_newest_first(house: ApiHouse, operator: Browser) -> None:
    assert "Nobody had to leave." in operator.get("/console/evictions?run=").text
    noticed = unix(noticed_s=540, guaranteed_until_s=700)
    facts = [
        ("allocation.started", 0, "acme", {"allocation": "z1", **PLACE}),
        ("preemption.executed", 600, "acme", {"allocation": "z1", **noticed}),
        ("preemption.executed", 900, "bolt", {"allocation": "z2", **noticed}),
        ("preemption.executed", 950, "bolt", {"allocation": "z3"}),  # no bill believes it, and no page breaks at it
        ("preemption.executed", 990, "bolt", {**noticed}),
    ]
    rows = ((f"z{at}" if kind != "allocation.started" else "z1.started", kind, EPOCH_S + s, who, data)
            for at, (kind, s, who, data) in enumerate(facts))  # fmt: skip
    store = open_store(house.place)
    with writing(store) as connection:
        append(connection, list(chained("others", rows)))
    store.dispose()
    told = [house.get("operator", "/v1/operator/evictions?limit=1").json()]
    told.append(house.get("operator", f"/v1/operator/evictions?limit=1&cursor={told[0]['next']}").json())
    last, first = (each["items"][0] for each in told)
    assert (last["job"], last["tenant"], last["product"], last["inside_guarantee"]) == ("z2", "bolt", None, False)
    assert (first["job"], first["product"], first["gpus"], first["notice_s"]) == ("job-z1", "bare.spot", 8, 60)
    assert first["inside_guarantee"] and told[1]["next"] is None
    page = operator.get("/console/evictions?run=").text
    assert page.index("z2") < page.index("job-z1") and "broken" in page and "data-live" in page
    assert house.get("acme", "/v1/operator/evictions").status_code == 403


def test_a_tenant_that_only_the_log_knows_is_listed_and_marked(house: ApiHouse, operator: Browser) -> None:
    found, cursor = [], ""
    while cursor is not None:
        page = house.get("operator", f"/v1/operator/tenants?limit=1{cursor and '&cursor=' + cursor}").json()
        found, cursor = [*found, *page["items"]], page["next"]
    assert [(each["id"], each["status"]) for each in found] == [
        ("acme", "active"),
        ("birch", "unregistered"),
        ("bolt", "active"),
    ]
    text = operator.get("/console/house").text
    assert "unregistered" in text and '<option value="birch"' not in text
    assert house.get("acme", "/v1/operator/tenants").status_code == 403


def test_an_offer_is_set_and_set_again(operator: Browser) -> None:
    place = {"region": "us-1", "sku": "h100", "product": "bare.spot"}
    for gpus in ("64", "32"):
        done = operator.post("/console/offers", place | {"gpus": gpus, "guarantee_s": "600"}, "/console/offers")
        assert done.headers["location"] == "/console/offers?done=offer-set", done.text
        assert f">{gpus}<" in operator.get("/console/offers").text
    refused = operator.post("/console/offers", place | {"gpus": "many"}, "/console/offers")
    assert refused.status_code == 422 and "many" in refused.text


def test_numbers_are_cut_and_spans_are_words() -> None:
    assert (gpu_hours(5_399), share(1, 3), share(1, 0)) == ("1.49", "33.3 %", "-")
    assert [span(s) for s in (0, 59, 3_700, 90_061, -60)] == ["0 s", "59 s", "1 h 1 min", "1 d 1 h", "-1 min"]
