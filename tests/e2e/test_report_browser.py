"""The report page in a real browser: nothing is wider than the page, nothing is cut, no label lies on another.

Facts of the laid-out page are compared, never pixels. A copy of the page measures itself and posts what it found to a
harness, since a headless window cannot be narrower than 500 px and a phone's width therefore needs a frame.
"""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from sim.engine.run import run
from sim.report.build import from_result
from sim.report.model import ReportData
from sim.report.page import render
from sim.scenario.build import build
from sim.scenario.file import load
from sim.scenario.model import guesses
from sim.settle import settle

LayOut = Callable[[str, int], dict[str, Any]]
FLAGS = [
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"),
    *("--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--enable-logging=stderr", "--virtual-time-budget=3000"),
]
MEASURE = """<script>
window.onerror = message => parent.postMessage(JSON.stringify({error: String(message)}), "*");
window.onload = () => {
  const root = document.documentElement, boxes = [...document.querySelectorAll("svg.plot")].map(plot =>
    [...plot.querySelectorAll("text")].map(text => [text.textContent, text.getBoundingClientRect()])
      .filter(([, box]) => box.width > 0));
  const touch = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  const overlaps = boxes.flatMap(texts => texts.flatMap(([one, a], i) =>
    texts.slice(i + 1).filter(([, b]) => touch(a, b)).map(([other]) => one + " | " + other)));
  const cut = [...document.querySelectorAll(".card, .card *, .lede, .facts, h1, h2, p")]
    .filter(part => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).display != "inline")
    .map(part => part.className + ": " + part.textContent.slice(0, 40));
  const outside = [...document.querySelectorAll("svg.plot text")]
    .filter(text => !text.closest(".scroll")).map(text => [text.textContent, text.getBoundingClientRect()])
    .filter(([, box]) => box.width > 0 && (box.left < 0 || box.right > innerWidth)).map(([text]) => text);
  parent.postMessage(JSON.stringify({
    scrollWidth: root.scrollWidth, innerWidth, overlaps, cut, outside,
    columns: getComputedStyle(document.querySelector(".cards")).gridTemplateColumns.split(" ").length,
  }), "*");
};
</script>"""
HARNESS = """<!doctype html><body style="margin:0">
<iframe src="page.html" style="width:{width}px;height:900px;border:0"></iframe>
<script>
addEventListener("message", event => {{ document.body.dataset.found = event.data; }});
</script>"""


@pytest.fixture(scope="session")
def pages() -> dict[str, ReportData]:
    """A short run, a year with training gaps, and a run whose names are as long as names may be."""
    made = {}
    for name, days in (("small", 3), ("gap", 365)):
        scenario = load(name)
        world = build(scenario, days=days)
        result = run(world, tape=False)
        baseline = run(world, lend="none", tape=False) if name == "small" else None
        facts = {"scenario": name, "title": scenario.title, "programme": "seed", "config_sha256": "0" * 64}
        made[name] = from_result(result, settle(result), baseline, facts, guesses(scenario))
    made["long"] = with_long_names(made["small"])
    return made


def with_long_names(data: ReportData) -> ReportData:
    """The same page for parties whose ids have a hundred letters without a break, and with large amounts."""
    long = "x" * 100
    assert data.bill is not None
    columns = tuple(column._replace(product=long, region=long) for column in data.bill.columns)
    return replace(
        data,
        title=long * 2,
        facts=tuple(fact._replace(value=long) for fact in data.facts),
        bill=replace(data.bill, tenant=long, columns=columns),
        revenue=tuple(row._replace(tenant=long, amount_micro_usd=10**15) for row in data.revenue),
        sla=tuple(row._replace(tenant=long, month=month) for row in data.sla for month in ("2026-01", "2026-02")),
        delay=replace(data.delay, reclaim=tuple(row._replace(product=long) for row in data.delay.reclaim)),
    )


@pytest.fixture
def lay_out(browser: str, tmp_path: Path) -> LayOut:
    """A function from a page and a width to what the page found out about its own layout."""

    def measured(page: str, width: int) -> dict[str, Any]:
        (tmp_path / "page.html").write_text(page.replace("</body>", MEASURE + "</body>"), encoding="utf-8")
        harness = tmp_path / "harness.html"
        harness.write_text(HARNESS.format(width=width), encoding="utf-8")
        command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={max(width, 500)},900"]
        done = subprocess.run([*command, "--dump-dom", harness.as_uri()], capture_output=True, text=True, timeout=120)
        assert "CONSOLE" not in done.stderr, done.stderr
        found = re.search(r'data-found="([^"]*)"', done.stdout)
        assert found, done.stdout[-2000:] + done.stderr[-2000:]
        facts: dict[str, Any] = json.loads(unescape(found[1]))
        return facts

    return measured


@pytest.mark.parametrize("name", ["small", "gap", "long"])
@pytest.mark.parametrize(("width", "columns"), [(1400, 4), (390, 2)])
def test_page_fits_its_window(
    name: str, width: int, columns: int, pages: dict[str, ReportData], lay_out: LayOut
) -> None:
    """Nothing is wider than the page, no figure is cut; cards stand four in a row, two on a phone."""
    found = lay_out(render(pages[name]), width)
    assert found["innerWidth"] == width
    assert found["scrollWidth"] <= found["innerWidth"]
    assert found["cut"] == []
    assert found["columns"] == columns


@pytest.mark.parametrize("name", ["small", "gap"])
@pytest.mark.parametrize("width", [1400, 390])
def test_labels_can_be_read(name: str, width: int, pages: dict[str, ReportData], lay_out: LayOut) -> None:
    """No text of a chart lies on another one, and none lies outside the page."""
    found = lay_out(render(pages[name]), width)
    assert found["overlaps"] == []
    assert found["outside"] == []


@pytest.mark.parametrize(
    ("rule", "broken", "signs"),
    [
        (".box{padding:14px 12px}", ".box{min-width:460px}", ("too wide",)),
        (".card .big{font-size:18px}", ".card .big{font-size:38px;white-space:nowrap}", ("cut",)),
        (".plot{font-size:11px}", ".plot{font-size:40px}", ("overlaps", "outside")),
    ],
)
def test_broken_pages_are_found_out(
    rule: str, broken: str, signs: tuple[str, ...], pages: dict[str, ReportData], lay_out: LayOut
) -> None:
    """A page that breaks a rule of the style sheet does not pass."""
    page = render(pages["gap"])
    assert page.count(rule) == 1
    found = lay_out(page.replace(rule, broken), 390)
    found["too wide"] = found["scrollWidth"] > found["innerWidth"]
    for sign in signs:
        assert found[sign]


def test_a_script_error_is_found_out(pages: dict[str, ReportData], lay_out: LayOut) -> None:
    """The harness reads the console."""
    page = render(pages["small"]).replace("</main>", "<script>console.error('broken')</script></main>")
    with pytest.raises(AssertionError, match="broken"):
        lay_out(page, 1400)
