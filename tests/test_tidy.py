"""The rules of the house (`support/house_rules.py`), applied to every file, and canaries: planted violations that each
rule must catch, so that green means something."""

import ast
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from house_rules import (
    FUNCTION_LINES,
    LAYERS,
    MODULE_LINES,
    ROOT,
    UNFINISHED,
    dead_declarations,
    dead_modules,
    findings,
    function_findings,
    imports,
    module_of,
    sources,
)
from rooms import circles, doors
from sim.experiments.registry import ENTRIES

MIGRATIONS = "billing.store.migrations"
TEXTS = ("*.py", "*.md", "*.toml", "*.j2", "*.css", "*.txt", "Makefile", "run")


def texts() -> list[Path]:
    """Files that people read and write here, without what tools put beside them."""
    folders = [ROOT / name for name in (*LAYERS, "tests", "benchmarks", "docs", ".ci")]
    inner = {path for folder in folders for pattern in TEXTS for path in folder.rglob(pattern)}
    return sorted(inner | {path for pattern in TEXTS for path in ROOT.glob(pattern)})


def run_python(code: str) -> str:
    """What a new interpreter prints, started from the repository root."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("path", sources(), ids=module_of)
def test_module_keeps_the_rules(path: Path) -> None:
    assert findings(path.read_text(), module_of(path), path.name == "__init__.py") == []


@pytest.mark.parametrize("path", sources("tests", "benchmarks"), ids=lambda path: path.stem)
def test_tests_and_benchmarks_stay_readable(path: Path) -> None:
    tree = ast.parse(path.read_text())
    found = list(function_findings(tree, path.stem))
    found += [f"line {line} imports tests" for line, name in imports(tree, path.stem) if name.split(".")[0] == "tests"]
    assert found == []


CANARIES = {
    "billing imports the scheduler": ("billing.metering.meter", "from scheduler.events import Cause"),
    "inside a function": ("billing.metering.meter", "def f():\n    import scheduler.core"),
    "by a relative import": ("billing.metering.meter", "from ...scheduler import core"),
    "by name": ("billing.metering.meter", "import importlib\nimportlib.import_module('sim.engine.run')"),
    "scheduler sees more than bands": ("scheduler.core", "from tenants import registry"),
    "scheduler sees all of tenants": ("scheduler.core", "import tenants"),
    "tenants looks up": ("tenants.registry", "from billing.rating.prices import PriceBook"),
    "scheduler draws lots": ("scheduler.policy.order", "import random"),
    "scheduler reads the clock": ("scheduler.core", "from time import monotonic"),
    "scheduler reads files": ("scheduler.tables", "from pathlib import Path"),
    "a dependency in the wrong place": ("billing.metering.meter", "import simpy"),
    "an undeclared dependency": ("sim.report", "import pandas"),
    "SQL outside the store": ("billing.books", "import sqlalchemy"),
    "SQL in the command line": ("sim.cli.db", "from sqlalchemy import text"),
    "tests in the product": ("sim.engine.run", "import tests.conftest"),
    "wall clock": ("sim.engine.run", "import time\nnow = time.time()"),
    "wall clock by another name": ("sim.engine.run", "from time import time"),
    "today": ("billing.books", "import datetime\nnow = datetime.datetime.now()"),
    "today, imported": ("billing.books", "from datetime import date\nnow = date.today()"),
    "global random": ("sim.workload", "import random"),
    "legacy numpy random": ("sim.workload", "import numpy as np\nnp.random.rand(3)"),
    "generator without a seed": ("sim.workload", "import numpy as np\nrng = np.random.default_rng()"),
    "a store that the API opens": ("billing.api.app", "from billing.store.engine import open_store"),
    "a table that the API names": ("billing.api.routes.keys", "from billing.store.tables_access import api_key"),
    "the platform's books in the API": ("billing.api.app", "def f():\n    from billing.store import books"),
    "a statement of the API's own": ("billing.api.app", "def f(bound):\n    bound.connection.execute('SELECT 1')"),
    "the worker's role in a route": ("billing.api.routes.house", "def f(door, scope):\n    return door.working(scope)"),
    "a driver outside the store": ("sim.cli.db", "import sqlite3"),
    "a driver in billing": ("billing.books", "def f():\n    from sqlite3 import connect"),
    "a scope of one's own": ("billing.store.reader", "from tenants.access.scope import Scope\nScope(0, 0, None)"),
    "a scope by its seal": ("billing.api.app", "from tenants.access.scope import _SEAL"),
    "a scope by its seal, from afar": ("billing.api.app", "from tenants.access import scope\nseal = scope._SEAL"),
    "a scope without its maker": ("billing.api.app", "object.__new__(Scope)"),
    "a scope for the machine, over the net": ("billing.api.app", "from tenants.access.scope import local_scope"),
    "a look that is not noted": ("billing.api.app", "from tenants.access.scope import break_glass"),
    "a look that is not noted, from afar": (
        "sim.cli.keys",
        "from tenants.access import scope\nscope.break_glass(a, b)",
    ),
    "a scope without a key": ("sim.cli.keys", "from tenants.access.scope import make_scope"),
    "print": ("sim.engine.run", "print('done')"),
    "float": ("billing.money", "x = float('1.5')"),
    "float constant": ("tenants.product", "share = 0.5"),
    "float column": ("billing.metering.meter", "import numpy as np\nx = np.zeros(3, np.float64)"),
    "true division": ("billing.money", "def f(a, b):\n    return a / b"),
    "true division in place": ("scheduler.policy.lend", "def f(a, b):\n    a /= b"),
    "long module": ("sim.engine.run", "x = 1\n" * (MODULE_LINES + 1)),
    "long function": ("sim.engine.run", "def f():\n" + "    x = 1\n" * FUNCTION_LINES),
}


@pytest.mark.parametrize(("module", "source"), CANARIES.values(), ids=CANARIES.keys())
def test_canary_is_caught(module: str, source: str) -> None:
    assert findings(source, module)


INNOCENT = {
    "scheduler may know bands": ("scheduler.core", "from tenants.band import Band\nfrom tenants import band"),
    "relative import within a package": ("scheduler.core", "from . import tables\nfrom .events import Event"),
    "a seeded generator": (
        "sim.workload",
        "import numpy as np\nrng = np.random.default_rng(np.random.SeedSequence(7))",
    ),
    "a path is not a quotient": ("tenants.registry", "def f(folder, name):\n    return folder / f'{name}.toml'"),
    "the door in the API": ("billing.api.app", "from billing.store.door import Bound, Door"),
    "what takes a bound connection": ("billing.api.app", "from billing.store import tenant_reads as store"),
    "a scope as a type": ("billing.api.app", "from tenants.access.scope import Scope\ndef f(scope: Scope): ..."),
    "a look that is noted": ("billing.store.break_glass", "from tenants.access.scope import break_glass"),
    "a scope of the machine": ("sim.cli.keys", "from tenants.access.scope import local_scope\nlocal_scope()"),
    "floats may be refused": ("billing.money", "def f(x):\n    return isinstance(x, float)"),
    "the edge asks the clock": ("sim.cli.edge", "import time\nnow = time.time_ns()"),
    "the command line prints": ("sim.cli.run", "print('done')"),
    "long with a reason": (
        "sim.engine.run",
        '"""Runs. This module is long because of its table."""\n' + "x = 1\n" * 300,
    ),
}


@pytest.mark.parametrize(("module", "source"), INNOCENT.values(), ids=INNOCENT.keys())
def test_innocent_is_let_through(module: str, source: str) -> None:
    assert findings(source, module) == []


def test_relative_imports_are_resolved_from_where_they_stand() -> None:
    tree = ast.parse("from . import a\nfrom ..b import c")
    assert [name for _, name in imports(tree, "sim.cli.run")] == ["sim.cli.a", "sim.b.c"]
    assert [name for _, name in imports(tree, "sim.cli", is_package=True)] == ["sim.cli.a", "sim.b.c"]


def test_no_rooms_form_a_circle() -> None:
    named = {module_of(path): path.read_text() for path in sources() if path.name != "__init__.py"}
    assert circles(doors(named)) == []


def test_canary_rooms_that_form_a_circle() -> None:
    named = {
        "sim.a.one": "from sim.b import two",
        "sim.b.two": "def f():\n    from sim.c import three",
        "sim.c.three": "import sim.a.one",
        "sim.d": "from typing import TYPE_CHECKING\nimport sim.a.one\nif TYPE_CHECKING:\n    import sim.e",
        "sim.e": "import sim.d",
    }
    assert circles(doors(named)) == ["sim.a <-> sim.b", "sim.a <-> sim.c", "sim.b <-> sim.c"]


def test_dead_modules_and_declarations() -> None:
    """Every module is imported by another one, a test or an entry point; every function is named somewhere else."""
    modules = {module_of(path): path for path in sources()}
    everyone = modules | {str(path): path for path in sources("tests", "benchmarks")}
    imported = {
        name: {target for _, target in imports(ast.parse(path.read_text()), name, path.name == "__init__.py")}
        for name, path in everyone.items()
    }
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"].values()
    entry_points = (
        {script.partition(":")[0] for script in scripts} | set(LAYERS) | {f"{name}.__main__" for name in LAYERS}
    )
    # Experiments are imported when they are asked for, by the registry's names.
    entry_points |= {f"sim.experiments.{entry.module}" for entry in ENTRIES.values() if entry.module}
    # Alembic finds its migrations by their folder.
    entry_points |= {name for name in modules if name.startswith(MIGRATIONS)}
    assert dead_modules(modules, imported, entry_points) == []
    others = "\n".join(path.read_text() for path in texts() if module_of(path) not in modules)
    assert dead_declarations({name: path.read_text() for name, path in modules.items()}, others) == []


def test_canary_dead_modules_and_declarations() -> None:
    imported = {"sim.engine.run": {"sim.engine.driver.drive", "sim.engine.run.run"}, "sim.lonely": {"sim.lonely.alone"}}
    assert dead_modules(["sim.engine.driver", "sim.engine.run", "sim.lonely"], imported, {"sim.engine.run"}) == [
        "sim.lonely"
    ]
    source = "def used(): ...\ndef unused(): ...\n@app.command()\ndef registered(): ..."
    assert dead_declarations({"sim.engine.run": source}, "the README names used") == ["sim.engine.run.unused"]


def test_nothing_is_left_half_done_or_tied_to_this_checkout() -> None:
    found = []
    for path in texts():
        text = path.read_text()
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in UNFINISHED.finditer(text)]
        if f"{ROOT}/" in text:
            found.append(f"{path.relative_to(ROOT)}: holds the path of this checkout")
    assert found == []


def test_constraints_hold_no_address_and_pin_every_dependency() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert "://" not in text
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(name for extra in project["optional-dependencies"].values() for name in extra),
    ]
    pinned = {line.partition("==")[0] for line in text.splitlines() if "==" in line}
    assert {requirement.partition(">")[0] for requirement in wanted} <= pinned


@pytest.mark.parametrize("package", LAYERS)
def test_package_lies_under_the_repository_root(package: str) -> None:
    """A public distribution of the same name must never be what we test."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).resolve() == ROOT / package / "__init__.py"


