"""Which sequence numbers of a source are still missing. Nothing behind a gap can be closed."""

from collections.abc import Iterable
from typing import NamedTuple


class Arrived(NamedTuple):
    """What has arrived of one source: the highest seq, and the runs [from_seq, until_seq) that are missing below it."""

    last_seq: int = 0
    gaps: tuple[tuple[int, int], ...] = ()

    @property
    def contiguous_seq(self) -> int:
        """The last seq before which nothing is missing; 0 when even the first is."""
        return self.gaps[0][0] - 1 if self.gaps else self.last_seq


def arrive(arrived: Arrived, seqs: Iterable[int]) -> Arrived:
    """Return what has arrived once `seqs` have too, in any order. Cost: the seqs, sorted, and the gaps that they touch.

    >>> arrive(Arrived(), [1, 2, 5])
    Arrived(last_seq=5, gaps=((3, 5),))
    """
    last_seq, gaps = arrived
    missing = dict(gaps)  # until_seq by from_seq, ascending
    late = []
    for seq in sorted(set(seqs)):
        if seq <= last_seq:
            late.append(seq)
            continue
        if seq > last_seq + 1:
            missing[last_seq + 1] = seq
        last_seq = seq
    return Arrived(last_seq, tuple(_filled(missing, late)) if late else tuple(missing.items()))


def _filled(missing: dict[int, int], late: list[int]) -> list[tuple[int, int]]:
    """Return the gaps without the numbers that came late; both ascend, so one walk over each is enough."""
    left: list[tuple[int, int]] = []
    at = 0
    for from_seq, until_seq in missing.items():
        while at < len(late) and late[at] < until_seq:
            if late[at] >= from_seq:
                if late[at] > from_seq:
                    left.append((from_seq, late[at]))
                from_seq = late[at] + 1
            at += 1
        if from_seq < until_seq:
            left.append((from_seq, until_seq))
    return left
