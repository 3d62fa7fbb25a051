"""Processes that ingest a known history and may be killed at any moment.

`python ingest_worker.py` is a host that has imported everything and forks a worker for each line `PLACE SEED` on its
stdin. A worker brings in all events from the beginning, in an order and in batches of its own, and prints which it has
seen confirmed. `kill_while_ingesting` starts workers, kills them at random moments, and checks that whatever was
confirmed is there.
"""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from billing.log.event import Event
from billing.store.engine import open_store, reading, writing
from billing.store.reader import events_in
from billing.store.writer import append
from log_events import chain

EVENTS_PER_SOURCE = 400


def history() -> list[Event]:
    """What is ingested: three chains."""
    return [event for source in ("node/1", "node/2", "sim") for event in chain(source, EVENTS_PER_SOURCE)]


def ingest_all(place: str, seed: int) -> None:
    """Append the whole history, shuffled a little so that gaps open and close, a transaction per batch."""
    rng = random.Random(seed)
    events = history()
    for _ in range(50):
        a, b = rng.randrange(len(events)), rng.randrange(len(events))
        events[a], events[b] = events[b], events[a]
    engine = open_store(place)
    print("", flush=True)  # at work
    at = 0
    while at < len(events):
        size = rng.randint(1, 40)
        with writing(engine) as connection:
            append(connection, events[at : at + size])
        at += size
        print(*(f"{event.source}:{event.seq}" for event in events[at - size : at]), flush=True)


def host() -> None:
    """Fork a worker per line of stdin; tell its process id before, and its fate after."""
    for line in sys.stdin:
        place, seed = line.rsplit(maxsplit=1)
        worker = os.fork()
        if worker == 0:
            ingest_all(place, int(seed))
            os._exit(0)
        print(f"pid {worker}", flush=True)
        _, fate = os.waitpid(worker, 0)
        print(f"\nfate {os.waitstatus_to_exitcode(fate)}", flush=True)


def kill_while_ingesting(place: str, kills: int, seed: int) -> int:
    """Kill a worker `kills` times, then let one finish; return how many were hit in the middle.

    After each kill every event that was ever confirmed is in the log, once.
    """
    rng = random.Random(seed)
    engine = open_store(place)
    hit = 0
    confirmed: set[str] = set()
    words = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hosting:
        assert hosting.stdin is not None and hosting.stdout is not None
        for round_ in range(kills + 1):
            hosting.stdin.write(f"{place} {rng.randrange(1 << 30)}\n")
            hosting.stdin.flush()
            lines = []
            while not (line := hosting.stdout.readline()).startswith("fate"):
                assert line, "the host has died"
                lines.append(line)
                if len(lines) == 2 and round_ < kills:  # its id and a first sign of life, in either order
                    time.sleep(rng.random() * 0.2)
                    pid = next(int(each.split()[1]) for each in lines if each.startswith("pid"))
                    with suppress(ProcessLookupError):  # it may have been quicker
                        os.kill(pid, signal.SIGKILL)
            fate = int(line.split()[1])
            hit += fate == -signal.SIGKILL
            assert fate in (0, -signal.SIGKILL) and (round_ < kills or fate == 0)
            confirmed |= {key for each in lines for key in each.split() if ":" in key}
            with reading(engine) as connection:
                held = [f"{event.source}:{event.seq}" for event in events_in(connection)]
            assert len(held) == len(set(held)), "an event is there twice"
            assert confirmed <= set(held), "a confirmed event was lost"
        hosting.stdin.close()
    return hit


def ingest_at_once(place: str, seeds: list[int]) -> None:
    """Let several workers ingest the same history at the same time, each in its own order."""
    words = [sys.executable, str(Path(__file__))]
    hosts = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in seeds]
    for hosting, seed in zip(hosts, seeds, strict=True):
        assert hosting.stdin is not None
        hosting.stdin.write(f"{place} {seed}\n")
        hosting.stdin.flush()
    for hosting in hosts:
        out, _ = hosting.communicate(timeout=120)
        assert out.splitlines()[-1] == "fate 0"


if __name__ == "__main__":
    host()
