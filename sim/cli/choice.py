"""Names that must be among known ones: the nearest spelling first, then everything that exists."""

from collections.abc import Sequence

from sim.errors import SimError
from tenants.errors import did_you_mean


def choose(value: str, allowed: Sequence[str], what: str, flag: str) -> str:
    """Return `value` if it is allowed. Raises SimError, with the nearest spelling and the whole list, if it is not."""
    if value in allowed:
        return value
    raise unknown(value, allowed, what, flag)


def unknown(value: str, allowed: Sequence[str], what: str, flag: str, code: str = "unknown_name") -> SimError:
    """Make the error for a name that does not exist."""
    hint = did_you_mean(value, allowed)
    return SimError(f"unknown {what}{hint}", code=code, path=flag, found=value, allowed=tuple(allowed))
