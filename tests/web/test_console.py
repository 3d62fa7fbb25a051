"""The console in a real browser: every page for everybody, at the width of a desk and of a phone, without faults.

Pictures of each go into the folder that SPILLWAY_SHOTS names, for a person to look at.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx2
import pytest

from billing.console.policy import HOME, LOGIN, NAVIGATION, PAGES
from console_world import ConsoleWorld, console_world
from page_facts import FACTS, faults

pytestmark = [
    pytest.mark.web,
    pytest.mark.skipif(find_spec("playwright") is None, reason="NO PLAYWRIGHT: `make web` installs it"),
]
WIDTHS = {1400: 900, 390: 844}
LINES = [entry.path for entries in NAVIGATION.values() for entry in entries]
WITHOUT_IDS = sorted({path for method, path in PAGES if method == "GET" and "{" not in path})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleWorld]:
    with console_world(tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="module")
def chromium(browser: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        yield started
        started.close()


class Tab:
    """A page of a browser of its own, and everything that went wrong in it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.wrong: list[str] = []
        page.on("console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
        page.on("requestfailed", self._failed)
        page.on("request", lambda asked: self._outside(asked.url))

    def _failed(self, asked: Any) -> None:
        if "ERR_ABORTED" not in str(asked.failure):  # a page that is left lets go of what it was still loading
            self.wrong.append(f"{asked.url}: {asked.failure}")

    def _outside(self, url: str) -> None:
        if not url.startswith((self.url, "data:")):
            self.wrong.append(f"asks {url}")

    def go(self, path: str) -> int:
        """Open a page and wait until it has been drawn; return its status."""
        answer = self.page.goto(f"{self.url}{path}", wait_until="load")
        self.page.wait_for_timeout(150)
        return int(answer.status)

    def sign_in(self, key: str) -> None:
        """Sign in by key, as a person does."""
        self.go(LOGIN)
        self.page.fill("#key", key)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: LOGIN not in url)

    def faults(self) -> list[str]:
        """What is wrong with the page that is open, and what went wrong on the way to it."""
        found = [*self.wrong, *faults(self.page.evaluate(FACTS))]
        self.wrong.clear()
        return found


@contextmanager
def tab(chromium: Any, url: str, width: int = 1400, **more: Any) -> Iterator[Tab]:
    context = chromium.new_context(viewport={"width": width, "height": WIDTHS[width]}, **more)
    try:
        yield Tab(context.new_page(), url)
    finally:
        context.close()


