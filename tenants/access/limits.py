"""How fast one may ask: a generic cell rate algorithm in whole microseconds, per tenant, per key and per address.

One number per bucket, the theoretical arrival time. The clock is an argument, so simulated time does as well.
Source: ISOLATION.md section 10 (GCRA), rows Q6, C3.
"""

from collections import OrderedDict
from threading import Lock
from typing import NamedTuple

from tenants.access.errors import TooManyRequests

_US = 1_000_000
BUCKETS_MAX = 100_000


class Limit(NamedTuple):
    """So many requests in a period of seconds, of which `burst` may come at once."""

    requests: int
    period_s: int
    burst: int

    @property
    def spacing_us(self) -> int:
        """Microseconds between two requests of a steady stream."""
        return -(-self.period_s * _US // self.requests)

    def shared_by(self, processes: int) -> "Limit":
        """Return the part of one of several processes that count by themselves: of the rate exactly, of what may come
        at once at least one request."""
        return Limit(self.requests, self.period_s * processes, max(1, self.burst // processes))


class Limits(NamedTuple):
    """What applies to a tenant (all its keys together), to a key, and to failed sign-ins of an address."""

    tenant: Limit = Limit(600, 60, 120)
    key: Limit = Limit(300, 60, 60)
    failures: Limit = Limit(10, 60, 10)

    def shared_by(self, processes: int) -> "Limits":
        """Return what one of several processes counts by, so that all of them together let through no more."""
        return Limits(*(limit.shared_by(processes) for limit in self))


class Verdict(NamedTuple):
    """Whether a request passes, the bucket's number after it, and how long to wait (microseconds)."""

    allowed: bool
    tat_us: int
    retry_after_us: int


def step(tat_us: int, now_us: int, limit: Limit) -> Verdict:
    """Return the verdict on a request at `now_us` for a bucket that stands at `tat_us` (0 for a new one).

    A refused request leaves the bucket as it is.
    """
    spacing_us = limit.spacing_us
    earliest_us = tat_us - spacing_us * (limit.burst - 1)
    if now_us < earliest_us:
        return Verdict(False, tat_us, earliest_us - now_us)
    return Verdict(True, max(tat_us, now_us) + spacing_us, 0)


class Limiter:
    """The buckets of one process. Safe among threads; as many buckets as `BUCKETS_MAX`, the longest unused go first."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._tat_us: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = Lock()

    def require(self, tenant: str | None, key: str, now_us: int) -> None:
        """Count a request of a key; operators and auditors have no tenant. Raises TooManyRequests."""
        self._take(self._wanted(tenant, key), now_us)

    def require_room(self, tenant: str | None, key: str, now_us: int) -> None:
        """Refuse what `require` would refuse, and count nothing. Raises TooManyRequests."""
        self._take(self._wanted(tenant, key), now_us, count=False)

    def require_address(self, address: str, now_us: int) -> None:
        """Refuse an address that has failed too often, before anything is looked up. Raises TooManyRequests."""
        with self._lock:
            verdict = step(self._tat_us.get(("failures", address), 0), now_us, self._limits.failures)
        _require(verdict)

    def failed(self, address: str, now_us: int) -> None:
        """Count a sign-in that failed."""
        with self._lock:
            bucket = ("failures", address)
            self._put(bucket, step(self._tat_us.get(bucket, 0), now_us, self._limits.failures).tat_us)

    def _wanted(self, tenant: str | None, key: str) -> list[tuple[tuple[str, str], Limit]]:
        of_key = (("key", key), self._limits.key)
        return [of_key] if tenant is None else [of_key, (("tenant", tenant), self._limits.tenant)]

    def _take(self, wanted: list[tuple[tuple[str, str], Limit]], now_us: int, *, count: bool = True) -> None:
        """Take from all buckets or from none: what one refuses must not cost the other."""
        with self._lock:
            verdicts = [(bucket, step(self._tat_us.get(bucket, 0), now_us, limit)) for bucket, limit in wanted]
            for _, verdict in verdicts:
                _require(verdict)
            for bucket, verdict in verdicts if count else ():
                self._put(bucket, verdict.tat_us)

    def _put(self, bucket: tuple[str, str], tat_us: int) -> None:
        self._tat_us[bucket] = tat_us
        self._tat_us.move_to_end(bucket)
        if len(self._tat_us) > BUCKETS_MAX:
            self._tat_us.popitem(last=False)


def _require(verdict: Verdict) -> None:
    if not verdict.allowed:
        raise TooManyRequests(-(-verdict.retry_after_us // _US))
