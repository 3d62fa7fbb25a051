"""Lanes: who asks a thousand times waits for himself, and nobody is let in by what was remembered."""

import asyncio
from threading import Event
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.api import lanes
from billing.api.lanes import Holder, Lanes
from tenants.access.errors import TooManyRequests


@given(asked=st.lists(st.sampled_from("abc"), min_size=1, max_size=30))
def test_lanes_take_turns(asked: list[str]) -> None:
    """With one thread, whoever is in line is served round by round, each lane in its own order."""
    done: list[tuple[str, int]] = []

    async def ask() -> None:
        held, gate = Event(), Event()
        many = Lanes(threads=1, at_once=1)

        def hold() -> None:
            held.set()
            gate.wait(10)

        first = asyncio.create_task(many.run("first", hold))
        while not held.is_set():
            await asyncio.sleep(0)
        rest = [asyncio.create_task(many.run(lane, done.append, (lane, at))) for at, lane in enumerate(asked)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(first, *rest)

    asyncio.run(ask())
    assert sorted(done, key=lambda each: each[1]) == [(lane, at) for at, lane in enumerate(asked)]
    own = {lane: [at for named, at in done if named == lane] for lane in asked}
    assert all(served == sorted(served) for served in own.values())
    # Whoever came with the n-th of its lane waits for no more than n of each other.
    for at, (lane, number) in enumerate(done):
        turn = own[lane].index(number)
        assert at <= sum(min(len(other), turn + 1) for other in own.values())


def test_a_line_that_is_full_is_refused_and_others_go_on() -> None:
    async def ask() -> None:
        held, gate = Event(), Event()
        many = Lanes(threads=4, at_once=1, waiting_max=2)

        def hold() -> None:
            held.set()
            gate.wait(10)

        tasks = [asyncio.create_task(many.run("flood", hold))]
        while not held.is_set():
            await asyncio.sleep(0)
        tasks += [asyncio.create_task(many.run("flood", int)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests):
            await many.run("flood", int)
        assert await many.run("quiet", int, "7") == 7
        gate.set()
        await asyncio.gather(*tasks)
        with pytest.raises(ZeroDivisionError):
            await many.run("flood", divmod, 1, 0)

    asyncio.run(ask())


def test_refusals_of_a_lane_are_spread_and_others_wait_for_none() -> None:
    waited: list[int] = []

    async def noted(seconds: float) -> None:
        waited.append(round(1_000 * seconds))

    async def ask() -> None:
        many = Lanes()
        with patch.object(lanes.asyncio, "sleep", noted):
            for _ in range(4):
                await many.refuse("flood")
            flood = len(waited)
            await many.refuse("quiet")
            assert len(waited) == flood == 3
            for _ in range(1_000):
                await many.refuse("flood")

    asyncio.run(ask())
    assert waited == sorted(waited) and waited[-1] == 2_000


def test_a_text_is_remembered_by_whose_it_was_and_not_kept() -> None:
    many = Lanes()
    many.note("spw_live_text", Holder("acme", "k1"))
    assert many.holder("spw_live_text") == Holder("acme", "k1") and many.holder("another") is None
    assert "spw_live_text" not in repr(vars(many))