def shoot(page: Any, name: str) -> None:
    """Keep a picture for whoever wants to look."""
    if folder := os.environ.get("SPILLWAY_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(Path(folder) / f"{re.sub(r'[^a-z0-9]+', '-', name).strip('-')}.png"), full_page=True)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("who", ["acme", "acme/member", "operator", "auditor"])
def test_every_page_is_without_fault_or_not_there(world: ConsoleWorld, chromium: Any, who: str, width: int) -> None:
    with tab(chromium, world.url, width) as at:
        at.sign_in(world.keys[who])
        shown = {link.get_attribute("href") for link in at.page.query_selector_all("nav a")}
        assert shown and shown <= set(LINES)
        for path in WITHOUT_IDS:
            status = at.go(path)
            if path in shown:
                assert status == 200, f"{path}: {status}"
                assert at.faults() == [], path
                shoot(at.page, f"{who}-{width}-{path}")
            elif status != 200:  # a page that is no line of the menu may still be open to somebody
                assert status == 404, f"{path}: {status}"
                at.wrong.clear()  # the browser itself says that there was a 404


def test_a_tenant_reaches_no_page_of_an_operator(world: ConsoleWorld, chromium: Any) -> None:
    house = [path for path in WITHOUT_IDS if path.startswith("/console/house")]
    assert house
    with tab(chromium, world.url) as at:
        at.sign_in(world.keys["acme"])
        assert not at.page.query_selector_all("nav a[href^='/console/house']")
        for path in house:
            assert at.go(path) == 404, path
            assert "acme" not in (at.page.text_content("main") or "").lower()


def test_nobody_reaches_a_page_without_signing_in(world: ConsoleWorld, chromium: Any) -> None:
    with tab(chromium, world.url) as at:
        for path in WITHOUT_IDS:
            at.go(path)
            assert LOGIN in at.page.url, path
        at.page.fill("#key", "spw_live_nobody_nothing")
        at.page.click("button[type=submit]")
        assert "alert" in (at.page.get_attribute("main p", "role") or "")
        shoot(at.page, "login-refused")


def test_pages_are_whole_without_script(world: ConsoleWorld, chromium: Any) -> None:
    with tab(chromium, world.url, java_script_enabled=False) as at:
        at.sign_in(world.keys["acme"])
        for path in ("/console/usage", "/console/bills", "/console/sla"):
            assert at.go(path) == 200
            assert at.page.locator("table").count() > 0, path


def test_a_keyboard_is_enough(world: ConsoleWorld, chromium: Any) -> None:
    """Sign in, skip the menu, open bills, all by Tab and Enter; what has the focus shows it."""
    visible = """() => { const style = getComputedStyle(document.activeElement);
        return style.outlineStyle != "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow != "none"; }"""
    with tab(chromium, world.url) as at:
        at.go(LOGIN)
        for _ in range(6):
            at.page.keyboard.press("Tab")
            assert at.page.evaluate(visible), at.page.evaluate("document.activeElement.outerHTML")
            if at.page.evaluate("document.activeElement.id") == "key":
                break
        at.page.keyboard.type(world.keys["acme"])
        at.page.keyboard.press("Enter")
        at.page.wait_for_url(f"**{HOME}")
        at.page.keyboard.press("Tab")
        assert at.page.evaluate("document.activeElement.getAttribute('href')") == "#main"
        for _ in range(40):
            at.page.keyboard.press("Tab")
            assert at.page.evaluate(visible), at.page.evaluate("document.activeElement.outerHTML")
            if at.page.evaluate("document.activeElement.getAttribute('href')") == "/console/bills":
                break
        at.page.keyboard.press("Enter")
        at.page.wait_for_url("**/console/bills")


def test_a_secret_is_shown_once(world: ConsoleWorld, chromium: Any) -> None:
    with tab(chromium, world.url) as at:
        at.sign_in(world.keys["acme"])
        at.go("/console/keys")
        at.page.locator("form:has([name=account]) button[type=submit]").first.click()
        at.page.wait_for_load_state()
        secret = re.search(r"spw_live_\w{40,}", at.page.content())
        assert secret, at.page.content()[:2_000]
        assert at.faults() == []
        shoot(at.page, "key-made")
        at.go("/console/keys")
        assert secret[0] not in at.page.content()


def cells(page: Any, caption: str) -> list[list[str]]:
    """The rows of the table under a heading."""
    table = page.locator("section", has=page.get_by_role("heading", name=caption, exact=True)).locator("table")
    return table.evaluate("t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent.trim()))")


def number(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text))


@pytest.mark.parametrize("width", WIDTHS)
def test_a_cent_is_followed_from_an_invoice_to_its_events(world: ConsoleWorld, chromium: Any, width: int) -> None:
    with tab(chromium, world.url, width) as at:
        at.sign_in(world.keys["acme"])
        at.go("/console/bills")
        at.page.click("text=acme-000001")
        at.page.wait_for_url("**/console/bills/acme-000001")
        assert at.faults() == []
        shoot(at.page, f"invoice-{width}")
        line = next(row for row in cells(at.page, "Lines") if row[2] == "usage")
        at.page.click(f"a[href$='/lines/{line[0]}']")
        at.page.wait_for_url("**/lines/*")
        assert at.faults() == []
        shoot(at.page, f"line-{width}")
        said = at.page.inner_text("main")
        assert line[7] in said, f"the net of the line: {said[:600]}"
        assert re.search(r"Adds up\s+yes", said), said[:600]
        held, told = cells(at.page, "Holdings"), cells(at.page, "Events")
        assert sum(number(row[5]) for row in held) == sum(number(row[1]) for row in cells(at.page, "Hours")) > 0
        assert {f"{row[1]}.started" for row in held} <= {row[2] for row in told}
        answer = httpx2.get(
            f"{world.url}/v1/events?limit=200", headers={"Authorization": f"Bearer {world.keys['acme']}"}
        )
        first = {each["id"] for each in answer.json()["items"]}
        assert first & {row[2] for row in told}, "what the page names is in the log"
        at.page.click("a[href*='?hour=']")
        at.page.wait_for_url("**hour=**")
        assert at.faults() == []
        (hour,), held, told = (cells(at.page, name) for name in ("Hours", "Holdings", "Events"))
        assert sum(number(row[5]) for row in held) == number(hour[1]) and len(held) == int(hour[6])
        assert {row[3] for row in told} == {row[1] for row in held}
        shoot(at.page, f"hour-of-line-{width}")


