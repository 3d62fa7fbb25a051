"""What can be metered: each meter's unit, and how many of it one price is for.

A row of hourly usage counts whole units of one meter. A price is for `per` of them, so the exact amount of a row is
quantity x price / per micro-units of the currency; gpu_s comes first because it is the one meter that time runs on.

| meter | a price of 1 is for | so in int64 one row may hold (BILLING.md 9.2) |
| gpu_s | one GPU-hour | 1,000,000 GPUs for an hour at 2,562 USD |
| egress_bytes | 1 GB | 102 TB at 0.09 USD: past it amounts are Python ints |
| stored_mib_s | one GiB for 30 days | byte-seconds would overflow by themselves |
"""

from typing import NamedTuple

from billing.money import SECONDS_PER_HOUR

_MILLION, _BILLION = 10**6, 10**9
_MONTH_S, _MIB_PER_GIB = 30 * 86_400, 1024


class Meter(NamedTuple):
    """A meter: `unit` is what is counted, `per` how many of them the price is for, `price_unit` the words for that."""

    code: str
    unit: str
    per: int
    price_unit: str


METERS = (
    Meter("gpu_s", "gpu_s", SECONDS_PER_HOUR, "GPU-hour"),
    Meter("tokens_in", "token", _MILLION, "million tokens"),
    Meter("tokens_out", "token", _MILLION, "million tokens"),
    Meter("tokens_cached", "token", _MILLION, "million tokens"),
    Meter("tokens_trained", "token", _MILLION, "million tokens"),
    Meter("tool_calls", "call", 1, "call"),
    Meter("egress_bytes", "byte", _BILLION, "GB"),
    Meter("stored_mib_s", "MiB-s", _MONTH_S * _MIB_PER_GIB, "GiB-month"),
)
GPU_S = 0  # its row
METER_CODES = tuple(meter.code for meter in METERS)
LEVEL_METERS = ("stored_mib_s",)  # what is stored, for as long as it is
