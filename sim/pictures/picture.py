"""What a picture shows, as plain data: numbers and words, nothing of how it is drawn."""

from typing import NamedTuple


class Series(NamedTuple):
    """One row of points. `low` and `high` are the ends of a 95 % interval of each y; None: there is none.

    In a picture of kind `heat` a series is one row of cells, `x` their columns and `y` their values. In `bars` every
    series is a group of bars side by side, `x` the places 0, 1, 2, ... whose names are the picture's `places`; so are
    the rows of a `forest`, where `y` and its interval lie across. In a `gantt` `x` are rows and the intervals bars.
    `role`: `simulated` is drawn with marks, `analytic` and `limit` as lines over it, `published` as hollow marks.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    role: str = "simulated"


class Line(NamedTuple):
    """A straight line across the whole picture: `axis` "x" stands upright at x = `at`, "y" lies at y = `at`."""

    axis: str
    at: float
    label: str


class Picture(NamedTuple):
    """A picture. `guesses` are the inputs behind it that nobody vouches for; they are named under it.

    `log` names the axes with a logarithmic scale: "", "x", "y" or "xy".
    """

    name: str  # of its files
    kind: str  # lines, stacked, bars, scatter, heat, cdf, forest, gantt
    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    lines: tuple[Line, ...] = ()
    guesses: tuple[str, ...] = ()
    caption: str = ""
    log: str = ""
    places: tuple[str, ...] = ()
    z_label: str = ""  # of the colours of a heat map
