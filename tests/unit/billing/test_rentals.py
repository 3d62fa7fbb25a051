"""Renting over the API: from a request to the hours of a bill in one chain, and what is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from json import loads
from pathlib import Path
from tomllib import loads as loads_toml
from typing import Any

import pytest

from api_house import NOW_S, ApiHouse, api_house
from billing.store.check import check
from billing.store.desk import turn
from billing.store.engine import open_store, reading, writing
from billing.store.settling import settle_store
from billing.store.tables_access import tenant as tenant_table
from billing.terms import terms_from
from tenants.access.scope import local_scope
from told_events import terms

HOUR_S = 3_600
PLACE = {"product": "bare.ondemand", "region": "eu", "sku": "h100"}
OFFER = {**PLACE, "gpus": 16, "guarantee_s": HOUR_S}
WANT = {**PLACE, "gpus": 8, "hours": 4}


@contextmanager
def desk(place: str) -> Iterator[ApiHouse]:
    with api_house(place, terms=terms()) as house:
        house.now_s = NOW_S + 600
        yield house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with desk(str(tmp_path / "store.db")) as made:
        yield made


def offer(house: ApiHouse, version: int | None = None, **other: Any) -> dict[str, Any]:
    headers = {} if version is None else {"If-Match": f'"{version}"'}
    answer = house.ask("operator", "PUT", "/v1/operator/offers", json=OFFER | other, headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def rent(house: ApiHouse, who: str = "acme", **other: Any) -> dict[str, Any]:
    answer = house.post(who, "/v1/rentals", WANT | other)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def later(house: ApiHouse, seconds: int) -> None:
    house.now_s += seconds
    turn(house.door, local_scope(), terms(), house.now_s)


def notices(house: ApiHouse, who: str = "acme") -> list[str]:
    return [row["type"] for row in house.get(who, "/v1/notices").json()["items"]]


def test_rent_use_and_bill_are_one_chain(store_place: str) -> None:
    with desk(store_place) as house:
        offer(house)
        made = rent(house)
        assert (made["state"], made["guaranteed_until"]) == ("running", "2027-01-15T09:10:00Z")
        later(house, HOUR_S)
        path = f"/v1/rentals/{made['id']}"
        released = house.ask("acme/member", "POST", f"{path}/release").json()
        assert (released["state"], released["cause"]) == ("ended", "finished")
        later(house, 3 * HOUR_S)
        assert notices(house) == ["rental.granted", "rental.ended"]
        read = house.get("acme", "/v1/events").json()["items"]
        assert [row["type"] for row in read] == ["allocation.started", "allocation.ended"]
        store = open_store(house.place)
        settle_store(partial(reading, store), partial(writing, store), lambda _: terms(), "us", house.now_s, terms())
        with reading(store) as connection:
            findings = {name: found for name, found in check(connection).items() if found}
        store.dispose()
        assert findings == {}
        hours = house.rows("all_usage_hour")
        assert [(row["quantity"], row["charge_class"]) for row in hours] == [(8 * 3_000, "billed"), (8 * 600, "billed")]
        # 8 GPUs for an hour at 2.953717: to the last fraction of a micro-unit.
        assert sum(int(row["numerator"]) * 3_600 // int(row["denominator"]) for row in hours) == 8 * 2_953_717 * 3_600
        capacity = house.rows("all_capacity_hour")
        for hour_s in {row["hour_s"] for row in capacity}:
            told = sum(row["gpu_s"] for row in capacity if row["hour_s"] == hour_s)
            assert told == 16 * (min(hour_s + HOUR_S, house.now_s) - max(hour_s, NOW_S + 600)), hour_s


def test_an_offer_that_shrinks_gives_notice_and_takes_the_gpus_after_it(house: ApiHouse) -> None:
    offer(house)
    old, young = rent(house), rent(house)
    assert rent(house, gpus=1)["cause"] == "not_free"
    later(house, 2 * HOUR_S)
    assert offer(house, 1, gpus=8)["version"] == 2
    state = {each: house.get("acme", f"/v1/rentals/{each}").json() for each in (old["id"], young["id"])}
    (noticed,) = [row for row in state.values() if row["state"] == "noticed"]
    assert noticed["evict"] == "2027-01-15T10:20:00Z"
    later(house, 600)
    assert house.get("acme", f"/v1/rentals/{noticed['id']}").json()["cause"] == "evicted"
    assert [row["type"] for row in house.get("acme", "/v1/events").json()["items"]].count("preemption.executed") == 1
    assert notices(house)[-2:] == ["rental.noticed", "rental.ended"]


def test_a_guarantee_outlives_the_offer(house: ApiHouse) -> None:
    offer(house)
    made = rent(house)
    offer(house, 1, gpus=0)
    assert house.get("acme", f"/v1/rentals/{made['id']}").json()["state"] == "running"
    later(house, HOUR_S - 600)
    assert house.get("acme", f"/v1/rentals/{made['id']}").json()["evict"] == "2027-01-15T09:10:00Z"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"gpus": 17}, "not_free"),
    ({"product": "bare.spot"}, "not_on_offer"),
    ({"product": "none.such"}, "not_billable"),
    ({"region": "us"}, "not_on_offer"),
    ({"hours": 100}, "too_long"),
]


@pytest.mark.parametrize(("other", "cause"), REFUSED)
def test_a_refusal_says_why(house: ApiHouse, other: dict[str, Any], cause: str) -> None:
    offer(house, until="2027-01-17T00:00:00Z")
    made = rent(house, **other)
    assert (made["state"], made["cause"]) == ("refused", cause) and made["reason"]
    assert notices(house) == ["rental.refused"] and house.get("acme", "/v1/events").json()["items"] == []


def test_a_tenant_that_the_terms_do_not_know_rents_nothing(house: ApiHouse) -> None:
    offer(house)
    assert rent(house, "bolt")["cause"] == "not_billable"


def test_regions_quotas_and_suspension_hold_at_the_desk(house: ApiHouse) -> None:
    offer(house)
    quota = {"tenant": "acme", "keys_max": 9, "webhooks_max": 9, "gpus_max": 8}
    house.ask("operator", "PUT", "/v1/quota", json=quota)
    made = rent(house)
    assert rent(house, gpus=1)["cause"] == "quota"
    store = open_store(house.place)
    with writing(store) as connection:
        connection.execute(tenant_table.update().values(regions="us"))
    store.dispose()
    assert rent(house)["cause"] == "region"
    assert house.get("acme", "/v1/availability").json()["items"] == []
    house.post("operator", "/v1/operator/tenants/acme/suspend", {"reason": "has not paid"})
    later(house, 1)
    assert house.rows("all_rental")[0]["state"] in ("noticed", "refused")
    later(house, 600)
    ended = {row["id"]: row for row in house.rows("all_rental")}[made["id"]]
    assert (ended["state"], ended["cause"], ended["evict_s"]) == ("ended", "suspended", None)


def test_changes_name_the_version_that_they_have_seen(house: ApiHouse) -> None:
    offer(house)
    assert house.ask("operator", "PUT", "/v1/operator/offers", json=OFFER).status_code == 428
    path = f"/v1/rentals/{rent(house)['id']}"
    read = house.get("acme", path)
    assert read.headers["etag"] == '"2"'
    assert house.post("acme", f"{path}/extend", {"hours": 1}).status_code == 428
    assert house.post("acme", f"{path}/extend", {"hours": 1}, headers={"If-Match": '"1"'}).status_code == 412
    assert house.post("bolt", f"{path}/extend", {"hours": 1}).status_code == 404
    longer = house.post("acme", f"{path}/extend", {"hours": 1}, headers={"If-Match": '"2"'})
    assert longer.json()["until"] == "2027-01-15T13:10:00Z" and longer.headers["etag"] == '"3"'
    both = {"hours": 1, "until": "2027-03-01T00:00:00Z"}
    for body in ({}, both, {"until": "2026-01-01T00:00:00Z"}, {"until": "tomorrow"}):
        assert house.post("acme", f"{path}/extend", body, headers={"If-Match": '"3"'}).status_code == 422
    house.ask("acme", "POST", f"{path}/release")
    later(house, 1)
    assert house.post("acme", f"{path}/extend", {"hours": 1}, headers={"If-Match": "*"}).status_code == 409
    assert house.ask("acme", "POST", f"{path}/release").status_code == 409


def test_a_request_that_is_repeated_is_one_rental(house: ApiHouse) -> None:
    offer(house)
    first = house.post("acme", "/v1/rentals", WANT, headers={"Idempotency-Key": "once"}).json()
    again = house.post("acme", "/v1/rentals", WANT, headers={"Idempotency-Key": "once"}).json()
    assert first == again and first["state"] == "running"
    assert len(house.get("acme", "/v1/rentals?state=running").json()["items"]) == 1


def test_an_end_that_waited_past_the_full_hour_is_told_behind_its_beat(house: ApiHouse) -> None:
    """The release was asked for in the last second of an hour, and written when the desk had closed that hour."""
    offer(house, gpus=8)
    path = f"/v1/rentals/{rent(house)['id']}"
    later(house, 3_000)
    house.now_s -= 1
    released = house.ask("acme", "POST", f"{path}/release")
    assert (released.status_code, released.json().get("state")) == (200, "ended")
    beats = [row for row in house.rows("all_event") if row["id"].startswith("beat.")]
    assert len(beats) == 1 and notices(house) == ["rental.granted", "rental.ended"]


def test_a_release_that_comes_late_is_told_from_where_the_desk_had_got_to(house: ApiHouse) -> None:
    """Meanwhile somebody else's request was decided: every second is a rental's or nobody's, and none is lost."""
    offer(house, gpus=32)
    path = f"/v1/rentals/{rent(house)['id']}"
    later(house, 60)
    rent(house)
    house.now_s -= 20
    released = house.ask("acme", "POST", f"{path}/release").json()
    assert (released["state"], released["ended"]) == ("ended", "2027-01-15T08:11:00Z")
    later(house, 3_600)
    idle = [loads(row["data"])["gpu_s"] for row in house.rows("all_event") if row["id"].startswith("idle.")]
    assert sum(idle) == 32 * 3_640 - 8 * 60 - 8 * 3_580


