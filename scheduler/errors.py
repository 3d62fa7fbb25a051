"""Errors of the scheduler: bad tables, unknown policies, and policies that misbehave.

Facts about jobs are Reasons, never exceptions.
"""


class SchedulerError(Exception):
    """Root of the tree. `str()` is one line; the parts stand beside it for programs.

    Args:
        message: what is wrong, without the place.
        code:    stable short word for programs.
        file, path, found, allowed: where it is, what stood there and what may stand there, where known.
    """

    code = "scheduler"

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        path: str | None = None,
        found: object = None,
        allowed: str | None = None,
    ) -> None:
        self.message, self.file, self.path, self.found, self.allowed = message, file, path, found, allowed
        place = "".join(f"{part}: " for part in (file, path) if part)
        facts = [f"found {found!r}"] * (found is not None) + [f"allowed {allowed}"] * (allowed is not None)
        tail = f" ({'; '.join(facts)})" if facts else ""
        super().__init__(f"{place}{message}{tail}")


class TableError(SchedulerError):
    """A table that the core cannot work on: a negative size, an index out of range, rows out of order."""

    code = "scheduler.table"


class UnknownPolicyError(SchedulerError):
    """A policy or lend function by a name that nobody listed."""

    code = "scheduler.unknown_policy"


class PolicyError(SchedulerError):
    """A policy that wrote to what it was shown, or whose answer would break a promise; names policy, part and row."""

    code = "scheduler.policy"
