"""Statuses that do not flatter: nothing is green without an attack that was held off and a fault that was caught."""

from typing import Any

import pytest

from tenants.errors import TenantError
from tenants.isolation.catalogue import CATALOGUE, chosen
from tenants.isolation.evidence import Backend, Evidence, Result, read_evidence
from tenants.isolation.inspect import NO_ATTACK, NO_FAULT, Report, Status, inspect, strangers

SQLITE, POSTGRESQL, MODEL = Backend.SQLITE, Backend.POSTGRESQL, Backend.MODEL


def evidence(property: str, backend: Backend = MODEL, **more: Any) -> Evidence:
    plain = {"result": Result.PASS, "test": "t", "seed": 1, "examples": 2, "duration_ms": 3, "commit": "abc"}
    return Evidence(property=property, backend=backend, **{**plain, **more})


def caught(property: str, backend: Backend = MODEL) -> Evidence:
    return evidence(property, backend, mutant="a hole", killed=True)


def survived(property: str, backend: Backend = MODEL) -> Evidence:
    return evidence(property, backend, mutant="a hole", killed=False, result=Result.FAIL, reason="not noticed")


def statuses(report: Report) -> dict[str, dict[str, str]]:
    return {row.about.id: {str(each.backend): str(each.status) for each in row.verdicts} for row in report.rows}


def test_without_evidence_everything_is_untested() -> None:
    report = inspect(chosen(), [])
    assert report.counts == {Status.PASS: 0, Status.FAIL: 0, Status.UNTESTED: 81, Status.MODELLED: 0}
    assert {each.reason for row in report.rows for each in row.verdicts} == {NO_ATTACK}
    assert not report.red() and report.red(strict=True)


@pytest.mark.parametrize(
    ("found", "status", "reason"),
    [
        ([evidence("P1"), caught("P1")], Status.PASS, ""),
        ([evidence("P1")], Status.UNTESTED, NO_FAULT),
        ([caught("P1")], Status.UNTESTED, NO_ATTACK),
        ([evidence("P1"), survived("P1")], Status.FAIL, "a planted fault survived: a hole (not noticed)"),
        ([evidence("P1"), caught("P1"), survived("P1")], Status.FAIL, "a planted fault survived: a hole (not noticed)"),
        ([evidence("P1"), evidence("P1", result=Result.FAIL, reason="B saw A"), caught("P1")], Status.FAIL, "B saw A"),
        ([evidence("P1", result=Result.UNTESTED, reason="no server")], Status.UNTESTED, "no server"),
        ([evidence("P1"), evidence("P1", result=Result.UNTESTED, reason="no"), caught("P1")], Status.UNTESTED, "no"),
        ([evidence("P1"), evidence("P1", mutant="x", result=Result.UNTESTED)], Status.UNTESTED, NO_FAULT),
    ],
)
def test_a_pass_needs_an_attack_and_a_fault_that_was_caught(found: list[Evidence], status: Status, reason: str) -> None:
    (row,) = inspect(chosen(["P1"]), found).rows
    assert (row.status, row.verdicts[0].reason) == (status, reason)


def test_hardware_is_modelled_and_still_may_fail() -> None:
    assert inspect(chosen(["M1"]), [evidence("M1"), caught("M1")]).rows[0].status is Status.MODELLED
    assert inspect(chosen(["M1"]), [evidence("M1"), survived("M1")]).rows[0].status is Status.FAIL


def test_what_is_about_a_database_is_judged_on_each() -> None:
    found = [evidence("D1", SQLITE), caught("D1", SQLITE), evidence("B3", POSTGRESQL), caught("B3", POSTGRESQL)]
    report = inspect(chosen(["D1", "B3", "B4"]), [*found, evidence("B4"), caught("B4")])
    assert statuses(report) == {
        "D1": {"sqlite": "PASS", "postgresql": "UNTESTED"},
        "B3": {"sqlite": "UNTESTED", "postgresql": "PASS"},
        "B4": {"model": "PASS"},
    }
    assert [row.status for row in report.rows] == [Status.UNTESTED, Status.UNTESTED, Status.PASS]
    only = inspect(chosen(["D1", "B4"]), [*found, evidence("B4"), caught("B4")], backend=SQLITE)
    assert statuses(only) == {"D1": {"sqlite": "PASS"}, "B4": {"model": "PASS"}}


def test_a_fault_caught_on_one_database_says_nothing_of_the_other() -> None:
    found = [evidence("D1", SQLITE), caught("D1", SQLITE), evidence("D1", POSTGRESQL)]
    assert statuses(inspect(chosen(["D1"]), found)) == {"D1": {"sqlite": "PASS", "postgresql": "UNTESTED"}}


def test_numbers_add_up_and_the_replay_names_the_seed() -> None:
    report = inspect(chosen(["P1", "D1"]), [evidence("P1"), evidence("P1", examples=5), caught("P1"), survived("P1")])
    verdict = report.rows[0].verdicts[0]
    assert (verdict.attacks, verdict.examples, verdict.duration_ms, verdict.seeds) == (2, 7, 12, (1,))
    assert (report.faults, report.commits, report.runs) == ((1, 2), ("abc",), 4)
    assert report.rows[0].replay == "spillway inspect --replay P1 --seed 1"
    assert report.rows[1].replay == "spillway inspect --replay D1"
    assert strangers([evidence("P1"), evidence("Z9")]) == ["Z9"]
    assert CATALOGUE.keys().isdisjoint({"Z9"})


def test_evidence_is_read_line_by_line_or_refused() -> None:
    lines = [evidence("P1").line(), "", caught("D1", SQLITE).line()]
    assert [each.line() for each in read_evidence(lines, "e")] == [lines[0], lines[2]]
    for bad in ("{}", "[", '{"property": 1}', evidence("P1").line()[:-1] + ',"x":1}'):
        with pytest.raises(TenantError, match=r"e: line 2: .*not evidence"):
            read_evidence([lines[0], bad], "e")
