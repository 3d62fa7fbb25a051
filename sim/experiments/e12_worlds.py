"""The runs behind E12: a victim beside a neighbour who floods, probes, replays and forges; with what isolates, and
without it. A task is one seed.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np

from billing.books import Books
from billing.log.books import books_of
from billing.log.event import Event, chained
from billing.log.fold import facts_of
from billing.log.watermark import OF_TENANTS
from billing.money import MICRO_PER_USD
from sim.engine.recorder import Recorder
from sim.engine.run import run
from sim.feed.live import LiveLog
from sim.result import RunResult
from sim.scenario.any_terms import parse_any_terms
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load
from sim.scenario.model import Scenario
from sim.settle import settle
from sim.workload.draw import DAY_S, stream
from tenants.audit.check import Head, Stored, check_log
from tenants.audit.entry import SALT_BYTES, commitment, entry_hash, entry_of
from tenants.audit.merkle import Tree

NODES, GPUS_PER_NODE, SCRUB_S = 32, 8, 300
VICTIM, NEIGHBOUR = "victim", "neighbour"
LAB, RENTER = "int.research", "bare.ondemand"
HELD = "bare.reserved"


class Task(NamedTuple):
    """One seed, and the inputs by name."""

    seed: int
    terms: Mapping[str, float]


class Attacked(NamedTuple):
    """What came of one seed: seconds that each of the victim's jobs waited for its first start, by arm; numbers."""

    waits_s: Mapping[str, tuple[int, ...]]
    numbers: Mapping[str, float]


def one(task: Task) -> Attacked:
    """Attack one world in every way. Internal teams are held apart by quotas, renters by a contract."""
    waits: dict[str, tuple[int, ...]] = {}
    for arm, flooded, kept in (("quiet", False, True), ("on", True, True), ("off", True, False)):
        waits[f"lab, {arm}"] = _waits(_ran(_labs(task, flooded, kept)), LAB)
        waits[f"renter, {arm}"] = _waits(_ran(_renters(task, flooded, kept)), HELD if kept else RENTER)
    scenarios = [_renters(task, flooded, True) for flooded in (False, True)]
    quiet, noisy = (settle(_ran(scenario)) for scenario in scenarios)
    numbers = {"bill_moved_usd": abs(_bill(noisy) - _bill(quiet)) / MICRO_PER_USD}
    return Attacked(waits, numbers | _told(task, scenarios[1], noisy) | _tampered(task))


def _scenario(task: Task, tables: Mapping[str, Any]) -> Scenario:
    base = load("labs").mapping
    pool = {"region": "us-1", "sku": "h100", "nodes": NODES, "gpus_per_node": GPUS_PER_NODE, "scrub_s": SCRUB_S}
    common = {"name": "attack", "epoch": base["epoch"], "days": int(task.terms["days"]), "seed": task.seed}
    listed = {"from": "2026-01-01T00:00:00Z", "sku": "h100", "usd_per_gpu_hour": "2.00"}
    prices = [{**listed, "product": product} for product in (LAB, RENTER, HELD)]
    return from_mapping({**common, "pool": [pool], "price": prices, **tables}, "E12")


def _demand(task: Task, tenant: str, product: str, times: float) -> dict[str, Any]:
    """Jobs of one tenant; nobody gives up waiting."""
    each_day = Decimal(str(task.terms["victim_jobs_per_day"] * times))
    sizes = {"nodes": [1, 2, 4], "weights": [60, 30, 10]}
    times_s = {"run_median_s": 7_200, "run_mean_s": 14_400, "run_max_s": DAY_S}
    return {"tenant": tenant, "product": product, "jobs_per_day": each_day, **sizes, **times_s}


def _labs(task: Task, flooded: bool, kept: bool) -> Scenario:
    """Two internal teams; `kept`: each has a quota of its own, which the other may borrow and has to give back."""
    nominal = int(NODES * GPUS_PER_NODE * task.terms["nominal_bp"]) // 10_000
    tables: dict[str, Any] = {
        "tenant": [{"id": name, "name": name.title(), "kind": "internal"} for name in (VICTIM, NEIGHBOUR)],
        "demand": [_demand(task, VICTIM, LAB, 1)],
        "policy": {"name": "easy", "lend": "none"},
    }
    if flooded:
        tables["demand"].append(_demand(task, NEIGHBOUR, LAB, task.terms["flood_factor"]))
    if kept:
        tables["cohort"] = [{"id": "labs"}]
        own = {"cohort": "labs", "nominal_gpus": nominal}
        tables["quota"] = [{"tenant": name, **own} for name in (VICTIM, NEIGHBOUR)]
    return _scenario(task, tables)


