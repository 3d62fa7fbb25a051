"""A run folder and the log that it is imported as are two stores of the same facts: the same books and documents."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from billing.books import Books
from billing.closing.month import Basis, month_draft, months_with_lines
from billing.log.books import books_of
from billing.log.fold import facts_of
from billing.store.engine import open_store, reading
from billing.store.ingest import ingest
from billing.store.migrate import init
from billing.store.reader import events_in
from run_folders import same
from sim.cli import app
from sim.engine.run import run as simulate
from sim.folder import run_folder
from sim.folder.books import read_books
from sim.folder.log import event_count, events_of
from sim.folder.terms import run_terms
from sim.scenario.build import build
from sim.scenario.file import load
from sim.settle import settle
from sim.summary import summarise
from trace_files import swf_line, write_lines


@pytest.mark.parametrize(("name", "days"), [("small", 3), ("gap", 12), ("labs", 5), ("acme", 4)])
def test_a_run_and_its_log_give_the_same_books_and_documents(name: str, days: int, tmp_path: Path) -> None:
    agrees(written(name, days, tmp_path / "run"), tmp_path)


def test_so_do_a_replayed_trace_and_its_log(tmp_path: Path) -> None:
    """Its tenants are those of the trace: no scenario names them."""
    lines = [swf_line(job=n, submit=n * 600, run=5000 + n, allocated=1 + n % 4, user=n % 3) for n in range(1, 30)]
    log, out = write_lines(tmp_path / "log.swf", *lines), tmp_path / "run"
    words = ["replay", str(log), "--format", "swf", "--nodes", "4", "--gpus-per-node", "1", "--out", str(out)]
    assert CliRunner().invoke(app, words).exit_code == 0
    agrees(run_folder.read(out), tmp_path)


def agrees(run: run_folder.RunFolder, tmp_path: Path) -> None:
    """Import a run into a store, and hold its books and drafts to those in its folder."""
    terms = run_terms(run)
    engine = open_store(str(tmp_path / "log.db"), create=True)
    init(engine)
    assert ingest(engine, events_of(run)).new == event_count(run)
    with reading(engine) as connection:
        facts = facts_of(events_in(connection), terms)
    assert facts.quarantined == ()
    from_log, from_folder = books_of(facts, terms), read_books(run)
    assert [list(each) for each in from_log.agreed] == [list(each) for each in from_folder.agreed]
    assert [name for name in tables(from_log) if not same(getattr(from_log, name), getattr(from_folder, name))] == []
    assert documents(Basis(from_log, terms)) == documents(Basis(from_folder, terms))


def written(name: str, days: int, out: Path) -> run_folder.RunFolder:
    scenario = load(name)
    result = simulate(build(scenario, days=days))
    books = settle(result)
    run_folder.write(out, result, books, name, scenario.text, summarise(result, books))
    return run_folder.read(out)


def tables(books: Books) -> list[str]:
    return [each.name for each in dataclasses.fields(books) if each.name != "agreed"]


def documents(basis: Basis) -> list[Any]:
    return [month_draft(basis, tenant, month) for month, tenant in months_with_lines(basis)]
