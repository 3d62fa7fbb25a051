"""The API over the log of a run says what the offline commands say of the run: use, SLA, contracts, wallets."""

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from billing.api.app import create_app
from billing.api.schemas.documents import DocumentOut
from billing.store.door import open_door
from run_folders import write_small
from sim.cli import app
from sim.cli.edge import entropy
from sim.cli.store import secrets_of
from sim.folder.focus_parquet import read_focus

NOW_S = 1_800_000_000


def call(*words: str) -> Any:
    done = CliRunner(env={"NO_COLOR": None}).invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


class Served:
    """A run, and the API over a store with its log. `get` gives all rows over all pages, and the last page."""

    def __init__(self, run: str, place: str) -> None:
        self.run, self.place, self.keys = run, place, dict[str, str]()
        for words in (("init",), ("import", run), ("settle",)):
            call("db", *words, "--db", place)
        kept = secrets_of(place, None, make=True)
        self.door = open_door(place, kept, entropy)
        self.client = TestClient(create_app(self.door, kept, lambda: NOW_S, entropy))

    def ask(self, tenant: str, path: str, form: str = "application/json") -> Any:
        if tenant not in self.keys:
            words = ("--tenant", tenant, "--role", "member", "--at", "2027-01-01T00:00:00Z", "--db", self.place)
            self.keys[tenant] = call("keys", "create", *words)["key"]
        return self.client.get(path, headers={"Authorization": f"Bearer {self.keys[tenant]}", "Accept": form})

    def get(self, tenant: str, path: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        rows, cursor = [], ""
        while cursor is not None:
            query = f"{path}{'&' if '?' in path else '?'}limit=7" + (f"&cursor={cursor}" if cursor else "")
            page = self.ask(tenant, query).json()
            rows, cursor = rows + page["items"], page["next"]
        return rows, page


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    made = Served(str(write_small(folder / "one")), str(folder / "books.db"))
    yield made
    made.door.close()


def exact(row: dict[str, Any]) -> Fraction:
    return Fraction(int(row["numerator"]), int(row["denominator"]))


def test_use_is_that_of_the_hours(served: Served) -> None:
    told = call("bill", "hours", "--db", served.place)["hours"]
    for tenant in {row["tenant"] for row in told}:
        mine = [row for row in told if row["tenant"] == tenant]
        span = "from=2025-12-01T00:00:00Z&until=2026-12-01T00:00:00Z"
        rows, _ = served.get(tenant, f"/v1/usage/hours?{span}")
        assert sorted((row["since"], row["product"], row["charge_class"], row["quantity"]) for row in rows) == sorted(
            (row["hour"], row["product"], row["class"], str(row["quantity"])) for row in mine
        )
        _, page = served.get(tenant, f"/v1/usage?{span}&bucket=month")
        (whole,) = page["totals"]
        assert exact(whole["exact"]) == sum(exact(row["exact"]) for row in rows)
        assert sum(int(each["measured"]) for each in whole["meters"]) == sum(row["quantity"] for row in mine)


def test_contracts_stand_where_they_do_offline(served: Served) -> None:
    states = call("contracts", served.run)["contracts"]
    assert states
    for state in states:
        rows, _ = served.get(state["tenant"], "/v1/contracts")
        mine = [row for row in rows if row["contract"] == state["contract"]]
        for part in ("entitled_gpu_s", "used_gpu_s", "unused_gpu_s", "lent_gpu_s", "undelivered_gpu_s"):
            assert sum(row[part] for row in mine) == state[part]
        assert sum(exact(row["owed_exact"]) for row in mine) == Fraction(state["owed"])
        lines = [line for row in mine for line in row["lines"]]
        assert [Fraction(line["exact"]) for line in state["lines"]] == [exact(line["exact"]) for line in lines]
        assert all(line["since"] >= "2026-01-01T" and line["until"] > line["since"] for line in lines)


def test_credits_and_incidents_are_those_of_the_export(served: Served, tmp_path: Path) -> None:
    call("bill", "export", served.run, "--format", "json", "--out", str(tmp_path))
    reports = json.loads((tmp_path / "invoices.json").read_text())["sla_reports"]
    assert any(level["credits"] for report in reports for level in report["levels"])
    for report in reports:
        rows, _ = served.get(report["tenant"], f"/v1/sla?period={report['month']}")
        (mine,) = rows
        assert (mine["total"]["amount"], len(mine["levels"])) == (report["total"], len(report["levels"]))
        assert [level["healthy_gpu_s"] for level in mine["levels"]] == [
            level["healthy_gpu_s"] for level in report["levels"]
        ]
        incidents, _ = served.get(report["tenant"], f"/v1/sla/incidents?period={report['month']}")
        evidence = [
            each["what"] for level in report["levels"] for credit in level["credits"] for each in credit["evidence"]
        ]
        assert [row["what"] for row in incidents if row["kind"] == "credited"] == evidence
        excluded = sum(len(level["excluded"]) for level in report["levels"])
        assert sum(row["kind"] == "excluded" for row in incidents) == excluded


def test_exports_are_those_of_the_command(served: Served, tmp_path: Path) -> None:
    call("bill", "issue", "--db", served.place)
    tenant, period = "fjord", "2026-01"
    told, _ = served.get(tenant, "/v1/notices")
    assert [(row["type"], row["object"]) for row in told] == [
        ("invoice.issued", "fjord-000001"),
        ("sla.credited", "fjord-000001"),
    ]
    assert served.ask(tenant, f"/v1/exports/focus?period={period}").status_code == 503
    call("db", "settle", "--db", served.place)
    words = ("--db", served.place, "--tenant", tenant, "--month", period, "--out", str(tmp_path))
    for version, name in (("1.2", "focus-1.2"), ("1.4", "focus-1.4-unverified")):
        call("bill", "export", *words, "--format", "focus", "--focus-version", version)
        path = f"/v1/exports/focus?period={period}&version={version}"
        assert served.ask(tenant, path, "text/csv").content == (tmp_path / f"{name}.csv").read_bytes()
        kept = tmp_path / "ours.parquet"
        kept.write_bytes(served.ask(tenant, path, "application/vnd.apache.parquet").content)
        rows = read_focus(tmp_path / f"{name}.parquet")
        assert read_focus(kept) == rows and len(rows[1]) > 24
    call("bill", "export", *words, "--format", "csv")
    for route, name in (("lines", "invoice_lines"), ("usage", "invoice_hours")):
        mine = served.ask(tenant, f"/v1/exports/{route}?period={period}", "text/csv").content
        assert mine == (tmp_path / f"{name}.csv").read_bytes()
        table = served.ask(tenant, f"/v1/exports/{route}?period={period}").json()
        assert len(table["rows"]) == mine.count(b"\n") - 1
        assert {len(row) for row in table["rows"]} == {len(table["columns"])}
    assert served.ask(tenant, "/v1/exports/lines?period=2020-01").status_code == 404
    assert served.ask(tenant, "/v1/exports/lines").status_code == 422
    assert served.ask(tenant, f"/v1/exports/lines?period={period}", "text/html").status_code == 406
    document = served.ask(tenant, f"/v1/invoices?period={period}").json()["items"][0]["document_at"]
    for format_, ending, form in (
        ("documents", "json", "application/json"),
        ("html", "html", "text/html"),
        ("pdf", "pdf", "application/pdf"),
    ):
        call("bill", "export", *words, "--format", format_)
        answer = served.ask(tenant, document, form)
        assert answer.headers["Content-Type"].startswith(form)
        assert answer.content == (tmp_path / f"invoice-fjord-000001.{ending}").read_bytes()
    assert served.ask(tenant, document, "text/csv").content == (tmp_path / "invoice_lines.csv").read_bytes()
    told = served.ask(tenant, document).json()
    for line in told["lines"]:
        found = served.ask(tenant, f"/v1/invoices/fjord-000001/lines/{line['number']}/explain").json()
        assert found["explained"] == (found["why_not"] is None)
        assert bool(found["hours"]) == bool(line["hours"]) and (found["adds_up"] or not found["hours"]), found
    DocumentOut.model_validate(told)  # closed: it has these fields and no others
    assert {each["source"] for each in told["log_range"]} == {"house"} and told["price_version"]
