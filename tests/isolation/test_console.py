"""The console from the outside: who may open what, how a session begins and ends, and what a form must prove."""

import asyncio
import re
from collections.abc import Iterator
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path

import pytest
from starlette.types import Message

from api_house import ApiHouse, api_house
from billing.console.app import find, with_console
from billing.console.drawing import static_file
from billing.console.pages.every import every_page
from billing.console.policy import NAVIGATION
from house_rules import ROOT
from pages_of import ORIGIN, Browser, hidden, links_in
from tenants.access.limits import Limit, Limits
from tenants.access.sessions import IDLE_S, LIFE_S
from who_may_open import ALL, PAGES

FAST = Limit(1_000_000, 60, 1_000_000)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path_factory.mktemp("console") / "store.db")) as made:
        yield made


@pytest.fixture
def browser(house: ApiHouse) -> Browser:
    """Acme's admin, signed in."""
    made = Browser(with_console(house.app))
    assert made.sign_in(house.keys["acme"]).status_code == 303
    return made


def test_every_page_is_in_the_table_of_the_tests() -> None:
    assert {(page.method, page.path) for page in every_page()} == set(PAGES)


@pytest.mark.parametrize("who", ["", *ALL])
def test_pages_open_for_whom_they_are(house: ApiHouse, who: str) -> None:
    visitor = Browser(with_console(house.app))
    if who:
        assert visitor.sign_in(house.keys[who]).headers["location"] == "/console/"
    token = visitor.token()
    absent = visitor.get("/console/nothing")
    for (method, path), may in PAGES.items():
        address = path.format(**may.ids)
        answer = visitor.get(address) if method == "GET" else visitor.send(address, {"csrf": token})
        if not who:
            assert answer.headers["location"].startswith("/console/login"), address
        elif who not in may.who:
            assert (answer.status_code, answer.content) == (404, absent.content), address
        else:
            assert answer.status_code in (200, 303, 404, 422), (address, answer.status_code)
            assert method == "POST" or answer.status_code < 400 or "nobody-has" in address, address
            assert answer.content != absent.content or may.ids, address


def test_a_page_of_another_tenant_is_one_that_is_not_there(browser: Browser) -> None:
    foreign, missing = browser.get("/console/bills/bolt-000001"), browser.get("/console/bills/bolt-999999")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.content == missing.content


def test_a_key_opens_no_page_and_a_cookie_nothing_of_the_api(house: ApiHouse, browser: Browser) -> None:
    stranger = Browser(with_console(house.app))
    assert stranger.get("/console/bills", authorization=f"Bearer {house.keys['acme']}").status_code == 303
    assert browser.get("/console/bills").status_code == 200
    assert browser.get("/v1/me", cookie=f"spillway={browser.cookie}").status_code == 401


def test_a_cookie_is_sent_nowhere_else_and_read_by_no_script(house: ApiHouse) -> None:
    plain = Browser(with_console(house.app))
    given = plain.sign_in(house.keys["acme"]).headers["set-cookie"]
    assert {"HttpOnly", "Path=/console", "SameSite=strict"} <= set(given.split("; "))
    behind = Browser(with_console(house.app, behind_tls=True))
    page = behind.get("/console/login")
    assert "__Secure-spillway-form=" in page.headers["set-cookie"] and "Secure" in page.headers["set-cookie"].split(
        "; "
    )


def test_signing_in_makes_a_new_session_and_ends_the_one_before(house: ApiHouse, browser: Browser) -> None:
    first = browser.cookie
    browser.client.cookies.set("spillway", "f" * 64, domain="testserver.local", path="/console")
    browser.sign_in(house.keys["acme"])
    assert browser.cookie not in (first, "f" * 64)
    thief = Browser(with_console(house.app))
    for stolen in (first, "f" * 64, "", "x", first.upper()):
        thief.client.cookies.set("spillway", stolen)
        assert thief.get("/console/bills").status_code in (200, 303)
    assert hidden(browser.get("/console/sessions").text, "session")


def test_a_session_ends_by_itself(house: ApiHouse, browser: Browser) -> None:
    start_s = house.now_s
    house.now_s += IDLE_S - 1
    assert browser.get("/console/bills").status_code == 200
    house.now_s += IDLE_S - 1
    assert browser.get("/console/bills").status_code == 200  # it was used in between
    house.now_s += IDLE_S
    assert browser.get("/console/bills").status_code == 303
    browser.sign_in(house.keys["acme"])
    begun_s = house.now_s
    while house.now_s < begun_s + LIFE_S - IDLE_S:
        house.now_s += IDLE_S - 1
        assert browser.get("/console/bills").status_code == 200
    house.now_s = begun_s + LIFE_S
    assert browser.get("/console/bills").status_code == 303
    assert start_s < house.now_s


