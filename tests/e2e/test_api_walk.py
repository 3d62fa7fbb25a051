"""docs/api.md and docs/example_client.py, carried out as they stand: against the API over a store that a simulation was
streamed into, settled and invoiced."""

import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api_walk import Walk, blocks, shown, walked
from billing.client.client import Client
from house_rules import ROOT

PAGE = (ROOT / "docs/api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walk]:
    with walked(str(tmp_path_factory.mktemp("walk") / "spillway.db")) as made:
        yield made


def test_every_call_of_the_page_is_answered_as_it_says(
    walk: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = blocks(PAGE)
    assert len(calls) == PAGE.count("```http") == PAGE.count("```json")
    for said, request, status, answer in calls:
        walk.happens(said)
        told = walk.ask(request)
        assert walk.status == status, (request, told)
        walk.holds(shown(answer), told, request.splitlines()[0])
    runs_the_example(walk, tmp_path, monkeypatch)
    said = capsys.readouterr().out
    assert "tenant fjord\n793.4 GPU-hours in 58 hours" in said
    assert "fjord-000001/3     -739.51  service credit for 2026-01" in said
    assert " rows of use, " in said
    assert "1 invoices through the new key\nkeys: The key may not do this (forbidden)\n" in said


def runs_the_example(walk: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a script, its client on a line without a network."""
    key, script = tmp_path / "key", ROOT / "docs/example_client.py"
    key.write_text(walk.words["FJORD"])

    def connected(self: Client, url: str, key: str, chance: Any) -> None:
        usual(self, url, key, chance, http=walk.client)  # type: ignore[arg-type]

    usual = Client.__init__
    monkeypatch.setattr(Client, "__init__", connected)
    monkeypatch.setattr(sys, "argv", [str(script), "http://testserver", str(key)])
    runpy.run_path(str(script), run_name="__main__")


def test_canary_an_answer_that_is_not_as_shown_is_told_apart(walk: Walk) -> None:
    for request, answer, wrong in (
        ("GET /v1/invoices", '{"items": [{"number": "fjord-000002"}]}', "number"),
        ("GET /v1/invoices", '{"items": [], "more": 1}', "more"),
        ("GET /v1/invoices", '{"items": [{}, {}]}', "rows"),
    ):
        told = walk.ask(f"{request}\nAuthorization: Bearer $FJORD")
        with pytest.raises(AssertionError, match=wrong):
            walk.holds(shown(answer), told)
