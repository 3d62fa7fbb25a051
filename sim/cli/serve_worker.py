"""The worker of a service: jobs that come round by themselves, in one thread beside the server.

    Job("settle", 5, lambda: ...)     a name, every so many seconds, and what is done

A job that fails says so in one line, once per fault, and comes round again: no fault of one stops another.
"""

from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import NamedTuple

_TICK_S = 1


class Job(NamedTuple):
    """What is done every `every_s` seconds, 1 or more; the first time at once."""

    name: str
    every_s: int
    do: Callable[[], object]


class Worker:
    """Does each job when it is due, one after the other. `say` is given one line for each new fault, and when it is
    over."""

    def __init__(self, jobs: Sequence[Job], now_s: Callable[[], int], say: Callable[[str], None]) -> None:
        self._jobs, self._now_s, self._say = tuple(jobs), now_s, say
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
        """Do what is due now."""
        for job in self._jobs:
            if self._now_s() < self._due_s[job.name] or self._stop.is_set():
                continue
            try:
                job.do()
            except Exception as error:  # whatever it is, the other jobs go on, and this one comes round again
                self._tell(job.name, " ".join(str(error).split()) or type(error).__name__)
            else:
                self._tell(job.name, "")
            self._due_s[job.name] = self._now_s() + job.every_s

    def _run(self) -> None:
        while not self._stop.is_set():
            self.round()
            self._stop.wait(_TICK_S)

    def _tell(self, name: str, fault: str) -> None:
        before = self._faults.get(name, "")
        self._faults[name] = fault
        if fault != before and not self._stop.is_set():
            self._say(f"{name}: {fault}" if fault else f"{name}: works again")
