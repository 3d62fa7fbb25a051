"""Reference tables that experiments are held against, cell by cell: worked out before the code, from stated inputs."""

from collections.abc import Iterable
from typing import NamedTuple

from sim.experiments.experiment import Expected, Finding, exact


class Cell(NamedTuple):
    """A reference number beside ours. `room`: by how much chance in the reference number may set them apart."""

    name: str
    ours: float
    reference: float
    places: int  # decimals that the reference has
    room: float = 0

    @property
    def expected(self) -> Expected:
        """The band in which ours rounds to that number, room on both sides."""
        half = 0.5 * 10**-self.places + self.room + 1e-9
        return Expected(self.reference - half, self.reference + half, "")

    @property
    def holds(self) -> bool:
        """Whether ours lies in that band."""
        return self.expected.low <= self.ours <= self.expected.high


def agreement(title: str, cells: Iterable[Cell], source: str) -> Finding:
    """Return how many cells of a reference table come out."""
    held = [cell.holds for cell in cells]
    return exact(title, f"cells of {len(held)}", sum(held), Expected(len(held), len(held), source))


def as_reference(name: str, unit: str, ours: float, reference: float, places: int, source: str) -> Finding:
    """Return the finding of a number without chance, whose reference has so many decimals."""
    expected = Cell(name, ours, reference, places).expected
    return exact(name, unit, ours, expected._replace(source=source))


def find(findings: Iterable[Finding], name: str) -> Finding:
    """Return the finding of this name, or else the first whose name holds it. Raises LookupError: there is none."""
    held = [each for each in findings if name in each.name]
    if not held:
        raise LookupError(f"nothing is found about {name}")
    return next((each for each in held if each.name == name), held[0])
