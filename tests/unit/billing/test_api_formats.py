"""Which form of an answer a client gets, and what stands in it."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_house import ApiHouse, api_house
from billing.api.formats import CSV, JSON, LIST_OFFERS, PARQUET, columns_of, negotiate, written
from billing.api.problems import Problem
from billing.api.schemas.basic import Closed, Money
from billing.documents.csv_safe import read_csv


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path / "spillway.db")) as made:
        yield made


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/*", CSV),
        ("TEXT/CSV", CSV),
        ("text/csv;q=0.9, application/json;q=0.95", JSON),
        ("application/json;q=0.1, application/*;q=0.2", PARQUET),
        ("text/csv; q=0.5 , */*;q=0.1", CSV),
        ("application/json;q=0, */*", CSV),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("text/csv;charset=utf-8", CSV),
        ("text/csv;q=1.000", CSV),
        ("text/csv;q=2, nonsense, application/json", JSON),
        ("text/csv;q=0.", None),
        ("image/png", None),
        ("*/*;q=0", None),
    ],
)
def test_accept_chooses_by_weight_and_by_what_is_more_exact(accept: str, form: str | None) -> None:
    if form is None:
        with pytest.raises(Problem) as refused:
            negotiate(accept, LIST_OFFERS)
        assert refused.value.slug == "not_acceptable"
    else:
        assert negotiate(accept, LIST_OFFERS) == form


@given(st.text())
def test_no_header_breaks_the_choice(accept: str) -> None:
    try:
        assert negotiate(accept, LIST_OFFERS) in LIST_OFFERS
    except Problem as problem:
        assert problem.slug == "not_acceptable"


def test_a_list_is_a_table_in_each_form(house: ApiHouse) -> None:
    rows = house.get("acme", "/v1/invoices").json()["items"]
    told = house.get("acme", "/v1/invoices", headers={"Accept": CSV})
    assert told.headers["Content-Type"] == "text/csv; charset=utf-8"
    names, cells = read_csv(told.text, set())
    totals = [name for name in names if name.startswith("total.")]
    assert totals and names == ["number", "period", "status", "issued", *totals, "lines_at", "document_at"]
    assert [row[0] for row in cells] == [row["number"] for row in rows]
    told = house.get("acme", "/v1/invoices", headers={"Accept": PARQUET})
    with duckdb.connect() as connection:
        place = Path(house.place).with_name("rows.parquet")
        place.write_bytes(told.content)
        found = connection.execute(f"SELECT * FROM '{place}'").fetchall()
    assert [[str(cell) for cell in row] for row in found] == cells


def test_pages_of_a_table_are_linked_in_the_header(house: ApiHouse) -> None:
    numbers, path = [], "/v1/invoices?limit=2"
    while path:
        told = house.get("acme", path, headers={"Accept": CSV})
        numbers += [line.split(",")[0] for line in told.text.splitlines()[1:]]
        path = told.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert numbers == ["acme-000001", "acme-000002", "acme-000003"]


def test_an_empty_list_has_its_header(house: ApiHouse) -> None:
    told = house.get("acme", "/v1/webhooks", headers={"Accept": CSV})
    assert told.text.startswith("id,url,events,") and told.text.count("\n") == 1


def test_what_is_no_list_is_json_alone(house: ApiHouse) -> None:
    refused = house.get("acme", "/v1/me", headers={"Accept": CSV})
    assert refused.status_code == 406 and refused.headers["Content-Type"] == "application/problem+json"
    assert house.post("acme", "/v1/webhooks", {}, headers={"Accept": CSV}).status_code == 406


class Inner(Closed):
    """One thing in another."""

    words: str
    several: list[str]


class Row(Closed):
    """A row of every kind of field."""

    number: int
    flag: bool
    money: Money
    maybe: Inner | None
    either: int | str


@given(
    st.lists(st.text(st.characters(codec="utf-8"))),
    st.text(st.characters(codec="utf-8")),
    st.integers(-(2**63), 2**63 - 1),
)
def test_a_table_says_what_the_rows_say_and_runs_nothing(several: list[str], words: str, number: int) -> None:
    inner = {"words": words, "several": several}
    spent = {"currency": "USD", "amount": "-1.50", "minor": "-150"}
    row = {"number": number, "flag": True, "money": spent, "maybe": inner, "either": 7}
    bare = {**row, "maybe": None}
    text = written(CSV, Row, [row, bare]).decode()
    names, cells = read_csv(text, {"maybe.words"})
    shown = dict(zip(names, cells[0], strict=True))
    assert names == [column.name for column in columns_of(Row)]
    assert shown["number"] == str(number) and shown["flag"] == "true"
    assert (shown["money.amount"], shown["money.minor"]) == ("-1.50", "-150")
    assert shown["maybe.words"] == (words or None) and json.loads(shown["maybe.several"] or "") == several
    assert dict(zip(names, cells[1], strict=True))["maybe.words"] is None
    assert not any(line.startswith(("=", "@")) for line in io.StringIO(text))