def test_a_page_that_follows_keeps_no_session_awake(house: ApiHouse, browser: Browser) -> None:
    house.now_s += IDLE_S - 1
    assert browser.get("/console/bills", **{"x-spillway-fragment": "1"}).status_code == 200
    house.now_s += 1
    assert browser.get("/console/bills", **{"x-spillway-fragment": "1"}).status_code == 401


def test_a_session_ends_with_its_key(house: ApiHouse) -> None:
    admin = Browser(with_console(house.app))
    admin.sign_in(house.keys["acme"])
    made = house.post("acme", "/v1/keys", {"account": house.accounts["acme/member"], "scopes": ["bills:read"]}).json()
    member = Browser(with_console(house.app))
    assert member.sign_in(made["text"]).status_code == 303
    assert member.get("/console/usage").status_code == 403  # a scope that the key lacks
    assert member.get("/console/bills").status_code == 200
    assert admin.post(f"/console/keys/{made['id']}/revoke", {}).headers["location"] == "/console/keys?done=key-revoked"
    assert member.get("/console/bills").status_code == 303


def test_signing_out_here_and_everywhere(house: ApiHouse, browser: Browser) -> None:
    other = Browser(with_console(house.app))
    other.sign_in(house.keys["acme"])
    assert other.post("/console/sessions", {}).headers["location"].endswith("done=sessions-ended")
    assert browser.get("/console/bills").status_code == 303
    assert other.get("/console/bills").status_code == 200
    kept = other.cookie
    assert other.post("/console/logout", {}).headers["location"] == "/console/login"
    other.client.cookies.set("spillway", kept, domain="testserver.local", path="/console")
    assert other.get("/console/bills").status_code == 303
    assert house.actions("acme")[-2:] == ["session.end", "session.end"]


def test_a_stranger_ends_nobodys_session(house: ApiHouse, browser: Browser) -> None:
    bolt = Browser(with_console(house.app))
    bolt.sign_in(house.keys["bolt"])
    digest = next(row["digest"] for row in house.rows("all_session") if row["tenant"] == "acme" and not row["ended_s"])
    bolt.post("/console/sessions", {"session": digest[:12]})
    assert browser.get("/console/bills").status_code == 200


@pytest.mark.parametrize("fault", ["token", "other", "origin", "site", "type", "long", "none"])
def test_a_form_from_elsewhere_changes_nothing(house: ApiHouse, browser: Browser, fault: str) -> None:
    other = Browser(with_console(house.app))
    other.sign_in(house.keys["acme"])
    fields = {"csrf": browser.token(), "name": "robot", "kind": "service", "role": "member"}
    headers = {}
    match fault:
        case "token":
            fields["csrf"] = "0" * 64
        case "other":
            fields["csrf"] = other.token()
        case "origin":
            headers = {"origin": "https://evil.example"}
        case "site":
            headers = {"sec-fetch-site": "cross-site"}
        case "long":
            fields["name"] = "a" * 70_000
        case "none":
            del fields["csrf"]
    before = house.rows("all_account")
    if fault == "type":
        answer = browser.client.post("/console/accounts", json=fields, headers={"origin": ORIGIN})
    else:
        answer = browser.send("/console/accounts", fields, headers)
    assert answer.status_code in (403, 413)
    assert house.rows("all_account") == before


def test_one_form_makes_one_key_and_its_secret_is_told_once(house: ApiHouse, browser: Browser) -> None:
    page = browser.get("/console/keys").text
    fields = {
        "csrf": hidden(page, "csrf"),
        "once": hidden(page, "once"),
        "account": house.accounts["acme/member"],
        "scopes": ["bills:read"],
    }
    first, again = browser.send("/console/keys", fields), browser.send("/console/keys", fields)
    assert "spw_live_" in first.text and "no-store" in first.headers["cache-control"]
    assert "spw_live_" not in again.text and again.status_code == 200
    assert "spw_live_" not in browser.get("/console/keys").text
    assert sum(row["scopes"] == "bills:read" for row in house.rows("all_api_key")) in (1, 2)