def test_a_release_in_the_second_of_its_grant_ends_it_and_one_second_counts(house: ApiHouse) -> None:
    offer(house)
    path = f"/v1/rentals/{rent(house)['id']}"
    released = house.ask("acme", "POST", f"{path}/release")
    assert (released.json()["state"], released.json()["ended"]) == ("ended", "2027-01-15T08:10:01Z")
    assert house.get("acme", path).json() == house.get("acme", "/v1/rentals").json()["items"][0] == released.json()
    tag = {"If-Match": released.headers["etag"]}
    assert house.post("acme", f"{path}/extend", {"hours": 1}, headers=tag).status_code == 409
    later(house, 1)
    read = house.get("acme", path).json()
    assert {**read, "version": 0} == {**released.json(), "version": 0} and notices(house)[-1] == "rental.ended"
    (start, end) = [row["time_s"] for row in house.rows("all_event") if row["type"].startswith("allocation.")]
    assert end == start + 1


def test_no_rental_loses_its_price(tmp_path: Path) -> None:
    row = '[[price]]\nproduct = "*"\nsku = "*"\nusd_per_gpu_hour = "2"\nfrom = 2026-01-01T00:00:00Z\n'
    text = row + '[[tenant]]\nid = "acme"\nname = "A"\nkind = "external"\n[[product]]\ncode = "bare.ondemand"\n'
    with api_house(str(tmp_path / "ends.db"), terms=terms_from(loads_toml(text))) as house:
        house.now_s = NOW_S + 600
        put = partial(house.ask, "operator", "PUT", "/v1/operator/price-book")
        first = put(json={"terms": text}, headers={"If-Match": "*"})
        assert first.status_code == 200, first.text
        offer(house)
        made = rent(house, hours=4)
        assert made["state"] == "running", made
        tag = {"If-Match": first.headers["etag"]}
        ends = {hour: text.replace(row, f"{row}until = 2027-01-15T{hour}:00:00Z\n") for hour in (10, 13)}
        refused = put(json={"terms": ends[10]}, headers=tag)
        assert refused.status_code == 409 and "2027-01-15T12:10:00Z without a price" in refused.text, refused.text
        assert put(json={"terms": ends[13]}, headers=tag).status_code == 200


