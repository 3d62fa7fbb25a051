"""A process that invoices is killed with SIGKILL, again and again, at random moments: its books must not show it.

After each kill the store is opened as it was left: every document that was reported is there, no number is missing, no
month is invoiced twice, every entry has its document and the books balance. In the end the killed process, started
again, has the same documents, payments, notes and entries as one that was never disturbed, byte for byte.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import Connection

from billing.store.audit import entries_of
from billing.store.books import invoices_in, notes_of, payments_of
from billing.store.check_audit import check_audit
from billing.store.check_books import check_books
from billing.store.engine import open_store, reading
from billing.store.migrate import init
from invoicing_process import steps, whole

SCRIPT = Path(__file__).parents[1] / "support" / "invoicing_process.py"


def start(place: str, worlds: int) -> subprocess.Popen[str]:
    folders = [str(SCRIPT.parent), str(SCRIPT.parents[2])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), place, str(worlds)], stdout=subprocess.PIPE, text=True, env=environment
    )


def run_and_kill(place: str, worlds: int, delay_s: float) -> list[str]:
    """Start the process, kill it `delay_s` after it began to work, and return the steps that it reported."""
    process = start(place, worlds)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    said, _ = process.communicate()
    return said.splitlines()


def undisturbed(tmp_path: Path, worlds: int) -> tuple[list[object], ...]:
    """The books of a process that nobody killed."""
    engine = open_store(str(tmp_path / "undisturbed.db"), create=True)
    init(engine)
    for _, step in steps(engine, worlds):
        step()
    return whole(engine)


def require_noted(connection: Connection) -> None:
    """The audit log is sound, and has an entry for each document and payment, and none without."""
    checked, faults = check_audit(connection)
    assert faults == []
    noted = Counter(row.entry.action for log in checked for row in entries_of(connection, log.tenant))
    voided = sum(invoice.status == "void" for invoice in invoices_in(connection))
    done = {
        "invoice.issue": len(invoices_in(connection)),
        "invoice.void": voided,
        "credit_note.issue": len(notes_of(connection)),
        "payment.note": len(payments_of(connection)),
    }
    assert {action: noted[action] for action in done} == done


def kill_often(place: str, kills: int, worlds: int, rng: random.Random, tmp_path: Path) -> None:
    engine = open_store(place, create=True)
    init(engine)
    longest_s, before, finished = 0.8, 0, 0
    for _ in range(kills):
        said = run_and_kill(place, worlds, rng.uniform(0, longest_s))
        finished += "done" in said
        with reading(engine) as connection:
            assert check_books(connection) == []
            require_noted(connection)
        kept = sum(map(len, whole(engine)))
        assert kept >= before, "something that was kept is gone"
        before = kept
        if "done" in said:
            longest_s = max(0.05, longest_s * 0.7)  # kill earlier: the later steps find everything done
    process = start(place, worlds)
    said, _ = process.communicate(timeout=120)
    assert said.endswith("done\n")
    assert whole(engine) == undisturbed(tmp_path, worlds)
    print(f"{kills} kills, {finished} of them after the last step")


def test_killed_a_few_times(store_place: str, tmp_path: Path, seed: int) -> None:
    kill_often(store_place, 2, 2, random.Random(seed), tmp_path)


@pytest.mark.slow
def test_killed_fifty_times(store_place: str, tmp_path: Path, seed: int) -> None:
    kill_often(store_place, 50, 8, random.Random(seed), tmp_path)
