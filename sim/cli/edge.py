"""The machine's clock and chance. Only what runs at the edge asks for them, and hands them on as arguments."""

import os
import time


def now_s() -> int:
    """The Unix second."""
    return time.time_ns() // 1_000_000_000


def now_us() -> int:
    """The Unix microsecond, for limits of rates."""
    return time.time_ns() // 1_000


def entropy(count: int) -> bytes:
    """So many bytes that nobody can guess."""
    return os.urandom(count)


def pause_us(duration_us: int) -> None:
    """Let so many microseconds go by; none if there are fewer than one."""
    time.sleep(max(0, duration_us) / 1_000_000)
