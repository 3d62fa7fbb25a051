"""Whose turn it is: a few threads that answer requests, dealt out among those who ask in turn.

Each tenant has a lane. Of one lane a few requests are worked on at once, the others stand in line, and lanes with
somebody in line take turns: who asks a thousand times waits for himself. A text that was not a key when we last looked
stands in the lane of its address. A line that is full is refused at once.

What a text was when it was last looked up decides where it waits, and whether its rate is spent already: to say so
costs no look-up, so that a flood of requests which are refused costs little. It never decides who is let in.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Lock
from typing import Any, Final, NamedTuple, TypeVar

from tenants.access.errors import TooManyRequests

R = TypeVar("R")
THREADS: Final = 16  # as many as there are connections of a role
AT_ONCE: Final = 2  # one that takes long holds up no other of the same tenant
WAITING_MAX: Final = 128  # the burst that a tenant is let have fits in
_RETRY_S: Final = 1
_TEXTS_MAX: Final = 10_000
_SECOND_US: Final = 1_000_000
_REFUSE_EVERY_US: Final = 10_000
_REFUSE_WITHIN_US: Final = 2 * _SECOND_US


class Holder(NamedTuple):
    """Whose a key was when it was last looked up. `tenant` is None for operators and auditors."""

    tenant: str | None
    key: str


class _Job(NamedTuple):
    work: Callable[[], Any]
    answer: asyncio.Future[Any]


class Lanes:
    """See the module. Safe among threads, and among loops."""

    def __init__(self, threads: int = THREADS, at_once: int = AT_ONCE, waiting_max: int = WAITING_MAX) -> None:
        self._at_once, self._waiting_max = at_once, waiting_max
        self._pool = ThreadPoolExecutor(threads, "answer")
        self._lock = Lock()
        self._lines: OrderedDict[str, deque[_Job]] = OrderedDict()  # in the order of their turns
        self._at_work: dict[str, int] = {}
        self._told_us: dict[str, int] = {}  # by lane: when the next may be told that it is refused
        self._holders: dict[int, Holder] = {}  # by a hash that is salted anew in each process: no text is kept

    def holder(self, text: str) -> Holder | None:
        """Return whose a text was when it was last looked up."""
        return self._holders.get(hash(text))

    def note(self, text: str, found: Holder) -> None:
        """Remember whose a text is."""
        if len(self._holders) >= _TEXTS_MAX:
            self._holders.clear()
        self._holders[hash(text)] = found

    async def refuse(self, lane: str) -> None:
        """Wait for as long as somebody of this lane whose rate is spent waits to be told so.

        To refuse takes work as well, and comes before everybody else's turn: each lane is told so often and no more.
        """
        now_us = int(asyncio.get_running_loop().time() * _SECOND_US)
        if len(self._told_us) >= _TEXTS_MAX:
            self._told_us.clear()
        at_us = min(max(now_us, self._told_us.get(lane, 0)), now_us + _REFUSE_WITHIN_US)
        self._told_us[lane] = at_us + _REFUSE_EVERY_US
        if at_us > now_us:
            await asyncio.sleep(timedelta(microseconds=at_us - now_us).total_seconds())

    async def run(self, lane: str, work: Callable[..., R], *given: Any) -> R:
        """Run work in a thread when its lane has its turn, and return what it returns.

        Raises:
            TooManyRequests: so many wait in the lane that there is no room.
        """
        job = _Job(lambda: work(*given), asyncio.get_running_loop().create_future())
        with self._lock:
            line = self._lines.setdefault(lane, deque())
            if len(line) >= self._waiting_max:
                raise TooManyRequests(_RETRY_S)
            line.append(job)
        self._pool.submit(self._work)
        found: R = await job.answer
        return found

    def _work(self) -> None:
        """Do what has its turn, until nothing may begin: whoever is in line then is begun when one of its lane ends."""
        while (turn := self._next()) is not None:
            lane, job = turn
            try:
                done, error = job.work(), None
            except BaseException as raised:
                done, error = None, raised
            with self._lock:
                self._at_work[lane] -= 1
                if not self._at_work[lane]:
                    del self._at_work[lane]
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                job.answer.get_loop().call_soon_threadsafe(_settle, job.answer, done, error)
            del turn, job, done, error

    def _next(self) -> tuple[str, _Job] | None:
        with self._lock:
            for lane, line in self._lines.items():
                if self._at_work.get(lane, 0) < self._at_once:
                    job = line.popleft()
                    self._at_work[lane] = self._at_work.get(lane, 0) + 1
                    del self._lines[lane]
                    if line:
                        self._lines[lane] = line  # behind all others
                    return lane, job
        return None


def _settle(answer: asyncio.Future[Any], done: Any, error: BaseException | None) -> None:
    if answer.cancelled():
        return
    if error is None:
        answer.set_result(done)
    else:
        answer.set_exception(error)
