"""The feed of notices: in order, each once, and nothing that the key may not read."""

from pathlib import Path

import pytest

from api_house import ApiHouse, api_house
from billing.api.notice_types import NOTICE_TYPES
from billing.errors import EventError
from billing.store.notices import notify
from house_rules import ROOT
from tenants.access.scope import local_scope


def told(house: ApiHouse, tenant: str, *types: str) -> list[int]:
    with house.door.working(local_scope()) as bound:
        return [notify(bound, tenant, type_, "thing", {"gpus": 8}, house.now_s) for type_ in types]


def test_a_feed_goes_on_where_it_was_left_and_each_key_reads_what_its_scopes_say(tmp_path: Path) -> None:
    with api_house(str(tmp_path / "store.db")) as house:
        assert told(house, "acme", "rental.granted", "key.revoked", "invoice.issued") == [1, 2, 3]
        assert told(house, "bolt", "rental.ended") == [1]
        read = house.get("acme", "/v1/notices").json()
        assert [(row["position"], row["type"]) for row in read["items"]] == [
            (1, "rental.granted"),
            (2, "key.revoked"),
            (3, "invoice.issued"),
        ]
        assert read["items"][0]["body"] == {"gpus": 8}
        assert [row["position"] for row in house.get("acme/member", "/v1/notices").json()["items"]] == [1, 3]
        first = house.get("acme", "/v1/notices?limit=1&after=1").json()
        assert [row["position"] for row in first["items"]] == [2]
        rest = house.get("acme", f"/v1/notices?after=1&cursor={first['next']}").json()
        assert [row["position"] for row in rest["items"]] == [3] and rest["next"] is None
        assert house.get("acme", "/v1/notices?after=3").json()["items"] == []
        assert house.get("acme", "/v1/notices?after=-1").status_code == 422
        assert house.get("bolt", f"/v1/notices?after=1&cursor={first['next']}").status_code == 422
        assert house.get("operator", "/v1/notices").status_code == 403


def test_a_tenant_is_told_of_keys_that_end_whoever_ends_them(tmp_path: Path) -> None:
    with api_house(str(tmp_path / "store.db")) as house:
        account = house.get("acme", "/v1/me").json()["account"]
        made = [house.post("acme", "/v1/keys", {"account": account, "scopes": ["bills:read"]}).json() for _ in range(2)]
        mine, leaked = (each["id"] for each in made)
        for _ in range(2):
            assert house.post("acme", "/v1/keys/revoke", {"ids": [mine]}).status_code == 200
            assert house.ask("operator", "DELETE", f"/v1/operator/keys/{leaked}").status_code == 200
        found = house.get("acme", "/v1/notices").json()["items"]
        told = [(row["type"], row["body"]["key"]) for row in found]
        assert told == [("key.revoked", mine), ("key.revoked", leaked)]


def test_every_type_is_told_by_something() -> None:
    rooms = (ROOT / "billing/store", ROOT / "billing/api/routes")
    code = "".join(path.read_text(encoding="utf-8") for room in rooms for path in room.rglob("*.py"))
    assert [name for name in NOTICE_TYPES if f'"{name}"' not in code] == []


def test_a_notice_holds_no_float(tmp_path: Path) -> None:
    with (
        api_house(str(tmp_path / "store.db")) as house,
        pytest.raises(EventError, match="neither text nor integer"),
        house.door.working(local_scope()) as bound,
    ):
        notify(bound, "acme", "rental.granted", "thing", {"gpus": 0.5}, house.now_s)
