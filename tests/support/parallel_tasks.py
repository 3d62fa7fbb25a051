"""Tasks for other processes, which import them by name."""

import os
import signal
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
