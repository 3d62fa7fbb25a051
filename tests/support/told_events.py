"""Events for tests of the log: a few lines that make one source's events, and random histories of a small cluster."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from billing.log.event import Event, chained
from billing.terms import Terms
from billing_facts import HOUR_S, LAST_HOURS_OF_JANUARY, PRICES, TENANTS, price_book, registry

EPOCH_S = LAST_HOURS_OF_JANUARY
Fact = tuple[str, int, str, dict[str, Any]]  # type, seconds since the epoch, tenant, data


def terms() -> Terms:
    """Terms with a price for every product, and one for tokens."""
    others = [
        {"meter": meter, "product": "*", "sku": "*", "from": "2025-01-01T00:00:00Z", "unit_price": "15"}
        for meter in ("tokens_out", "stored_mib_s")
    ]
    return Terms(registry(), price_book([*PRICES, *others]), epoch_s=EPOCH_S)


def told(facts: Sequence[Fact], source: str = "scheduler") -> list[Event]:
    """The events of one source, numbered as they stand; times in data are taken as they are."""
    rows = (
        (f"{source}-{row}", kind, EPOCH_S + at_s, tenant, data) for row, (kind, at_s, tenant, data) in enumerate(facts)
    )
    return list(chained(source, rows))


def started(at_s: int, allocation: str = "a1", tenant: str = "acme", gpus: int = 8, **more: Any) -> Fact:
    place = {"job": f"job-{allocation}", "product": "bare.ondemand", "region": "eu", "sku": "h100"}
    return "allocation.started", at_s, tenant, {"allocation": allocation, "gpus": gpus, **place, **more}


def ended(at_s: int, allocation: str = "a1", tenant: str = "acme", cause: str = "finished") -> Fact:
    return "allocation.ended", at_s, tenant, {"allocation": allocation, "cause": cause}


def resized(at_s: int, gpus: int, allocation: str = "a1", tenant: str = "acme") -> Fact:
    return "allocation.resized", at_s, tenant, {"allocation": allocation, "gpus": gpus}


def unix(**times: int) -> Mapping[str, int]:
    """Times in data are Unix seconds."""
    return {name: EPOCH_S + at_s for name, at_s in times.items()}


def random_log(seed: int, allocations: int = 6, *, contradicts_itself: bool = True) -> list[Event]:
    """The events of two sources about a few allocations, among them some that cannot be billed.

    `contradicts_itself`: a GPU may be said to be held by two tenants at once.
    """
    rng = random.Random(seed)
    facts: list[Fact] = [("pool.installed", 0, "operator", {"region": "us", "sku": "b200", "gpus": 64})]
    health: list[Fact] = []
    for number in range(allocations):
        allocation, tenant = f"a{number}", rng.choice((*TENANTS, *TENANTS, "nobody"))
        start_s = rng.randrange(3 * HOUR_S)
        end_s = start_s + rng.choice((0, 30, rng.randint(1, 2 * HOUR_S), -10))
        product = rng.choice(("bare.spot", "bare.ondemand", "int.research", "bare.spot", "none.such"))
        where = {"region": rng.choice(("eu", "us")), "sku": rng.choice(("h100", "b200"))}
        whose = "" if contradicts_itself else f"{tenant}-"
        gpu_ids = {"gpu_ids": [f"{whose}g{rng.randrange(3)}"]} if rng.random() < 0.3 else {}
        gpus = 1 if gpu_ids else rng.randint(1, 8)
        facts.append(started(start_s, allocation, tenant, gpus, product=product, **where, **gpu_ids))
        if rng.random() < 0.3:
            facts.append(resized(start_s + rng.randint(0, 4000), rng.randint(1, 9), allocation, tenant))
        if rng.random() < 0.8:
            facts.append(
                ended(
                    end_s,
                    allocation,
                    tenant,
                    rng.choice(("finished", "evicted", "node_fault")) if end_s != start_s else "finished",
                )
            )
        if rng.random() < 0.4:
            span = unix(from_s=start_s + rng.randint(0, 500), until_s=start_s + rng.randint(400, 900))
            slow = {"allocation": allocation, "gpus": 1, "factor_bp": 6_000, **span}
            health.append(("gpus.degraded", start_s + 900, tenant, slow))
        if rng.random() < 0.3:
            fault = {"outage": f"o{number}", "job": f"job-{allocation}", "product": "bare.spot", "gpus": 2}
            health += [
                (f"outage.{edge}", start_s + at_s, tenant, fault) for edge, at_s in (("started", 50), ("ended", 90))
            ]
        if rng.random() < 0.3:
            used = {"meter": "tokens_out", "quantity": rng.randint(1, 99), "product": "bare.spot", **where}
            health.append(("usage.metered", start_s, tenant, {**used, **unix(from_s=start_s, until_s=start_s + 5000)}))
    return told(sorted(facts, key=lambda fact: fact[1])) + told(sorted(health, key=lambda fact: fact[1]), "health")


def as_bytes(found: Any) -> list[Any]:
    """Everything that a dataclass of tables holds, however deep: columns as bytes, the rest as it is."""
    if isinstance(found, np.ndarray):
        return [found.tobytes()]
    if is_dataclass(found):
        return [part for field in fields(found) for part in as_bytes(getattr(found, field.name))]
    if isinstance(found, tuple):
        return [part for each in found for part in as_bytes(each)]
    return [found]
