"""How long will a job run? The user's limit says one thing, his past another.

Helios predicts from a user's earlier jobs of the same kind (QSSF); here the kind is the size class. Only jobs that have
finished count: a prediction never looks ahead.
"""

from collections.abc import Callable, Sequence

# (seconds that the tenant's last finished jobs of that size class ran, oldest first; the user's limit) -> seconds
Estimate = Callable[[Sequence[int], int], int]

REMEMBERED = 15  # jobs of a tenant and size class
NEEDED = 3  # fewer say nothing


def user_limit(past_s: Sequence[int], limit_s: int) -> int:
    """Believe the user."""
    return limit_s


def history(past_s: Sequence[int], limit_s: int) -> int:
    """Return the median of the past, never above the user's limit; the limit while the past is too short. O(1)."""
    if len(past_s) < NEEDED:
        return limit_s
    ordered, middle = sorted(past_s), len(past_s) // 2
    median = ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) // 2
    return min(limit_s, max(1, median))


def size_class(gpus: int) -> int:
    """Return the class of a size: 1, 2, 3-4, 5-8, 9-16 GPUs and so on."""
    return (gpus - 1).bit_length()


ESTIMATES: dict[str, Estimate] = {"user_limit": user_limit, "history": history}