@pytest.mark.parametrize("package", ["tenants", "scheduler"])
def test_importing_the_package_imports_nothing_else(package: str) -> None:
    tree = ast.parse((ROOT / package / "__init__.py").read_text())
    assert list(imports(tree, package, is_package=True)) == []


NEEDLESS = {
    "tenants.band": {"billing", "numpy", "pydantic", "scheduler", "sim", "simpy"},
    "scheduler": {"billing", "duckdb", "jinja2", "pydantic", "rich", "sim", "simpy", "tenants.registry", "typer"},
    "billing": {"duckdb", "jinja2", "psycopg", "rich", "scheduler", "sim", "simpy", "typer", "typst"},
    "sim.cli": {"duckdb", "jinja2", "numpy", "pydantic", "simpy", "sqlalchemy"},
}


@pytest.mark.parametrize("package", NEEDLESS)
def test_imports_stay_light(package: str) -> None:
    """The scheduler embeds with numpy alone, billing runs without a simulator, and `spillway --help` starts at once."""
    parts = [package] if package in ("tenants.band", "sim.cli") else [module_of(path) for path in sources(package)]
    parts = [name for name in parts if not name.startswith(MIGRATIONS)]  # only Alembic can import them
    code = f"import importlib, sys; [importlib.import_module(name) for name in {parts}]; print(*sys.modules)"
    assert NEEDLESS[package] & set(run_python(code).split()) == set()


def test_no_link_is_tracked() -> None:
    """A link to an environment or a folder of one machine is nothing on any other."""
    listed = subprocess.run(["git", "ls-files", "-s"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no git here")
    assert [line for line in listed.stdout.splitlines() if line.startswith("120000")] == []
