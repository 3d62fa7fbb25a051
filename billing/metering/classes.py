"""Why a second is charged in full, in part, or not at all: the class of a row of usage, and its factor.

The factor is in basis points of the price. Free seconds stay in the usage with a factor of 0, so that over all classes
the hours still add up to what was held, and a tenant sees what was not charged and why.
"""

CLASSES = ("billed", "degraded", "free.preempted", "free.failed_start", "free.stalled", "free.down")
BILLED, DEGRADED, PREEMPTED, FAILED_START, STALLED, DOWN = range(len(CLASSES))
