"""When a delivery that failed is tried again, and when no more."""

from typing import Final, NamedTuple

# Seconds from one attempt to the next; after the last of them a delivery is dead: some 22 hours in all.
RETRY_AFTER_S: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 21_600, 28_800)
PENDING, DELIVERED, DEAD = "pending", "delivered", "dead"
_GONE = 410  # the receiver wants it no more


class Sent(NamedTuple):
    """What came of an attempt: the status that was answered, None without one, and in words what failed, "" if
    nothing did. The words hold nothing of the target or its answer."""

    code: int | None
    error: str


class Outcome(NamedTuple):
    """A delivery after an attempt. `next_s`: Unix second of the next one."""

    status: str
    attempts: int
    next_s: int
    sent: Sent


def after(attempts: int, sent: Sent, now_s: int) -> Outcome:
    """Return what becomes of a delivery that had `attempts` before the one that ended now."""
    if not sent.error:
        return Outcome(DELIVERED, attempts + 1, now_s, sent)
    if attempts >= len(RETRY_AFTER_S) or sent.code == _GONE:
        return Outcome(DEAD, attempts + 1, now_s, sent)
    return Outcome(PENDING, attempts + 1, now_s + RETRY_AFTER_S[attempts], sent)
