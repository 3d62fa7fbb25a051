"""Pages as HTML. The templates escape what they are given; no page holds a script or a style of its own."""

import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from billing.console import blocks

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE = Path(__file__).parent
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# name: (content type). What is not listed is not served.
STATIC: Mapping[str, str] = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "uplot.css": "text/css; charset=utf-8",
    "uplot.js": "text/javascript; charset=utf-8",
    "uplot.LICENSE.txt": "text/plain; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@cache
def static_file(name: str) -> bytes:
    """Return one of the files that pages are drawn with. Raises KeyError for any other."""
    STATIC[name]
    return _HERE.joinpath("static", name).read_bytes()


@cache
def static_path(name: str) -> str:
    """Return the address of a file, with what it holds in it: it can be kept for ever."""
    return f"/console/static/{name}?v={sha256(static_file(name)).hexdigest()[:12]}"


def draw(template: str, **context: Any) -> str:
    """Return a page as HTML."""
    return environment().get_template(template).render(**context)


@cache
def environment() -> "Environment":
    """Return the templates, with what they may call."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(eyes=for_eyes, moment=plain_moment, kind=kind_of)
    made.globals["static"] = static_path
    return made


def kind_of(value: object) -> str:
    """Return the name of a block's or cell's class: what the templates choose by."""
    return type(value).__name__


def for_eyes(text: str) -> str:
    """Return decimal text with commas between thousands: 1234567.50 is 1,234,567.50. Other text stays as it is."""
    words = text.split(" ")
    return " ".join(_grouped(word) for word in words)


def _grouped(word: str) -> str:
    whole, dot, rest = word.partition(".")
    sign, digits = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    if not digits.isdigit() or not digits.isascii() or (dot and not rest.isdigit()):
        return word
    return f"{sign}{int(digits):,}{dot}{rest}"


def plain_moment(text: str) -> str:
    """Return an RFC 3339 time in UTC as all pages show it, to the second: 2026-11-26 03:40:00. Other text stays."""
    return text.removesuffix("Z").replace("T", " ") if _MOMENT.fullmatch(text) else text


def etag_of(view: blocks.View) -> str:
    """Return a tag of what a page says; what differs from one drawing to the next is no part of it."""
    return f'"{sha256(repr(view).encode()).hexdigest()[:32]}"'
