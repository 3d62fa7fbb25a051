"""The rules of the house as functions from source to findings: layers, banned calls, floats, sizes, dead code.

`tests/test_tidy.py` applies them, and proves with planted violations that each of them can turn red. What they are for
is said in docs/decisions/0009-layers-and-ports.md.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# package: (what it may import of ours, what of theirs); `sim` composes and may import everybody. pydantic_core and
# markupsafe are the vocabularies of pydantic and jinja2 and come with them.
LAYERS = {
    "tenants": (("tenants",), ("pydantic", "pydantic_core")),
    "scheduler": (("scheduler", "tenants.band"), ("numpy",)),
    "billing": (("billing", "tenants"), ("numpy", "pydantic", "pydantic_core")),
    "sim": (
        ("sim", "billing", "scheduler", "tenants"),
        (
            "duckdb",
            "jinja2",
            "markupsafe",
            "numba",
            "numpy",
            "pydantic",
            "pydantic_core",
            "rich",
            "simpy",
            "typer",
            "uvicorn",
        ),
    ),
}
# Rooms that may do more than their package: the store alone speaks SQL, the API alone serves HTTP and the client alone
# asks over it, documents are set with a library, and pictures drawn with one.
ROOMS = {
    "billing.store": ("alembic", "psycopg", "sqlalchemy"),
    "billing.api": ("fastapi", "starlette"),
    "billing.client": ("httpx2",),
    "billing.console": ("jinja2", "starlette"),
    "billing.documents": ("duckdb", "jinja2", "typst"),
    "sim.sweep": ("distributed",),
    "sim.pictures": ("matplotlib",),
}
INTEGERS_ONLY = ("billing", "scheduler", "tenants")
# The scheduler owns no clock, no chance and no files: whoever drives it does.
NOT_IN_SCHEDULER = ("datetime", "os", "pathlib", "random", "secrets", "socket", "subprocess", "threading", "time")
CLOCKS_AND_CHANCE = re.compile(
    r"(time\.(time|time_ns|localtime|ctime)|(datetime\.)?(datetime\.(now|utcnow|today)|date\.today)"
    r"|os\.urandom|uuid\.uuid[14])"
)
EDGE = "sim.cli.edge"  # where the machine's clock and chance come in, as two functions that are handed on
SEEDED = ("BitGenerator", "Generator", "PCG64", "SeedSequence", "default_rng")
FLOATS = re.compile(r"(np|numpy)\.(float\w+|divide|true_divide|mean|average|std|var)")
MODULE_LINES, FUNCTION_LINES = 250, 60
LONG_BECAUSE = re.compile(r"\blong(er)?\b[^.]*\bbecause\b")  # a module that says so, and why, may be longer
# Spelt in two pieces, so that the rule does not find itself.
UNFINISHED = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "NotImplemented" + "Error")) + r")\b")


def sources(*folders: str) -> list[Path]:
    """Python files of the folders (default: the four packages), sorted."""
    return sorted(path for name in folders or LAYERS for path in (ROOT / name).rglob("*.py"))


def module_of(path: Path) -> str:
    """Dotted name of a source file: `billing/__init__.py` is `billing`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def dotted(node: ast.expr) -> str:
    """`np.random.rand` of such an attribute chain; '' of anything else."""
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head else ""
    return node.id if isinstance(node, ast.Name) else ""


