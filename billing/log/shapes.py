"""What the data of each type of event must hold. Times are Unix seconds, ids are text, everything else counts.

allocation.started   GPUs are held from the event's time on; `gpu_ids` names them, where the source can tell
allocation.resized   from then on there are `gpus` of them
allocation.ended     until then, and why; the source may say how many of its seconds were work that was thrown away
                     later (lost_s) and writing checkpoints (written_s)
preemption.executed  the eviction that ended an allocation: when notice was given, until when none was to happen; with
                     job, product and gpus it stands by itself, for an allocation that held nothing
outage.started, .ended   a fault took GPUs from a job; it has them again, gave up, or the source ends
gpus.degraded        GPUs of an allocation were slow: worth `factor_bp` of their price
stall.recorded       start-up: seconds of an allocation without work
usage.metered        what is no time: tokens, calls, bytes over [from_s, until_s), of an `allocation` if it names one
level.changed        what a resource stores from then on, in MiB
capacity.recorded    GPU-seconds that nobody held, by state
pool.installed       GPUs that there are, and of which nodes; pools are listed in the order of these events
sla.excluded         time that no service level counts; its subject and product may be "*" for all of them, and so may
                     its region and sku, or be absent

More keys than these are let in and not read.
"""

from collections.abc import Mapping
from typing import Any, Final

from billing.log.event import TIME_S_MAX, Event, data_of
from billing.metering.meters import GPU_S, LEVEL_METERS, METER_CODES
from billing.money import BP
from billing.usage import CAUSES, STATES
from tenants.exclusion import EXCLUSION_CAUSES

GPUS_MAX = 10**7  # more than were ever made for one cluster; 20 million rows of them still add up in int64
QUANTITY_MAX = 1 << 50  # 1.1e15: a petabyte of egress in one event; 8,191 of them in one hour still add up in int64

LEVEL_MAX = 1 << 40  # a million TiB in one resource
SPAN_S_MAX = 20 * 366 * 86_400  # nothing is held or used longer without a word: a time is wrong

_ID: Final = "text that is not empty"
_TIME: Final = f"Unix seconds, 0 to {TIME_S_MAX}"
_GPUS: Final = f"an integer, 0 to {GPUS_MAX}"
_SOME_GPUS: Final = f"an integer, 1 to {GPUS_MAX}"
_QUANTITY: Final = f"an integer, 1 to {QUANTITY_MAX}"
_PART: Final = f"basis points, 0 to {BP}"
_LEVEL: Final = f"an integer, 0 to {LEVEL_MAX}"
_GPU_IDS: Final = "a list of text, each once, as many as gpus"
_RANGES = {
    _TIME: (0, TIME_S_MAX),
    _GPUS: (0, GPUS_MAX),
    _SOME_GPUS: (1, GPUS_MAX),
    _QUANTITY: (1, QUANTITY_MAX),
    _PART: (0, BP),
    _LEVEL: (0, LEVEL_MAX),
}
_WORDS = {
    "cause": CAUSES,
    "excluded for": EXCLUSION_CAUSES,
    "state": STATES,
    "meter": METER_CODES[GPU_S + 1 :],  # GPU time is what allocations held
    "level meter": LEVEL_METERS,
}
_PLACE = {"product": _ID, "region": _ID, "sku": _ID}
_SPAN = {"from_s": _TIME, "until_s": _TIME}
_OUTAGE = {"outage": _ID, "job": _ID, "product": _ID, "gpus": _GPUS}

_OPTIONAL = {
    **dict.fromkeys(("pending_s", "stalled_s", "lost_s", "written_s"), _TIME),
    "region": _ID,
    "sku": _ID,
    "allocation": _ID,
    "gpus_per_node": _SOME_GPUS,
}

STARTED, RESIZED, ENDED = "allocation.started", "allocation.resized", "allocation.ended"
PREEMPTED, DEGRADED, STALLED = "preemption.executed", "gpus.degraded", "stall.recorded"
OUTAGE_STARTED, OUTAGE_ENDED = "outage.started", "outage.ended"
METERED, LEVEL = "usage.metered", "level.changed"
CAPACITY, INSTALLED, EXCLUDED = "capacity.recorded", "pool.installed", "sla.excluded"
SHAPES: Mapping[str, Mapping[str, str]] = {
    STARTED: {"allocation": _ID, "job": _ID, **_PLACE, "gpus": _SOME_GPUS},
    RESIZED: {"allocation": _ID, "gpus": _GPUS},
    ENDED: {"allocation": _ID, "cause": "cause"},
    PREEMPTED: {"allocation": _ID, "noticed_s": _TIME, "guaranteed_until_s": _TIME},
    OUTAGE_STARTED: _OUTAGE,
    OUTAGE_ENDED: _OUTAGE,
    DEGRADED: {"allocation": _ID, "gpus": _SOME_GPUS, "factor_bp": _PART, **_SPAN},
    STALLED: {"allocation": _ID, **_SPAN},
    METERED: {"meter": "meter", "quantity": _QUANTITY, **_PLACE, **_SPAN},
    LEVEL: {"meter": "level meter", "resource": _ID, "level": _LEVEL, **_PLACE},
    CAPACITY: {"hour_s": _TIME, "region": _ID, "sku": _ID, "state": "state", "gpu_s": _QUANTITY},
    INSTALLED: {"region": _ID, "sku": _ID, "gpus": _SOME_GPUS},
    EXCLUDED: {"product": _ID, **_SPAN, "cause": "excluded for"},
}


def read(event: Event) -> dict[str, Any] | str:
    """Return the data of an event of a known type, or in words what is wrong with it.

    Raises:
        EventError: the data are not the canonical JSON of an object.
    """
    data = data_of(event)
    return misfit(event.type, data) or data


def misfit(type_: str, data: Mapping[str, Any]) -> str:
    """Return in words what is wrong with the data of an event of a known type, "" if nothing is."""
    for name, allowed in SHAPES[type_].items():
        if name not in data:
            return f"{name} is missing ({allowed_words(allowed)})"
        if not _fits(data[name], allowed):
            return f"{name} is {data[name]!r}, allowed {allowed_words(allowed)}"[:200]
    for name, allowed in _OPTIONAL.items():
        if name in data and not _fits(data[name], allowed):
            return f"{name} is {data[name]!r}, allowed {allowed}"[:200]
    gpu_ids = data.get("gpu_ids")
    if gpu_ids is not None and not _names(gpu_ids, data.get("gpus")):
        return f"gpu_ids are wrong, allowed {_GPU_IDS}"
    if {"from_s", "until_s"} <= data.keys() and data["until_s"] <= data["from_s"]:
        return f"interval of {data['until_s'] - data['from_s']} s: until_s must be later than from_s"
    if {"from_s", "until_s"} <= data.keys() and data["until_s"] - data["from_s"] > SPAN_S_MAX:
        return f"interval of {data['until_s'] - data['from_s']} s, allowed {SPAN_S_MAX}"
    return ""


def allowed_words(allowed: str) -> str:
    """Return what a field may hold, in words."""
    return ", ".join(_WORDS[allowed]) if allowed in _WORDS else allowed


def _fits(value: object, allowed: str) -> bool:
    if allowed in _WORDS:
        return value in _WORDS[allowed]
    if allowed == _ID:
        return isinstance(value, str) and value != ""
    low, high = _RANGES[allowed]
    return type(value) is int and low <= value <= high


def _names(value: object, gpus: object) -> bool:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        return False
    return len(set(value)) == len(value) == gpus
