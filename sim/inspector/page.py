"""The report as one HTML page: fetches nothing, runs no script, prints well; same report, same time: same bytes."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sim.inspector.words import MODEL_NOTE, NO_CHANNELS, summary
from tenants.isolation.channels import CHANNELS
from tenants.isolation.controls import CONTROLS, FRAMEWORKS
from tenants.isolation.inspect import Report


def render(report: Report, made: str) -> str:
    """Return the page, made at a time (RFC 3339)."""
    names = list(dict.fromkeys(row.category for row in report.rows))
    evidence_for = {
        control: [row for row in report.rows if control in row.about.controls]
        for control in CONTROLS
        if any(control in row.about.controls for row in report.rows)
    }
    return (
        _environment()
        .get_template("isolation.html.j2")
        .render(report=report, names=names, summary=summary(report), evidence_for=evidence_for, made=made)
    )


@cache
def _environment() -> Environment:
    here = Path(__file__).parent / "templates"
    env = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.globals |= {
        "channels": CHANNELS,
        "controls": CONTROLS,
        "frameworks": FRAMEWORKS,
        "css": Markup((here / "isolation.css").read_text(encoding="utf-8")),
        "MODEL_NOTE": MODEL_NOTE,
        "NO_CHANNELS": NO_CHANNELS,
    }
    return env
