"""A job table to look at: what a policy is shown, in which nothing can be written."""

from types import MappingProxyType

import numpy as np

from scheduler.tables import JobTable


class _FrozenJobs(JobTable):
    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a job table is not written to: {name}")


def frozen(jobs: JobTable) -> JobTable:
    """Return the same table, with the same memory, read-only by every way in. O(n) for the shapes, else O(columns).

    A read-only array of numpy can be made writable again by whoever holds it; one over a read-only memoryview cannot.
    """
    twin = object.__new__(_FrozenJobs)
    columns = {name: value.toreadonly() for name, value in vars(jobs).items() if isinstance(value, memoryview)}
    arrays = MappingProxyType({name: np.asarray(column) for name, column in columns.items()})
    vars(twin).update(columns, count=jobs.count, shape=tuple(jobs.shape), _arrays=arrays)
    return twin
