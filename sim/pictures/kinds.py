"""One function for each kind of picture: puts its series on the axes; scales, words and lines are drawn elsewhere."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from sim.pictures.picture import Picture, Series
from sim.pictures.style import ALARM, COLOURS, DASHES, HATCHES, INK, MARKS, SOFT, colour

_MARKED_MOST = 40  # points of a series; more are a line without marks
_CELLS_TOLD = 80  # numbers stand in the cells of a heat map of at most so many


def _drawn_lines(figure: FigureBase, axes: Axes, picture: Picture) -> None:
    place = 0
    law = any(series.role == "analytic" for series in picture.series)
    for series in picture.series:
        if series.role != "simulated":
            _known(axes, series)
            continue
        many = len(series.x) > _MARKED_MOST
        dash = "none" if law and not many else DASHES[place % len(DASHES)]  # a curve joins them better than chords
        look: dict[str, Any] = {"color": colour(series.name, place), "linestyle": dash}
        axes.plot(series.x, series.y, label=series.name, marker="" if many else MARKS[place % len(MARKS)], **look)
        if series.low is not None and series.high is not None:
            if many:
                axes.fill_between(series.x, series.low, series.high, color=look["color"], alpha=0.2, linewidth=0)
            else:
                axes.errorbar(series.x, series.y, yerr=_arms(series), fmt="none", ecolor=look["color"], capsize=3)
        place += 1


def _known(axes: Axes, series: Series) -> None:
    """What a simulation is held against, on top of it."""
    if series.role == "published":
        axes.plot(series.x, series.y, "o", mfc="white", mec=ALARM, mew=1.8, ms=9, label=series.name, zorder=5)
    elif series.role == "limit":
        axes.plot(series.x, series.y, ":", color=ALARM, linewidth=1.8, label=series.name, zorder=4)
    else:
        axes.plot(series.x, series.y, "-", color=INK, linewidth=1.3, label=series.name, zorder=4)


def _arms(series: Series) -> Any:
    """Lengths of the two arms of an interval."""
    assert series.low is not None and series.high is not None
    y = np.array(series.y)
    return np.maximum([y - np.array(series.low), np.array(series.high) - y], 0)


def _drawn_stacked(figure: FigureBase, axes: Axes, picture: Picture) -> None:
    under = np.zeros(len(picture.series[0].x))
    for place, series in enumerate(picture.series):
        over = under + np.array(series.y)
        face = colour(series.name, place)
        axes.fill_between(
            series.x, under, over, step="post", facecolor=face, edgecolor=SOFT, linewidth=0.3, label=series.name
        )
        under = over
    axes.set_xlim(picture.series[0].x[0], picture.series[0].x[-1])
    axes.set_ylim(0, float(under.max()))


def _drawn_bars(figure: FigureBase, axes: Axes, picture: Picture) -> None:
    shown = [series for series in picture.series if series.role == "simulated"]
    width = 0.8 / max(1, len(shown))
    for place, series in enumerate(shown):
        at = np.array(series.x) - 0.4 + width * (place + 0.5)
        arms = _arms(series) if series.low is not None and series.high is not None else None
        axes.bar(
            at, series.y, width * 0.92, yerr=arms, capsize=3, label=series.name, edgecolor="white",
            color=colour(series.name, place), hatch=HATCHES[place % len(HATCHES)], ecolor=INK,
        )  # fmt: skip
    for series in picture.series:
        if series.role != "simulated":
            _known(axes, series)
    axes.set_xticks(range(len(picture.places)), picture.places)
    if len(picture.places) > 4:
        axes.tick_params("x", rotation=30)


def _drawn_scatter(figure: FigureBase, axes: Axes, picture: Picture) -> None:
    place = 0
    for series in picture.series:
        if series.role == "limit":
            axes.step(series.x, series.y, where="post", color=SOFT, linewidth=1.2, label=series.name, zorder=1)
        elif series.role != "simulated":
            _known(axes, series)
        else:
            face, mark = colour(series.name, place), MARKS[place % len(MARKS)]
            axes.plot(series.x, series.y, mark, color=face, ms=8, mec=INK, mew=0.6, label=series.name, zorder=3)
            if series.low is not None and series.high is not None:
                axes.errorbar(series.x, series.y, yerr=_arms(series), fmt="none", ecolor=face, capsize=3, zorder=2)
            place += 1


def _drawn_heat(figure: FigureBase, axes: Axes, picture: Picture) -> None:
    cells = np.array([series.y for series in picture.series])
    image = axes.imshow(cells, aspect="auto", origin="lower", cmap="cividis")
    figure.colorbar(image, ax=axes, label=picture.z_label or None, shrink=0.9)
    columns = picture.series[0].x
    step = max(1, len(columns) // 8)
    named = picture.places or tuple(f"{value:g}" for value in columns)
    axes.set_xticks(range(0, len(columns), step), named[::step])
    rows = max(1, len(picture.series) // 12)
    axes.set_yticks(range(0, len(picture.series), rows), [series.name for series in picture.series[::rows]])
    if cells.size <= _CELLS_TOLD:
        middle = (np.nanmin(cells) + np.nanmax(cells)) / 2
        for row, column in np.ndindex(cells.shape):
            value = cells[row, column]
            ink = INK if value > middle else "white"
            axes.text(column, row, f"{value:.3g}", ha="center", va="center", fontsize=8, color=ink)


def _drawn_cdf(figure: FigureBase, axes: Axes, picture: Picture) -> None:
    place = 0
    for series in picture.series:
        if series.role != "simulated":
            _known(axes, series)
            continue
        face, dash = colour(series.name, place), DASHES[place % len(DASHES)]
        axes.step(series.x, series.y, where="post", color=face, linestyle=dash, linewidth=1.6, label=series.name)
        place += 1
    axes.set_ylim(0, 1.01)


def _drawn_forest(figure: FigureBase, axes: Axes, picture: Picture) -> None:
    """One row for each place: of a series of bands the grey bar, of the others a mark with its interval."""
    for series in picture.series:
        if series.low is None or series.high is None:
            continue
        if series.role == "limit":
            wide = np.array(series.high) - np.array(series.low)
            axes.barh(series.x, wide, 0.4, left=series.low, color="#d3dae1", label=series.name)
        else:
            axes.errorbar(
                series.y, series.x, xerr=_arms(series), fmt="o", color=COLOURS[0], capsize=4, label=series.name
            )
    for row, name in enumerate(picture.places):
        axes.text(0, row - 0.34, name, transform=axes.get_yaxis_transform(), fontsize=8)
    axes.set_yticks([])
    axes.set_ylim(len(picture.places) - 0.5, -0.9)


def _drawn_gantt(figure: FigureBase, axes: Axes, picture: Picture) -> None:
    """Bars from `low` to `high` on the rows `x`; of what is only planned, hatched."""
    for place, series in enumerate(picture.series):
        if series.low is None or series.high is None:
            continue
        planned = series.role == "limit"
        face = colour(series.name.removesuffix(", planned"), place)
        look: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.15}
        if planned:
            look = {"hatch": "////", "edgecolor": SOFT, "linewidth": 0, "alpha": 0.5}
        width = np.array(series.high) - np.array(series.low)
        axes.barh(series.x, width, 1, left=series.low, color=face, label=series.name, **look)
    axes.set_ylim(max(max(series.x) for series in picture.series) + 1, -1)


DRAW: dict[str, Callable[[FigureBase, Axes, Picture], None]] = {
    "lines": _drawn_lines,
    "stacked": _drawn_stacked,
    "bars": _drawn_bars,
    "scatter": _drawn_scatter,
    "heat": _drawn_heat,
    "cdf": _drawn_cdf,
    "forest": _drawn_forest,
    "gantt": _drawn_gantt,
}
