"""Small charts as hand-written SVG: no script, no fixed width, nothing fetched.

A chart has a fixed height in pixels and the width of its box: horizontal places are percentages, so text keeps its size
on a phone as on a wall, and nothing is stretched. Shapes with many points are drawn as the clip path of a full-size
rectangle, in coordinates of bins by thousandths, which scale while their fill pattern does not. Labels of the axes
stand outside the plot (`overflow: visible`; the box leaves the margin).

Every fill is a pattern named after its key (`sim.report.fills`), so that colour is never the only carrier.
"""

from collections.abc import Sequence

from markupsafe import Markup, escape

from sim.report.labels import bracket_lines, layer_names
from sim.report.shapes import (
    LETTER_PX,
    PHONE_PX,
    UNITS,
    WIDE_PX,
    Bracket,
    Cell,
    Layer,
    Tick,
    inverse,
    pc,
    separate_bars,
    skyline,
    stack_tops,
    step_curve,
)
from sim.report.text import ratio

_CELL_PX = 26  # height of a heat-map's cells


def stacked(
    uid: str,
    layers: Sequence[Layer],
    full: Sequence[int],
    *,
    height: int,
    label: str,
    x_ticks: Sequence[Tick] = (),
    y_ticks: Sequence[Tick] = (),
    brackets: Sequence[Bracket] = (),
    lines_bp: Sequence[int] = (),
    bars: bool = False,
    named: bool = False,
) -> Markup:
    """Return a stack of layers over bins, bottom to top in the order given.

    Args:
        uid:      prefix of the ids inside, unique on the page.
        full:     per bin, the amount that reaches the top of the plot.
        y_ticks:  from the bottom up.
        lines_bp: places of dashed vertical lines.
        bars:     separate bars instead of one continuous skyline.
        named:    write each layer's label into it where there is room.
    """
    tops = stack_tops(layers, full)
    body = [
        _layer(f"{uid}{i}", layer.key, top, bars)
        for i, (layer, top) in reversed(list(enumerate(zip(layers, tops, strict=True))))
        if any(layer.values)
    ]
    body += [_grid(tick) for tick in y_ticks]
    body += [_x_tick(tick) for tick in x_ticks]
    body += [f'<line class="cut" x1="{pc(at)}" x2="{pc(at)}" y1="0" y2="100%"/>' for at in lines_bp]
    body += bracket_lines(brackets)
    if named:
        body += layer_names(layers, tops, height)
    return _plot(body, height, label)


def curves(
    uid: str,
    lines: Sequence[tuple[str, Sequence[tuple[int, int]]]],
    *,
    height: int,
    label: str,
    x_ticks: Sequence[Tick],
    y_ticks: Sequence[Tick],
    marks: Sequence[Tick] = (),
) -> Markup:
    """Return step curves. A line is (style name, points); points are (x, y) in basis points, ascending in x.

    `marks` are labelled vertical lines, ascending; each hangs from the top down to its text, one row each, the last
    one lowest, so that no line crosses a text.
    """
    body = [_grid(tick) for tick in y_ticks] + [_x_tick(tick) for tick in x_ticks]
    paths = "".join(f'<path class="curve {escape(name)}" d="{step_curve(points)}"/>' for name, points in lines)
    body.append(
        f'<svg id="{uid}" viewBox="0 0 10000 10000" preserveAspectRatio="none" width="100%" height="100%">{paths}</svg>'
    )
    for row, mark in enumerate(reversed(marks)):
        at, y = pc(mark.at_bp), height - 12 - 18 * row
        beside = 'dx="-5" text-anchor="end"' if mark.at_bp > 4_000 else 'dx="5"'
        body.append(
            f'<line class="bound" x1="{at}" x2="{at}" y1="0" y2="{y + 4}"/>'
            f'<text class="mark" x="{at}" y="{y}" {beside}>{escape(mark.text)}</text>'
        )
    return _plot(body, height, label)


