"""What charts are made of: their parts as plain values, and outlines as SVG path data. All coordinates are ints."""

from collections.abc import Sequence
from typing import NamedTuple

UNITS = 1000  # vertical resolution of a shape
WIDE_PX, PHONE_PX = 900, 300  # least width of a full-width plot on a wide page, and on a phone
LETTER_PX = 7  # width of a letter, generously


class Tick(NamedTuple):
    """A place on an axis, `at_bp` basis points from its start. Minor texts are hidden on a phone."""

    at_bp: int
    text: str
    minor: bool = False


class Layer(NamedTuple):
    """One band of a stack: `values` has one entry per bin, in the unit of the chart's `full`."""

    key: str
    label: str
    values: Sequence[int]


class Bracket(NamedTuple):
    """A stretch of the x axis that deserves a name, drawn above the plot with one or two lines of text."""

    from_bp: int
    until_bp: int
    lines: tuple[str, ...]


class Cell(NamedTuple):
    """One cell of a heat-map: `key` names its class, `text` repeats it, `title` is the exact value."""

    key: str
    text: str
    title: str


def stack_tops(layers: Sequence[Layer], full: Sequence[int]) -> list[list[int]]:
    """Return, per layer, the height of its upper edge in every bin, in UNITS from the bottom."""
    below, tops = [0] * len(full), []
    for layer in layers:
        below = [b + v for b, v in zip(below, layer.values, strict=True)]
        tops.append([(2 * b * UNITS + f) // (2 * f) if f else 0 for b, f in zip(below, full, strict=True)])
    return tops


def skyline(top: Sequence[int]) -> str:
    """Return the closed outline of a step curve: relative moves, runs of equal height joined."""
    path, at, run = [f"M0 {UNITS - top[0]}"], top[0], 0
    for height in top:
        if height != at:
            path.append(f"h{run}v{at - height}")
            at, run = height, 0
        run += 1
    return "".join(path) + f"h{run}V{UNITS}H0z"


def separate_bars(top: Sequence[int]) -> str:
    return "".join(f"M{i}.1 {UNITS}V{UNITS - height}h.8V{UNITS}z" for i, height in enumerate(top) if height)


def step_curve(points: Sequence[tuple[int, int]]) -> str:
    path = [f"M{points[0][0]} {10_000 - points[0][1]}"]
    path += [f"H{x}V{10_000 - y}" for x, y in points[1:]]
    return "".join(path)


def pc(bp: int) -> str:
    """Return basis points as a percentage for an SVG attribute, e.g. 2550 -> "25.5%"."""
    return (f"{bp // 100}.{bp % 100:02d}".rstrip("0").rstrip(".") or "0") + "%"


def inverse(n: int) -> str:
    """Return 1/n with nine decimals."""
    return f"{10**9 // n // 10**9}.{10**9 // n % 10**9:09d}"