def _renters(task: Task, flooded: bool, kept: bool) -> Scenario:
    """Two renters; `kept`: the victim has a contract for nodes, and else rents by the hour as the other one does."""
    tables: dict[str, Any] = {
        "tenant": [{"id": name, "name": name.title(), "kind": "external"} for name in (VICTIM, NEIGHBOUR)],
        "demand": [_demand(task, VICTIM, HELD if kept else RENTER, 1)],
        "policy": {"name": "easy", "lend": "all_idle"},
    }
    if flooded:
        tables["demand"].append(_demand(task, NEIGHBOUR, RENTER, task.terms["flood_factor"]))
    if kept:
        place = {"tenant": VICTIM, "product": HELD, "region": "us-1", "sku": "h100"}
        until_s = int(task.terms["days"]) * DAY_S
        nodes = int(task.terms["contract_nodes"])
        tables["contract"] = [{"id": "own", **place, "nodes": nodes, "from_s": 0, "until_s": until_s}]
    return _scenario(task, tables)


def _ran(scenario: Scenario, watch: Any = None) -> RunResult:
    return run(build(scenario), "easy", scenario.policy.lend, tape=False, reasons=False, watch=watch)


def _waits(result: RunResult, product: str) -> tuple[int, ...]:
    """Seconds to the first start, or to the end of the run, of the victim's jobs."""
    jobs, names = result.world.jobs, result.world.names
    mine = (jobs.tenant == names.tenants.index(VICTIM)) & (jobs.product == names.products.index(product))
    start_s = np.where(result.outcomes.start_s >= 0, result.outcomes.start_s, result.horizon_s)
    waits_s: list[int] = (start_s - jobs.submit_s)[mine].tolist()
    return tuple(waits_s)


def _bill(books: Books) -> int:
    return sum(bill.total_micro_usd for bill in books.month_bills() if bill.tenant == VICTIM)


def _told(task: Task, scenario: Scenario, books: Books) -> dict[str, float]:
    """Replays and forgeries against the victim's bill; the neighbour's words in what the victim is told."""
    world, events = build(scenario), list[Event]()
    live = LiveLog(world, "attack")

    def watch(now_s: int, recorder: Recorder) -> None:
        events.extend(live.until(now_s, recorder))

    run(world, "easy", scenario.policy.lend, tape=False, reasons=False, watch=watch)
    mine = [event for event in events if event.subject == VICTIM]
    nothing: dict[str, Any] = {}
    forged = [(f"forged-{place}", event.type, event.time_s, VICTIM, nothing) for place, event in enumerate(mine)]
    lies = list(chained(OF_TENANTS + NEIGHBOUR, forged))
    again = events * int(task.terms["replays"]) + lies
    order = stream(task.seed, "attack/order").permutation(len(again)).tolist()
    terms = parse_any_terms(scenario.text, "E12")
    attacked = books_of(facts_of([again[place] for place in order], terms), terms)
    theirs = {event.id for event in events if event.subject == NEIGHBOUR} | {NEIGHBOUR}
    shown = [*(event.data for event in mine), *(repr(bill) for bill in books.month_bills() if bill.tenant == VICTIM)]
    return {
        "replayed": len(again) - len(events),
        "bill_replayed_usd": abs(_bill(attacked) - _bill(books)) / MICRO_PER_USD,
        "told_bytes": sum(len(text.encode()) for text in shown),
        "leaked_bytes": _leaked(shown, theirs),
        "house_bytes": _leaked([f"{event.subject} {event.id} {event.data}" for event in events], theirs),
    }


def _leaked(texts: Sequence[str], words: set[str]) -> float:
    """Bytes of words of the neighbour's in texts."""
    return float(sum(len(word) for text in texts for word in words if word in text))


def _tampered(task: Task) -> dict[str, float]:
    """Change each entry of an audit log once, and count the changes that are found; and what is found untouched."""
    rng, rows, details, tree = stream(task.seed, "attack/audit"), list[Stored](), dict[int, tuple[str, str]](), Tree()
    for position in range(1, int(task.terms["audit_entries"]) + 1):
        salt, text = rng.bytes(SALT_BYTES), f'{{"amount":{position}}}'
        entry = entry_of(
            VICTIM, position, position, "someone", "invoice.issued", str(position), "", commitment(salt, text)
        )
        rows.append(Stored(entry, entry_hash(entry).hex()))
        details[position] = (salt.hex(), text)
        tree.append(entry_hash(entry))
    noted = Head(len(tree), tree.root().hex(), b"".join(tree.frontier()).hex())
    found = 0
    for place, row in enumerate(rows):
        actor = sha256(row.entry.actor.encode()).hexdigest()[: 1 + int(rng.integers(8))]
        changed = row.entry._replace(actor=actor)
        # Whoever changes an entry in the database can change the hash beside it as well.
        other = [*rows[:place], Stored(changed, entry_hash(changed).hex()), *rows[place + 1 :]]
        found += bool(check_log(VICTIM, other, details, noted).faults)
    return {"tampered": len(rows), "found": found, "false_alarms": len(check_log(VICTIM, rows, details, noted).faults)}
