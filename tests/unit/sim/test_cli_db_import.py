"""`spillway db import` of past use: overlapping files, jobs that run on, lines that cannot be read."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from billing.log.books import books_of
from billing.log.fold import facts_of
from billing.months import parse_utc
from billing.store.engine import open_store, reading
from billing.store.reader import events_in, terms_in
from billing.terms import load_terms
from sim.cli import app
from use_files import HEADER, TERMS_TOML

MARCH = parse_utc("2026-03-01T00:00:00Z")
DONE = "a,acme,bare.ondemand,eu,h100,8,2026-03-01T00:30:00Z,2026-03-01T02:30:00Z"
RUNNING = "b,acme,bare.spot,eu,b200,4,2026-03-01T01:00:00Z,"
ENDED = f"{RUNNING}2026-03-01T03:00:00Z"
AGAIN = "a,acme,bare.ondemand,eu,h100,8,2026-03-01T05:00:00Z,2026-03-01T06:00:00Z"


def spillway(*words: object) -> Result:
    return CliRunner(env={"SPILLWAY_DB": None}).invoke(app, ["db", *(str(word) for word in words)])


class Desk:
    """A store, terms, and a way to bring in a file of intervals."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.db, self.terms = folder, folder / "log.db", folder / "terms.toml"
        self.terms.write_text(TERMS_TOML)
        assert spillway("init", "--db", self.db).exit_code == 0

    def bring(self, *rows: str) -> tuple[int, dict[str, int], str]:
        file = self.folder / "use.csv"
        file.write_text("\n".join([HEADER, *rows]) + "\n")
        words = ("import", file, "--format", "intervals", "--terms", self.terms, "--db", self.db, "--json")
        done = spillway(*words)
        return done.exit_code, json.loads(done.stdout), done.stderr

    def hours(self) -> dict[tuple[str, int], int]:
        """GPU-seconds by product and hour of the day."""
        terms = load_terms(self.terms)
        with reading(open_store(str(self.db))) as connection:
            facts = facts_of(events_in(connection), terms)
        assert facts.quarantined == ()
        usage = books_of(facts, terms).usage
        rows = zip(usage.product.tolist(), usage.hour_s.tolist(), usage.quantity.tolist(), strict=True)
        at = terms.epoch_s - MARCH
        return {(facts.names.products[product], (hour_s + at) // 3600): gpu_s for product, hour_s, gpu_s in rows}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_overlapping_files_tell_each_second_once(desk: Desk) -> None:
    """Yesterday's file and today's: one job in both, one that has ended meanwhile, one that ran again."""
    code, counted, _ = desk.bring(DONE, RUNNING)
    assert (code, counted["new"], counted["duplicates"]) == (0, 4, 0)  # two starts, an end, and the end of the file
    code, counted, _ = desk.bring(DONE, ENDED, AGAIN)
    assert (code, counted["new"], counted["duplicates"]) == (0, 4, 3)
    assert desk.hours() == {
        ("bare.ondemand", 0): 8 * 1800,
        ("bare.ondemand", 1): 8 * 3600,
        ("bare.ondemand", 2): 8 * 1800,
        ("bare.ondemand", 5): 8 * 3600,
        ("bare.spot", 1): 4 * 3600,
        ("bare.spot", 2): 4 * 3600,
    }


def test_the_same_file_again_changes_nothing(desk: Desk) -> None:
    desk.bring(DONE, ENDED)
    code, counted, _ = desk.bring(DONE, ENDED)
    assert (code, counted["new"], counted["conflict_count"]) == (0, 0, 0)
    with reading(open_store(str(desk.db))) as connection:
        (noted,) = terms_in(connection)
        assert noted.terms == TERMS_TOML
    assert json.loads(spillway("check", "--db", desk.db, "--json").stdout)["ok"]


def test_a_line_that_tells_another_end_is_put_aside(desk: Desk) -> None:
    desk.bring(DONE)
    code, counted, told = desk.bring(DONE.replace("02:30", "04:30"))
    assert (code, counted["new"], counted["conflict_count"]) == (1, 0, 1)
    assert "a@1772325000.ended: conflict with intervals/" in told
    assert len(json.loads(spillway("status", "--db", desk.db, "--json").stdout)["quarantined"]) == 1
    assert desk.hours()[("bare.ondemand", 2)] == 8 * 1800


def test_a_line_that_stands_twice_leaves_no_gap(desk: Desk) -> None:
    code, counted, told = desk.bring(DONE, DONE, DONE.replace(",8,", ",4,"), RUNNING)
    assert (code, counted["new"], counted["duplicates"], counted["conflict_count"]) == (1, 4, 3, 1)
    assert "a@1772325000.started: conflict with intervals/" in told
    assert json.loads(spillway("check", "--db", desk.db, "--json").stdout)["ok"]


def test_a_line_that_makes_no_sense_is_told_and_the_rest_goes_on(desk: Desk) -> None:
    code, counted, told = desk.bring(DONE, "c,acme,bare.spot,eu,b200,many,2026-03-01T00:00:00Z,")
    assert (code, counted["new"], counted["refused_count"]) == (1, 3, 1)
    assert "line 3" in told


def test_intervals_need_terms(desk: Desk) -> None:
    done = spillway("import", desk.terms, "--format", "sacct", "--db", desk.db)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--terms" in done.stderr
