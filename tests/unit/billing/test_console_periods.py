"""Which stretch of time a page shows: one with data in it, whatever the clock says; and sums of one currency each."""

import re
from collections.abc import Iterator

import pytest
from sqlalchemy import insert, update

from api_house import ApiHouse
from billing.console.app import with_console
from billing.store.engine import open_store, writing
from billing.store.tables_books import invoice
from billing.store.tables_settled import house_hour, usage_hour
from pages_of import Browser, links_in
from settled_house import settled_house

FEBRUARY_S = 1_769_904_000


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """Use of 2026-01-31 and 2026-02-01, and an hour of it in euros; the clock says 2027."""
    with settled_house(str(tmp_path_factory.mktemp("periods") / "store.db")) as made:
        store = open_store(made.place)
        euros = {"hour_s": FEBRUARY_S, "numerator": "2000000", "denominator": "1", "currency": "EUR"}
        place = {"region": "eu", "sku": "h100", "product": "bare.euro"}
        use = {"tenant": "acme", "meter": "gpu_s", "charge_class": "", "factor_bp": 10_000, "quantity": 3_600}
        with writing(store) as connection:
            connection.execute(insert(usage_hour).values(euros | place | use | {"settled": 1, "unit_price_micro": 1}))
            connection.execute(
                insert(house_hour).values(euros | {"tenant": "", "product": "bare.spot", "gpu_s": 3_600})
            )
        store.dispose()
        yield made


def signed_in(house: ApiHouse, who: str) -> Browser:
    made = Browser(with_console(house.app))
    assert made.sign_in(house.keys[who]).status_code == 303
    return made


def shown(text: str) -> str:
    found: list[str] = re.findall(r'aria-label="Period">.*?<b>([^<]*)</b>', text, re.DOTALL)
    return found[0]


def step(text: str, way: str) -> str:
    found: list[str] = re.findall(rf'class="step" rel="{way}" href="([^"]*)"', text)
    return found[0].replace("&amp;", "&") if found else ""


@pytest.mark.parametrize(
    ("who", "page"), [("acme", "usage"), ("operator", "cluster?run="), ("operator", "revenue?run=")]
)
def test_a_page_opens_where_there_are_data_and_steps_to_more(house: ApiHouse, who: str, page: str) -> None:
    browser = signed_in(house, who)
    text = browser.get(f"/console/{page}").text
    assert (shown(text), step(text, "next")) == ("2026-02-01", "") and "data-chart" in text  # it alone holds something
    text = browser.get(f"/console/{page}{'&' if '?' in page else '?'}span=month").text
    assert (shown(text), step(text, "next")) == ("2026-02", "") and "data-chart" in text
    before = browser.get(f"/console/{page.partition('?')[0]}{step(text, 'prev')}").text
    assert (shown(before), step(before, "prev")) == ("2026-01", "") and "data-chart" in before
    after = browser.get(f"/console/{page.partition('?')[0]}{step(before, 'next')}").text
    assert shown(after) == "2026-02"


@pytest.mark.parametrize(
    ("zone", "span", "steps"),
    [("UTC", "day", 2), ("UTC", "week", 1), ("UTC", "month", 2), ("Asia/Tokyo", "month", 1)],
)
def test_no_step_leads_to_where_there_is_nothing(house: ApiHouse, zone: str, span: str, steps: int) -> None:
    browser, met = signed_in(house, "acme"), []
    text = browser.get(f"/console/usage?span={span}&time_zone={zone}").text
    while True:
        met.append(shown(text))
        assert "data-chart" in text and f"times in {zone}" in text
        if not step(text, "prev"):
            break
        text = browser.get(f"/console/usage{step(text, 'prev')}").text
    assert met == sorted(met, reverse=True) and len(met) == steps


def test_a_period_that_is_asked_for_is_shown_also_when_empty(house: ApiHouse) -> None:
    browser = signed_in(house, "acme")
    text = browser.get("/console/usage?span=month&on=2026-06-15").text
    assert shown(text) == "2026-06" and "Nothing was used" in text and "data-chart" not in text
    assert shown(browser.get(f"/console/usage{step(text, 'prev')}").text) == "2026-02"
    for odd in ("span=year", "on=yesterday", "on=0001-01-01", "span=all&on=9999-12-31"):
        assert browser.get(f"/console/usage?{odd}").status_code == 200


def test_two_currencies_are_never_added(house: ApiHouse) -> None:
    told = house.get("acme", "/v1/usage?from=2026-02-01T00:00:00Z&until=2026-02-02T00:00:00Z").json()
    assert [each["amount"]["currency"] for each in told["totals"]] == ["EUR", "USD"]
    text = signed_in(house, "acme").get("/console/usage?span=month&on=2026-02-01").text
    assert "2.00 EUR" in text and text.count("data-chart") == 2
    home = signed_in(house, "acme").get("/console/").text
    assert home.count("data-chart") == 2
    window = "from=2026-02-01T00:00:00Z&until=2026-02-02T00:00:00Z"
    usual = house.get("operator", f"/v1/operator/revenue?{window}").json()
    euros = house.get("operator", f"/v1/operator/revenue?{window}&currency=EUR").json()
    assert (usual["currency"], usual["currencies"], euros["rented"]["amount"]) == ("USD", ["EUR", "USD"], "2.00")
    assert house.get("operator", f"/v1/operator/revenue?{window}&currency=QQQ").status_code == 422
    page = signed_in(house, "operator").get("/console/revenue?run=").text
    assert page.count("data-chart") == 2 and "/console/revenue" in links_in([page])


def test_a_draft_says_when_its_month_is_issued(house: ApiHouse) -> None:
    """Also where one looks first; and what is issued does not go on, so nothing is forecast."""
    browser = signed_in(house, "acme")
    for page in ("draft", ""):
        text = browser.get(f"/console/{page}").text
        assert "issued as acme-000002" in text and "Nothing of it is issued" not in text and "Forecast" not in text
    store = open_store(house.place)
    with writing(store) as connection:
        connection.execute(update(invoice).where(invoice.c.number == "acme-000002").values(status="void"))
    store.dispose()
    assert "Nothing of it is issued" in browser.get("/console/draft").text
    assert all("Forecast" in browser.get(f"/console/{page}").text for page in ("draft", ""))
