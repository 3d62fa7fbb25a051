"""Many tasks on an executor: each once, none lost with its worker, results in the order of the tasks."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any, NamedTuple, TypeVar

from sim.errors import SimError
from sim.sweep.executors import width

Task = TypeVar("Task")
Tick = Callable[[int, int], None]
TRIES_ALONE = 2


class Lost(NamedTuple):
    """In the place of a result: the task ended its worker every time."""

    reason: str


def run_all(
    tasks: Sequence[Task], function: Callable[[Task], Any], crew: Executor, tick: Tick | None = None
) -> list[Any]:
    """Return function(task) of each task, in the order of the tasks whatever the workers did; `tick(done, total)`.

    Raises:
        SimError: a task ended its worker every time, as one that needs more memory than there is.
        Exception: whatever `function` raised first; the other tasks are then given up.
    """
    results: list[Any] = [None] * len(tasks)
    for done, (place, result) in enumerate(as_done(tasks, function, crew), start=1):
        if isinstance(result, Lost):
            raise SimError(result.reason, code="lost", found=f"task {place + 1} of {len(tasks)}")
        results[place] = result
        if tick is not None:
            tick(done, len(tasks))
    return results


def as_done(
    tasks: Sequence[Task],
    function: Callable[[Task], Any],
    crew: Executor,
    left_s: Callable[[], float | None] = lambda: None,
) -> Iterator[tuple[int, Any]]:
    """Yield (place of the task, its result) as they end; a task that ends its workers yields `Lost`.

    When a worker dies, nobody can say which of the tasks under way did it: each of them is tried again by itself, and
    is lost when it breaks its worker alone, twice. `left_s()` says how many seconds are left to wait; when there are
    none the rest is not yielded. Exceptions of `function` are raised.
    """
    ahead = list(range(len(tasks)))[::-1]
    suspects: list[tuple[int, int]] = []  # (place, times that it broke its worker alone), the next one last
    running: dict[Future[Any], int] = {}
    while ahead or suspects or running:
        tried = None
        if suspects and not running:
            place, tried = suspects.pop()
            running[crew.submit(function, tasks[place])] = place
        while ahead and tried is None and not suspects and len(running) < width(crew):
            place = ahead.pop()
            running[crew.submit(function, tasks[place])] = place
        seconds = left_s()
        done, _ = wait(running, None if seconds is None else max(seconds, 0), FIRST_COMPLETED)
        if not done:
            return
        for future in sorted(done, key=running.__getitem__):
            place = running.pop(future)
            broken = _broken(future)
            if broken is None:
                yield place, future.result()
            elif tried is None:
                suspects.insert(0, (place, 0))
            elif tried + 1 < TRIES_ALONE:
                suspects.append((place, tried + 1))
            else:
                yield place, Lost(f"its worker died {TRIES_ALONE} times: {broken}")


def _broken(future: "Future[Any]") -> str | None:
    """What happened to the worker of a task; None where the task itself has ended, well or not. Raises SimError: the
    tasks came back undone, for there is no scheduler any more."""
    if future.cancelled():
        allowed = "a Dask scheduler that stays; what was finished is kept"
        raise SimError("the scheduler has gone", code="unreachable", path="--executor", allowed=allowed)
    error = future.exception()
    if isinstance(error, BrokenExecutor):
        return "out of memory, or killed"
    if type(error).__name__ in ("KilledWorker", "FutureCancelledError"):  # of Dask, which need not be installed
        return type(error).__name__
    return None
