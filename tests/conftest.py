"""What every test may ask for: data beside the checkout, a seed that can be repeated, and one profile of Hypothesis.

Data are found through `SPILLWAY_TRACES` and `SPILLWAY_CASES`, or in `shared/` beside the checkout. A test whose data
are absent is skipped with the name of what it missed. Every random choice comes from a number that is printed with the
failure, together with the line that repeats it.
"""

import os
import secrets
import shutil
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# A shared machine may stall a single example: time limits belong to the benchmarks, not to the properties.
# `make fuzz` asks for 2000 examples of each property, where a run of all tests asks for 40.
settings.register_profile("default", deadline=None, max_examples=40)
settings.register_profile("ci", parent=settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile(
    "fuzz",
    parent=settings.get_profile("default"),
    max_examples=int(os.environ.get("FUZZ_EXAMPLES") or 2000),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    print_blob=True,
)


def profile_name() -> str:
    """`HYPOTHESIS_PROFILE`, else the same examples each time on a machine that builds, and new ones elsewhere."""
    return os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="seed of the tests that take one (default: fixed per test)")
    parser.addoption("--property", action="append", help="in tests/isolation: only attacks on this property")
    parser.addoption("--backend", choices=["sqlite", "postgresql"], help="in tests/isolation: only this database")
    parser.addoption("--plain", action="store_true", help="in tests/isolation: attacks without planted faults")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load the profile, and give Hypothesis a seed that the header can print (workers inherit it)."""
    os.environ.pop("SPILLWAY_RUNS", None)  # where a person keeps runs is none of the tests' business
    settings.load_profile(profile_name())
    if config.option.hypothesis_seed is None and not settings.default.derandomize:
        config.option.hypothesis_seed = str(secrets.randbits(32))
    if os.environ.get("SPILLWAY_EVIDENCE") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Closing())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what reads data from beside the checkout, so that `make validate` finds it."""
    for item in items:
        if {"traces_dir", "cases_dir"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("traces")


def pytest_report_header(config: pytest.Config) -> str:
    if settings.default.derandomize:
        return f"hypothesis: profile {profile_name()}, the same examples each time"
    return f"hypothesis: profile {profile_name()}, repeat with --hypothesis-seed={config.option.hypothesis_seed}"


class Closing:
    """Closes the evidence of attacks (tests/support/isolation.py), where no attack was lost on the way."""

    def __init__(self) -> None:
        self.lost = False

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, error: object) -> None:
        """A worker is gone: with an error, so is what it was about to write."""
        self.lost |= error is not None

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        from isolation import close_evidence

        stopped = session.shouldstop or session.shouldfail
        if not (self.lost or stopped) and exitstatus in (
            pytest.ExitCode.OK,
            pytest.ExitCode.TESTS_FAILED,
            pytest.ExitCode.NO_TESTS_COLLECTED,
        ):
            close_evidence()


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number that fixes the test's randomness: its own unless `--seed` says otherwise."""
    chosen: int | None = request.config.getoption("--seed")
    number = zlib.crc32(request.node.nodeid.encode()) if chosen is None else chosen
    print(f"repeat with: python -m pytest '{request.node.nodeid}' --seed {number}")
    return number


def data_folder(variable: str, default: Path) -> Path:
    """The folder that `variable` names, or the default; skips the test when it is not there."""
    folder = Path(os.environ.get(variable) or default)
    if not folder.is_dir():
        pytest.skip(f"no folder {default.name}/ beside the checkout in {SHARED.name}/, and {variable} names none")
    return folder


def finder(folder: Path, variable: str) -> Callable[[str], Path]:
    """A function from a file's name to its path, which skips the test when the file is not there."""

    def find(name: str) -> Path:
        if not (folder / name).is_file():
            pytest.skip(f"missing {folder.name}/{name} ({variable} may name another folder)")
        return folder / name

    return find


@pytest.fixture(scope="session")
def traces_dir() -> Path:
    """Folder of real traces."""
    return data_folder("SPILLWAY_TRACES", SHARED / "traces")


@pytest.fixture(scope="session")
def cases_dir() -> Path:
    """Folder of published cases."""
    return data_folder("SPILLWAY_CASES", SHARED / "cases")


@pytest.fixture(scope="session")
def trace_file(traces_dir: Path) -> Callable[[str], Path]:
    """`trace_file("golden_easy/kth5k_tf.swf.gz")`: its path, or a skip that names it."""
    return finder(traces_dir, "SPILLWAY_TRACES")


@pytest.fixture(scope="session")
def case_file(cases_dir: Path) -> Callable[[str], Path]:
    """`case_file("scheduling_cases.json")`: its path, or a skip that names it."""
    return finder(cases_dir, "SPILLWAY_CASES")


@pytest.fixture(scope="session")
def postgres_urls() -> Iterator[str]:
    """A server for the session: the URL of its databases, with `{}` for the name. Skips where there is none."""
    import postgres

    if postgres.binaries() is None:
        pytest.skip(postgres.MISSING)
    with postgres.server() as urls:
        yield urls


@pytest.fixture
def postgres_url(postgres_urls: str, request: pytest.FixtureRequest) -> str:
    """An empty PostgreSQL database of the test's own."""
    import postgres

    return postgres.fresh_database(postgres_urls, f"t{zlib.crc32(request.node.nodeid.encode()):08x}")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a store can be made, for `open_store`: once on each engine."""
    if request.param == "sqlite":
        return str(tmp_path / "spillway.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def browser() -> str:
    """Path of a browser; skips where there is none."""
    asked = os.environ.get("SPILLWAY_BROWSER")
    found = next(filter(None, map(shutil.which, (asked,) if asked else BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)}, and SPILLWAY_BROWSER names none")
    return found
