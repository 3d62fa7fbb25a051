"""Pages of the console as a reader meets them: what people wrote is shown and never run, everything has its name."""

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_house import ApiHouse, api_house
from billing.console.app import with_console
from billing.console.blocks import Act, Column, Folded, Link, Mark, Table, csv_of
from billing.console.drawing import for_eyes, plain_moment
from pages_of import Browser, hidden
from who_may_open import ADMIN, PAGES

HOSTILE = "<img src=x onerror=alert(1)>\"' {{ 7 * 7 }} </script>"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path_factory.mktemp("pages") / "store.db")) as made:
        yield made


@pytest.fixture(scope="module")
def browser(house: ApiHouse) -> Browser:
    made = Browser(with_console(house.app))
    made.sign_in(house.keys[ADMIN])
    return made


class Read(HTMLParser):
    """What a page is made of: its tags, ids, labels, fields and headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.ids: Counter[str] = Counter()
        self.named: set[str] = set()
        self.fields: list[dict[str, str | None]] = []
        self.headings: list[int] = []
        self._depth = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.tags[tag] += 1
        if names.get("id"):
            self.ids[str(names["id"])] += 1
        if tag == "label":
            self._depth += 1
            self.named.add(str(names.get("for")))
        if tag in ("input", "select") and names.get("type") != "hidden" and not self._depth:
            self.fields.append(names)
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._depth -= 1


@pytest.mark.parametrize("path", sorted(path for method, path in PAGES if method == "GET"))
def test_everything_on_a_page_has_its_name(browser: Browser, path: str) -> None:
    may = PAGES["GET", path]
    answer = browser.get(path.format(**may.ids))
    if (
        ADMIN not in may.who
        or "nobody-has" in str(may.ids)
        or not answer.headers["content-type"].startswith("text/html")
    ):
        return
    page = Read(answer.text)
    assert page.tags["h1"] == page.tags["main"] == page.tags["nav"] == page.tags["header"] == 1
    assert set(page.headings) <= {1, 2}
    assert [each for each, count in page.ids.items() if count > 1] == []
    assert all(str(field.get("id")) in page.named for field in page.fields), page.fields
    assert page.tags["caption"] == page.tags["table"]


def test_what_people_wrote_is_shown_and_never_run(house: ApiHouse, browser: Browser) -> None:
    fields = {"name": HOSTILE, "kind": "person", "role": "member"}
    assert browser.post("/console/accounts", fields, "/console/keys").status_code == 303
    for path in ("/console/keys", "/console/audit"):
        text = browser.get(path).text
        assert "<img" not in text and "&lt;img" in text and "49" not in text.partition("{{")[2][:20]
    echoed = browser.post("/console/webhooks", {"url": HOSTILE, "events": []}, "/console/webhooks")
    assert echoed.status_code == 422 and "<img" not in echoed.text and 'role="alert"' in echoed.text
    asked = browser.get("/console/usage?since=%22%3E%3Cimg%3E&bucket=%3Cimg%3E")
    assert "<img" not in asked.text


def test_a_cell_of_words_runs_nothing_in_a_spreadsheet() -> None:
    columns = [Column("What"), Column("Amount", "money"), Column("", "act")]
    table = Table("t", "T", columns, [("=1+1", "-3.00", Act("Go", "/x")), (Link("a", "/b"), None, None)])
    assert csv_of(table._replace(total=(Mark("Sum"), "-3.00", None))) == b"What,Amount\n'=1+1,-3.00\na,\nSum,-3.00\n"


@given(st.integers(-(10**15), 10**15), st.sampled_from(["", ".5", ".00", ".000001"]), st.sampled_from(["", " USD"]))
def test_numbers_for_eyes_are_the_same_numbers(whole: int, rest: str, code: str) -> None:
    shown = for_eyes(f"{whole}{rest}{code}")
    assert shown.replace(",", "") == f"{whole}{rest}{code}"
    assert all(len(part) == 3 for part in shown.partition(".")[0].removesuffix(code).lstrip("-").split(",")[1:])


@pytest.mark.parametrize("text", ["2026-11", "acme-000001", "1.2.3", "", "1e5", "²", "at least 8"])
def test_what_is_no_number_stays_as_it_is(text: str) -> None:
    assert for_eyes(text) == text


def test_what_is_folded_on_a_page_is_whole_in_its_csv() -> None:
    table = Table("t", "T", [Column("What", "long")], [(Folded("It ended.", '{"gpus": 8}'),), (Folded("", "{}"),)])
    assert csv_of(table) == b'What\n"It ended. {""gpus"": 8}"\n{}\n'


def test_all_times_are_shown_in_one_form() -> None:
    assert plain_moment("2026-11-26T03:40:00Z") == "2026-11-26 03:40:00"
    assert plain_moment("2026-11-26T03:40:07Z") == "2026-11-26 03:40:07"
    assert plain_moment("T-Zone") == "T-Zone"


def test_the_root_leads_people_to_the_console_and_tells_programs_of_the_api(house: ApiHouse) -> None:
    stranger = Browser(with_console(house.app))
    asked = stranger.get("/", accept="text/html,application/xhtml+xml,*/*;q=0.8")
    assert (asked.status_code, asked.headers["location"]) == (303, "/console/")
    for accept in ("application/json", "*/*", "image/png", "", "text/html;q=0.1, application/json"):
        told = stranger.get("/", accept=accept)
        assert told.status_code == 404 and told.headers["content-type"] == "application/problem+json"
        assert all(word in told.json()["errors"][0]["reason"] for word in ("/v1", "/docs", "/console/"))


def test_an_export_of_a_month_without_an_invoice_says_why_and_when(house: ApiHouse, browser: Browser) -> None:
    text = browser.get("/console/exports?what=lines&form=csv&period=2026-09").text
    assert "2026-09 has no invoice that stands" in text and "after the month has ended" in text
    assert browser.get("/console/exports?what=lines&form=csv&period=nothing").status_code == 422


def test_the_document_of_an_invoice_is_handed_out_or_why_not_is_said(browser: Browser) -> None:
    page = browser.get("/console/bills/acme-000001")
    assert 'href="/console/bills/acme-000001?form=pdf"' in page.text
    waiting = browser.get("/console/bills/acme-000001?form=html")
    assert waiting.status_code == 200 and "are being put together" in waiting.text  # until the worker has come round


def test_the_audit_log_names_the_accounts_that_it_speaks_of(house: ApiHouse, browser: Browser) -> None:
    """By the names of the page Keys, each with its id: names may be alike."""
    accounts = house.get("acme", "/v1/accounts").json()["items"]
    admin = next(each for each in accounts if each["id"] == house.get("acme", "/v1/me").json()["account"])
    assert f"{admin['name']} ({admin['id']})" in browser.get("/console/audit").text


def test_an_auditor_reads_what_it_may_and_each_look_is_told(house: ApiHouse) -> None:
    auditor = Browser(with_console(house.app))
    auditor.sign_in(house.keys["auditor"])
    assert auditor.get("/console/").headers["location"] == "/console/auditor"
    assert 'href="/console/auditor/bolt"' in auditor.get("/console/auditor").text
    looks = {
        "": "Keys at a time",
        "/invoices": "bolt-000001",
        "/audit": "auditor.read",
        "/events": "Events",
        "/keys": "Ids of keys",
    }
    for what, word in looks.items():
        assert word in auditor.get(f"/console/auditor/bolt{what}").text, what
    assert house.actions("bolt")[-5:] == ["auditor.read"] * 5
    for absent in ("nobody", "bolt/secrets", "nobody/audit"):
        assert auditor.get(f"/console/auditor/{absent}").status_code == 404


def test_an_operator_makes_a_tenant_and_is_shown_its_key_once(house: ApiHouse) -> None:
    visitor = Browser(with_console(house.app))
    visitor.sign_in(house.keys["operator"])
    page = visitor.get("/console/house").text
    form = {**{name: hidden(page, name) for name in ("csrf", "once")}, "name": "Omega", "id": "omega"}
    made = visitor.send("/console/house/new", form)
    (key,) = re.findall(r"spw_live_[0-9A-Za-z_]+", made.text)
    assert house.client.get("/v1/me", headers={"Authorization": f"Bearer {key}"}).json()["tenant"] == "omega"
    again = visitor.send("/console/house/new", form)
    assert "spw_live_" not in again.text and "shown before" in again.text
