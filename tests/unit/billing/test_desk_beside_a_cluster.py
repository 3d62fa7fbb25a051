"""A cluster and a desk in one log: each GPU-second of the cluster is checked beside the desk's, and months close."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api_house import NOW_S, ApiHouse, api_house
from billing.closing.close_month import why_open
from billing.closing.of_log import basis_of
from billing.log.books import books_of
from billing.log.event import Event, chained, data_of
from billing.log.fold import facts_of
from billing.months import parse_month
from billing.store.check import check
from billing.store.desk import turn
from billing.store.engine import open_store, reading, writing
from billing.store.issuing import issue_month
from billing.store.reader import events_in
from billing.store.writer import append
from billing.terms import Terms
from tenants.access.scope import local_scope
from told_events import terms

HOUR_S = 3_600
HERE = {"region": "eu", "sku": "h100"}
OFFER = {**HERE, "product": "bare.ondemand", "gpus": 16, "guarantee_s": 0}
SPARE = 6  # GPUs of the cluster that nobody holds
Told = tuple[str, str, int, str, dict[str, object]]


def now_terms() -> Terms:
    """Terms whose hours begin when the house opens."""
    return replace(terms(), epoch_s=NOW_S)


def cluster(hours: int, *, spare: int = SPARE, ends: bool = True) -> list[Event]:
    """Eight GPUs of which acme holds the first two for one hour and nobody the others."""
    held = {"allocation": "c1", "job": "c1", "product": "bare.spot", "gpus": 8 - SPARE, **HERE}
    rows: list[Told] = [
        ("pool", "pool.installed", NOW_S, "operator", {**HERE, "gpus": 8}),
        ("c1.started", "allocation.started", NOW_S, "acme", held),
        ("c1.ended", "allocation.ended", NOW_S + HOUR_S, "acme", {"allocation": "c1", "cause": "finished"}),
    ]
    for hour in range(hours):
        until_s = NOW_S + (hour + 1) * HOUR_S
        free = {"hour_s": NOW_S + hour * HOUR_S, "state": "idle.spare", "gpu_s": (8 if hour else spare) * HOUR_S}
        rows.append((f"capacity.{hour}", "capacity.recorded", until_s, "operator", {**HERE, **free}))
    if ends:
        rows.append(("ended", "source.ended", NOW_S + hours * HOUR_S, "operator", {}))
    return list(chained("run/1", rows))


def capacity_findings(events: list[Event]) -> list[str]:
    return [each.what for each in books_of(facts_of(events, now_terms()), now_terms()).findings]


@given(
    starts_s=st.integers(0, 3 * HOUR_S),
    held_s=st.integers(1, 3 * HOUR_S),
    hours=st.integers(1, 5),
    ends=st.booleans(),
    fault=st.sampled_from((-1, 0, 1)),
)
def test_the_cluster_is_checked_to_the_gpu_whatever_the_desk_rents(
    starts_s: int, held_s: int, hours: int, ends: bool, fault: int
) -> None:
    start_s, end_s = NOW_S + starts_s, NOW_S + starts_s + held_s
    held = {"allocation": "r1", "job": "r1", "product": "bare.ondemand", "gpus": 5, **HERE}
    desk: list[Told] = [
        ("r1.started", "allocation.started", start_s, "acme", held),
        ("r1.ended", "allocation.ended", end_s, "acme", {"allocation": "r1", "cause": "finished"}),
    ]
    events = [*cluster(hours, spare=SPARE + fault, ends=ends), *chained("rentals", desk)]
    # The first hour is judged as soon as every live source has told it.
    judged = (ends and NOW_S + hours * HOUR_S <= end_s) or end_s >= NOW_S + HOUR_S
    found = {-1: "GPU-s held by nobody", 1: "GPU-s counted twice"}
    assert capacity_findings(events) == ([found[fault]] if fault and judged else [])


@pytest.mark.parametrize(("fault", "found"), [(0, []), (-1, ["GPU-s held by nobody"])])
def test_of_a_live_cluster_the_hour_that_goes_on_is_not_judged(fault: int, found: list[str]) -> None:
    held = {"allocation": "c2", "job": "c2", "product": "bare.spot", "gpus": 2, **HERE}
    rows = [(each.id, each.type, each.time_s, each.subject, data_of(each)) for each in cluster(2, spare=SPARE + fault)]
    rows[-1] = ("c2.started", "allocation.started", NOW_S + 2 * HOUR_S + 600, "acme", held)
    beat = ("beat", "source.beat", NOW_S + 2 * HOUR_S + 900, "operator", {})
    assert capacity_findings(list(chained("run/1", [*rows, beat]))) == found


@contextmanager
def desk_house(place: str) -> Iterator[ApiHouse]:
    with api_house(place, terms=now_terms()) as house:
        house.now_s = NOW_S + 600
        yield house


@pytest.mark.parametrize("live", [False, True], ids=["ended", "live"])
def test_a_month_of_a_run_and_of_a_desk_closes_with_both_uses_on_one_invoice(tmp_path: Path, live: bool) -> None:
    with desk_house(str(tmp_path / "store.db")) as house:
        assert house.ask("operator", "PUT", "/v1/operator/offers", json=OFFER).status_code == 200
        want = {**HERE, "product": "bare.ondemand", "gpus": 8, "hours": 2}
        assert house.post("acme", "/v1/rentals", want).json()["state"] == "running"
        store = open_store(house.place)
        with writing(store) as connection:
            append(connection, cluster(3, ends=not live))
        for seconds in (HOUR_S, 2 * HOUR_S):
            house.now_s += seconds
            turn(house.door, local_scope(), now_terms(), house.now_s)
        none = OFFER | {"gpus": 0}
        given_back = house.ask("operator", "PUT", "/v1/operator/offers", json=none, headers={"If-Match": "*"})
        assert given_back.status_code == 200, given_back.text
        house.now_s += 1
        turn(house.door, local_scope(), now_terms(), house.now_s)
        with reading(store) as connection:
            events = list(events_in(connection))
        log = basis_of(events, now_terms())
        month = parse_month("2027-01")
        open_ = why_open(log.basis, month, NOW_S, log.arrived)
        if live:
            assert [each.what.split(":")[0] for each in open_] == ["s still open"]
        else:
            assert open_ == [] and log.arrived.finished
            (invoice,) = issue_month(store, log.basis, month, NOW_S, log.arrived)
            assert {line.product for line in invoice.lines} == {"bare.spot", "bare.ondemand"}
        with reading(store) as connection:
            assert {name: found for name, found in check(connection).items() if found} == {}
        store.dispose()
