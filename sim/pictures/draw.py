"""Draws a picture as SVG and PNG. The same picture gives the same bytes: a fixed salt for ids, no date, own fonts.

matplotlib comes with the extra `report`; nothing here is imported without it.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import fill
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase

from sim.pictures import kinds
from sim.pictures.picture import Picture
from sim.pictures.style import INK, SOFT

WIDE, NARROW = (9.4, 5.2), (4.2, 5.0)  # inches: for a page, and for a phone
_PNG_DPI = 150
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "spillway",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.titlesize": 11,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def svg(picture: Picture, narrow: bool = False) -> bytes:
    """Return the picture as an SVG file; text stays text."""
    out = io.BytesIO()
    with _drawn(picture, narrow) as figure:
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()


def png(picture: Picture) -> bytes:
    """Return the picture as a PNG file, 150 dots per inch."""
    out = io.BytesIO()
    with _drawn(picture, narrow=False) as figure:
        figure.savefig(out, format="png", dpi=_PNG_DPI, metadata={"Software": None})
    return out.getvalue()


def in_page(picture: Picture, narrow: bool) -> str:
    """Return the SVG as an element of a page: no prolog, no size of its own, ids that no other picture has."""
    text = svg(picture, narrow).decode()
    mark = f"{picture.name}-{'n' if narrow else 'w'}-"
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{mark}', text)
    text = re.sub(r"url\(#", f"url(#{mark}", text)
    text = re.sub(r'href="#', f'href="#{mark}', text)
    label = f'role="img" aria-label="{_escaped(picture.title)}"'
    return re.sub(r'<svg ([^>]*?)width="[^"]*" height="[^"]*"|<svg height="[^"]*"', rf"<svg {label} \1", text, count=1)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


@contextmanager
def _drawn(picture: Picture, narrow: bool) -> Iterator[Figure]:
    """The finished figure, in a style that nothing outside can change."""
    letters = 46 if narrow else 104
    width, height = NARROW if narrow else WIDE
    if narrow:
        height += 0.16 * max(0, len(picture.series) - 3)  # names stand one below the other
    if picture.kind == "forest":
        height = 1.4 + 0.42 * len(picture.places)
    with rc_context(_STYLE):
        whole = Figure(figsize=(width, height))
        FigureCanvasAgg(whole)
        figure = _above_note(whole, picture, height, int(letters * 1.15))
        axes = figure.add_subplot()
        kinds.DRAW[picture.kind](figure, axes, picture)
        _dress(axes, picture, letters)
        handles, labels = axes.get_legend_handles_labels()
        if handles and picture.kind != "heat":
            columns = 1 if narrow else min(4, len(handles))
            figure.legend(handles, labels, loc="outside lower left", ncols=columns, fontsize=8.5)
        yield whole


def _above_note(whole: Figure, picture: Picture, height: float, letters: int) -> FigureBase:
    """What is left of a figure above the words under the picture: what it rests on, and which of it is guessed."""
    parts = [picture.caption] if picture.caption else []
    if picture.guesses:
        parts.append(f"Guesses behind it: {', '.join(picture.guesses)}.")
    text = fill(" ".join(parts), letters)
    if not text:
        return whole
    strip = 0.1 + 0.15 * (text.count("\n") + 1)
    parts_of_it: Any = whole.subfigures(2, 1, height_ratios=(height - strip, strip))
    above, under = parts_of_it
    under.text(0.012, 0.1, text, fontsize=8, color=SOFT, va="bottom")
    assert isinstance(above, FigureBase)
    return above


def _dress(axes: Axes, picture: Picture, letters: int) -> None:
    """Title, labels, scales and the lines across."""
    named = any(line.axis == "x" and line.label for line in picture.lines)
    axes.set_title(fill(picture.title, int(letters * 0.88)), pad=18 if named else None)  # None: as ever
    axes.set_xlabel(picture.x_label)
    axes.set_ylabel(picture.y_label)
    if "x" in picture.log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(_plain)
    if "y" in picture.log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_plain)
    for line in picture.lines:
        across = axes.axvline if line.axis == "x" else axes.axhline
        across(line.at, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        if line.axis == "x":
            where = axes.get_xaxis_transform()  # above the axes: inside it would lie on the curves
            axes.text(line.at, 1.01, line.label, transform=where, fontsize=8.5, ha="center", va="bottom")
        else:
            where = axes.get_yaxis_transform()
            axes.text(0.99, line.at, line.label, transform=where, fontsize=8.5, ha="right", va="bottom")


def _plain(value: float, _: float) -> str:
    """A power of ten as people write it: 0.1, 1,000."""
    return f"{value:,.10g}"
