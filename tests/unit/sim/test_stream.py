"""`spillway stream`: what is told arrives exactly once over a line that fails, and snapshots are true.

With processes that are killed: tests/e2e/test_stream.py.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from api_house import ApiHouse, api_house
from billing.client import Client
from billing.log.event import Event, canonical
from billing.store.door import door_of
from billing.store.engine import open_store, reading, writing
from billing.store.ingest import note_terms
from billing.store.migrate import init
from billing.store.reader import events_in
from run_folders import write_small
from scheduler.events import Status
from sim.cli import app
from sim.cli.serve_app import _accepts
from sim.cli.serve_desk import ServedDesk
from sim.engine.recorder import Recorder
from sim.engine.run import run
from sim.errors import SimError
from sim.feed import send
from sim.feed.send import Sender
from sim.feed.snapshot import snapshot_of
from sim.folder.log import events_of, source_of
from sim.folder.run_folder import read
from sim.scenario.build import build
from sim.scenario.file import load
from some_secrets import SECRETS

TERMS = """
[[tenant]]
id = "acme"
name = "Acme"
kind = "external"

[[product]]
code = "api"
band = "ON_DEMAND"
notice_s = 0
restart_s = 0
checkpoint_s = 0
requeue = false
whole_nodes = true
rolling = false
guarantee_s = 0
price_plan = "api"

