"""Renders `ReportData` as one self-contained HTML page; the same data gives the same bytes."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sim.report import charts, fills, headline, text
from sim.report.model import ReportData

# Longer tables show their first rows and name the file that holds the rest.
BINS_MAX = 400
ROWS_MAX = 40
GUESSES_MAX = 60


def render(data: ReportData) -> str:
    """Return the page. It fetches nothing, runs no script, and reads no clock."""
    limits = {"bins_max": BINS_MAX, "rows_max": ROWS_MAX, "guesses_max": GUESSES_MAX}
    return _environment().get_template("report.html.j2").render(data=data, **limits)


@cache
def _environment() -> Environment:
    here = Path(__file__).parent / "templates"
    env = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.globals |= {
        "charts": charts,
        "fills": fills,
        "headline": headline,
        "text": text,
        "css": Markup((here / "report.css").read_text(encoding="utf-8")),
        # Attributes of table cells, as constants: cells are most of the page's bytes.
        "ZERO": Markup(' class="zero"'),
        "MISS": Markup(' class="miss"'),
    }
    return env
