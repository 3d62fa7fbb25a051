"""Sending a run to a service while it goes on. Whatever is lost on the way is asked again by the client; whoever was
killed tells the run from its beginning, and what is there already is a duplicate."""

from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from billing.client import ApiError, Client, NoAnswer, shapes
from billing.log.cloudevents import to_cloudevent
from billing.log.event import Event
from sim.engine.recorder import Recorder
from sim.errors import SimError
from sim.feed.live import LiveLog
from sim.feed.snapshot import snapshot_of
from sim.result import World

T = TypeVar("T")
BATCH = 500  # events of one request
_KEPT = ("id", "source", "type", "time", "subject", "seq", "prevhash", "data")


class Sender:
    """Watches a run and tells a service: see `sim.engine.run`. `counts` says what became of the events.

    Args:
        world:   of the run.
        source:  the name of its log.
        every_s: seconds of the run between two snapshots; 0: none.
        tick:    called with the run's second once everything before it has been told, to keep a pace.
        lull_s:  seconds of the run whose events wait for each other, at most `BATCH` of them; 0: none do.
    """

    def __init__(
        self, client: Client, world: World, source: str, every_s: int, tick: Callable[[int], None], lull_s: int
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._client, self._world, self._source = client, world, source
        self._live = LiveLog(world, source)
        self._every_s, self._seen_s = every_s, -every_s
        self._tick, self._lull_s, self._told_s = tick, lull_s, -lull_s
        self._waiting: list[Event] = []

    def begin(self, terms: str) -> None:
        """Say by which terms the run is billed. Raises SimError: they are others already, or nobody answers."""
        self._ask(lambda: self._client.set_source_terms({"source": self._source, "terms": terms}))

    def watch(self, now_s: int, recorder: Recorder) -> None:
        """Tell what happened before `now_s`.

        Raises:
            SimError: the service refuses, does not answer, or holds another run under this name.
        """
        self._waiting += self._live.until(now_s, recorder)
        last = now_s >= self._world.horizon_s
        due = last or now_s - self._told_s >= self._lull_s  # the pause to come counts: what waits is told before it
        while self._waiting and (due or len(self._waiting) >= BATCH):
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            self._send(batch)
            self._told_s = now_s
        if self._every_s and not last and now_s - self._seen_s >= self._every_s:
            self._seen_s = now_s
            seen = snapshot_of(recorder.core, self._world, now_s, self._source)
            self._ask(lambda: self._client.set_snapshot(seen))
        self._tick(now_s)

    def _send(self, events: list[Event]) -> None:
        body: shapes.HouseEvents = {"events": list(map(_told, events))}
        answer = self._ask(lambda: self._client.post_house_events(body))
        self.counts.update(each["status"] for each in answer["results"])
        for each in answer["results"]:
            if each["status"] in ("conflict", "refused"):
                why = each.get("reason") or "other content is there: another run has told under this name"
                raise SimError(f"{each['status']}: {why}", code="conflict", path=f"event {each['id']}")

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except (ApiError, NoAnswer) as error:
            if isinstance(error, ApiError) and error.status in (401, 403):
                needs = f"{error} (allowed an operator's key with the scope usage:write)"
                raise SimError(needs, code="service", path="--key-file") from None
            raise SimError(str(error), code="service", path="--to") from None


def _told(event: Event) -> shapes.HouseEvent:
    whole = to_cloudevent(event)
    told: shapes.HouseEvent = {name: whole[name] for name in _KEPT if name in whole}  # type: ignore[assignment]
    return told
