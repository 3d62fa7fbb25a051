"""Documents as HTML pages (Jinja2) that fetch nothing and run no script; the same data gives the same bytes.

Jinja2 is imported when the first page is drawn: billing itself runs without it.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from billing.errors import DocumentError

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"
PAPERS = {"a4": "A4", "letter": "letter"}  # our word -> that of CSS

_AMOUNT = re.compile(r"(-?)([0-9]+)((?:\.[0-9]+)?)")
_COUNTS = (
    "healthy_gpu_s",
    "entitled_gpu_s",
    "excluded_gpu_s",
    "degraded_gpu_s",
    "held_gpu_s",
    "lost_gpu_s",
    "gpu_s",
    "interruptions_per_1000_gpu_h",
)
# Keys of documents whose values are for the eye: 1234567.50 is shown as 1,234,567.50.
_FOR_EYES = frozenset(
    (
        "net",
        "tax",
        "total",
        "amount",
        "priced_quantity",
        "priced_quantity_an_hour",
        "unit_price",
        "quantity",
        "hours",
        *_COUNTS,
    )
)
_TIMES = frozenset(("from", "until", "issued"))


def invoice_html(data: Mapping[str, Any], paper: str = "a4") -> str:
    """Return the page of an invoice from its plain data (`billing.documents.invoice_data`)."""
    return _page("invoice.html.j2", paper, invoice=readable(data))


def sla_page(data: Mapping[str, Any], paper: str = "a4") -> str:
    """Return the page of an SLA report from its plain data (`billing.documents.sla_data`)."""
    return _page("sla.html.j2", paper, report=readable(data))


def _page(template: str, paper: str, **values: Any) -> str:
    """Return a page drawn from a template of this package. `paper` is a key of PAPERS: the size of a printed page.

    Raises:
        DocumentError: no such paper.
    """
    if paper not in PAPERS:
        raise DocumentError("unknown paper", path="paper", found=paper, allowed=", ".join(PAPERS))
    return filled(template, paper=PAPERS[paper], **values)


def filled(template: str, **values: Any) -> str:
    """Return a template of this package with its values in it, escaped."""
    return _environment().get_template(template).render(**values)


def readable(data: Any, key: str = "") -> Any:
    """Return plain data with amounts grouped and times shortened for reading; pages and PDFs show these very words."""
    if isinstance(data, Mapping):
        return {name: readable(value, name) for name, value in data.items()}
    if isinstance(data, list):
        return [readable(value, key) for value in data]
    if key in _TIMES and data is not None:
        return moment(str(data))
    return grouped(str(data)) if key in _FOR_EYES and data is not None else data


def grouped(amount: str) -> str:
    """Return decimal text with thousands separators: "-10828.80" is "-10,828.80"; other text as it is."""
    match = _AMOUNT.fullmatch(amount)
    return f"{match[1]}{int(match[2]):,}{match[3]}" if match else amount


def moment(utc: str) -> str:
    """Return "2026-03-01T00:00:00Z" as "2026-03-01 00:00"; pages say once that all their times are UTC."""
    return utc.replace("T", " ").removesuffix("Z").removesuffix(":00")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
