"""The fill patterns of the charts: colour and texture by key, defined once per page."""

from markupsafe import Markup, escape

# key: (fill, ink of its texture, texture). Colours after Okabe and Ito.
_FILLS = {
    "critical": ("#0072B2", "", ""),
    "internal": ("#56B4E9", "#1d6fa5", "M0 3H8"),
    "reserved": ("#009E73", "#0b6b50", "M0 8L8 0M-2 2L2 -2M6 10L10 6"),
    "ondemand": ("#E69F00", "", ""),
    "spot": ("#F0E442", "#a89c00", "M2 2h1.5v1.5h-1.5zM6 6h1.5v1.5h-1.5z"),
    "down": ("#999999", "#4d4d4d", "M0 0L8 8M6 -2L10 2M-2 6L2 10"),
    "idle": ("#EEEEEE", "", ""),
    "scrubbing": ("#999999", "#5f5f5f", "M2 0V8M6 0V8"),
    "gathering": ("#56B4E9", "#1d6fa5", "M0 3H8"),
    "reserved_unused": ("#009E73", "#0b6b50", "M0 8L8 0M-2 2L2 -2M6 10L10 6"),
    "held_back": ("#CC79A7", "#8c3f69", "M2 2h1.5v1.5h-1.5zM6 6h1.5v1.5h-1.5z"),
    "fragmented": ("#D8D2C4", "#8d846d", "M0 0L8 8M6 -2L10 2M-2 6L2 10"),
    "spare": ("#D5DBE1", "#9aa5b1", "M0 3H8"),
    "no_demand": ("#EEEEEE", "", ""),
    "alarm": ("#D55E00", "", ""),
    "accent": ("#CC79A7", "", ""),
}


def pattern_defs() -> Markup:
    """Return the hidden SVG that holds every fill; a page needs it once."""
    parts = []
    for key, (fill, ink, texture) in _FILLS.items():
        drawn = f'<path d="{texture}" fill="none" stroke="{ink}" stroke-width="1"/>' if texture else ""
        parts.append(
            f'<pattern id="p-{key}" width="8" height="8" patternUnits="userSpaceOnUse">'
            f'<rect width="8" height="8" fill="{fill}"/>{drawn}</pattern>'
        )
    return Markup(f'<svg class="defs" width="0" height="0" aria-hidden="true"><defs>{"".join(parts)}</defs></svg>')


def swatch(key: str) -> Markup:
    """Return a small square filled like the key's shapes, for legends."""
    return Markup(
        '<svg class="sw" width="14" height="14" aria-hidden="true">'
        f'<rect x=".5" y=".5" width="13" height="13" fill="url(#p-{escape(key)})" stroke="#5b6670"/></svg>'
    )
