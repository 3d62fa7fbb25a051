"""`spillway db`: from a run folder or a file of events to a checked log, and what happens to files that are damaged."""

import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from billing.log.cloudevents import to_cloudevent
from billing.log.event import canonical
from billing.months import utc_text
from billing.store.engine import open_store, reading
from billing.store.reader import events_in, terms_in
from log_events import chain
from run_folders import write_small
from sim.cli import app
from sim.folder.log import events_of, source_of
from sim.folder.run_folder import read


def spillway(*words: object) -> Result:
    return CliRunner(env={"SPILLWAY_DB": None, "NO_COLOR": None}).invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("runs") / "small")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "spillway.db"
    assert spillway("db", "init", "--db", path).exit_code == 0
    return path


def test_a_run_becomes_a_log_that_checks_and_a_second_import_changes_nothing(db: Path, run_path: Path) -> None:
    run = read(run_path)
    events = list(events_of(run))
    first = json.loads(spillway("db", "import", run_path, "--db", db, "--json").stdout)
    again = json.loads(spillway("db", "import", run_path, "--db", db, "--json").stdout)
    assert (first["new"], first["duplicates"]) == (len(events), 0)
    assert (again["new"], again["duplicates"]) == (0, len(events))
    with reading(open_store(str(db))) as connection:
        assert list(events_in(connection)) == events
        assert [tuple(row) for row in terms_in(connection)] == [(source_of(run), run.scenario_toml(), len(events))]
    (state,) = json.loads(spillway("db", "status", "--db", db, "--json").stdout)["sources"]
    counts = {"events": len(events), "last_seq": len(events), "missing": 0, "expected": len(events)}
    until = {"told_until_s": events[-1].time_s, "told_until": utc_text(events[-1].time_s)}
    assert state == {"source": source_of(run), **counts, **until}
    checked = spillway("db", "check", "--db", db, "--json")
    assert checked.exit_code == 0 and json.loads(checked.stdout)["ok"]


def test_the_log_of_a_run_tells_what_the_run_has_recorded(run_path: Path) -> None:
    """As many events as facts; what they say is held against the books by the fold's tests."""
    run = read(run_path)
    kinds = [event.type for event in events_of(run)]
    rows = {name: len(run.columns(name)["tenant"]) for name in ("allocations", "evictions")}
    assert kinds.count("allocation.started") == kinds.count("allocation.ended") == rows["allocations"]
    assert kinds.count("preemption.executed") == rows["evictions"]
    assert kinds.count("outage.started") == kinds.count("outage.ended") > 0


def test_a_file_of_events_is_read_line_by_line(db: Path, tmp_path: Path) -> None:
    first, second, third = chain(count=3)
    other = second._replace(data=canonical({"gpus": 9}))
    file = tmp_path / "events.jsonl"
    lines = [json.dumps(to_cloudevent(event)) for event in (first, second, other)]
    file.write_bytes(b"\xef\xbb\xbf" + "\n".join([*lines, "nonsense", ""]).encode() + b'{"id": "\xff"}\n')
    done = spillway("db", "import", file, "--format", "cloudevents", "--db", db, "--json")
    counted = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (counted["new"], counted["conflict_count"], counted["refused_count"]) == (2, 1, 2)
    assert "event sim-2, seq 2: other content is there" in done.stderr
    assert "line 4" in done.stderr and "line 5" in done.stderr
    with reading(open_store(str(db))) as connection:
        assert list(events_in(connection)) == [first, second]
    assert len(json.loads(spillway("db", "status", "--db", db, "--json").stdout)["quarantined"]) == 3
    file.write_text(json.dumps(to_cloudevent(third)) + "\n")
    assert spillway("db", "import", file, "--format", "cloudevents", "--db", db).exit_code == 0


def test_a_gap_is_a_negative_finding(db: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(json.dumps(to_cloudevent(event)) for event in (chain()[0], chain()[2])))
    assert spillway("db", "import", file, "--format", "cloudevents", "--db", db).exit_code == 0
    checked = spillway("db", "check", "--db", db)
    assert checked.exit_code == 1
    assert "seq 2 to 2 have not arrived" in checked.stdout


@pytest.mark.parametrize("words", [("status",), ("check",), ("upgrade",), ("import", "x")])
def test_a_database_that_is_none_is_one_line_and_exit_code_2(tmp_path: Path, words: tuple[str, ...]) -> None:
    text, empty = tmp_path / "text.db", tmp_path / "empty.db"
    text.write_text("not a database at all, " * 20)
    empty.write_bytes(b"")
    for path in (tmp_path / "absent.db", text, empty, tmp_path):
        before = path.read_bytes() if path.is_file() else None
        done = spillway("db", *words, "--db", path)
        assert (done.exit_code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
        assert (path.read_bytes() if path.is_file() else None) == before


def test_a_damaged_file_is_told_in_one_line_and_left_as_it_is(
    db: Path, run_path: Path, tmp_path: Path, seed: int
) -> None:
    """Cut anywhere, or with bytes turned over anywhere: never a traceback, never another byte."""
    assert spillway("db", "import", run_path, "--db", db).exit_code == 0
    sound = db.read_bytes()
    assert not db.with_name(f"{db.name}-wal").exists()
    rng = random.Random(seed)
    codes = []
    for number in range(24):
        damaged = bytearray(sound)
        if number % 2:
            del damaged[rng.randrange(len(damaged)) :]
        else:
            # Where something is written: an empty table is a page of zeros, and damage to those may go unseen.
            at = next(
                place
                for place in iter(lambda: rng.randrange(len(sound) - 600), None)
                if sum(map(bool, sound[place : place + 512])) > 256
            )
            damaged[at : at + 512] = rng.randbytes(512)
        path = tmp_path / f"damaged-{number}.db"
        path.write_bytes(damaged)
        for words in (("status",), ("check",)):
            done = spillway("db", *words, "--db", path)
            assert done.exit_code in (0, 1, 2), done.stderr
            assert "Traceback" not in done.stderr and len(done.stderr.splitlines()) <= 1
            assert path.read_bytes() == damaged
        codes.append(done.exit_code)
    assert codes.count(0) <= len(codes) // 4  # damage in unused space may go unseen
