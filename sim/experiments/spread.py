"""The map of an experiment on an executor: results in the order of the tasks, told as they come."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from sim.errors import SimError
from sim.experiments.experiment import Map, Result, Task
from sim.sweep.run_all import Lost, as_done

Tick = Callable[[int, int, str], None]  # done, of how many, what is there so far in a line


def spread(crew: Executor, tick: Tick | None = None) -> Map:
    """Return a map over the workers of an executor; `tick` is told after each task.

    The map raises SimError: a task ended its worker every time.
    """

    def mapped(
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        tell: Callable[[Sequence[Result | None]], str] | None = None,
    ) -> list[Result]:
        results: list[Result | None] = [None] * len(tasks)
        for done, (place, result) in enumerate(as_done(tasks, function, crew), start=1):
            if isinstance(result, Lost):
                raise SimError(result.reason, code="lost", found=f"run {place + 1} of {len(tasks)}")
            results[place] = result
            if tick is not None:
                tick(done, len(tasks), tell(results) if tell is not None else "")
        return [result for result in results if result is not None]

    return mapped
