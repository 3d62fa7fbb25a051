"""Published tables that experiments are held against, cell by cell."""

from collections.abc import Iterable
from typing import NamedTuple

from sim.experiments.experiment import Expected, Finding, exact


class Cell(NamedTuple):
    """A published number beside ours. `room`: by how much chance in the published number may set them apart."""

    name: str
    ours: float
    published: float
    places: int  # decimals that were published
    room: float = 0

    @property
    def expected(self) -> Expected:
        """The band in which ours would have been published as that number."""
        half = 0.5 * 10**-self.places + self.room + 1e-9
        return Expected(self.published - half, self.published + half, "")

    @property
    def holds(self) -> bool:
        """Whether ours lies in that band."""
        return self.expected.low <= self.ours <= self.expected.high


def agreement(title: str, cells: Iterable[Cell], source: str) -> Finding:
    """Return how many cells of a published table come out as published."""
    held = [cell.holds for cell in cells]
    return exact(title, f"cells of {len(held)}", sum(held), Expected(len(held), len(held), source))


def as_published(name: str, unit: str, ours: float, published: float, places: int, source: str) -> Finding:
    """Return the finding of a number without chance that was published with so many decimals."""
    expected = Cell(name, ours, published, places).expected
    return exact(name, unit, ours, expected._replace(source=source))
