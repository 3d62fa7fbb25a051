"""A fault that a check of the books found. Checks raise nothing, so that all faults show at once."""

from typing import NamedTuple


class Finding(NamedTuple):
    """A fault: where it shows, what is wrong, and how much of the unit that `what` names (signed where it helps).

    `at_s` is the Unix second of the first hour that it is about; None: nobody can say.
    """

    where: str
    what: str
    count: int  # type: ignore[assignment]  # hides tuple.count, which nobody asks a finding for
    at_s: int | None = None
