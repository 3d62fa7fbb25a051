"""Jobs that wait, grouped by shape, so that a pass looks only at shapes that fit now.

A queue of thousands usually holds a dozen shapes. A shape that does not fit is skipped as a whole; inside a shape jobs
stand in order of their key. Keys are unique: they end in the row.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator

Shape = tuple[int, int]  # (full nodes, GPUs on one node more)
Waiter = tuple[int, int, int]  # (key, job row, seconds that it will hold its nodes, by its estimate)


class Queue:
    """The waiting jobs of one tier in one pool."""

    __slots__ = ("count", "lines")

    def __init__(self) -> None:
        self.lines: dict[Shape, list[Waiter]] = {}
        self.count = 0

    def push(self, key: int, job: int, shape: Shape, need_s: int) -> None:
        """Add a job. Cost: O(1) when its key is the largest of its shape, which first-come order makes the rule."""
        line = self.lines.setdefault(shape, [])
        if not line or line[-1][0] < key:
            line.append((key, job, need_s))
        else:
            insort(line, (key, job, need_s))
        self.count += 1

    def remove(self, key: int, job: int, shape: Shape) -> None:
        """Take a job out; it must be there."""
        line = self.lines[shape]
        place = bisect_left(line, (key,))
        assert line[place][1] == job, "the job waits in its line"
        del line[place]
        if not line:
            del self.lines[shape]
        self.count -= 1

    def place(self, key: int, shape: Shape) -> int:
        """Return where in its line a waiting job stands."""
        return bisect_left(self.lines[shape], (key,))

    def head(self) -> int:
        """Return the most urgent job; the queue must not be empty. O(shapes)."""
        if len(self.lines) == 1:
            for line in self.lines.values():
                return line[0][1]
        return min([line[0] for line in self.lines.values()])[1]

    def jobs(self) -> Iterator[int]:
        """Yield all jobs, most urgent first. O(n log n): for reasons and reports, not for the hot path."""
        for _, job, _ in sorted(waiter for line in self.lines.values() for waiter in line):
            yield job