def imports(tree: ast.Module, module: str, is_package: bool = False) -> Iterator[tuple[int, str]]:
    """(line, dotted target) of every import: also inside functions, relative, and by name through importlib."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            base = ".".join([*package, node.module] if node.module else package)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and dotted(node.func) in (
            "importlib.import_module",
            "import_module",
            "__import__",
        ):
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant):
                    yield node.lineno, str(argument.value)


def within(target: str, allowed: tuple[str, ...]) -> bool:
    return any(target == name or target.startswith(f"{name}.") for name in allowed)


def layer_findings(tree: ast.Module, module: str, is_package: bool = False) -> Iterator[str]:
    """Imports that the layers do not allow."""
    package = module.split(".")[0]
    ours, theirs = LAYERS[package]
    theirs += tuple(name for room, names in ROOMS.items() if within(module, (room,)) for name in names)
    for line, target in imports(tree, module, is_package):
        top = target.split(".")[0]
        if top == "tests":
            yield f"{module}:{line} imports tests"
        elif top in LAYERS:
            if not within(target, ours):
                yield f"{module}:{line} imports {target}; {package} may import {', '.join(ours)}"
        elif top in sys.stdlib_module_names:
            if package == "scheduler" and top in NOT_IN_SCHEDULER:
                yield f"{module}:{line} imports {target}, which the scheduler must do without"
        elif top not in theirs:
            yield f"{module}:{line} imports {target}; {package} may import {', '.join(theirs)}"


def call_findings(tree: ast.Module, module: str) -> Iterator[str]:
    """Wall clock, chance without a seed, and output outside the command line."""
    for line, target in imports(tree, module):
        if target.split(".")[0] in ("random", "secrets") or CLOCKS_AND_CHANCE.fullmatch(target):
            yield f"{module}:{line} imports {target}: time and chance come from the driver"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            if CLOCKS_AND_CHANCE.fullmatch(name) and module != EDGE:
                yield f"{module}:{node.lineno} uses the machine's {name}"
            elif re.fullmatch(r"(np|numpy)\.random\.\w+", name) and node.attr not in SEEDED:
                yield f"{module}:{node.lineno} uses the global generator {name}"
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            if name.split(".")[-1] in ("default_rng", "SeedSequence") and not (node.args or node.keywords):
                yield f"{module}:{node.lineno} calls {name}() without a seed"
            elif name == "print" and not within(module, ("sim.cli",)):
                yield f"{module}:{node.lineno} prints; only sim.cli talks to people"


def joins_a_path(node: ast.BinOp | ast.AugAssign) -> bool:
    """`folder / "name"` is a path, not a quotient."""
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.value,)
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in sides
    )


def float_findings(tree: ast.Module, module: str) -> Iterator[str]:
    """Floats, in packages where money, time and quantities are integers. Asking `isinstance(x, float)` is allowed."""
    asked = {
        id(name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and dotted(node.func) == "isinstance"
        for name in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "float" and id(node) not in asked:
            yield f"{module}:{node.lineno} names float"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{module}:{node.lineno} holds the float {node.value}"
        elif isinstance(node, ast.Attribute) and FLOATS.fullmatch(dotted(node)):
            yield f"{module}:{node.lineno} uses {dotted(node)}"
        elif isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div) and not joins_a_path(node):
            yield f"{module}:{node.lineno} divides with /; use // or a function of billing.money"


# A Scope is the proof of who asks: these make one, and whoever else could would be let in by his own word.
SCOPE_MAKERS = {"Scope": (), "_SEAL": (), "make_scope": (), "local_scope": ("sim.cli",)}


# Behind broken glass every read is noted: this module opens such a scope and notes it in one transaction.
GLASS_BREAKER = "billing.store.break_glass"


def scope_findings(tree: ast.Module, module: str) -> Iterator[str]:
    """Scopes made, or taken from their seal, outside `tenants.access`; the machine's outside the command line; and
    those behind broken glass without a word in the log."""
    if within(module, ("tenants.access",)):
        return
    opened = {line for line, target in imports(tree, module) if target == "tenants.access.scope.break_glass"}
    opened |= {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and dotted(node) == "scope.break_glass"
    }
    if module != GLASS_BREAKER:
        yield from (f"{module}:{line} breaks glass; only {GLASS_BREAKER} notes that" for line in sorted(opened))
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Call):
            names = [dotted(node.func).rpartition(".")[2]]
            if names[0] in ("__new__", "replace", "copy", "deepcopy"):
                names = [dotted(each).rpartition(".")[2] for each in node.args]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names if alias.name != "Scope"]
        elif isinstance(node, ast.Attribute) and node.attr != "Scope":
            names = [node.attr]
        for name in names:
            if name in SCOPE_MAKERS and not within(module, SCOPE_MAKERS[name]):
                yield f"{module}:{getattr(node, 'lineno', 0)} makes a Scope by {name}: authentication alone does"


def length_findings(source: str, tree: ast.Module, module: str) -> Iterator[str]:
    """A module that is too long to be read at one sitting and does not say why."""
    lines = source.count("\n")
    if lines > MODULE_LINES and not LONG_BECAUSE.search(ast.get_docstring(tree) or ""):
        yield f"{module} has {lines} lines, above {MODULE_LINES}, and no word that it is long because ..."


def function_findings(tree: ast.Module, module: str) -> Iterator[str]:
    """Functions that do not fit on a screen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{module}.{node.name} has {length} lines, above {FUNCTION_LINES}"


