"""How fast billing is: events into the log, durable and each once.

    python benchmarks/bench_billing.py [--events 200000] [--batch 10000] [--naive 2000] [--rounds 3] [--json]

`ingest`: a chain of events into an empty SQLite store (WAL, synchronous=FULL, an fsync per batch), as events per
second; then the same events once more, which changes nothing. `naive`: what a first attempt does, one INSERT in one
transaction per event, with the same two unique keys and the same durability. Both the clock on the wall and the
processor's time are shown: on a shared machine the first one shows the neighbours.

Goal: 100,000 events per second durable and deduplicated.
"""

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from billing.log.event import Event, chained, event_hash
from billing.store.engine import open_store, reading
from billing.store.ingest import ingest
from billing.store.migrate import init
from billing.store.reader import last_position

GOAL_EVENTS_PER_S = 100_000
TIME_S = 1767225600
NAIVE = """CREATE TABLE event (position INTEGER PRIMARY KEY, source TEXT, id TEXT, seq INTEGER, type TEXT,
    time_s INTEGER, subject TEXT, prevhash TEXT, data TEXT, hash TEXT, UNIQUE (source, id), UNIQUE (source, seq))"""


def history(count: int) -> list[Event]:
    """One source's events, as a scheduler sends them: an allocation starts, and ends."""
    facts = []
    for number in range(count):
        allocation = f"job-{number // 2:07d}.1"
        started = {"job": allocation[:-2], "product": "bare.spot", "region": "eu-1", "sku": "h100", "gpus": 8}
        data = {"allocation": allocation, "cause": "finished"} if number % 2 else {"allocation": allocation, **started}
        kind = "allocation.ended" if number % 2 else "allocation.started"
        facts.append((f"{allocation}.{kind[11:]}", kind, TIME_S + number, f"tenant-{number % 97}", data))
    return list(chained("cluster/eu-1", facts))


def clocked(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the wall and of the processor that `work` takes."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall_s, time.process_time() - cpu_s


def naive(path: Path, events: list[Event]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(NAIVE)
    for event in events:
        row = (event.source, event.id, event.seq, event.type, event.time_s, event.subject, event.prevhash, event.data)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"INSERT OR IGNORE INTO event VALUES (NULL{', ?' * 9})", (*row, event_hash(event)))
        connection.execute("COMMIT")
    connection.close()


def measured(events: list[Event], batch: int, naive_count: int) -> dict[str, float]:
    """Events per second of each kind, in one fresh folder."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(str(Path(folder) / "log.db"), create=True)
        init(engine)
        new = clocked(lambda: ingest(engine, events, batch=batch))
        again = clocked(lambda: ingest(engine, events, batch=batch))
        with reading(engine) as connection:
            assert last_position(connection) == len(events), "events are lost or double"
        slow = clocked(lambda: naive(Path(folder) / "naive.db", events[:naive_count]))
    rates = {"new": (len(events), new), "again": (len(events), again), "naive": (naive_count, slow)}
    return {
        f"{name}_per_{clock}_s": count / seconds
        for name, (count, both) in rates.items()
        for clock, seconds in zip(("wall", "cpu"), both, strict=True)
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--naive", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    events = history(options.events)
    rounds = [measured(events, options.batch, options.naive) for _ in range(options.rounds)]
    found: dict[str, Any] = {key: round(statistics.median(each[key] for each in rounds)) for key in rounds[0]}
    found["ratio_to_naive"] = round(found["new_per_wall_s"] / found["naive_per_wall_s"], 1)
    found["goal_per_s"] = GOAL_EVENTS_PER_S
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{options.events:,} events in batches of {options.batch:,}, SQLite, median of {options.rounds}")
    for name, words in (("new", "new"), ("again", "known already"), ("naive", "one INSERT per transaction")):
        wall, cpu = found[f"{name}_per_wall_s"], found[f"{name}_per_cpu_s"]
        print(f"  {words:<28} {wall:>9,} events/s on the wall, {cpu:>9,} per second of the processor")
    print(f"  batches against one by one   {found['ratio_to_naive']:>9}x   (goal {GOAL_EVENTS_PER_S:,} events/s)")


if __name__ == "__main__":
    main()
