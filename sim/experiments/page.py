"""The page of an experiment: one HTML file that fetches nothing and runs nothing; the same outcome, the same bytes."""

from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sim.experiments import words
from sim.experiments.perform import Performed
from sim.pictures.picture import Picture

Inline = Callable[[Picture, bool], str]  # a picture, for a narrow place or not, as an SVG element
_ROWS_MOST = 400  # of the table under a picture; the rest stands in result.json


def render(done: Performed, inline: Inline | None) -> str:
    """Return the page; without `inline` nothing is drawn, and the page says what draws."""
    drawn = [(picture, _both(picture, inline), _numbers(picture)) for picture in done.outcome.pictures]
    facts = [("preset", done.preset)]
    facts += [(name.replace("_", " "), f"{value:,}") for name, value in done.experiment.presets[done.preset].items()]
    facts += [("seed", str(done.seed)), ("version", version("spillway"))]
    return _environment().get_template("experiment.html.j2").render(done=done, facts=facts, drawn=drawn)


def _both(picture: Picture, inline: Inline | None) -> tuple[Markup, Markup] | None:
    return (Markup(inline(picture, False)), Markup(inline(picture, True))) if inline else None  # our own drawing


def _numbers(picture: Picture) -> list[tuple[str, str, str, str]]:
    """The numbers of a picture as rows: series, x, y, interval."""
    rows = []
    for series in picture.series:
        for place, (x, y) in enumerate(zip(series.x, series.y, strict=True)):
            spread = ""
            if series.low is not None and series.high is not None:
                spread = f"{words.number(series.low[place])} to {words.number(series.high[place])}"
            named = picture.places[int(x)] if picture.places and picture.kind != "heat" else words.number(x)
            rows.append((series.name, named, words.number(y), spread))
    return rows[:_ROWS_MOST]


@cache
def _environment() -> Environment:
    here = Path(__file__).parent / "templates"
    env = Environment(
        loader=FileSystemLoader(here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    env.globals |= {"words": words, "css": Markup((here / "experiment.css").read_text(encoding="utf-8"))}
    return env