[[price]]
meter = "tool_calls"
product = "*"
sku = "*"
from = "2025-01-01T00:00:00Z"
unit_price = "0.01"
"""


class Killed(Exception):
    """The stream is gone."""


class BadLine:
    """A line to the API on which every fifth question is lost, and every third answer, once it has been given."""

    def __init__(self, house: ApiHouse) -> None:
        self.house, self.calls, self.lost = house, 0, 0

    def request(self, *words: Any, **more: Any) -> httpx2.Response:
        self.calls += 1
        if not self.calls % 5:
            raise httpx2.ConnectError("nobody there")
        answer = self.house.client.request(*words, **more)
        if not self.calls % 3:
            self.lost += 1
            raise httpx2.ReadError("cut off")
        return answer


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path / "spillway.db")) as made:
        yield made


def client_of(house: ApiHouse, http: Any = None) -> Client:
    chance: Callable[[int], bytes] = house.app.state.house.entropy
    http = http or house.client
    return Client("http://testserver", house.keys["operator"], chance, pause=lambda _s: None, http=http)


def test_a_stream_over_a_bad_line_arrives_once(
    house: ApiHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "BATCH", 40)
    finished = read(write_small(tmp_path / "run", days=1))
    scenario, source, line = load("small"), source_of(finished), BadLine(house)

    def killed_at(at_s: int) -> Callable[[int], None]:
        def tick(now_s: int) -> None:
            if now_s >= at_s:
                raise Killed

        return tick

    for tick in (killed_at(30_000), killed_at(60_000), lambda _now_s: None):
        world = build(scenario, days=1)
        sender = Sender(client_of(house, line), world, source, 7_200, tick, world.horizon_s)
        sender.begin(scenario.text)
        try:
            run(world, watch=sender.watch)
        except Killed:
            continue
    assert line.lost > 3 and sender.counts["duplicate"] > 40 and sender.counts["new"] > 0
    store = open_store(house.place)
    with reading(store) as connection:
        assert list(events_in(connection)) == list(events_of(finished))
    store.dispose()
    (seen,) = house.rows("all_snapshot")
    assert seen["source"] == source and json.loads(seen["body"])["nodes"]


def test_a_paced_stream_asks_once_in_a_lull_and_tells_all() -> None:
    """Its key may ask five times a second, and whoever holds it may look at the console meanwhile."""
    world, lull_s = build(load("small"), days=1), 3_600
    at, told, count = [0], [], Counter[str]()

    class Line:
        def post_house_events(self, body: Any) -> Any:
            told.append(at[0])
            count.update(each["id"] for each in body["events"])
            return {"results": [{"id": each["id"], "status": "new"} for each in body["events"]]}

    sender = Sender(Line(), world, "run/x", 0, lambda now_s: at.__setitem__(0, now_s), lull_s)  # type: ignore[arg-type]
    run(world, watch=sender.watch)
    assert len(told) <= world.horizon_s // lull_s + 1
    assert set(count.values()) == {1} and sender.counts["new"] == len(count) > 100


def test_another_run_under_the_same_name_is_stopped(house: ApiHouse) -> None:
    scenario = load("small")
    for seed, fault in ((1, ""), (2, "other content is there")):
        world = build(scenario, days=1, seed=seed)
        sender = Sender(client_of(house), world, "run/x", 0, lambda _now_s: None, world.horizon_s)
        sender.begin(scenario.text)
        if not fault:
            run(world, watch=sender.watch)
            continue
        with pytest.raises(SimError, match=fault):
            run(world, watch=sender.watch)
    with pytest.raises(SimError, match="conflict"):
        sender.begin("# other terms")


def test_a_snapshot_is_true_and_looking_changes_nothing() -> None:
    scenario = load("gap")
    world = build(scenario, days=2)
    seen = {"waiting": 0, "notices": 0}

    def watch(now_s: int, recorder: Recorder) -> None:
        if now_s % 600 or now_s >= world.horizon_s:
            return
        core = recorder.core
        told = snapshot_of(core, world, now_s, "run/x")
        held = {pool.index: pool.held_gpus for pool in core.pools}
        assert len(told["nodes"]) == sum(pool.node_count for pool in core.pools)
        claims = sum(pool.hold[job].gpu_count(pool.per_node) for pool in core.pools for job in pool.granted)
        assert sum(node["held_gpus"] for node in told["nodes"]) in (sum(held.values()), sum(held.values()) + claims)
        statuses = core.jobs.array("status").tolist()
        assert told["queue_count"] == sum(status in (Status.PENDING, Status.GRANTED) for status in statuses)
        assert len(told["notices"]) == statuses.count(Status.EVICTING)
        seen["waiting"] += told["queue_count"]
        seen["notices"] += len(told["notices"])

    assert run(world, watch=watch).tape == run(build(scenario, days=2)).tape
    assert min(seen.values()) > 0


def test_a_node_is_told_with_its_domains_the_largest_first() -> None:
    world = build(load("labs"), days=1)
    told: list[list[str]] = []

    def watch(now_s: int, recorder: Recorder) -> None:
        if not told:
            told.append([node["domain"] for node in snapshot_of(recorder.core, world, now_s, "run/x")["nodes"]])

    run(world, watch=watch)
    assert told[0] == [f"{row // 24}/{row // 8}" for row in range(48)]


def test_mistakes_are_told_in_one_line(tmp_path: Path) -> None:
    key, empty = tmp_path / "key", tmp_path / "empty"
    key.write_text("spw_live_secret\n")
    empty.write_text("two words\n")
    there = ("--to", "http://127.0.0.1:9", "--key-file", str(key), "--attempts", "1")
    for words, said in (
        (("small", *there), "does not answer"),
        (("small", *there, "--to", "ftp://x"), "not the address of a service"),
        (("small", *there, "--to", "http://[::"), "not the address of a service"),
        (("small", *there, "--key-file", str(empty)), "holds no key"),
        (("small", *there, "--key-file", str(tmp_path / "absent")), "no such file"),
        (("small", *there, "--pace", "0"), "--pace"),
        (("nothing", *there), "nothing"),
    ):
        done = CliRunner().invoke(app, ["stream", *words])
        assert done.exit_code == 2, (words, done.output)
        assert said in done.stderr and "secret" not in done.output and len(done.stderr.splitlines()) == 1, done.stderr


def test_terms_that_a_source_brings_hold_for_the_service_that_runs(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "empty.db"), create=True)
    init(store)
    accepts = _accepts(store, None)
    times = {"from_s": 1_800_000_000, "until_s": 1_800_000_060}
    data = {"meter": "tool_calls", "quantity": 1, "product": "api", "region": "eu", "sku": "h100", **times}
    event = Event("e-1", "api/acme", "usage.metered", 1_800_000_060, "acme", 1, "", canonical(data))
    said: list[str] = []
    desk = ServedDesk(door_of(store, SECRETS, os.urandom), None, lambda: 0, said.append)
    assert not accepts(event, data) and desk.terms() is desk.terms() is None
    with writing(store) as connection:
        note_terms(connection, "run/a", TERMS)
    assert accepts(event, data) and not accepts(event._replace(subject="bolt"), data)
    assert desk.terms() is desk.terms() is not None
    with writing(store) as connection:
        note_terms(connection, "run/b", TERMS.replace("Acme", "Apex"))
    assert desk.terms() is None and [line[:20] for line in said] == [
        "no single terms to b",
        "there are terms: use",
        "no single terms to b",
    ]
    store.dispose()
