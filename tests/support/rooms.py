"""Rooms: the packages and modules right below `scheduler`, `billing`, `tenants` and `sim`, and who knows whom at run
time.

A house in which rooms form a circle cannot be read from one end to the other. Imports for types alone do not count:
they are gone when the program runs.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping

from house_rules import imports, within

TYPES_ONLY = "TYPE_CHECKING"


def room_of(module: str) -> str:
    """`scheduler.plan` of `scheduler.plan.promise`."""
    return ".".join(module.split(".")[:2])


def doors(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Return, for each room, the other rooms of its package that its modules import. `modules`: name -> source."""
    known = {room_of(module) for module in modules}
    rooms: dict[str, set[str]] = {room: set() for room in sorted(known)}
    for module, source in modules.items():
        here = room_of(module)
        for target in _imported(source, module):
            there = room_of(target)
            if there != here and there in known and within(there, (here.partition(".")[0],)):
                rooms[here].add(there)
    return rooms


def circles(rooms: Mapping[str, Iterable[str]]) -> list[str]:
    """Return every pair of rooms each of which can be reached from the other, as "a <-> b"."""
    reach = {room: _reachable(rooms, room) for room in rooms}
    return [f"{a} <-> {b}" for a in sorted(rooms) for b in sorted(reach[a]) if a < b and a in reach[b]]


def _reachable(rooms: Mapping[str, Iterable[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = [start]
    while ahead:
        for room in rooms[ahead.pop()]:
            if room not in found:
                found.add(room)
                ahead.append(room)
    return found


def _imported(source: str, module: str) -> Iterator[str]:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == TYPES_ONLY:
            node.body = []
    for _, name in imports(tree, module):
        yield name
