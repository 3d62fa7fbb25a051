"""What a metering source tells of a cluster, type by type, and in which order: the one way in which a run becomes
events, whether it is read from its folder or told while it goes on.

Events stand in the order of time; those of one second in the order of `TYPES`, then of their ids. Nothing of that order
needs to know what comes later, so that whoever tells a run live and whoever tells it at the end tell the same chain
(docs/decisions/0069-a-run-that-streams.md).
"""

from typing import Any, NamedTuple

from billing.log.known import EVERYBODY
from billing.log.shapes import (
    CAPACITY,
    ENDED,
    EXCLUDED,
    INSTALLED,
    OUTAGE_ENDED,
    OUTAGE_STARTED,
    PREEMPTED,
    STARTED,
)
from billing.log.watermark import SOURCE_ENDED
from sim.told import eviction_event, outage_event
from tenants.exclusion import Exclusion

OPERATOR = "operator"  # subject of what no tenant causes
# Whoever leaves makes room for whoever comes: ends first.
TYPES = (
    *(ENDED, STARTED, OUTAGE_STARTED, OUTAGE_ENDED, PREEMPTED),
    *(INSTALLED, CAPACITY, EXCLUDED, SOURCE_ENDED),
)
_SOURCE_DIGITS = 16
Told = tuple[str, str, dict[str, Any]]  # id, subject, data


class Held(NamedTuple):
    """An allocation: GPUs that one job of a tenant holds. `name` is the job's and the number of its start."""

    name: str
    tenant: str
    job: str
    product: str
    region: str
    sku: str
    gpus: int


def source_of(config_sha256: str) -> str:
    """Return the name of the log that a run is: equal for equal runs."""
    return f"run/{config_sha256[:_SOURCE_DIGITS]}"


def started(held: Held, pending_s: int | None) -> Told:
    """GPUs are held from now on; their job had waited since Unix second `pending_s`, if that is known."""
    waited = {} if pending_s is None else {"pending_s": pending_s}
    data = {"product": held.product, "region": held.region, "sku": held.sku, "gpus": held.gpus}
    return f"{held.name}.started", held.tenant, data | {"allocation": held.name, "job": held.job, **waited}


def ended(held: Held, cause: str, stalled_s: int, lost_s: int, written_s: int) -> Told:
    """They are held no longer, and why; with the seconds of start-up, of work thrown away, and of checkpoints."""
    spent = {"stalled_s": stalled_s, "lost_s": lost_s, "written_s": written_s}
    told = {name: seconds for name, seconds in spent.items() if seconds}
    return f"{held.name}.ended", held.tenant, {"allocation": held.name, "cause": cause, **told}


def outage(held: Held, *, ends: bool) -> Told:
    """A fault took them, or their job has GPUs again, gave up, or the run ended."""
    data = {"outage": f"{held.name}.outage", "job": held.job, "product": held.product, "gpus": held.gpus}
    return f"{held.name}.outage.ended" if ends else outage_event(held.name), held.tenant, data


def evicted(
    allocation: str | None, tenant: str, job: str, product: str, gpus: int, times_s: tuple[int, int, int], epoch_s: int
) -> Told:
    """Somebody had to leave. `times_s`: when notice was served, when it took place, and until when it was not to, in
    seconds since `epoch_s`. Without an allocation it held nothing, and the event says what there is to know."""
    noticed_s, evicted_s, guaranteed_until_s = times_s
    data: dict[str, Any] = {"allocation": allocation or f"{job}@{evicted_s}"}
    data |= {"noticed_s": epoch_s + noticed_s, "guaranteed_until_s": epoch_s + guaranteed_until_s}
    if allocation is None:
        data |= {"job": job, "product": product, "gpus": gpus}
    return eviction_event(allocation, job, evicted_s), tenant, data


def installed(number: int, region: str, sku: str, gpus: int, gpus_per_node: int) -> Told:
    """GPUs that there are: the `number`-th place and kind, from 1."""
    return f"pool.{number}", OPERATOR, {"region": region, "sku": sku, "gpus": gpus, "gpus_per_node": gpus_per_node}


def capacity(number: int, region: str, sku: str, state: str, hour_s: int, gpu_s: int) -> Told:
    """What nobody held in the hour from Unix second `hour_s`: the `number`-th such row of the run, from 1."""
    data = {"region": region, "sku": sku, "state": state, "hour_s": hour_s, "gpu_s": gpu_s}
    return f"capacity.{number}", OPERATOR, data


def excluded(number: int, window: Exclusion, epoch_s: int) -> Told:
    """Maintenance that was agreed to be left out of service levels: the `number`-th window of the run, from 1."""
    span = {"from_s": epoch_s + window.from_s, "until_s": epoch_s + window.until_s}
    data = {"cause": window.cause, "product": EVERYBODY, "region": window.region, "sku": window.sku, **span}
    return f"excluded.{number}", EVERYBODY, data


def run_ended() -> Told:
    """Nothing follows."""
    return "ended", OPERATOR, {}
