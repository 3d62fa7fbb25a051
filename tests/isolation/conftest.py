"""Cases of the attacks: each on its backends, plain and under each planted fault, with a fresh place for a store.

A store is set up once on each engine and copied for each case, before any fault is planted. Without PostgreSQL its
cases are skipped, and their evidence says UNTESTED.
"""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from isolation import Attack, Case, Result, record, seed_of

_numbers = itertools.count()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    known: Attack | None = getattr(metafunc.function, "isolation", None)
    if known is None or "case" not in metafunc.fixturenames:
        return
    cases = list(known.cases())
    names = ["-".join((*known.properties, backend, *([fault.name] if fault else []))) for backend, fault in cases]
    metafunc.parametrize("case", cases, ids=names, indirect=True)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "isolation: an attack on a property of the catalogue (set by `attack`)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`--property`, `--backend` and `--plain` keep the runs in this folder that they name; tests elsewhere are none of
    theirs."""
    wanted, backend = set(config.getoption("--property") or ()), config.getoption("--backend")
    plain = config.getoption("--plain")
    if not wanted and not backend and not plain:
        return

    def keep(item: pytest.Item) -> bool:
        if Path(__file__).parent not in item.path.parents:
            return True
        known: Attack | None = getattr(getattr(item, "function", None), "isolation", None)
        if known is None:
            return plain and not wanted and not backend
        on, fault = item.callspec.params["case"]  # type: ignore[attr-defined]
        about = {fault.property} if fault else set(known.properties)
        if plain and fault:
            return False
        return (not wanted or bool(wanted & about)) and (not backend or on in (backend, "model"))

    kept = [item for item in items if keep(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def chosen_seed(config: pytest.Config) -> int | None:
    """`--seed`; under `make fuzz` the one that Hypothesis draws and prints; else None, and each attack has its own."""
    asked: int | None = config.getoption("--seed")
    if asked is None and os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" and config.option.hypothesis_seed:
        return int(config.option.hypothesis_seed)
    return asked


@pytest.fixture
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    """The case of one run."""
    backend, fault = request.param
    known: Attack = request.function.isolation
    seed = seed_of(known, request.function.__name__, chosen_seed(request.config))
    made: list[str] = []
    made_case = Case(backend, seed, tmp_path, fault, request.node.nodeid, lambda set_up: place(set_up))
    if backend == "postgresql":
        import postgres

        if postgres.binaries() is None:
            record(known, made_case, Result.UNTESTED, postgres.MISSING, started=None)
            pytest.skip(postgres.MISSING)
    try:
        urls = request.getfixturevalue("postgres_urls") if backend == "postgresql" else ""
        template = request.getfixturevalue(f"{backend}_template") if backend != "model" else None
    except Exception as error:  # no store, no verdict: that is a failure, and the report has to say so
        record(known, made_case, Result.FAIL, f"no store could be set up: {error}"[:160], started=None)
        raise

    def place(set_up: bool) -> str:
        name = f"i{next(_numbers)}"
        if backend == "postgresql":
            made.append(name)
            return postgres.fresh_database(urls, name, template if set_up else "template0")
        file = tmp_path / f"{name}.db"
        if set_up:
            shutil.copy(template, file)
        return str(file)

    yield made_case
    for name in made:
        postgres.drop_database(urls, name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store that has been set up and closed."""
    file = tmp_path_factory.mktemp("template") / "spillway.db"
    _set_up(str(file))
    return file


@pytest.fixture(scope="session")
def postgresql_template(postgres_urls: str) -> str:
    """Name of a PostgreSQL database that has been set up."""
    import postgres

    _set_up(postgres.fresh_database(postgres_urls, "isolation"))
    return "isolation"


def _set_up(place: str) -> None:
    from billing.store.engine import open_store
    from billing.store.migrate import init

    engine = open_store(place, create=True)
    init(engine)
    engine.dispose()
