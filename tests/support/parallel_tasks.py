"""Tasks for other processes, which import them by name, and an executor that needs none."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def square(number: int) -> int:
    return number * number


def square_or_die(task: tuple[int, str]) -> int:
    """Kill the own process the first time that somebody comes by with this mark; "" never, "always" every time."""
    number, mark = task
    if mark and (mark == "always" or not Path(mark).exists()):
        if mark != "always":
            Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def refuse_three(number: int) -> int:
    if number == 3:
        raise ValueError("three is refused")
    return number


class OneThread(ThreadPoolExecutor):
    """A thread of this process in the place of other processes, for tests that are not about those."""

    width = 1

    def __init__(self, _workers: int = 1) -> None:
        super().__init__(1)

    def abandon(self) -> None:
        """Nothing goes on that could be killed."""
