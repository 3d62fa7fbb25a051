"""A process that ingests is killed with SIGKILL at random moments: nothing is lost, nothing is there twice."""

import pytest

from billing.log.event import event_hash
from billing.store.check import check
from billing.store.engine import open_store, reading
from billing.store.migrate import init
from billing.store.reader import events_in
from ingest_worker import history, ingest_at_once, kill_while_ingesting


def survives(place: str, kills: int, seed: int) -> None:
    engine = open_store(place, create=True)
    init(engine)
    hit = kill_while_ingesting(place, kills, seed)
    assert hit > 0, "no kill came in the middle"
    with reading(engine) as connection:
        assert sorted(events_in(connection)) == sorted(history())
        assert {name: found for name, found in check(connection).items() if found} == {}
    print(f"{hit} of {kills} kills came in the middle; {len({event_hash(e) for e in history()})} events, each once")


def test_an_ingesting_process_may_be_killed_at_any_moment(store_place: str, seed: int) -> None:
    survives(store_place, 3, seed)


@pytest.mark.slow
def test_an_ingesting_process_may_be_killed_fifty_times(store_place: str, seed: int) -> None:
    survives(store_place, 60, seed)


@pytest.mark.slow
def test_two_processes_may_ingest_the_same_events_at_once(store_place: str) -> None:
    """One waits for the other; each event is stored once, and neither is told an error."""
    engine = open_store(store_place, create=True)
    init(engine)
    ingest_at_once(store_place, [1, 2])
    with reading(engine) as connection:
        assert sorted(events_in(connection)) == sorted(history())
        assert {name: found for name, found in check(connection).items() if found} == {}
