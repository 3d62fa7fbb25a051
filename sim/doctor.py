"""Is this machine fit to run Spillway? One row per check; nothing is changed, and only the standard library is needed.

A check is not ok when something would fail or mislead: a wrong Python, a package that is not ours under one of our
names, a dependency missing or too old. What is merely worth knowing (a version other than the pinned one, an extra that
is not installed, a terminal without colour) is said in the detail of a row that is ok.
"""

import importlib.metadata as metadata
import importlib.util
import os
import re
import shutil
import sys
import zoneinfo
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

PACKAGES = ("scheduler", "billing", "tenants", "sim")
PYTHON_MIN = (3, 11)
FREE_MIN_BYTES = 500 * 1024 * 1024  # a run folder of a year is far smaller; DuckDB also wants room to work


class Check(NamedTuple):
    """One line of `spillway doctor`."""

    name: str
    ok: bool
    detail: str


def checks() -> list[Check]:
    """Return every check of this machine, in the order in which a problem is best read."""
    places = {name: package_place(name) for name in PACKAGES}
    try:
        requirements = metadata.requires("spillway") or []
    except metadata.PackageNotFoundError:
        requirements = []
    root = next((place.parent for place in places.values() if place), Path())
    return [
        python_check(sys.version_info[:3]),
        packages_check(places),
        dependencies_check(requirements, installed(requirements)),
        pins_check(root / "constraints.txt", installed(requirements)),
        extras_check(requirements, installed(requirements)),
        disk_check(shutil.disk_usage(Path.cwd()).free),
        time_zone_check(),
        colour_check(os.environ, sys.stdout.isatty()),
    ]


def python_check(version: tuple[int, ...]) -> Check:
    """Python is recent enough."""
    found = ".".join(str(part) for part in version)
    wanted = ".".join(str(part) for part in PYTHON_MIN)
    return Check("python", version[:2] >= PYTHON_MIN, f"{found} at {sys.executable} (needed: {wanted} or later)")


def package_place(name: str) -> Path | None:
    """The folder that `import name` would take the package from; None if it finds nothing."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).resolve().parent if spec is not None and spec.origin else None


def packages_check(places: Mapping[str, Path | None]) -> Check:
    """Our four packages lie side by side: other distributions own some of these names, and would shadow ours."""
    missing = [name for name, place in places.items() if place is None]
    if missing:
        return Check("packages", False, f"not found: {', '.join(missing)}")
    roots = {place.parent for place in places.values() if place is not None}
    if len(roots) == 1:
        return Check("packages", True, f"{', '.join(places)} in {roots.pop()}")
    listed = ", ".join(f"{name} in {place.parent}" for name, place in places.items() if place is not None)
    return Check("packages", False, f"not side by side: {listed}; use an environment of its own (make clean demo)")


def installed(requirements: Iterable[str]) -> dict[str, str]:
    """Installed version of each required distribution that is present."""
    found = {}
    for requirement in requirements:
        name = _parsed(requirement)[0]
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def dependencies_check(requirements: Iterable[str], versions: Mapping[str, str]) -> Check:
    """Everything that a run needs is installed, at its lower bound or above."""
    wrong = []
    needed = [(name, floor) for name, floor, extra in map(_parsed, requirements) if not extra]
    for name, floor in needed:
        if name not in versions:
            wrong.append(f"{name} is missing")
        elif _numbers(versions[name]) < _numbers(floor):
            wrong.append(f"{name} {versions[name]} is below {floor}")
    if not needed:
        return Check("dependencies", False, "spillway itself is not installed here: make demo sets it up")
    listed = ", ".join(f"{name} {versions[name]}" for name, _ in needed if name in versions)
    return Check("dependencies", not wrong, "; ".join(wrong) or listed)


def pins_check(constraints: Path, versions: Mapping[str, str]) -> Check:
    """How the installed versions compare with the tested ones. Others than those may work: never a failure."""
    if not constraints.is_file():
        return Check("pins", True, "no constraints.txt beside the packages: versions not compared")
    pins: dict[str, set[str]] = {}  # one distribution may have several pins, each for some Pythons
    for line in constraints.read_text(encoding="utf-8").splitlines():
        name, pinned, rest = line.partition("==")
        if pinned and not line.startswith((" ", "#")):
            pins.setdefault(name, set()).add(rest.split(";")[0].strip())
    others = [
        f"{name} {version} (tested: {' or '.join(sorted(pins[name]))})"
        for name, version in versions.items()
        if name in pins and version not in pins[name]
    ]
    return Check("pins", True, "; ".join(others) or "the tested versions")


def extras_check(requirements: Iterable[str], versions: Mapping[str, str]) -> Check:
    """Which optional sets are there, and the line that installs those which are not."""
    missing: dict[str, bool] = {}
    for name, _, extra in map(_parsed, requirements):
        if extra:
            missing[extra] = missing.get(extra, False) or name not in versions
    told = [
        f"{extra}: absent (pip install -c constraints.txt -e '.[{extra}]')" if absent else f"{extra}: present"
        for extra, absent in missing.items()
    ]
    return Check("extras", True, "; ".join(told) or "none declared")


def disk_check(free_bytes: int) -> Check:
    """There is room for run folders where the command runs."""
    mib = 1024 * 1024
    return Check(
        "disk", free_bytes >= FREE_MIN_BYTES, f"{free_bytes // mib} MiB free (needed: {FREE_MIN_BYTES // mib})"
    )


def time_zone_check() -> Check:
    """Time zones other than UTC can be looked up."""
    try:
        zoneinfo.ZoneInfo("Europe/Berlin")
    except zoneinfo.ZoneInfoNotFoundError:
        return Check("time zones", False, "no time-zone data: pip install tzdata")
    return Check("time zones", True, "present")


def colour_check(environment: Mapping[str, str], is_terminal: bool) -> Check:
    """Whether output will be coloured, and why not."""
    reasons = (
        (bool(environment.get("NO_COLOR")), "NO_COLOR is set"),
        (environment.get("TERM") == "dumb", "TERM is dumb"),
        (not is_terminal, "stdout is not a terminal"),
    )
    why = next((text for holds, text in reasons if holds), "")
    return Check("colour", True, f"off: {why}" if why else "on")


def _parsed(requirement: str) -> tuple[str, str, str]:
    """(name, lower bound, extra) of a line of our metadata, e.g. `pytest>=8; extra == "test"`; '' where not stated."""
    head, _, marker = requirement.partition(";")
    patterns = ((r"^([\w.-]+)", head), (r">=([\d.]+)", head), (r"extra == .(\w+)", marker))
    name, floor, extra = (match.group(1) if (match := re.search(pattern, text)) else "" for pattern, text in patterns)
    return name, floor, extra


def _numbers(version: str) -> tuple[int, ...]:
    """Leading numbers of a version, for comparison: `2.4.6rc1` is (2, 4, 6)."""
    parts = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in parts.group().split(".")) if parts else ()
