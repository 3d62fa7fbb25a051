"""The API under load on loopback, as ratios within one run: bills against a hello-world route, events, and a flood.

    python benchmarks/bench_api.py [--only STORE] [--case CASE] [--postgres URL] [--days 30] [--seconds 4] [--json]

`bill`: a tenant's hourly bill (`GET /v1/bill/hour`) against a bare FastAPI route under the same server, turn by turn,
in answers per second and in CPU seconds of the server; and latency at half of the rate that it can do. `events`:
batches of 500 of a tenant's own use over HTTP into the log, durable and each once, one worker. `flood`: the latency of
one tenant that asks steadily, alone, and while another asks as fast as it can over eight connections: under the limits
that `spillway serve` has, and with none. Servers run on one core, the load on another, each in a process of its own.
Wall times are of this machine; ratios are what counts. A PostgreSQL server is started for it, unless one is named; it
runs with what is durable by default, on whichever core.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from api_load import Load, again, closed, request, steady

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "tests" / "support"))  # the server of PostgreSQL that tests have
CONNECTIONS = 8
BATCH = 500
TURN_S = 0.4  # of a comparison turn by turn: short, so that both sides see the same neighbours
CORES = sorted(os.sched_getaffinity(0))


# -- the server, in a process of its own -----------------------------------------------------------------------------


def serve(kind: str, place: str, secrets: str, port: int, limited: bool) -> None:
    """Serve hello-world or the API until killed."""
    from sim.cli.serve_http import server_of

    with socket.create_server(("127.0.0.1", port)) as listening:
        # As `spillway serve`: else each answer waits 40 ms for an ACK, and every ratio comes to one.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server_of(hello() if kind == "hello" else api(place, secrets, limited), 0).run(sockets=[listening])


def hello() -> Any:
    """A route that does nothing, in the way that a FastAPI route is written."""
    from fastapi import FastAPI

    app = FastAPI()

    @app.get("/hello")
    def say() -> dict[str, str]:
        return {"hello": "world"}

    return app


def api(place: str, secrets: str, limited: bool) -> Any:
    """The API, with the limits that it has by default, or with none that matters."""
    from billing.api.app import create_app
    from billing.store.door import open_door
    from billing.store.secrets_file import load_secrets
    from tenants.access.limits import Limit, Limits

    kept = load_secrets(Path(secrets))
    free = Limit(10**6, 1, 10**7)  # a burst of many seconds, since the clock counts whole ones
    limits = Limits() if limited else Limits(free, free, free)
    door = open_door(place, kept, os.urandom)
    return create_app(door, kept, lambda: int(time.time()), os.urandom, limits=limits)


@contextmanager
def serving(kind: str, place: str, secrets: str, limited: bool = False) -> Iterator[tuple[int, int]]:
    """(port, process id) of a server that answers."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = [sys.executable, str(HERE), "--serve", kind, place, secrets, str(port), str(int(limited))]
    process = subprocess.Popen(words)
    os.sched_setaffinity(process.pid, CORES[:1])
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def cpu_s(process: int) -> float:
    """CPU seconds that the threads of a process have used, from /proc, to the nanosecond."""
    return sum(int(at.read_text().split()[0]) for at in Path(f"/proc/{process}/task").glob("*/schedstat")) / 1e9


# -- the world -------------------------------------------------------------------------------------------------------


def spillway(folder: Path, *words: str) -> str:
    """What a command printed."""
    done = subprocess.run(
        [sys.executable, "-m", "sim", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"spillway {' '.join(words)}: {done.stderr}")
    return done.stdout


def filled(folder: Path, place: str, days: int) -> dict[str, str]:
    """Make a store with a run in it, settled, and return keys of two of its tenants."""
    store = ["--db", place, "--secrets", str(folder / "bench.secrets")]
    if not (folder / "run").exists():
        spillway(folder, "run", "gap", "--days", str(days), "--out", str(folder / "run"), "--no-report", "-q")
    spillway(folder, "db", "init", "--db", place)
    spillway(folder, "db", "import", str(folder / "run"), "--db", place)
    keys = {}
    for tenant in ("acme", "birch"):
        made = spillway(folder, "keys", "create", "--tenant", tenant, "--role", "tenant_admin", "--json", *store)
        keys[tenant] = json.loads(made)["key"]
    if place.startswith("postgresql"):
        spillway(folder, "db", "roles", *store)
    spillway(folder, "db", "settle", "--db", place)
    return keys


# -- what is measured ------------------------------------------------------------------------------------------------


def run_closed(port: int, data: bytes, seconds: float, connections: int = CONNECTIONS) -> Load:
    load = asyncio.run(closed(port, again([data]), connections, seconds))
    assert set(load.statuses) == {200}, load.statuses
    return load


def bill(place: str, secrets: str, key: str, seconds: float) -> dict[str, float]:
    """An hourly bill against hello-world, turn by turn, and its latency at half of its own rate."""
    asked, said = request("GET", "/v1/bill/hour", key), request("GET", "/hello")
    with serving("api", place, secrets) as (port, process), serving("hello", place, secrets) as (other, greeter):
        run_closed(port, asked, 1), run_closed(other, said, 1)
        per_s, ratios, cpu_ratios = [], [], []
        for _ in range(max(5, int(5 * seconds))):
            before, begun = cpu_s(greeter), cpu_s(process)
            simple, whole = run_closed(other, said, TURN_S), run_closed(port, asked, TURN_S)
            per_s.append(whole.per_s)
            ratios.append(whole.per_s / simple.per_s)
            simple_s = (cpu_s(greeter) - before) / len(simple.took_s)
            cpu_ratios.append(simple_s / ((cpu_s(process) - begun) / len(whole.took_s)))
        rate = statistics.median(per_s)
        half = asyncio.run(steady(port, asked, rate / 2, CONNECTIONS * 2, 3 * seconds))
    return {
        "per_s": round(rate),
        "of_hello_world": round(statistics.median(ratios), 2),
        "of_hello_world_in_cpu": round(statistics.median(cpu_ratios), 2),
        "p50_ms_at_half_rate": round(half.percentile_ms(50), 1),
        "p99_ms_at_half_rate": round(half.percentile_ms(99), 1),
    }


def batches(key: str) -> Iterator[bytes]:
    """Batches of new events of one tenant."""
    for number in count():
        events = [
            {
                "id": f"{os.getpid()}-{number}-{row}",
                "type": "usage.metered",
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3_600)),
                "data": {
                    "meter": "tool_calls",
                    "quantity": 1,
                    "product": "agents",
                    "sku": "any",
                    "region": "us-1",
                    "from_s": int(time.time()) - 7_200,
                    "until_s": int(time.time()) - 3_600,
                },
            }
            for row in range(BATCH)
        ]
        yield request("POST", "/v1/events", key, json.dumps({"events": events}).encode())


