"""`spillway doctor`: what fails, what is merely said, and that this very environment is fit."""

from pathlib import Path

import pytest

from sim import doctor

REQUIREMENTS = [
    "simpy>=4.1",
    "duckdb<3,>=1.1",
    "numpy>=2.0",
    "tzdata",
    'pytest>=8; extra == "test"',
    "ruff>=0.12; extra == 'dev'",
]
FIT = {"simpy": "4.1.2", "duckdb": "2.0.0", "numpy": "2.4.6", "tzdata": "2026.6", "pytest": "9.2.0"}


def test_this_environment_is_fit() -> None:
    assert [check for check in doctor.checks() if not check.ok] == []


def test_names_are_unique_and_details_are_one_line() -> None:
    rows = doctor.checks()
    assert len({row.name for row in rows}) == len(rows)
    assert all(row.detail and "\n" not in row.detail for row in rows)


@pytest.mark.parametrize(("version", "ok"), [((3, 10, 9), False), ((3, 11, 0), True), ((3, 13, 1), True)])
def test_python(version: tuple[int, ...], ok: bool) -> None:
    assert doctor.python_check(version).ok is ok


def test_packages_side_by_side_are_fine_and_their_place_is_told() -> None:
    root = Path("/somewhere")
    check = doctor.packages_check({name: root / name for name in doctor.PACKAGES})
    assert check.ok and str(root) in check.detail


def test_a_stranger_under_one_of_our_names_fails_and_is_located() -> None:
    places: dict[str, Path | None] = {name: Path("/ours") / name for name in doctor.PACKAGES}
    check = doctor.packages_check(places | {"scheduler": Path("/site-packages/scheduler")})
    assert not check.ok and "scheduler in /site-packages" in check.detail


def test_a_missing_package_fails() -> None:
    places: dict[str, Path | None] = {name: Path("/ours") / name for name in doctor.PACKAGES}
    check = doctor.packages_check(places | {"billing": None})
    assert not check.ok and check.detail == "not found: billing"


def test_dependencies_at_or_above_their_floor_are_fine() -> None:
    check = doctor.dependencies_check(REQUIREMENTS, FIT)
    assert check.ok and check.detail == "simpy 4.1.2, duckdb 2.0.0, numpy 2.4.6, tzdata 2026.6"


@pytest.mark.parametrize(
    ("versions", "detail"),
    [
        (FIT | {"simpy": "4.0.11"}, "simpy 4.0.11 is below 4.1"),
        (FIT | {"duckdb": "1.0.9"}, "duckdb 1.0.9 is below 1.1"),
        ({name: version for name, version in FIT.items() if name != "tzdata"}, "tzdata is missing"),
    ],
)
def test_dependencies_missing_or_too_old_fail(versions: dict[str, str], detail: str) -> None:
    assert doctor.dependencies_check(REQUIREMENTS, versions) == ("dependencies", False, detail)


def test_versions_compare_as_numbers_not_as_text() -> None:
    assert doctor.dependencies_check(["numpy>=2.9"], {"numpy": "2.10.0"}).ok


def test_not_installed_at_all() -> None:
    assert not doctor.dependencies_check([], {}).ok


def test_pins_tell_of_other_versions_without_failing(tmp_path: Path) -> None:
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(
        "numpy==2.4.6 ; python_full_version < '3.12'\n    # via spillway\n"
        "numpy==2.5.5 ; python_full_version >= '3.12'\nsimpy==4.2.0\n"
    )
    assert doctor.pins_check(constraints, FIT) == ("pins", True, "simpy 4.1.2 (tested: 4.2.0)")
    assert doctor.pins_check(constraints, {"numpy": "2.5.5"}).detail == "the tested versions"
    assert doctor.pins_check(tmp_path / "none.txt", FIT).ok


def test_extras_say_how_to_get_what_is_absent() -> None:
    check = doctor.extras_check(REQUIREMENTS, FIT)
    assert check.ok and check.detail == "test: present; dev: absent (pip install -c constraints.txt -e '.[dev]')"


def test_disk() -> None:
    assert doctor.disk_check(doctor.FREE_MIN_BYTES).ok
    assert not doctor.disk_check(doctor.FREE_MIN_BYTES - 1).ok


@pytest.mark.parametrize(
    ("environment", "is_terminal", "detail"),
    [
        ({"NO_COLOR": "1"}, True, "off: NO_COLOR is set"),
        ({"TERM": "dumb"}, True, "off: TERM is dumb"),
        ({}, False, "off: stdout is not a terminal"),
        ({"TERM": "xterm", "NO_COLOR": ""}, True, "on"),
    ],
)
def test_colour_is_told_and_never_fails(environment: dict[str, str], is_terminal: bool, detail: str) -> None:
    assert doctor.colour_check(environment, is_terminal) == ("colour", True, detail)