def test_a_form_that_never_comes_is_not_waited_for(house: ApiHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody need be signed in to send one; enough of them would keep everybody out."""
    monkeypatch.setattr("billing.console.app.FORM_WAIT_S", 0.01)
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(0 if sent else 5)
        return {"type": "http.request", "body": b"key=", "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", b"4000")]
    asked = {"type": "http", "method": "POST", "path": "/console/login", "query_string": b"", "headers": headers}

    async def slow() -> None:
        await asyncio.wait_for(with_console(house.app)(asked, receive, send), 3)

    asyncio.run(slow())
    assert sent[0]["status"] == 408


def test_wrong_keys_are_limited_and_never_said_again(tmp_path: Path) -> None:
    with api_house(str(tmp_path / "store.db"), limits=Limits(FAST, FAST, Limit(3, 60, 3))) as house:
        visitor = Browser(with_console(house.app))
        wrong = house.keys["acme"][:-1] + ("a" if house.keys["acme"][-1] != "a" else "b")
        met = [visitor.sign_in(key) for key in (wrong, "", "'\"<script>", wrong, wrong)]
        assert [each.status_code for each in met] == [401, 401, 401, 429, 429]
        assert not any(wrong in each.text or "<script>" in each.text.split("<body>")[1] for each in met)
        assert visitor.sign_in(house.keys["acme"]).status_code == 429
        house.now_s += 60
        assert visitor.sign_in(house.keys["acme"]).status_code == 303
        kept = house.rows("all_session")
        assert all(visitor.cookie not in str(row) and house.keys["acme"] not in str(row) for row in kept)


@pytest.mark.parametrize(
    "onwards", ["https://evil.example/", "//evil.example", "/console//evil", "/v1/me", "/console/\\x"]
)
def test_signing_in_leads_nowhere_else(house: ApiHouse, onwards: str) -> None:
    assert Browser(with_console(house.app)).sign_in(house.keys["acme"], onwards).headers["location"] == "/console/"


class Strict(HTMLParser):
    """Collects what a strict policy would not run: scripts and styles of a page's own."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if (tag == "script" and "src" not in names) or tag == "style":
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]


def test_pages_load_and_run_nothing_but_ours(house: ApiHouse, browser: Browser) -> None:
    texts = []
    for (method, path), may in PAGES.items():
        answer = browser.get(path.format(**may.ids)) if method == "GET" else browser.get("/console/login")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        if answer.headers["content-type"].startswith("text/html"):
            texts.append(answer.text)
    strict = Strict()
    strict.feed("".join(texts))
    assert not strict.found
    links = links_in(texts)
    assert all(link.startswith(("/console", "#", "?")) for link in links), links
    for link in sorted(links):
        if link.startswith("/console/static/"):
            assert browser.get(link).status_code == 200
        elif link.startswith("/console/"):  # no link leads nowhere
            assert (
                find(every_page(), "GET", link.partition("?")[0]) or find(every_page(), "POST", link) or "log" in link
            )


def test_a_table_is_the_same_rows_as_csv(browser: Browser) -> None:
    answer = browser.get("/console/bills?csv=invoices")
    assert answer.headers["content-disposition"] == 'attachment; filename="invoices.csv"'
    assert answer.text.splitlines()[1].startswith("acme-000001,2026-01,issued,")
    assert browser.get("/console/bills?csv=nothing").status_code == 404


# uPlot 1.6.32 as it was published. Whoever changes the version changes it here, with the licence beside it.
VENDORED = {
    "uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uplot.LICENSE.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}


@pytest.mark.parametrize("name", VENDORED)
def test_what_is_of_others_is_as_they_published_it(name: str) -> None:
    assert sha256(static_file(name)).hexdigest() == VENDORED[name]


def test_our_own_script_stays_small_and_asks_nobody_else() -> None:
    text = static_file("console.js").decode()
    assert text.count("\n") <= 300
    assert "http" not in text and "innerHTML" not in text and "eval" not in text


def test_the_document_tells_of_every_page_of_the_menu() -> None:
    text = (ROOT / "docs/console.md").read_text()
    told = re.findall(r"^\| ([A-Z][a-z ]+) \|", text, flags=re.MULTILINE)
    assert sorted(told) == sorted(entry.words for entries in NAVIGATION.values() for entry in entries)


def test_a_suspended_tenant_sees_nothing_and_is_counted(tmp_path: Path) -> None:
    with api_house(str(tmp_path / "store.db"), limits=Limits(FAST, Limit(60, 60, 6), FAST)) as house:
        admin = Browser(with_console(house.app))
        admin.sign_in(house.keys["acme"])
        house.post("operator", "/v1/operator/tenants/acme/suspend", {"reason": "a fault that was reported"})
        met = [admin.get("/console/bills").status_code for _ in range(8)]
        assert met == [403] * 6 + [429] * 2
        assert "suspended" in Browser(with_console(house.app)).sign_in(house.keys["acme"]).text
        house.post("operator", "/v1/operator/tenants/acme/resume", {"reason": "the fault was mended"})
        house.now_s += 60
        assert admin.get("/console/bills").status_code == 200
