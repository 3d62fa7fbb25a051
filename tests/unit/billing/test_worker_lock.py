"""Of all services on a store one is its worker: another takes over when it ends, in whatever way."""

import subprocess
import sys

import pytest
from sqlalchemy import text

from billing.errors import StoreError
from billing.store.engine import open_store
from billing.store.migrate import init
from billing.store.worker_lock import WorkerLock

HOLDS = """
import sys
from billing.store.engine import open_store
from billing.store.worker_lock import WorkerLock
lock = WorkerLock(open_store(sys.argv[1]))
print(lock.mine(), flush=True)
sys.stdin.read()
"""


def test_one_process_at_a_time_is_the_worker(store_place: str) -> None:
    store = open_store(store_place, create=True)
    init(store)
    here, beside = WorkerLock(store), WorkerLock(store)
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, store_place], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert not here.mine() and not beside.mine()
        other.kill()
    assert any(here.mine() for _ in range(1_000)), "a process that was killed holds it no longer"
    assert here.mine() and not beside.mine()
    here.close()
    assert any(beside.mine() for _ in range(1_000)) and not here.mine(), "once it was given back it is not taken again"
    if store.dialect.name == "postgresql":
        _end_sessions(store_place)
        with pytest.raises(StoreError):
            beside.mine()
        assert beside.mine(), "and it is taken anew"
    beside.close()


def _end_sessions(place: str) -> None:
    """End all sessions but the one that says so."""
    with open_store(place).connect() as connection:
        others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.execute(text(f"{others} AND datname = current_database()"))
