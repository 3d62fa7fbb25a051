"""Texts inside and above a stack of layers: placed where there is room on a wide page and, if there is, on a phone."""

from collections.abc import Sequence

from markupsafe import escape

from sim.report.shapes import LETTER_PX, PHONE_PX, UNITS, WIDE_PX, Bracket, Layer, pc

_LABEL_PX = 17  # a label inside a band needs a clear corridor this high


def layer_names(layers: Sequence[Layer], tops: Sequence[Sequence[int]], height: int) -> list[str]:
    """Return the labels of layers that have a clear corridor for them, at the corridor's widest place."""
    texts = []
    for i, layer in enumerate(layers):
        floor = tops[i - 1] if i else [0] * len(tops[i])
        for page_px, cls in ((PHONE_PX, "in"), (WIDE_PX, "in w")):
            found = _corridor(floor, tops[i], 1 + len(floor) * len(layer.label) * LETTER_PX // page_px)
            if found and (found[1] - found[0]) * height >= _LABEL_PX * UNITS:
                low, high, at_bp = found
                y = height - (low + high) * height // (2 * UNITS) + 4
                texts.append(
                    f'<text class="{cls} on-{escape(layer.key)}" x="{pc(at_bp)}" y="{y}" text-anchor="middle">'
                    f"{escape(layer.label)}</text>"
                )
                break
    return texts


def _corridor(floor: Sequence[int], top: Sequence[int], wide: int) -> tuple[int, int, int] | None:
    """Return (low, high, middle in bp) of the highest straight corridor `wide` bins long between two edges."""
    best = None
    for start in range(0, len(top) - wide + 1, max(1, wide // 8)):
        low, high = max(floor[start : start + wide]), min(top[start : start + wide])
        if high > low and (best is None or high - low > best[1] - best[0]):
            best = (low, high, (2 * start + wide) * 5_000 // len(top))
    return best


def bracket_lines(brackets: Sequence[Bracket]) -> list[str]:
    """Return all brackets; longer ones get their texts first, and a text that would touch another is left out."""
    parts: list[str] = []
    taken: dict[int, list[tuple[int, int]]] = {WIDE_PX: [], PHONE_PX: []}
    for bracket in sorted(brackets, key=lambda b: (b.from_bp - b.until_bp, b.from_bp)):
        left, right = pc(bracket.from_bp), pc(bracket.until_bp)
        parts.append(
            f'<line class="br" x1="{left}" x2="{right}" y1="-5" y2="-5"/>'
            f'<line class="br" x1="{left}" x2="{left}" y1="-8" y2="-2"/>'
            f'<line class="br" x1="{right}" x2="{right}" y1="-8" y2="-2"/>'
        )
        fits = []
        for page_px, spans in taken.items():
            low, high = _reach(bracket, page_px)
            if all(high <= other_low or other_high <= low for other_low, other_high in spans):
                spans.append((low, high))
                fits.append(page_px)
        if WIDE_PX in fits:
            parts += _bracket_texts(bracket, "" if PHONE_PX in fits else " w")
    return parts


def _bracket_texts(bracket: Bracket, cls: str) -> list[str]:
    at_bp, anchor = _anchor(bracket)
    first = -12 - 15 * (len(bracket.lines) - 1)
    return [
        f'<text class="gap{i}{cls}" x="{pc(at_bp)}" y="{first + 15 * i}" text-anchor="{anchor}">{escape(line)}</text>'
        for i, line in enumerate(bracket.lines)
    ]


def _anchor(bracket: Bracket) -> tuple[int, str]:
    """Return where a bracket's text is fixed: at its middle, or at its outer end near an edge of the plot."""
    middle = (bracket.from_bp + bracket.until_bp) // 2
    if middle < 1_500:
        return bracket.from_bp, "start"
    return (bracket.until_bp, "end") if middle > 8_500 else (middle, "middle")


def _reach(bracket: Bracket, page_px: int) -> tuple[int, int]:
    """Return the stretch of the axis that a bracket's text covers on a plot so wide."""
    at_bp, anchor = _anchor(bracket)
    wide_bp = max(len(line) for line in bracket.lines) * LETTER_PX * 10_000 // page_px
    low = at_bp - {"start": 0, "middle": wide_bp // 2, "end": wide_bp}[anchor]
    return low, low + wide_bp
