"""Closing hours: what is closed never changes, and what comes late is a difference beside it.

An hour closes once everything before its end, and a grace beyond it, is known. A fact that comes after that adds a
delta: signed usage for the same key, which is due on the next invoice that is open, or not at all, by a rule with a
name. So closed hours + deltas are at any time the hours that would come out if everything were metered anew.
"""

from collections.abc import Callable
from typing import NamedTuple

from billing.metering.meter import UsageTable
from billing.metering.sums import add_up, empty_usage, negative, part_of
from billing.money import SECONDS_PER_HOUR


class ClosedHours(NamedTuple):
    """The usage of every hour before `until_s`, seconds since the epoch, as it was when each of them closed."""

    until_s: int
    usage: UsageTable


def nothing_closed() -> ClosedHours:
    """Return closed hours before the first of them."""
    return ClosedHours(0, empty_usage())


def close_hours(closed: ClosedHours, usage: UsageTable, known_s: int, grace_s: int = 0) -> ClosedHours:
    """Return `closed` with the hours that can be closed now; those that were closed stay as they are.

    Args:
        usage:   of everything that is known.
        known_s: seconds since the epoch before which everything has been told.
        grace_s: how much longer to wait for what may come late.
    """
    until_s = max(closed.until_s, (known_s - grace_s) // SECONDS_PER_HOUR * SECONDS_PER_HOUR)
    fresh = (usage.hour_s >= closed.until_s) & (usage.hour_s < until_s)
    return ClosedHours(until_s, add_up(closed.usage, part_of(usage, fresh)))


def deltas(closed: ClosedHours, usage: UsageTable) -> UsageTable:
    """Return what closed hours lack of `usage`, or hold too much of: signed, by the same keys."""
    return add_up(part_of(usage, usage.hour_s < closed.until_s), negative(closed.usage))


LateRule = Callable[[int, int, int], bool]  # (month of the usage, month of the open invoice, months to look back)

# Usage that came too late for its month is billed: on the next invoice, however old; only if its month lies within the
# months before that invoice's which are looked back to (as Kill Bill does, silently); never.
LATE_RULES: dict[str, LateRule] = {
    "next_invoice": lambda month, open_month, months: True,
    "look_back": lambda month, open_month, months: open_month - months <= month,
    "never": lambda month, open_month, months: False,
}


class MeteringTerms(NamedTuple):
    """What was agreed about late usage: the grace before an hour closes, a name of `LATE_RULES`, and how many months
    `look_back` looks back."""

    grace_s: int = 0
    late_usage: str = "next_invoice"
    late_months: int = 1

    def due(self, month: int, open_month: int) -> bool:
        """Whether late usage of `month` is billed on the invoice of `open_month` (months since January 1970)."""
        return LATE_RULES[self.late_usage](month, open_month, self.late_months)


AT_ONCE = MeteringTerms()  # hours close as soon as they are known, and whatever is late is billed
