"""Whether the service is ready, for whoever asks without a key: a full check of the walls costs over a hundred
statements, so its answer is kept for a while. One that failed stands until a check is good again.
"""

from collections.abc import Callable
from threading import Lock

from billing.errors import BillingError

FRESH_S = 30
RETRY_S = 5  # how soon a store that failed is looked at again


class Readiness:
    """The last answer of a check. Safe among threads: one checks, the others are told what was known before."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check = check
        self._last: tuple[int, bool] | None = None
        self._checking = Lock()

    def good(self, now_s: int) -> bool:
        """Whether the last check was good, done anew if that is `FRESH_S` (`RETRY_S` after one that failed) ago."""
        if self._checking.acquire(blocking=self._last is None):
            try:
                if not self._fresh(now_s):
                    self._last = (now_s, self._checked())
            finally:
                self._checking.release()
        assert self._last is not None, "the first to come has waited for the check"
        return self._last[1]

    def _fresh(self, now_s: int) -> bool:
        if self._last is None:
            return False
        at_s, good = self._last
        return 0 <= now_s - at_s < (FRESH_S if good else RETRY_S)

    def _checked(self) -> bool:
        try:
            self._check()
        except BillingError:
            return False
        return True
