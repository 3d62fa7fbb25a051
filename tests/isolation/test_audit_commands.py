"""U3 through the command line: every command that changes a store leaves an entry, and no command is forgotten here."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import typer
from typer.testing import CliRunner

from billing.store.audit import entries_of, heads_in
from billing.store.engine import open_store, reading
from isolation import Case, attack, mutant
from run_folders import write_small
from sim.cli import app
from tenants.access.lifecycle import DAY_S
from tenants.audit.entry import AuditEntry

Said = dict[str, Any]  # command -> what it answered last
NOON = "2027-02-01T12:00:00Z"
NOW_S, YEAR_S = 1_800_000_000, 366 * DAY_S
# Commands that are shown a store, and leave it as it is. Some write elsewhere: a witness file, a file of secrets; and
# what settling writes can be made anew at any time, by anybody who has the log.
CHANGE_NOTHING = {
    *("db settle", "db status", "db check", "db upgrade", "db roles"),
    *("audit show", "audit verify", "audit prove", "audit checkpoint"),
    *("bill invoices", "bill export", "bill explain", "bill hours", "sla show", "inspect", "serve"),
    *("keys list", "keys pepper", "tenants list"),
}


def changes(run: Path) -> dict[str, tuple[str, Callable[[Said], list[object]]]]:
    """Every command that changes a store, in an order in which they can be given: its action, and what it is told."""

    def invoice(number: int) -> Callable[[Said], str]:
        return lambda said: due(said)[number]["number"]

    def due(said: Said) -> list[dict[str, Any]]:
        return [each for each in said["bill issue"]["invoices"] if "-SB-" not in each["number"]]

    def whose(said: Said) -> str:
        return str(due(said)[0]["tenant"])

    return {
        "db init": ("store.upgrade", lambda _: []),
        "db import": ("events.import", lambda _: [run]),
        "bill issue": ("invoice.issue", lambda _: []),
        "bill pay": ("payment.note", lambda said: [invoice(0)(said), "0.01", "--reference", "w1", "--at", NOON]),
        "bill credit-note": (
            "credit_note.issue",
            lambda said: [invoice(0)(said), "--cause", "goodwill", "--line", 1, "--at", NOON],
        ),
        "bill void": ("invoice.void", lambda said: [invoice(-1)(said), "--at", NOON]),
        "audit erase": ("details.erased", lambda _: [1, "--house", "--reason", "asked to be forgotten"]),
        "keys create": ("key.create", lambda said: ["--tenant", whose(said)]),
        "keys rotate": ("key.rotate", lambda said: [said["keys create"]["id"]]),
        "keys revoke": ("key.revoke", lambda said: [said["keys rotate"]["id"], "--reason", "seen in a chat"]),
        "tenants create": ("tenant.create", lambda _: ["Initech", "--id", "initech"]),
        "tenants regions": ("tenant.regions", lambda _: ["initech", "--region", "eu-1"]),
        "tenants suspend": ("tenant.suspend", lambda _: ["initech", "--reason", "bill unpaid since May"]),
        "tenants resume": ("tenant.resume", lambda _: ["initech", "--reason", "bill paid"]),
        "tenants delete": ("tenant.delete", lambda _: ["initech"]),
        "tenants purge": ("tenant.purge", lambda _: []),
    }


def with_a_store() -> Iterator[str]:
    """The names of all commands that take a store."""

    def walk(command: Any, words: tuple[str, ...]) -> Iterator[str]:
        for name, each in getattr(command, "commands", {}).items():
            yield from walk(each, (*words, name))
        if any("--db" in parameter.opts for parameter in command.params):
            yield " ".join(words)

    yield from walk(typer.main.get_command(app), ())


@attack("U3", on=("sqlite",))
def test_a_command_changes_a_store_unseen(case: Case) -> None:
    run, store = write_small(case.folder / "runs" / "small"), case.empty_place
    wanted, known = changes(run), set(with_a_store())
    assert known <= CHANGE_NOTHING | set(wanted), "a command that takes a store is not tried here"
    said: Said = {}
    noted: Counter[str] = Counter()
    for name, (action, arguments) in wanted.items():
        if name not in known:
            continue
        words = [*name.split(), *map(str, arguments(said)), "--db", store, "--json"]
        now_s = NOW_S + 10 * YEAR_S * (name == "tenants purge")
        with patch("sim.cli.edge.now_s", return_value=now_s):
            done = CliRunner(env={"SPILLWAY_DB": None}).invoke(app, words)
        assert done.exit_code == 0, f"{words}: {done.output}"
        said[name] = json.loads(done.stdout)
        with reading(open_store(store)) as connection:
            tenants = [head.tenant for head in heads_in(connection)]
            now = Counter(row.entry.action for each in tenants for row in entries_of(connection, each))
        assert now[action] > noted[action], f"{name} left no entry {action}"
        noted = now
        case.tried()
    sound = CliRunner().invoke(app, ["audit", "verify", "--db", store])
    assert sound.exit_code == 0, sound.output


@mutant("U3", "a void is not noted", of=test_a_command_changes_a_store_unseen)
def void_not_noted() -> AbstractContextManager[object]:
    from billing.store.audit import record

    def forget(connection: Any, *told: Any) -> AuditEntry | None:
        return None if told[2] == "invoice.void" else record(connection, *told)

    return patch("billing.store.books.record", forget)


@mutant("U3", "a key is minted without an entry", of=test_a_command_changes_a_store_unseen)
def key_not_noted() -> AbstractContextManager[object]:
    from billing.store.audit import record

    def forget(connection: Any, *told: Any) -> AuditEntry | None:
        return None if told[2] == "key.create" else record(connection, *told)

    return patch("billing.store.access.record", forget)