def events(place: str, secrets: str, key: str, seconds: float) -> dict[str, float]:
    """Events a second over HTTP into the log: made beforehand, sent over two connections."""
    with serving("api", place, secrets) as (port, process):
        made = [data for data, _ in zip(batches(key), range(max(40, int(40 * seconds))), strict=False)]
        before = cpu_s(process)
        load = asyncio.run(closed(port, iter(made), 2, 60))
        used_s = cpu_s(process) - before
    assert set(load.statuses) == {200}, load.statuses
    sent = BATCH * len(load.took_s)
    return {"events_per_s": round(sent / load.wall_s), "events_per_cpu_s": round(sent / used_s)}


def flood(place: str, secrets: str, keys: dict[str, str], seconds: float) -> dict[str, float]:
    """The p99 of a quiet tenant, alone and beside one that floods; the flood comes from a process of its own."""
    quiet = request("GET", "/v1/bill/hour", keys["acme"])
    found = {}
    for name, limited in (("limited", True), ("unlimited", False)):
        with serving("api", place, secrets, limited) as (port, _):
            per_s = 4 if limited else 20  # a key may ask 300 times a minute
            alone, beside = [], []
            asyncio.run(steady(port, quiet, per_s, 4, 1))
            for _ in range(5):
                alone.append(asyncio.run(steady(port, quiet, per_s, 4, seconds)).percentile_ms(99))
                words = [sys.executable, str(HERE), "--flood", str(port), keys["birch"], str(seconds + 2)]
                attacker = subprocess.Popen(words)
                time.sleep(1)
                load = asyncio.run(steady(port, quiet, per_s, 4, seconds))
                assert set(load.statuses) == {200}, load.statuses
                beside.append(load.percentile_ms(99))
                attacker.wait()
        found[f"p99_ms_alone_{name}"] = round(statistics.median(alone), 1)
        found[f"p99_ms_beside_a_flood_{name}"] = round(statistics.median(beside), 1)
        found[f"p99_ratio_{name}"] = round(statistics.median(beside) / statistics.median(alone), 1)
    return found


CASES: dict[str, Callable[[str, str, dict[str, str], float], dict[str, float]]] = {
    "bill": lambda place, secrets, keys, seconds: bill(place, secrets, keys["acme"], seconds),
    "events": lambda place, secrets, keys, seconds: events(place, secrets, keys["acme"], seconds),
    "flood": flood,
}


def own_postgres(stack: ExitStack) -> str | None:
    """Start a server that ends with the stack, and return the URL of an empty database; None where none is there."""
    import postgres

    if postgres.binaries() is None:
        print(f"store=postgresql  NOT MEASURED: {postgres.MISSING}", flush=True)
        return None
    urls = stack.enter_context(postgres.server(durable=True))
    return postgres.fresh_database(urls, "bench")


def main() -> None:
    """Measure on SQLite, and on PostgreSQL where there is one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--postgres", metavar="URL", help="an empty database, as its owner; by default one is made")
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--case", choices=tuple(CASES))
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--flood", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        kind, place, secrets, port, limited = asked.serve
        serve(kind, place, secrets, int(port), limited == "1")
        return
    if asked.flood:
        port, key, seconds = asked.flood
        asyncio.run(closed(int(port), again([request("GET", "/v1/bill/hour", key)]), CONNECTIONS, float(seconds)))
        return
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        places = {} if asked.only == "postgresql" else {"sqlite": str(folder / "bench.db")}
        if asked.only != "sqlite" and (url := asked.postgres or own_postgres(stack)):
            places["postgresql"] = url
        for name, place in places.items():
            keys, secrets = filled(folder, place, asked.days), str(folder / "bench.secrets")
            os.sched_setaffinity(0, CORES[-1:])
            found[name] = {}
            for case, measure in CASES.items():
                if asked.case in (None, case):
                    figures = found[name][case] = measure(place, secrets, keys, asked.seconds)
                    told = "  ".join(f"{key}={value}" for key, value in figures.items())
                    print(f"store={name}  case={case}  {told}", file=sys.stderr if asked.json else None, flush=True)
            os.sched_setaffinity(0, CORES)
    if asked.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