PAINTED = """() => { window.painted = []; const draw = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (text, ...rest) { painted.push(String(text));
        return draw.call(this, text, ...rest); } }"""


def painted(chromium: Any, world: ConsoleWorld, values: list[str], step_s: int, zone: str = "UTC") -> list[str]:
    """What the script writes beside a chart of some values, one for each step from 2026-11-01 in UTC on."""
    times = [1_793_491_200 + at * step_s for at in range(len(values))]
    series = [{"label": "a", "colour": "blue", "y": values}]
    told = escape(json.dumps({"unit": "USD", "stacked": True, "zone": zone, "x": times, "series": series}))
    with tab(chromium, world.url) as at:
        at.sign_in(world.keys["acme"])
        at.page.add_init_script(f"({PAINTED})()")
        page = f"{world.url}/console/usage"

        def answer(route: Any) -> None:
            whole = route.fetch()
            route.fulfill(response=whole, body=re.sub(r'data-chart="[^"]*"', f'data-chart="{told}"', whole.text()))

        at.page.route(page, answer)
        at.go("/console/usage")
        assert at.faults() == []
        return list(at.page.evaluate("painted"))


def test_an_axis_has_the_digits_that_its_range_needs(world: ConsoleWorld, chromium: Any) -> None:
    cents = painted(chromium, world, ["0.000001", "0.02", "0.04"], 86_400)
    assert {"0.01", "0.02", "0.04"} <= {each.rstrip("0") for each in cents}
    assert sum(each.strip("0.") == "" for each in cents) == 1, cents
    large = painted(chromium, world, ["10", "4100000", "3900000"], 86_400)
    assert {"1M", "4M"} <= set(large) or {"1.0M", "4.0M"} <= set(large), large


def test_hours_of_several_days_say_where_a_day_begins(world: ConsoleWorld, chromium: Any) -> None:
    told = painted(chromium, world, ["1"] * 60, 3_600)
    assert {"1 Nov", "2 Nov", "3 Nov"} <= set(told) and "12:00" in told, told
    there = painted(chromium, world, ["1"] * 60, 3_600, "Asia/Tokyo")
    assert "00:00" in there and "4 Nov" not in there and there.count("2 Nov") == 1, there


def test_a_chart_names_its_time_zone_once(world: ConsoleWorld, chromium: Any) -> None:
    with tab(chromium, world.url) as at:
        at.sign_in(world.keys["acme"])
        at.go("/console/usage?time_zone=Asia/Tokyo")
        assert at.page.locator("section:has(.chart) .unit").inner_text() == "USD; times in Asia/Tokyo"


SPOILT = {
    "wider than the window": "<p style='width:3000px'>wide</p>",
    "field without a label": "<input name=x>",
    "table without a caption": "<table><tr><th>a</table>",
    "text too pale": "<p style='color:#bbb'>pale</p>",
    "link or button without words": "<button></button>",
    "inline style": "<p style='color:red'>red</p>",
    "picture without alt": "<img src='/console/static/icon.svg'>",
    "2 of <h1>": "<h1>again</h1>",
}


@pytest.mark.parametrize("word", SPOILT)
def test_a_spoilt_page_is_found(world: ConsoleWorld, chromium: Any, word: str) -> None:
    with tab(chromium, world.url, bypass_csp=True) as at:
        at.sign_in(world.keys["acme"])
        at.page.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", SPOILT[word])
        assert any(word in fault for fault in at.faults())


def test_a_script_that_fails_or_asks_elsewhere_is_found(world: ConsoleWorld, chromium: Any) -> None:
    with tab(chromium, world.url) as at:
        at.sign_in(world.keys["acme"])
        at.page.evaluate("console.error('broken'); fetch('http://127.0.0.1:9/').catch(() => 0)")
        at.page.wait_for_timeout(200)
        found = " ".join(at.faults())
        assert "broken" in found and "Content Security Policy" in found
