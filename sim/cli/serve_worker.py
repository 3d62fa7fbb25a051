"""The worker of a service: jobs that come round by themselves, in one thread beside the server.

    Job("settle", 5, lambda: ...)     a name, every so many seconds, and what is done

A job that fails says so in one line, once per fault, and comes round again: no fault of one stops another. Of several
services on a store one does the jobs; another takes over when it ends.
"""

from collections.abc import Callable, Sequence
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from billing.store.worker_lock import WorkerLock

_TICK_S = 1
_WHO = {
    True: "this process settles, delivers and keeps the store in order",
    False: "another process settles and delivers for this store; this one answers, and takes over when that ends",
}


class Job(NamedTuple):
    """What is done every `every_s` seconds, 1 or more; the first time at once."""

    name: str
    every_s: int
    do: Callable[[], object]


class Chosen:
    """Whether this process is the one that does the jobs. `say` is given a line when that is known, and when it
    changes."""

    def __init__(self, lock: "WorkerLock", say: Callable[[str], None]) -> None:
        self._lock, self._say = lock, say
        self._was: bool | None = None
        self._mutex = Lock()

    def __call__(self) -> bool:
        """Look, and take the jobs over where nobody else does them. Raises StoreError."""
        with self._mutex:
            now = self._lock.mine()
            if now != self._was:
                self._say(_WHO[now])
            self._was = now
            return now


class Worker:
    """Does each job when it is due, one after the other, while it is `chosen`. `say` is given one line for each new
    fault, and when it is over."""

    def __init__(
        self, jobs: Sequence[Job], now_s: Callable[[], int], say: Callable[[str], None], chosen: Callable[[], bool]
    ) -> None:
        self._jobs, self._now_s, self._say, self._chosen = tuple(jobs), now_s, say, chosen
        self._due_s = dict.fromkeys((job.name for job in self._jobs), 0)
        self._faults: dict[str, str] = {}
        self._stop = Event()
        self._thread = Thread(target=self._run, name="worker", daemon=True)

    def start(self) -> None:
        """Begin; nothing happens without jobs."""
        if self._jobs:
            self._thread.start()

    def stop(self, wait_s: int = 10) -> None:
        """Let the job under way end, for at most `wait_s` seconds: whatever it has not committed did not happen."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(wait_s)

    def round(self) -> None:
        """Do what is due now, if it is for this process to do."""
        if not self._done("worker", self._chosen):
            return
        for job in self._jobs:
            if self._now_s() < self._due_s[job.name] or self._stop.is_set():
                continue
            self._done(job.name, job.do)
            self._due_s[job.name] = self._now_s() + job.every_s

    def _done(self, name: str, do: Callable[[], object]) -> object:
        """What came of it; None if it failed."""
        try:
            found = do()
        except Exception as error:  # whatever it is, the other jobs go on, and this one comes round again
            self._tell(name, " ".join(str(error).split()) or type(error).__name__)
            return None
        self._tell(name, "")
        return found

    def _run(self) -> None:
        while not self._stop.is_set():
            self.round()
            self._stop.wait(_TICK_S)

    def _tell(self, name: str, fault: str) -> None:
        before = self._faults.get(name, "")
        self._faults[name] = fault
        if fault != before and not self._stop.is_set():
            self._say(f"{name}: {fault}" if fault else f"{name}: works again")
