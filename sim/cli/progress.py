"""Progress with an ETA on stderr, only where somebody watches: a terminal, without --quiet.

rich owns the clock here; no time that it reads can reach a result.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sim.cli.frame import Session

Tick = Callable[[int, int], None]
Telling = Callable[[int, int, str], None]


@contextmanager
def progress(session: Session, label: str) -> Iterator[Tick | None]:
    """Yield a function (done, total) -> None that draws a bar, or None where nobody watches.

    The bar vanishes when the block ends, so that it never stands between two answers. With --verbose and no terminal
    the label alone is printed.
    """
    with progress_told(session, label) as tick:
        yield None if tick is None else lambda done, total: tick(done, total, "")


@contextmanager
def progress_told(session: Session, label: str) -> Iterator[Telling | None]:
    """The same for work that has results on the way: the function's third argument is a line with them."""
    if session.quiet or not sys.stderr.isatty():
        if session.verbose:
            print(f"spillway: {label}", file=sys.stderr)
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, no_color=not session.color, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(compact=True))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total, told: bar.update(
            task, completed=done, total=total, description=f"{label}: {told}" if told else label
        )