def test_offers_whose_names_run_into_each_other_are_accounted_for_apart(house: ApiHouse) -> None:
    offer(house, region="eu.a", sku="b")
    offer(house, region="eu", sku="a.b")
    later(house, 3_000)
    told = [row for row in house.rows("all_event") if row["id"].startswith("idle.")]
    assert len(told) == 2


def test_products_and_availability_say_what_is_promised_and_no_more_than_a_step(house: ApiHouse) -> None:
    offer(house, gpus=100)
    rent(house, gpus=3)
    (row,) = house.get("acme", "/v1/availability?sku=h100").json()["items"]
    assert (row["free_at_least"], row["unit_price"], row["notice_s"]) == (64, "2.953717", 600)
    products = {row["code"]: row for row in house.get("acme", "/v1/products").json()["items"]}
    assert sorted(products) == ["bare.ondemand", "bare.spot"]
    assert products["bare.ondemand"]["sla_target_bp"] == 9_950
    assert [row["unit_price"] for row in products["bare.spot"]["prices"]] == ["2.60", "1.333333", "0.000001"]


def test_without_terms_nothing_is_granted_and_offers_must_be_sold(tmp_path: Path, house: ApiHouse) -> None:
    assert (
        house.ask("operator", "PUT", "/v1/operator/offers", json=OFFER | {"product": "int.research"}).status_code == 422
    )
    with api_house(str(tmp_path / "bare.db")) as bare:
        bare.now_s = NOW_S
        offer(bare)
        assert rent(bare)["state"] == "requested"
        assert turn(bare.door, local_scope(), None, bare.now_s) == 1
        assert bare.get("acme", "/v1/rentals").json()["items"][0]["cause"] == "not_billable"
