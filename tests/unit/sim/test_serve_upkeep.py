"""What a service keeps in order by itself, as the worker of the store on each engine."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from api_house import NOW_S, ApiHouse, api_house
from billing.store.engine import open_store
from billing.store.witness import checkpoints_in
from sim.cli.serve_upkeep import Files, Upkeep
from some_secrets import SECRETS
from tenants.access.lifecycle import DAY_S
from tenants.audit.checkpoint import AuditError

WHY = {"reason": "contract ended"}


@pytest.fixture
def house(store_place: str) -> Iterator[ApiHouse]:
    with api_house(store_place) as made:
        yield made


def upkeep_of(house: ApiHouse, folder: Path) -> Upkeep:
    files = Files(str(folder / "tombstones"), str(folder / "witness"))
    store = open_store(house.place)
    return Upkeep(house.door, store, house.place, files, SECRETS.checkpoint, lambda: house.now_s)


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
    for table in ("all_account", "all_tenant"):
        assert "bolt" not in {row["tenant"] for row in house.rows(table)}
    assert len([row for row in house.rows("all_invoice") if row["tenant"] == "bolt"]) == 3, "bills are kept"
    assert "acme" in {row["tenant"] for row in house.rows("all_api_key")}


def test_whom_a_restored_backup_brings_back_is_deleted_before_anything_is_served(
    house: ApiHouse, tmp_path: Path
) -> None:
    (tmp_path / "tombstones").write_text('{"tenant": "bolt", "deleted_s": 1799999999}\n')
    assert house.get("bolt", "/v1/me").status_code == 200
    upkeep = upkeep_of(house, tmp_path)
    assert upkeep.bury() == ["bolt"]
    assert house.get("bolt", "/v1/me").status_code == 401
    assert upkeep.bury() == []
    assert house.actions("bolt")[-1] == "tenant.delete"


def test_the_logs_are_witnessed_and_no_rewritten_past_is(house: ApiHouse, tmp_path: Path) -> None:
    upkeep, witness = upkeep_of(house, tmp_path), str(tmp_path / "witness")
    upkeep.checkpoint()
    upkeep.checkpoint()
    assert len(checkpoints_in(witness)) == 1, "nothing new, no line"
    house.post("operator", "/v1/operator/tenants/bolt/suspend", WHY)
    upkeep.checkpoint()
    assert len(checkpoints_in(witness)) == 2
    with open_store(house.place).begin() as connection:
        connection.exec_driver_sql("UPDATE all_audit_tree SET root = 'ab' WHERE tenant = 'bolt'")
    with pytest.raises(AuditError, match="does not go on"):
        upkeep.checkpoint()
    assert len(checkpoints_in(witness)) == 2
