"""One request, once it is known who asks: what a route is given, and the only two ways in which it reaches the store.

read      one transaction that changes nothing
change    one transaction with the change, its row of the audit log, and the answer under its Idempotency-Key
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import Request

from billing.api.conditional import require_match
from billing.api.formats import JSON
from billing.api.idempotency import REPLAYED, Asked, require_same, without_secrets
from billing.api.lanes import Lanes
from billing.api.paging import Binding, Key, seal, unseal
from billing.api.policy import Policy
from billing.api.ports import DeskPort, RunsPort
from billing.api.readiness import Readiness
from billing.errors import StoreError
from billing.log.event import Event
from billing.store.api_acts import acting
from billing.store.api_basis import LastBasis
from billing.store.api_changes import KeptAnswer, keep_answer, kept_answer, note
from billing.store.api_terms import TermsSource
from billing.store.door import Bound, Door
from billing.webhooks.target import Resolver
from tenants.access.limits import Limiter
from tenants.access.scope import Scope
from tenants.access.secrets import Secrets

R = TypeVar("R")
Accepts = Callable[[Event, Mapping[str, Any]], bool]  # whether what a tenant reports could be billed: with its data
TermsFit = Callable[[str], bool]  # whether a text is terms that can be billed by


class House(NamedTuple):
    """What an application is built with. `clock` gives Unix seconds, `entropy(n)` n unguessable bytes."""

    door: Door
    secrets: Secrets
    clock: Callable[[], int]
    entropy: Callable[[int], bytes]
    resolve: Resolver
    limiter: Limiter
    accepts: Accepts
    readiness: Readiness
    terms_fit: TermsFit
    runs: RunsPort
    terms: TermsSource
    desk: DeskPort
    basis: LastBasis
    lanes: Lanes


class Told(NamedTuple):
    """What the audit log is told of a change: what it was about, and in detail.

    `tenant` is whose log it stands in, where that is not the tenant of the key: what the house does to a tenant, that
    tenant can read.
    """

    object: str
    details: Mapping[str, Any] = {}
    reason: str = ""
    tenant: str | None = None


class Done(NamedTuple):
    """What a change has done: for whoever asked, and for the audit log; None where the store has told that already."""

    answer: BaseModel
    told: Told | None


@dataclass(slots=True)
class Call:
    """A request whose key has been checked against the route's policy. `about` is what the log calls a
    change that is refused; `wanted` is the media type of the answer; `headers` are added to it."""

    house: House
    scope: Scope
    policy: Policy
    path: str
    query: Mapping[str, str]
    now_s: int
    asked: Asked | None = None
    about: str = ""
    wanted: str = JSON
    if_match: Sequence[str] = ()
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        """The tenant of the key: the only one that a route of `Whose.OWN` knows."""
        assert self.scope.tenant is not None, "the policy lets in tenants alone"
        return self.scope.tenant

    @contextmanager
    def reading(self) -> Iterator[Bound]:
        """The store as this caller may see it."""
        with self.house.door.reading(self.scope) as bound:
            yield bound

    @contextmanager
    def writing(self) -> Iterator[Bound]:
        """The store, for what leaves its own entry in the audit log: a look under break-glass."""
        with self.house.door.writing(self.scope) as bound:
            yield bound

    def change(self, work: Callable[[Bound], Done]) -> Any:
        """Make a change and return its answer, or the answer that its Idempotency-Key has had before.

        Raises:
            Problem: the Idempotency-Key stands for another request.
        """
        with self.house.door.writing(self.scope) as bound:
            return self._changed(bound, work)

    def act(self, work: Callable[[Bound], Done]) -> Any:
        """As `change`, for what the house does to the books of its tenants: as the worker, in the operator's name."""
        with acting(self.house.door, self.scope, self.policy.scope) as bound:
            return self._changed(bound, work)

    def _changed(self, bound: Bound, work: Callable[[Bound], Done]) -> Any:
        if self.asked is not None:
            kept = kept_answer(bound, self.asked.key, self.now_s)
            if kept is not None:
                require_same(self.asked, Asked(self.asked.key, kept.method, kept.path, kept.body_hash))
                self.headers[REPLAYED] = "true"
                return json.loads(kept.body)
        done = work(bound)
        if done.told is not None:
            self.note(bound, self.policy.action, done.told)
        if self.asked is not None:
            body = json.dumps(without_secrets(done.answer.model_dump(mode="json")))
            keep_answer(bound, KeptAnswer(*self.asked, body, self.now_s))
        return done.answer

    @contextmanager
    def ingesting(self) -> Iterator[Bound]:
        """The log, for events of this caller's tenant."""
        with self.house.door.ingesting(self.scope) as bound:
            yield bound

    def turn(self) -> None:
        """Have the desk do at once what is due. Where the store is busy it comes round to it by itself."""
        with suppress(StoreError):
            self.house.desk.turn()

    @property
    def replayed(self) -> bool:
        """Whether the answer is one that was given before."""
        return REPLAYED in self.headers

    def note(self, bound: Bound, action: str, told: Told) -> None:
        """Write what was done into the audit log, in the transaction that does it."""
        tenant = self.scope.tenant if told.tenant is None else told.tenant
        note(bound, tenant or "", action, told.object, told.reason, told.details, self.now_s)

    def after(self, cursor: str | None, *shape: type) -> Key | None:
        """Return the key of the row that a cursor stands behind, None for the first page. Raises Problem."""
        return None if cursor is None else unseal(self.house.secrets.cursor, self._binding(), cursor, shape)

    def page(self, rows: Sequence[R], limit: int, key_of: Callable[[R], Key]) -> tuple[Sequence[R], str | None]:
        """Return a page and the cursor of the next, from `limit` + 1 rows: the last one tells that there are more."""
        if len(rows) <= limit:
            return rows, None
        following = seal(self.house.secrets.cursor, self._binding(), key_of(rows[limit - 1]))
        query = urlencode({**self.query, "cursor": following})
        self.headers["Link"] = f'<{quote(self.path)}?{query}>; rel="next"'
        return rows[:limit], following

    def tag(self, version: int | str) -> None:
        """Say which version of a thing the answer tells of, as its `ETag`."""
        self.headers["ETag"] = f'"{version}"'

    def require_tag(self, version: int | str) -> None:
        """Refuse a change to a thing that is not at the version that `If-Match` names. Raises Problem (428, 412)."""
        require_match(self.if_match, f'"{version}"')

    def _binding(self) -> Binding:
        return Binding(self.scope.tenant or "", self.path, self.query)


class Visit:
    """A request on its way to its route: what it does in a thread it does when its lane has its turn.

    Whoever comes with a head alone is let in within the thread that then answers, so that there is one way there and
    not two. A route's function is given the call, which there is not before.

    Attributes:
        lane: where it waits.
        call: what came of letting it in; None before.
    """

    __slots__ = ("_admit", "_lanes", "call", "lane")

    def __init__(self, lanes: Lanes, lane: str, admit: Callable[[], Call]) -> None:
        self._lanes, self._admit = lanes, admit
        self.lane = lane
        self.call: Call | None = None

    def enter(self) -> Call:
        """Let it in, unless it is. Raises what the guard refuses it with."""
        if self.call is None:
            self.call = self._admit()
        return self.call

    async def run(self, work: Callable[..., R], *given: Any) -> R:
        """Do something in a thread. Raises TooManyRequests where the lane is full."""
        return await self._lanes.run(self.lane, work, *given)


async def call_of(request: Request) -> Any:
    """Return the visit: `answers.answering` puts its call in its place, in the thread in which the route is asked."""
    visit = request.state.visit
    assert isinstance(visit, Visit)
    return visit


Calling = Annotated[Call, Depends(call_of)]
