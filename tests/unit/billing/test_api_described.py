"""The description of the API: nothing without words, and no example that the API itself would not take."""

import json
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from typer.testing import CliRunner

from api_house import ApiHouse, api_house
from billing.api.app import described_app
from billing.api.describing import TAGS
from billing.api.routes.every import every_route
from billing.api.wording import PLACES, WORDS
from sim.cli import app as commands


@pytest.fixture(scope="module")
def app() -> Any:
    return described_app()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path / "spillway.db")) as made:
        yield made


def test_every_field_and_parameter_says_what_it_is(app: Any) -> None:
    schemas = app.openapi()["components"]["schemas"]
    fields = {
        f"{name}.{field}": each for name, one in schemas.items() for field, each in one.get("properties", {}).items()
    }
    assert [name for name, each in fields.items() if not each.get("description")] == []
    assert [name for name, each in fields.items() if "examples" not in each and "$ref" not in json.dumps(each)] == []
    assert [name for name, one in schemas.items() if not one.get("description")] == []
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            told = [operation, *operation.get("parameters", ())]
            assert all(each.get("description") for each in told), (method, path)


def test_every_word_is_used(app: Any) -> None:
    """A word that no field has any more is taken out."""
    schemas = app.openapi()["components"]["schemas"]
    named = {field for name, one in schemas.items() for field in one.get("properties", {})}
    exact = {f"{name}.{field}" for name, one in schemas.items() for field in one.get("properties", {})}
    assert WORDS.keys() - named - exact == set()
    operations = [each for methods in app.openapi()["paths"].values() for each in methods.values()]
    assert PLACES.keys() - {each["name"] for one in operations for each in one.get("parameters", ())} == set()
    assert {tag["name"] for tag in app.openapi()["tags"]} == TAGS.keys() == {one["tags"][0] for one in operations}


def test_every_example_is_a_request_or_an_answer(app: Any) -> None:
    faults: list[str] = []
    answers = {(entry.method, entry.path): entry for entry in every_route()}
    for route in app.routes:
        assert isinstance(route, APIRoute)
        for method in route.methods:
            at = (method, route.path)
            told = app.openapi()["paths"][route.path][method.lower()]
            if route.body_field is not None:
                example = told["requestBody"]["content"]["application/json"]["example"]
                kind = TypeAdapter(route.body_field.field_info.annotation)
                faults += _faults(kind, example, f"{at}: request")
            good = next(each for status, each in told["responses"].items() if status.startswith("2"))
            if "application/json" in good["content"]:
                content = good["content"]["application/json"]
                assert "example" in content, at
                faults += _faults(TypeAdapter(answers[at].answer), content["example"], f"{at}: answer")
    assert faults == []


def test_the_description_can_be_had_without_a_server(app: Any) -> None:
    told = CliRunner().invoke(commands, ["api", "openapi"])
    assert told.exit_code == 0 and json.loads(told.stdout) == app.openapi()


def test_people_read_it_as_a_page_that_loads_nothing(house: ApiHouse) -> None:
    answer = house.client.get("/docs", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/html")
    csp = answer.headers.get_list("content-security-policy")
    style = answer.text.partition("<style>")[2].partition("</style>")[0]
    assert len(csp) == 1 and f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in csp[0]
    assert "<script" not in answer.text and "style=" not in answer.text
    operations = [each for methods in house.app.openapi()["paths"].values() for each in methods.values()]
    assert all(f'id="{each["operationId"]}"' in answer.text for each in operations)
    machine = house.client.get("/docs", headers={"Accept": "application/json"})
    assert machine.json() == house.client.get("/openapi.json").json()
    assert house.client.get("/docs", headers={"Accept": "text/csv"}).status_code == 406
    assert "style-src" not in machine.headers["content-security-policy"]


def _faults(kind: Any, example: Any, where: str) -> list[str]:
    try:
        kind.validate_json(json.dumps(example))
    except ValueError as error:
        return [f"{where}: {error}"]
    return []
