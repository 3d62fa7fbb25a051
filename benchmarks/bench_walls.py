"""What the walls cost, and what one file per tenant would: both as ratios, on whatever machine this is.

    python benchmarks/bench_walls.py [--rows 200000] [--tenants 1000] [--postgres URL] [--json]

`wall`: a tenant's rows summed through the door's role against the same query by the owner with a WHERE; and a whole
transaction, bound and all. `files`: a month written for so many tenants, a transaction per tenant, into one guarded
file against a file each; and opening one of them for a request against a connection that rests behind its wall.
`torn`: two attached files in WAL mode, killed between the two commits: how many of the kills left one half.
"""

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import func, insert, select, text

from billing.store.door import Door, make_walls
from billing.store.engine import Store, open_store, reading, writing
from billing.store.migrate import init
from billing.store.schema import all_tables
from billing.store.walls.connect import bind_to
from billing.store.walls.grants import Wall
from billing.store.walls.views import view
from tenants.access.secrets import Secrets

SECRETS = Secrets(1, {1: b"p" * 32}, b"t" * 32, b"c" * 32, b"k" * 32, b"n" * 32)
TENANTS = 50
KILLED = """
import os, sqlite3, sys
one = sqlite3.connect(sys.argv[1], isolation_level=None)
one.execute("ATTACH ? AS other", (sys.argv[2],))
n = 0
while True:
    n += 1
    one.execute("BEGIN IMMEDIATE")
    one.execute("INSERT INTO main.t VALUES (?)", (n,))
    one.execute("INSERT INTO other.t VALUES (?)", (n,))
    one.execute("COMMIT")
    print(n, flush=True)
"""


def median_s(work: Callable[[], object], times: int) -> float:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        found.append(time.perf_counter() - begun)
    return statistics.median(found)


def wall(place: str, rows: int) -> dict[str, float]:
    """Ratios of a query through the wall to the owner's, and the microseconds of a bound transaction."""
    store = open_store(place, create=True)
    init(store)
    make_walls(store, SECRETS)
    _fill(store, rows)
    door = Door(store, SECRETS, os.urandom)
    table, seen = all_tables().tables["all_ledger_entry"], view("ledger_entry")
    plain = select(func.sum(table.c.amount_micro)).where(table.c.tenant == "t7")
    walled = select(func.sum(seen.c.amount_micro))
    with reading(store) as ours, reading(door._engine_of(Wall.APP, write=False)) as theirs:
        bind_to(theirs, SECRETS.tenant_token, "t7")
        assert ours.execute(plain).scalar_one() == theirs.execute(walled).scalar_one()
        pairs = [
            (median_s(lambda: theirs.execute(walled).all(), 20), median_s(lambda: ours.execute(plain).all(), 20))
            for _ in range(7)
        ]

    def bound() -> None:
        with reading(door._engine_of(Wall.APP, write=False)) as connection:
            bind_to(connection, SECRETS.tenant_token, "t7")
            connection.execute(select(seen.c.line).limit(1)).all()

    def unbound() -> None:
        with reading(store) as connection:
            connection.execute(select(table.c.line).where(table.c.tenant == "t7").limit(1)).all()

    found = {
        "query_ratio": statistics.median(a / b for a, b in pairs),
        "transaction_us": median_s(bound, 200) * 1e6,
        "owner_transaction_us": median_s(unbound, 200) * 1e6,
    }
    door.close()
    return found


def _fill(store: Store, rows: int) -> None:
    table = all_tables().tables["all_ledger_entry"]
    base = {"account": "cash", "amount_micro": 7, "currency": "USD", "document": "d", "line": 1, "time_s": 1}
    with writing(store) as connection:
        for at in range(0, rows, 20_000):
            chunk = [{**base, "tenant": f"t{n % TENANTS}", "position": n} for n in range(at, min(rows, at + 20_000))]
            connection.execute(insert(table), chunk)
        connection.execute(text("ANALYZE"))


def files(folder: Path, tenants: int) -> dict[str, float]:
    """A month for each tenant, a transaction each: into one store, and into a store of its own."""
    one = open_store(str(folder / "one.db"), create=True)
    init(one)
    template = folder / "template.db"
    shutil.copy(folder / "one.db", template)
    names = [f"t{number}" for number in range(tenants)]
    entry = all_tables().tables["all_ledger_entry"]
    base = {"account": "cash", "amount_micro": 7, "currency": "USD", "document": "d", "line": 1, "time_s": 1}

    def month(store: Store, name: str) -> None:
        with writing(store) as connection:
            connection.execute(insert(entry), [{**base, "tenant": name, "position": at} for at in range(20)])

    def own(name: str) -> Store:
        shutil.copy(template, folder / f"{name}.db")
        return open_store(str(folder / f"{name}.db"))

    with reading(one):  # keeps the file open
        begun = time.perf_counter()
        for name in names:
            month(one, name)
        shared_s = time.perf_counter() - begun
    begun = time.perf_counter()
    for name in names:
        month(own(name), name)
    own_s = time.perf_counter() - begun
    door = Door(one, SECRETS, os.urandom)

    def request(engine: Store, tenant: str | None) -> None:
        with reading(engine) as connection:
            if tenant is not None:
                bind_to(connection, SECRETS.tenant_token, tenant)
            source = view("ledger_entry") if tenant is not None else entry
            connection.execute(select(func.sum(source.c.amount_micro))).all()

    guarded_us = median_s(lambda: request(door._engine_of(Wall.APP, write=False), "t7"), 200) * 1e6
    opened_us = median_s(lambda: request(open_store(str(folder / "t7.db")), None), 200) * 1e6
    size = sum(each.stat().st_size for each in folder.glob("t*.db"))
    door.close()
    return {
        "months_own_to_shared": own_s / shared_s,
        "request_guarded_us": guarded_us,
        "request_open_own_us": opened_us,
        "bytes_own_to_shared": size / (folder / "one.db").stat().st_size,
    }


def torn(folder: Path, kills: int) -> dict[str, float]:
    """Kill a process that commits to two attached files; count the kills after which they differ."""
    halves = 0
    for number in range(kills):
        paths = [folder / f"{name}{number}.db" for name in ("a", "b")]
        for path in paths:
            made = sqlite3.connect(path)
            made.execute("PRAGMA journal_mode=WAL")
            made.execute("CREATE TABLE t (n)")
            made.commit()
            made.close()
        process = subprocess.Popen([sys.executable, "-c", KILLED, *map(str, paths)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(20 + number):
            process.stdout.readline()
        process.kill()
        process.wait()
        counts = [sqlite3.connect(path).execute("SELECT max(n) FROM t").fetchone()[0] for path in paths]
        halves += counts[0] != counts[1]
    return {"kills": kills, "torn": halves}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--tenants", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--postgres", help="an empty database, as its owner")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {"sqlite": wall(str(folder / "wall.db"), asked.rows)}
        if asked.postgres:
            found["postgresql"] = wall(asked.postgres, asked.rows)
        found["files"] = files(folder, asked.tenants)
        found["torn"] = torn(folder, asked.kills)
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    for part, figures in found.items():
        print(f"{part}: " + ", ".join(f"{key} {value:.4g}" for key, value in figures.items()))


if __name__ == "__main__":
    main()
