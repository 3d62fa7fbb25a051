"""Files of use for tests: terms in TOML, plain intervals, and sacct's output."""

from collections.abc import Callable, Iterable
from io import StringIO

from billing.intake.intervals import read_intervals
from billing.intake.record import Defaults, Rejected
from billing.intake.stream import Taken, take_in
from billing.terms import Terms, terms_from

TERMS_TOML = """
[[tenant]]
id = "acme"
name = "Acme"
kind = "external"

[[tenant]]
id = "birch"
name = "Birch"
kind = "external"

[[product]]
code = "bare.spot"
free_stalled = true

[[price]]
product = "bare.ondemand"
sku = "h100"
from = "2026-01-01T00:00:00Z"
usd_per_gpu_hour = "2.95"

[[price]]
product = "bare.spot"
sku = "*"
from = "2026-02-01T00:00:00Z"
usd_per_gpu_hour = "1.25"

[[tax]]
name = "VAT"
from = "2025-01-01T00:00:00Z"
tax_bp = 2000
"""
HEADER = "id,tenant,product,region,sku,gpus,start,end"


def terms() -> Terms:
    import tomllib

    return terms_from(tomllib.loads(TERMS_TOML))


def taken(*rows: str, header: str = HEADER, until_s: int | None = None) -> tuple[Taken, dict[int, str]]:
    """What a file of rows comes to, and the reason of each rejected line."""
    text = "\n".join([header, *rows]) + "\n"
    return take(lambda: read_intervals(StringIO(text), Defaults(), "use.csv"), until_s)


def take(read: Callable[[], Iterable], until_s: int | None = None) -> tuple[Taken, dict[int, str]]:
    rejected: list[Rejected] = []
    found = take_in(read, terms(), rejected.append, until_s)
    return found, {line.line: line.reason for line in rejected}
