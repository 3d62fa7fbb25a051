"""Invoices and SLA reports in a real browser: they fit a phone, light and dark, and print with heads repeated.

Facts of the laid-out page are compared, never pixels. A page measures itself inside a frame of the width that is asked
for; what is printed is read back from the PDF.
"""

import json
import re
import subprocess
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from billing.currency import DEFAULT
from billing.documents.invoice_data import invoice_data
from billing.documents.page import invoice_html, sla_page
from billing.documents.parties import Parties
from billing.documents.sla_data import Origin, sla_data
from billing.sla.report import sla_reports
from billing_facts import closed_world
from invoice_worlds import papers

FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--enable-logging=stderr", "--virtual-time-budget=2000"),
]
MEASURE = """<script>
window.onload = () => {
  const root = document.documentElement, inside = [...document.querySelectorAll("main *")]
    .filter(part => !part.closest(".wide") && part.getBoundingClientRect().right > innerWidth + 0.5);
  const light = color => color.match(/\\d+/g).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
  const main = getComputedStyle(document.querySelector("main"));
  parent.postMessage(JSON.stringify({
    scrollWidth: root.scrollWidth, innerWidth, outside: inside.map(part => part.className || part.tagName),
    paper: light(main.backgroundColor), ink: light(main.color),
    heads: [...document.querySelectorAll("thead")].map(head => getComputedStyle(head).display),
  }), "*");
};
</script>"""
HARNESS = """<!doctype html><body style="margin:0">
<iframe src="page.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>addEventListener("message", event => {{ document.body.dataset.found = event.data; }});</script>"""
LONG = "x" * 100


def pages() -> dict[str, str]:
    """An invoice and a report, and both with names as long as names may be; the invoice's hours fill several pages."""
    drawn = papers(6)
    invoice, hours = drawn.invoices[0], drawn.hours[0]
    line, shares = next(iter(hours.items()))
    many = [share._replace(from_s=share.from_s, quantity=share.quantity) for share in shares for _ in range(12)]
    longer = tuple(
        replace(each, quantity=each.quantity * 12, exact=each.exact._replace(numerator=each.exact.numerator * 12))
        if each.number == line
        else each
        for each in invoice.lines
    )
    data = invoice_data(replace(invoice, lines=longer), {**hours, line: many}, drawn.parties)
    books = closed_world(0).books()
    report = max(
        sla_reports(books.names, books.sla, books.credits, books.excluded), key=lambda each: each.credit_micro_usd
    )
    levels = sla_data(report, Parties("Spillway", {}, {}), Origin(DEFAULT, "sha256:abc", (("sim", 1, 9),), "ab" * 32))
    names = {"tenant_name": LONG * 2, "issuer": LONG * 2, "tenant": LONG, "total": "123456789012345.67"}
    lines = [{**each, "description": LONG * 2, "product": LONG, "cause": LONG * 3} for each in data["lines"]]
    return {
        "invoice": invoice_html(data),
        "letter": invoice_html(data, "letter"),
        "long": invoice_html({**data, **names, "lines": lines}),
        "report": sla_page(levels),
        "long report": sla_page({**levels, **names}),
    }


def measured(browser: str, folder: Path, page: str, width: int, dark: bool = False) -> dict[str, Any]:
    """What a page found out about its own layout."""
    (folder / "page.html").write_text(page.replace("</body>", MEASURE + "</body>"), encoding="utf-8")
    harness = folder / "harness.html"
    harness.write_text(HARNESS.format(width=width), encoding="utf-8")
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    command = [
        browser,
        *FLAGS,
        *scheme,
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={max(width, 500)},900",
    ]
    done = subprocess.run([*command, "--dump-dom", harness.as_uri()], capture_output=True, text=True, timeout=120)
    assert "CONSOLE" not in done.stderr, done.stderr
    found = re.search(r'data-found="([^"]*)"', done.stdout)
    assert found, done.stdout[-2000:] + done.stderr[-2000:]
    facts: dict[str, Any] = json.loads(unescape(found[1]))
    return facts


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    "name", [pytest.param("invoice", marks=SLOW), "long", pytest.param("report", marks=SLOW), "long report"]
)
@pytest.mark.parametrize("width", [1100, 390])
def test_documents_fit_their_window(name: str, width: int, browser: str, tmp_path: Path) -> None:
    found = measured(browser, tmp_path, pages()[name], width)
    assert found["innerWidth"] == width
    assert found["scrollWidth"] <= width
    assert found["outside"] == []


def test_documents_are_dark_where_a_screen_is(browser: str, tmp_path: Path) -> None:
    light, dark = (measured(browser, tmp_path, pages()["invoice"], 1100, dark) for dark in (False, True))
    assert light["paper"] > light["ink"] and dark["paper"] < dark["ink"]


@pytest.mark.parametrize(("name", "size"), [("invoice", (595, 842)), pytest.param("letter", (612, 792), marks=SLOW)])
def test_documents_print_on_their_paper_with_heads_on_every_page(
    name: str, size: tuple[int, int], browser: str, tmp_path: Path
) -> None:
    source, made = tmp_path / "page.html", tmp_path / "page.pdf"
    source.write_text(pages()[name], encoding="utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", "--no-pdf-header-footer"]
    subprocess.run([*command, f"--print-to-pdf={made}", source.as_uri()], capture_output=True, timeout=120, check=True)
    printed = PdfReader(made).pages
    assert all(abs(float(page.mediabox.width) - size[0]) < 2 for page in printed)
    assert all(abs(float(page.mediabox.height) - size[1]) < 2 for page in printed)
    texts = [page.extract_text() for page in printed]
    assert len(texts) > 2 and f"1 / {len(texts)}" in texts[0]
    assert all("Charged %" in text for text in texts[1:]), "the head of the table is on every page that it goes on to"
