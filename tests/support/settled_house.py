"""The API over a store whose log was told of two tenants' use and settled: acme's and bolt's, in January and February.

with settled_house(place) as house:     # an `ApiHouse`
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from api_house import ApiHouse, api_house
from billing.log.event import Event
from billing.store.engine import open_store, reading, writing
from billing.store.settling import settle_store
from billing.store.writer import append
from billing.terms import Terms
from billing_facts import HOUR_S
from told_events import EPOCH_S, ended, started, terms, told, unix

# Acme holds 8 GPUs for three hours and a half, two of the hours in January; one GPU is slow, and its job is evicted.
LIFE = told(
    [
        started(0),
        started(600, "b1", "birch"),
        ended(3 * HOUR_S + 1800),
        ended(4 * HOUR_S, "b1", "birch"),
        ("usage.metered", 4 * HOUR_S, "acme",
         {"meter": "tokens_out", "quantity": 5_000_001, "product": "bare.spot", "region": "eu", "sku": "h100",
          **unix(from_s=HOUR_S, until_s=2 * HOUR_S)}),
        ("source.ended", 5 * HOUR_S, "operator", {}),
    ]
)  # fmt: skip
SLOW = told(
    [
        ("gpus.degraded", HOUR_S, "acme",
         {"allocation": "a1", "gpus": 1, "factor_bp": 6_000, **unix(from_s=1800, until_s=3000)}),
        ("source.ended", 5 * HOUR_S, "operator", {}),
    ],
    "health",
)  # fmt: skip


def settle(place: str, events: Sequence[Event] = (), agreed: Terms | None = None, now_s: int = EPOCH_S) -> None:
    """Add events to the log of a store, and bring its read model up to it."""
    store, given = open_store(place), agreed or terms()
    with writing(store) as connection:
        append(connection, list(events))
    done = settle_store(partial(reading, store), partial(writing, store), lambda _: given, "us", now_s, given)
    store.dispose()
    assert not done.error, done.error


@contextmanager
def settled_house(
    place: str, events: Sequence[Event] = (*LIFE, *SLOW), agreed: Terms | None = None
) -> Iterator[ApiHouse]:
    """Make a store at a place, and the API over it, with what `events` come to."""
    with api_house(place) as house:
        settle(place, events, agreed)
        yield house
