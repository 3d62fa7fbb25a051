"""Documents as PDF, set by typst (extra `report`) from the same data as the pages; the same data gives the same bytes.

Only the fonts that come with typst are used, so that a document does not depend on the machine: a script that they do
not cover (Chinese, Japanese) shows as boxes here, and as itself in the HTML page.
"""

import json
from collections.abc import Mapping
from typing import Any

from billing.documents.page import PAPERS, TEMPLATES, readable
from billing.errors import DocumentError

_TYPST_PAPERS = {"a4": "a4", "letter": "us-letter"}
assert set(_TYPST_PAPERS) == set(PAPERS)


def invoice_pdf(data: Mapping[str, Any], paper: str = "a4") -> bytes:
    """Return an invoice's plain data (`billing.documents.invoice_data`) as a tagged PDF."""
    return _pdf("invoice.typ", readable(data), paper)


def sla_pdf(data: Mapping[str, Any], paper: str = "a4") -> bytes:
    """Return an SLA report's plain data (`billing.documents.sla_data`) as a tagged PDF."""
    return _pdf("sla.typ", readable(data), paper)


def _pdf(template: str, data: object, paper: str) -> bytes:
    """Return the PDF of a template of this package. `paper` is a key of PAPERS.

    Raises:
        DocumentError: no such paper, or typst is not installed.
    """
    if paper not in PAPERS:
        raise DocumentError("unknown paper", path="paper", found=paper, allowed=", ".join(PAPERS))
    try:
        import typst
    except ImportError:
        hint = "an installation with the extra `report`: pip install 'spillway[report]'; or the format html"
        raise DocumentError("PDF needs typst, which is not installed", code="no_typst", allowed=hint) from None
    inputs = {"data": json.dumps(data, ensure_ascii=False), "paper": _TYPST_PAPERS[paper]}
    made = typst.compile(
        TEMPLATES.joinpath(template), root=TEMPLATES, format="pdf", sys_inputs=inputs, ignore_system_fonts=True
    )
    assert isinstance(made, bytes), "without an output file typst returns the document"
    return made
