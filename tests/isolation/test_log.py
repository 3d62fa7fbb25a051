"""The log of usage: what is told twice, late or out of order counts once."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from unittest.mock import patch

from hypothesis import strategies as st

from billing.log.event import Answer, event_hash
from billing.store.engine import open_store, writing
from billing.store.reader import events_in
from billing.store.writer import append
from isolation import BOTH, Case, attack, mutant
from log_events import arrivals, chain


@attack("B3", on=BOTH)
def test_what_is_told_twice_counts_once(case: Case) -> None:
    engine, numbers = open_store(case.place), count()

    def told(data: st.DataObject) -> None:
        source = f"node/{next(numbers)}"  # a node of its own: the store remembers
        history = chain(source, data.draw(st.integers(1, 6)))
        with writing(engine) as connection:
            for batch in data.draw(arrivals(history)):
                append(connection, batch)
            assert sorted(events_in(connection, source=source), key=lambda each: each.seq) == history

    case.given(st.data(), told, examples=15)


@mutant("B3", "every event is news, whatever the log knows", of=test_what_is_told_twice_counts_once)
@contextmanager
def nothing_is_known() -> Iterator[None]:
    with patch("billing.store.writer.admit", lambda known, event: (Answer.NEW, event_hash(event), None)):
        yield
