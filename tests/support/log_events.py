"""Usage events for tests: chains of plain facts, and Hypothesis strategies for what a log may be told."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from billing.log.event import Event, chained

TIME_S = 1767225600  # 2026-01-01T00:00:00Z


def chain(source: str = "sim", count: int = 3, subject: str = "acme", **data: Any) -> list[Event]:
    """`count` linked events of one source, a second apart, each telling of one GPU more."""
    facts = [
        (f"{source}-{n}", "allocation.resized", TIME_S + n, subject, {"allocation": "a1", "gpus": n, **data})
        for n in range(1, count + 1)
    ]
    return list(chained(source, facts))


def histories(sources_max: int = 3, events_max: int = 8) -> st.SearchStrategy[list[Event]]:
    """Events of some sources, each source's in order of seq, one source after the other."""
    sizes = st.lists(st.integers(1, events_max), min_size=1, max_size=sources_max)
    return sizes.map(lambda counts: [e for n, count in enumerate(counts) for e in chain(f"node/{n}", count)])


@st.composite
def arrivals(draw: st.DrawFn, history: Sequence[Event]) -> list[list[Event]]:
    """The events of a history as they may arrive: in any order, some more than once, cut into batches anywhere."""
    again = draw(st.lists(st.sampled_from(history), max_size=len(history)))
    order = draw(st.permutations([*history, *again]))
    cuts = sorted(draw(st.sets(st.integers(1, len(order)), max_size=4)) | {0, len(order)})
    return [list(order[start:end]) for start, end in pairwise(cuts)]
