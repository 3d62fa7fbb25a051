"""The kernel of `scheduler.kernel`, compiled by numba, which is optional: the extra `numba` installs it.

The source stays plain Python: each function is copied into a namespace of its own and compiled there, so that the same
source runs uncompiled beside it. The machine code is kept in numba's cache. Numba looks at the file of the function
that is called alone, so the names carry a digest of all sources: an edit anywhere compiles anew.
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from scheduler.kernel import (
    bits,
    books,
    capacity,
    fields,
    gather,
    happen,
    holding,
    lists,
    moves,
    outbox,
    place,
    promise,
    report,
    serve,
    step,
    waiting,
    work,
)

MODULES: tuple[ModuleType, ...] = (
    *(bits, waiting, lists, outbox, books, capacity, place, holding, work),
    *(moves, gather, promise, serve, happen, report, step),
)
ENTRIES = ("advance_run", "close_run")


def installed() -> bool:
    """Whether numba can be imported; nothing is imported to find out."""
    return find_spec("numba") is not None


@cache
def compiled() -> tuple[Callable[..., int], Callable[..., None]]:
    """Return `advance_run` and `close_run` as machine code. The first call of all takes half a minute, later processes
    load the cache in a second. Raises ImportError without numba."""
    njit = import_module("numba").njit
    source = b"".join(Path(str(module.__file__)).read_bytes() for module in (*MODULES, fields))
    digest = sha256(source).hexdigest()[:12]
    space: dict[str, Any] = {"f": fields, "__name__": __name__}
    for module in MODULES:
        for name, function in vars(module).items():
            if isinstance(function, FunctionType) and function.__module__ == module.__name__:
                twin = FunctionType(function.__code__, space, name)
                twin.__qualname__ = f"{name}_{digest}"
                twin.__module__ = module.__name__
                space[name] = njit(cache=name in ENTRIES)(twin)
    return space["advance_run"], space["close_run"]
