"""The desk against its slow twin, and what must hold whatever is asked: nobody has more than there is, no guarantee is
broken, no notice is short, and every GPU-second is told once."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.log.event import chained
from billing.rentals import clock
from billing.rentals.clock import Decided, decided, victims
from billing.rentals.metering import SOURCE, counted, facts, is_due
from billing.rentals.model import HELD, LIVE, Desk, Offer, Rental, Standing, State
from reference import desk_twin as twin

START_S = 7_100
PLACES = (("eu", "H100", "spot"), ("eu", "H100", "ondemand"))
NOTICE_S = {"spot": 5, "ondemand": 40}
GUARANTEE_S = {"spot": 0, "ondemand": 90}
Row = dict[str, Any]


class Played:
    """A day at the desk in steps, beside its twin: what happens is drawn, and both are compared after each step."""

    def __init__(self, draw: Callable[[Any], Any], decide: Callable[[Desk, int], Decided] = decided) -> None:
        self.draw, self.decide = draw, decide
        self.tenants: dict[str, Row] = {name: {"active": True, "most": 12} for name in ("a", "b")}
        self.offers = {
            place[2]: Offer(*place, 8, GUARANTEE_S[place[2]], None, 1, START_S, 8, 8, START_S) for place in PLACES
        }
        self.rentals: dict[str, Rental] = {}
        self.rows: list[Row] = []
        self.on_offer = {name: [(START_S, each)] for name, each in self.offers.items()}
        self.told: list[Any] = []
        self.now_s = START_S

    def step(self) -> None:
        """Time passes, then something happens; the desk and its twin do what is due after each."""
        self.now_s += self.draw(st.sampled_from((1, 5, 30, 150)))
        self.turn()
        twin.moment(self.rows, self._offers(), self.tenants, self.now_s)
        self.compare()
        getattr(self, self.draw(st.sampled_from(("ask", "ask", "ask", "offer", "release", "suspend", "extend"))))()
        self.turn()
        twin.moment(self.rows, self._offers(), self.tenants, self.now_s)
        self.compare()

    def ask(self) -> None:
        product, id_ = self.draw(st.sampled_from(sorted(self.offers))), f"r{len(self.rows):03}"
        tenant, gpus = self.draw(st.sampled_from("ab")), self.draw(st.integers(1, 6))
        until_s = self.now_s + self.draw(st.sampled_from((1, 9, 100, 900)))
        place = self.offers[product].place
        asked = (tenant, id_, product, place[0], place[1], gpus, State.REQUESTED, self.now_s)
        self.rentals[id_] = Rental(*asked, None, until_s, None, None, None, None, "", 1)
        row = {"tenant": tenant, "id": id_, "place": product, "gpus": gpus, "asked": self.now_s, "until": until_s}
        self.rows.append(row | {"state": "requested", "start": None, "safe": 0, "evict": None, "over": None, "why": ""})

    def offer(self) -> None:
        product = self.draw(st.sampled_from(sorted(self.offers)))
        until_s = self.draw(st.sampled_from((None, None, None, self.now_s + 300)))
        now, gpus = self.offers[product], self.draw(st.integers(0, 10))
        changed = now._replace(gpus=gpus, until_s=until_s, version=now.version + 1, updated_s=self.now_s)
        self.offers[product] = changed
        self.on_offer[product].append((self.now_s, changed))

    def release(self) -> None:
        for row in self.rows[-2:-1]:
            self._end(row, min(row["until"], self.now_s))

    def extend(self) -> None:
        for row in self.rows[-2:]:
            if row["state"] == "running" and row["until"] > self.now_s:
                self._end(row, row["until"] + 50)

    def suspend(self) -> None:
        who = self.tenants[self.draw(st.sampled_from("ab"))]
        who["active"] = not who["active"]

    def _end(self, row: Row, until_s: int) -> None:
        if row["state"] in ("requested", "running", "noticed"):
            row["until"] = until_s
            self.rentals[row["id"]] = self.rentals[row["id"]]._replace(until_s=until_s)

    def _offers(self) -> dict[str, Row]:
        return {
            name: {"gpus": each.gpus, "until": each.until_s, "guarantee": each.guarantee_s, "notice": NOTICE_S[name]}
            for name, each in self.offers.items()
        }

    def turn(self) -> None:
        standing = {
            name: Standing(active=who["active"], deleted=False, regions=(), gpus_max=who["most"])
            for name, who in self.tenants.items()
        }
        live = [each for each in self.rentals.values() if each.state in LIVE]
        told_s = self.told[-1].time_s if self.told else None
        source_ended = bool(self.told) and self.told[-1].type == "source.ended"
        offers = list(self.offers.values())
        desk = Desk(offers, live, standing, NOTICE_S, lambda _rental, _at_s: True, 0, told_s, source_ended)
        done = self.decide(desk, self.now_s)
        self.rentals |= {each.id: each for each in done.changed}
        if is_due(desk, done.changed, self.now_s):
            self.told += facts(desk, done.changed, self.now_s)
            self.offers = {each.product: each for each in counted(desk, self.now_s)}

    def compare(self) -> None:
        mine = [
            (each.id, each.state, each.starts_s, each.evict_s, each.ended_s, each.cause)
            for each in self.rentals.values()
        ]
        keys = ("id", "state", "start", "evict", "over", "why")
        assert mine == [tuple(row[key] for key in keys) for row in self.rows]


def play(draw: Callable[[Any], Any], steps: int, decide: Callable[[Desk, int], Decided] = decided) -> Played:
    played = Played(draw, decide)
    for _ in range(steps):
        played.step()
    return played


@given(st.data())
def test_the_desk_and_its_twin_say_the_same_and_no_promise_is_broken(data: Any) -> None:
    played = play(data.draw, 8)
    for offer in played.offers.values():
        mine = [each for each in played.rentals.values() if each.place == offer.place and each.state in HELD]
        notice_s = NOTICE_S[offer.product]
        stays = [each for each in mine if each.state == State.RUNNING and each.until_s > played.now_s + notice_s]
        safe = all((each.guaranteed_until_s or 0) > played.now_s + notice_s for each in stays)
        assert safe or sum(each.gpus for each in stays) <= offer.gpus_at(played.now_s)
    for each in played.rentals.values():
        if each.cause == "evicted":
            assert each.noticed_s is not None and each.ended_s is not None and each.guaranteed_until_s is not None
            assert each.ended_s >= each.guaranteed_until_s
            assert each.ended_s - each.noticed_s >= NOTICE_S[each.product]


@given(st.data())
def test_every_second_is_told_once_and_in_order(data: Any) -> None:
    played = play(data.draw, 6)
    events = list(chained(SOURCE, played.told))
    assert len({event.id for event in events}) == len(events)
    assert [event.time_s for event in events] == sorted(event.time_s for event in events)
    started = {fact.data["allocation"]: fact for fact in played.told if fact.type == "allocation.started"}
    ended = {fact.data["allocation"]: fact for fact in played.told if fact.type == "allocation.ended"}
    spans = {id_: (fact.time_s, ended[id_].time_s if id_ in ended else played.now_s) for id_, fact in started.items()}
    held = {each.id: (each.starts_s, each.ended_s or played.now_s) for each in played.rentals.values() if each.starts_s}
    assert spans == held
    assert ended.keys() <= started.keys()
    idle: Counter[int] = Counter()
    for fact in played.told:
        if fact.type == "capacity.recorded":
            idle[fact.data["hour_s"]] += fact.data["gpu_s"]
    expected: Counter[int] = Counter()
    for name, history in played.on_offer.items():
        mine = [
            (each.gpus, *held[each.id]) for each in played.rentals.values() if each.product == name and each.starts_s
        ]
        for at_s in range(START_S, played.offers[name].counted_s):
            now = [offer for since_s, offer in history if since_s <= at_s][-1]
            taken = sum(gpus for gpus, from_s, until_s in mine if from_s <= at_s < until_s)
            expected[at_s - at_s % 3_600] += max(0, now.gpus_at(at_s) - taken)
    assert +idle == +expected


@given(st.data())
def test_an_empty_desk_has_told_its_last_word_and_any_other_has_not(data: Any) -> None:
    played = play(data.draw, 6)
    played.now_s += 1
    played.turn()
    holding = [each for each in played.rentals.values() if each.state in HELD]
    empty = not holding and not any(each.gpus_at(played.now_s) for each in played.offers.values())
    assert not played.told or (played.told[-1].type == "source.ended") == empty
    before = len(played.told)
    played.now_s += 1
    played.turn()
    assert not empty or len(played.told) == before


@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from((0, 1_200, 9_000)), st.integers(0, 9)), max_size=7))
def test_nobody_is_given_notice_who_could_have_stayed(drawn: list[tuple[int, int, int]]) -> None:
    now_s, gpus = 8_000, 6
    here = [
        Rental(
            "a", f"r{n}", "spot", "eu", "H100", size, State.RUNNING, 1, at_s, 99_999, safe_s, None, None, None, "", 1
        )
        for n, (size, safe_s, at_s) in enumerate(drawn)
    ]
    chosen = victims(here, gpus, 60, now_s)
    excess = sum(each.gpus for each in here) - gpus
    freed = sum(each.gpus for each in chosen)
    assert all((each.guaranteed_until_s or 0) <= now_s + 60 for each in chosen)
    assert not chosen or all(freed - each.gpus < excess for each in chosen)


MUTANTS: dict[str, tuple[str, Any]] = {
    "a guarantee is forgotten": ("granted", lambda rental, *rest: clock_granted(rental, *rest)._replace(
        guaranteed_until_s=0)),
    "no notice": ("notice_of", lambda _desk, _product: 0),
    "everybody goes": ("victims", lambda here, gpus, notice_s, now_s: list(here) if gpus < 8 else []),
    "more than is free": ("free_of", lambda _offer, _rentals, _now_s: 1_000),
}  # fmt: skip
clock_granted = clock.granted


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_desk_is_caught(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, broken = MUTANTS[name]
    monkeypatch.setattr(clock, place, broken)
    for seed in range(60):
        rng = random.Random(seed)
        try:
            play(lambda strategy, rng=rng: drawn_by(rng, strategy), 10)
        except (AssertionError, KeyError):
            return
    pytest.fail("nobody noticed")


def drawn_by(rng: Any, strategy: Any) -> Any:
    """A value of the strategies used here, by a generator: a mutant is looked for, not shrunk."""
    inner = strategy.wrapped_strategy if hasattr(strategy, "wrapped_strategy") else strategy
    if hasattr(inner, "elements"):
        return rng.choice(list(inner.elements))
    return rng.randint(inner.start, inner.end)
