"""Who told what: the words behind the numbers of jobs, and the ids of the events behind rows of facts."""

from collections.abc import Sequence
from typing import NamedTuple

from billing.usage import EvictionTable, OutageTable, SegmentTable


class Told(NamedTuple):
    """Ids of jobs by their index in the fact tables; of the event that told of each outage and eviction, row by row.

    They stand in the evidence of credits, which so is the same from whichever store the facts were read.
    """

    jobs: Sequence[str]
    outages: Sequence[str]
    evictions: Sequence[str]


def told_by_number(segments: SegmentTable, evictions: EvictionTable, outages: OutageTable) -> Told:
    """Return numbers for ids, where nobody gave any: "0", "1", ..."""
    count = 1 + max(int(job.max(initial=-1)) for job in (segments.job, evictions.job, outages.job))
    return Told(*([str(number) for number in range(size)] for size in (count, len(outages.job), len(evictions.job))))
