"""`spillway bill hours`: closed and open hours of a log, what is late for them, and what holds the others back."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from billing.log.cloudevents import to_cloudevent
from billing.log.event import Event
from sim.cli import app
from told_events import ended, started, told
from use_files import TERMS_TOML

HOUR_S = 3600
TERMS = f'epoch = "2026-01-31T22:00:00Z"\n{TERMS_TOML}\n[metering]\ngrace_s = 600\n'


def spillway(*words: object) -> Result:
    return CliRunner(env={"SPILLWAY_DB": None}).invoke(app, [str(word) for word in words])


def imported(folder: Path, *events: Event) -> Path:
    db, lines = folder / "books.db", folder / "events.jsonl"
    assert spillway("db", "init", "--db", db).exit_code == 0
    lines.write_text("".join(json.dumps(to_cloudevent(event)) + "\n" for event in events))
    done = spillway("db", "import", lines, "--format", "cloudevents", "--db", db)
    assert done.exit_code == 0, done.stderr
    return db


def hours(db: Path, terms: Path, *words: object) -> dict[str, Any]:
    done = spillway("bill", "hours", "--db", db, "--terms", terms, "--json", *words)
    assert done.exit_code == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.fixture
def terms(tmp_path: Path) -> Path:
    path = tmp_path / "terms.toml"
    path.write_text(TERMS)
    return path


def rows(document: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(row["hour"][11:16], row["quantity"], row["state"], row["cause"]) for row in document["hours"]]


def test_hours_close_behind_the_watermark_and_its_grace(tmp_path: Path, terms: Path) -> None:
    db = imported(tmp_path, *told([started(0), ended(2 * HOUR_S + 300), ("source.beat", 2 * HOUR_S + 599, "acme", {})]))
    document = hours(db, terms)
    assert document["closed_until"] == "2026-01-31T23:00:00Z"
    assert rows(document) == [
        ("22:00", 8 * HOUR_S, "closed", ""),
        ("23:00", 8 * HOUR_S, "open", ""),
        ("00:00", 8 * 300, "open", ""),
    ]


def test_a_late_fact_is_a_difference_with_its_cause_and_the_closed_hour_stays(tmp_path: Path, terms: Path) -> None:
    agent = told([started(600, "late"), ended(900, "late")], "agent")
    db = imported(tmp_path, *told([started(0), ended(2 * HOUR_S)]), *agent)
    found = hours(db, terms, "--known", 2)
    assert found["closed_until"] == "2026-01-31T23:00:00Z"
    assert rows(found) == [
        ("22:00", 8 * HOUR_S, "closed", ""),
        ("22:00", 8 * 300, "late", "agent/agent-0"),
        ("23:00", 8 * HOUR_S, "open", ""),
    ]
    assert found["open_because"] == []


def test_a_gap_holds_back_every_hour_behind_it_and_is_named(tmp_path: Path, terms: Path) -> None:
    events = told([started(0), ended(3 * HOUR_S), started(3 * HOUR_S, "b"), ended(4 * HOUR_S, "b")])
    db = imported(tmp_path, events[0], *events[2:])
    found = hours(db, terms)
    assert found["closed_until"] == "2026-01-31T22:00:00Z"
    assert found["open_because"] == [
        "source scheduler: events 2 to 2 are missing",
        "source scheduler: has told everything before 2026-01-31T22:00:00Z, and nothing for certain since",
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("grace_s = -1", "metering.grace_s"),
        ('late_usage = "sometimes"', "allowed next_invoice, look_back, never"),
        ("colour = 1", "allowed grace_s, late_usage, late_months"),
    ],
)
def test_wrong_terms_of_metering_are_one_line(tmp_path: Path, terms: Path, line: str, message: str) -> None:
    terms.write_text(f"{TERMS_TOML}\n[metering]\n{line}\n")
    done = spillway("bill", "hours", "--db", imported(tmp_path, *told([started(0)])), "--terms", terms)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
