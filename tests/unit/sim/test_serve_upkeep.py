"""What a service keeps in order by itself, as the worker of the store on each engine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api_house import NOW_S, ApiHouse, api_house
from billing.api.routes import tokens
from billing.errors import StoreError
from billing.store.engine import open_store
from billing.store.witness import checkpoints_in
from postgres import fresh_database
from sim.cli.serve_upkeep import Files, Upkeep
from some_secrets import SECRETS
from tenants.access.lifecycle import DAY_S
from tenants.audit.checkpoint import AuditError

WHY = {"reason": "contract ended"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    """One for all tests here, in their order: at the end its tenants are gone, bolt first."""
    place = str(tmp_path_factory.mktemp("upkeep") / "spillway.db")
    if request.param == "postgresql":
        place = fresh_database(request.getfixturevalue("postgres_urls"), "upkeep")
    with api_house(place) as made:
        yield made


def upkeep_of(house: ApiHouse, folder: Path) -> Upkeep:
    files = Files(str(folder / "tombstones"), str(folder / "witness"))
    store = open_store(house.place)
    return Upkeep(house.door, store, house.place, files, SECRETS.checkpoint, lambda: house.now_s)


def test_the_logs_are_witnessed_and_no_rewritten_past_is(house: ApiHouse, tmp_path: Path) -> None:
    upkeep, witness = upkeep_of(house, tmp_path), str(tmp_path / "witness")
    upkeep.checkpoint()
    upkeep.checkpoint()
    assert len(checkpoints_in(witness)) == 1, "nothing new, no line"
    for action in ("suspend", "resume"):
        house.post("operator", f"/v1/operator/tenants/bolt/{action}", WHY)
    upkeep.checkpoint()
    assert len(checkpoints_in(witness)) == 2
    (root,) = (row["root"] for row in house.rows("all_audit_tree") if row["tenant"] == "bolt")
    with rewritten(house, root):
        with pytest.raises(AuditError, match="does not go on"):
            upkeep.checkpoint()
        assert len(checkpoints_in(witness)) == 2


@contextmanager
def rewritten(house: ApiHouse, root: str) -> Iterator[None]:
    """The past of bolt is another one."""
    store = open_store(house.place)
    for put, then in (("ab", True), (root, False)):
        with store.begin() as connection:
            connection.exec_driver_sql(f"UPDATE all_audit_tree SET root = '{put}' WHERE tenant = 'bolt'")
        if then:
            yield


def test_a_call_that_was_noted_before_a_kill_is_metered_once(
    house: ApiHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upkeep = upkeep_of(house, tmp_path)
    upkeep.calls()
    wish = {"scopes": ["tools:call", "bills:read"], "tools": ["read_bill"], "lifetime_s": 600}
    house.keys["agent"] = house.post("acme", "/v1/tokens", wish).json()["text"]
    told: dict[str, Any] = {"tool": "read_bill", "product": "agents", "sku": "any", "region": "eu"}

    def dies(*_: object) -> None:
        raise StoreError("killed here")

    def metered() -> set[str]:
        return {row["id"] for row in house.rows("all_event") if row["source"] == "api/acme"}

    before = metered()
    monkeypatch.setattr(tokens, "report", dies)
    once = {"Idempotency-Key": "call-1"}
    assert house.post("agent", "/v1/tool-calls", told, headers=once).status_code == 500
    monkeypatch.undo()
    assert house.actions("acme")[-1] == "tool.call" and metered() == before
    assert [upkeep.calls(), upkeep.calls()] == [1, 0]
    (event,) = metered() - before
    assert house.post("agent", "/v1/tool-calls", told, headers=once).json()["event"] == event
    assert house.post("agent", "/v1/tool-calls", told).status_code == 200
    assert len(metered()) == len(before) + 2
    assert [upkeep_of(house, tmp_path).calls(), upkeep.calls()] == [0, 0], "what was metered is metered"


def test_a_tenant_that_the_api_deletes_is_purged_as_its_deadlines_come(house: ApiHouse, tmp_path: Path) -> None:
    upkeep = upkeep_of(house, tmp_path)
    assert house.post("operator", "/v1/operator/tenants/bolt/delete", WHY).status_code == 200
    assert house.get("bolt", "/v1/me").status_code == 401
    assert any(row["tenant"] == "bolt" for row in house.rows("all_api_key"))
    upkeep.purge()
    assert {row["tenant"] for row in house.rows("all_api_key")} == {"acme", ""}
    assert json.loads((tmp_path / "tombstones").read_text()) == {"tenant": "bolt", "deleted_s": NOW_S}
    assert "bolt" in {row["tenant"] for row in house.rows("all_account")}
    house.now_s += 800 * DAY_S
    upkeep.purge()
    house.now_s = NOW_S
    for table in ("all_account", "all_tenant"):
        assert "bolt" not in {row["tenant"] for row in house.rows(table)}
    assert len([row for row in house.rows("all_invoice") if row["tenant"] == "bolt"]) == 3, "bills are kept"
    assert "acme" in {row["tenant"] for row in house.rows("all_api_key")}


def test_whom_a_restored_backup_brings_back_is_deleted_before_anything_is_served(
    house: ApiHouse, tmp_path: Path
) -> None:
    (tmp_path / "tombstones").write_text('{"tenant": "acme", "deleted_s": 1799999999}\n')
    assert house.get("acme", "/v1/me").status_code == 200
    upkeep = upkeep_of(house, tmp_path)
    assert upkeep.bury() == ["acme"]
    assert house.get("acme", "/v1/me").status_code == 401
    assert upkeep.bury() == []
    assert house.actions("acme")[-1] == "tenant.delete"