# The one door (docs/decisions/0010): what acts for somebody else reaches tenant data through it, and through functions
# of what it hands out; and a driver of a database is nobody's but the store's.
BEHIND_THE_DOOR = re.compile(r"billing\.store\.(door|audit|break_glass|notices|(api|tenant)_\w+)(\.\w+)?")
DRIVERS = ("sqlite3", "psycopg", "aiosqlite", "asyncpg")


def door_findings(tree: ast.Module, module: str) -> Iterator[str]:
    """Ways to tenant data around the door: the API opens no store, names no table and sends no text as SQL."""
    for line, target in imports(tree, module):
        if target.split(".")[0] in DRIVERS and not within(module, ("billing.store",)):
            yield f"{module}:{line} imports {target}: the store alone speaks to a database"
        elif not within(module, ("billing.api", "billing.console")) or not within(target, ("billing.store",)):
            continue
        elif target != "billing.store" and not BEHIND_THE_DOOR.fullmatch(target):
            yield f"{module}:{line} imports {target}: tenant data are behind billing.store.door"
    if within(module, ("billing.api", "billing.console")):
        for node in ast.walk(tree):
            name = dotted(node.func) if isinstance(node, ast.Call) else ""
            if name.split(".")[-1] in ("execute", "exec_driver_sql", "executescript", "raw_connection"):
                yield f"{module}:{node.lineno} calls {name}(): statements are the store's"  # type: ignore[attr-defined]
            if isinstance(node, ast.Attribute) and node.attr in ("working", "working_for"):
                yield f"{module}:{node.lineno} works on the tables of all: the store does, for whom it has checked"


def findings(source: str, module: str, is_package: bool = False) -> list[str]:
    """Everything that is wrong with one module of the four packages."""
    tree = ast.parse(source)
    found = [
        *layer_findings(tree, module, is_package),
        *call_findings(tree, module),
        *scope_findings(tree, module),
        *door_findings(tree, module),
        *length_findings(source, tree, module),
        *function_findings(tree, module),
    ]
    if module.split(".")[0] in INTEGERS_ONLY:
        found += float_findings(tree, module)
    return found


def dead_modules(modules: Iterable[str], imported: Mapping[str, set[str]], entry_points: set[str]) -> list[str]:
    """Modules that nobody else imports. `imported` maps each importing module to what it imports."""
    alive = set(entry_points)
    for importer, targets in imported.items():
        # `from sim.engine.run import run` names sim.engine.run.run: every prefix of it has been imported.
        alive |= {".".join(target.split(".")[:end]) for target in targets for end in range(1, 9)} - {importer}
    return [module for module in modules if module not in alive]


def dead_declarations(sources_by_module: Mapping[str, str], other_text: str) -> list[str]:
    """Functions and classes at the top of a module whose name stands nowhere else. A decorator counts as a use."""
    words = re.findall(r"\w+", "\n".join([*sources_by_module.values(), other_text]))
    count: dict[str, int] = {}
    for word in words:
        count[word] = count.get(word, 0) + 1
    return [
        f"{module}.{node.name}"
        for module, source in sources_by_module.items()
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.decorator_list and count[node.name] == 1
    ]
