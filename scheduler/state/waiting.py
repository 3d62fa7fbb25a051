"""Jobs that wait, grouped by shape, so that a pass looks only at shapes that fit now.

A queue of thousands usually holds a dozen shapes. A shape that does not fit is skipped as a whole; inside a shape jobs
stand in order of their key. Keys are unique: they end in the row.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping

Shape = tuple[int, int, int]  # (full nodes, GPUs on one node more, level of the one domain it must lie in or 0)
Waiter = tuple[int, int, int]  # (key, job row, seconds that it will hold its nodes, by its estimate)


class Queue:
    """The waiting jobs of one tier in one pool."""

    __slots__ = ("_head", "count", "lines")

    def __init__(self) -> None:
        self.lines: dict[Shape, list[Waiter]] = {}
        self.count = 0
        self._head: Waiter | None = None  # the most urgent, once it has been asked for

    def push(self, key: int, job: int, shape: Shape, need_s: int) -> None:
        """Add a job. Cost: O(1) when its key is the largest of its shape, which first-come order makes the rule."""
        waiter = (key, job, need_s)
        line = self.lines.setdefault(shape, [])
        if not line or line[-1][0] < key:
            line.append(waiter)
        else:
            insort(line, waiter)
        self.count += 1
        if self._head is not None and waiter < self._head:
            self._head = waiter

    def remove(self, key: int, job: int, shape: Shape) -> None:
        """Take a job out; it must be there."""
        line = self.lines[shape]
        place = bisect_left(line, (key,))
        assert line[place][1] == job, "the job waits in its line"
        del line[place]
        if not line:
            del self.lines[shape]
        self.count -= 1
        if self._head is not None and self._head[1] == job:
            self._head = None

    def holds(self, key: int, job: int, shape: Shape) -> bool:
        """Whether a job waits here."""
        line = self.lines.get(shape, ())
        place = bisect_left(line, (key,))
        return place < len(line) and line[place][1] == job

    def rekey(self, keys: Mapping[int, int]) -> None:
        """Give every job its new key; `keys` holds each of them. O(n log n)."""
        for line in self.lines.values():
            line[:] = sorted((keys[job], job, need_s) for _, job, need_s in line)
        self._head = None

    def place(self, key: int, shape: Shape) -> int:
        """Return where in its line a waiting job stands."""
        return bisect_left(self.lines[shape], (key,))

    def head(self) -> int:
        """Return the most urgent job; the queue must not be empty. O(shapes) when the head has left, else O(1)."""
        if self._head is None:
            self._head = min([line[0] for line in self.lines.values()])
        return self._head[1]

    def jobs(self) -> Iterator[int]:
        """Yield all jobs, most urgent first. O(n log n): for reasons and reports, not for the hot path."""
        for _, job, _ in sorted(waiter for line in self.lines.values() for waiter in line):
            yield job
