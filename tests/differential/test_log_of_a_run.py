"""A run, closed by the simulator, and the same run as a log, folded and closed: the same hours, line items, states and
service levels. A log that lacks an event, or tells one more, is told apart."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from billing.books import Books
from billing.log.books import books_of
from billing.log.event import Event
from billing.log.fold import facts_of
from billing.terms import Terms
from run_folders import write_small
from sim.folder.books import read_books
from sim.folder.log import events_of
from sim.folder.run_folder import read
from sim.scenario.any_terms import load_any_terms


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Books, list[Event], Terms]:
    path: Path = write_small(tmp_path_factory.mktemp("runs") / "small")
    run = read(path)
    return read_books(run), list(events_of(run)), load_any_terms(path / "scenario.toml")


def differences(one: Books, other: Books) -> list[str]:
    found = [name for name in ("names", "sla", "excluded", "findings") if getattr(one, name) != getattr(other, name)]
    for name in ("usage", "lines", "capacity"):
        tables = getattr(one, name), getattr(other, name)
        found += [
            f"{name}.{field.name}" for field in fields(tables[0]) if not same(*(getattr(t, field.name) for t in tables))
        ]
    return found


def same(one: Any, other: Any) -> bool:
    return np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other


def test_a_run_and_its_log_have_the_same_books(told: tuple[Books, list[Event], Terms]) -> None:
    books, events, terms = told
    facts = facts_of(events, terms)
    assert facts.quarantined == ()
    assert len(books.usage) and len(books.sla)
    assert differences(books, books_of(facts, terms)) == []


def test_canary_a_log_without_one_of_its_events_is_told_apart(told: tuple[Books, list[Event], Terms]) -> None:
    books, events, terms = told
    for kind in ("allocation.ended", "capacity.recorded", "preemption.executed", "allocation.started"):
        at = next(place for place, event in enumerate(events) if event.type == kind)
        facts = facts_of([*events[:at], *events[at + 1 :]], terms, events[-1].time_s)
        assert differences(books, books_of(facts, terms)), kind