def hbar(parts: Sequence[tuple[str, str, int]], *, height: int, label: str) -> Markup:
    """Return one horizontal bar that stacks (key, label, amount) to 100 %; labels stand inside where there is room."""
    total = sum(amount for _, _, amount in parts)
    body: list[str] = []
    before = 0
    for key, text, amount in parts:
        if not amount:
            continue
        at, wide = before * 10_000 // total, amount * 10_000 // total
        before += amount
        shown = f"{text} {ratio(amount, total)} %"
        body.append(
            f'<rect x="{pc(at)}" width="{pc(max(wide, 1))}" height="100%" fill="url(#p-{escape(key)})" stroke="#fff">'
            f"<title>{escape(shown)}</title></rect>"
        )
        # Shown on a phone too, only on a wide page, or not at all.
        letters_bp = len(shown) * LETTER_PX * 10_000
        if wide * WIDE_PX >= letters_bp:
            cls = "in halo" if wide * PHONE_PX >= letters_bp else "in halo w"
            body.append(
                f'<text class="{cls}" x="{pc(at + wide // 2)}" y="{height // 2 + 4}" text-anchor="middle">'
                f"{escape(shown)}</text>"
            )
    return _plot(body, height, label)


def heat_map(
    rows: Sequence[tuple[str, Sequence[Cell | None]]], columns: Sequence[str], *, base: str, label: str
) -> Markup:
    """Return a grid of classed cells, one row per name; row names stand left of the plot, column names above it.

    `base` is the class of the whole grid: cells of that class are None, and cost no bytes.
    """
    body = [f'<rect class="h-{escape(base)}" width="100%" height="100%"/>']
    edges = [column * 10_000 // len(columns) for column in range(len(columns) + 1)]
    for name, left, right in zip(columns, edges, edges[1:], strict=False):
        body.append(f'<text class="x" x="{pc((left + right) // 2)}" y="-7" text-anchor="middle">{escape(name)}</text>')
    for r, (name, cells) in enumerate(rows):
        top = r * _CELL_PX
        body.append(f'<text class="y" x="-8" y="{top + 17}" text-anchor="end">{escape(name)}</text>')
        for cell, left, right in zip(cells, edges, edges[1:], strict=False):
            if cell is None:
                continue
            key = escape(cell.key)
            body.append(
                f'<rect class="h-{key}" x="{pc(left)}" y="{top}" width="{pc(right - left)}" height="{_CELL_PX}">'
                f'<title>{escape(cell.title)}</title></rect><text class="in i-{key}" x="{pc((left + right) // 2)}"'
                f' y="{top + 17}" text-anchor="middle">{escape(cell.text)}</text>'
            )
    body += [f'<line class="w2" x1="{pc(at)}" x2="{pc(at)}" y1="0" y2="100%"/>' for at in edges[1:-1]]
    body += [
        f'<line class="w2" x1="0" x2="100%" y1="{r * _CELL_PX}" y2="{r * _CELL_PX}"/>' for r in range(1, len(rows))
    ]
    return _plot(body, _CELL_PX * len(rows), label)


def _plot(body: Sequence[str], height: int, label: str) -> Markup:
    return Markup(f'<svg class="plot" height="{height}" role="img" aria-label="{escape(label)}">{"".join(body)}</svg>')


def _layer(uid: str, key: str, top: Sequence[int], bars: bool) -> str:
    """Return everything from the bottom up to `top`; layers above it were drawn before, so it covers them."""
    scale = f"scale({inverse(len(top))} {inverse(UNITS)})"
    return (
        f'<clipPath id="{uid}" clipPathUnits="objectBoundingBox"><path transform="{scale}" '
        f'd="{separate_bars(top) if bars else skyline(top)}"/></clipPath>'
        f'<rect width="100%" height="100%" fill="url(#p-{escape(key)})" clip-path="url(#{uid})"/>'
    )


def _grid(tick: Tick) -> str:
    at = pc(10_000 - tick.at_bp)
    return (
        f'<line class="g" x1="0" x2="100%" y1="{at}" y2="{at}"/>'
        f'<text class="y" x="-6" y="{at}" dy="4" text-anchor="end">{escape(tick.text)}</text>'
    )


def _x_tick(tick: Tick) -> str:
    at, cls = pc(tick.at_bp), "x w" if tick.minor else "x"
    return (
        f'<line class="t" x1="{at}" x2="{at}" y1="99%" y2="100%"/>'
        f'<text class="{cls}" x="{at}" y="100%" dx="3" dy="14">{escape(tick.text)}</text>'
    )
