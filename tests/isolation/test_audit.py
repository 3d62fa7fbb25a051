"""U1-U6 and X4: the audit log is changed, cut, rewritten, read and written into by whom it is not for."""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event, select, text

import billing.store.engine as engines
from billing.errors import StoreError
from billing.invoices.credit_note import Return
from billing.invoices.invoice import Heading
from billing.store import audit, break_glass, check_audit, ingest, tables_audit, witness
from billing.store.books import (
    invoices_in,
    notes_of,
    payments_of,
    save_credit_note,
    save_invoice,
    save_payment,
    save_void,
)
from billing.store.door import Door, make_walls
from billing.store.engine import open_store, reading, writing
from billing.store.walls.grants import GRANTS, HIDDEN, Rows, Verbs, Wall
from invoice_facts import CENT, ISSUED_S, cents, issued
from isolation import BOTH, Case, attack, mutant
from log_events import chain
from tenant_world import SECRETS
from tenants.access import scope as scopes
from tenants.access.errors import AccessError
from tenants.access.identity import ROLE_SCOPES, Principal, Role
from tenants.access.scope import Scope, make_scope
from tenants.audit import check, checkpoint, entry
from tenants.audit.checkpoint import AuditError, Fault, read_witness
from tenants.audit.entry import AuditEntry, shown
from tenants.audit.proof import Proof, proof_faults, read_proof

KEY = b"k" * 32
NOW_S = ISSUED_S
ENTRIES = 9
FIELDS = ("time_s", "actor", "action", "object", "reason", "details_hash", "leaf_hash", "tenant")


def filled(case: Case, others: Sequence[str] = ("globex", "")) -> Engine:
    """A store whose tenant acme has ENTRIES entries, and others a few."""
    store = open_store(case.place)
    with writing(store) as connection:
        for tenant, count in (("acme", ENTRIES), *((other, 4) for other in others)):
            for number in range(count):
                write(connection, tenant, number)
    return store


def write(connection: Connection, tenant: str, number: int, reason: str = "because it was due") -> None:
    details = {"amount_micro": number}
    audit.record(connection, tenant, "local", "invoice.issue", f"{tenant}-{number}", reason, details, NOW_S + number)


def faults(connection: Connection, file: Path | None = None) -> list[Fault]:
    """What `spillway audit verify` finds."""
    seen = witness.checkpoints_in(str(file)) if file is not None else []
    return check_audit.check_audit(connection, seen, KEY)[1]


@contextmanager
def undone(store: Engine) -> Iterator[Connection]:
    """A connection that may do anything, and whose changes are then forgotten."""
    with store.connect() as connection:
        yield connection
        connection.rollback()


# -- U1 ----------------------------------------------------------------------------------------------------------------


def changed(value: Any, at: int) -> Any:
    """A value with one of its bytes changed."""
    if isinstance(value, int):
        return value ^ 1 << at % 30
    at %= len(value) or 1
    return f"{value[:at]}{'0' if value[at : at + 1] != '0' else '1'}{value[at + 1 :]}"


EDITS = [
    *(("all_audit_entry", field) for field in FIELDS),
    ("all_audit_details", "salt"),
    ("all_audit_details", "details"),
    *(("all_audit_tree", field) for field in ("size", "frontier", "root")),
]


@attack("U1", on=BOTH)
def test_an_entry_is_edited_removed_or_moved(case: Case) -> None:
    store = filled(case)
    with reading(store) as connection:
        assert faults(connection) == []

    def edit(wanted: tuple[tuple[str, str], int, int]) -> None:
        (table, field), position, at = wanted
        here = "tenant = 'acme'" + ("" if table == "all_audit_tree" else f" AND position = {position}")
        with undone(store) as connection:
            connection.exec_driver_sql(DETACHED[connection.dialect.name])
            before = connection.execute(text(f"SELECT {field} FROM {table} WHERE {here}")).scalar_one()
            after = {"value": changed(before, at)}
            connection.execute(text(f"UPDATE {table} SET {field} = :value WHERE {here}"), after)
            found = [fault for fault in faults(connection) if fault.tenant == "acme"]
            assert found, f"{table}.{field} of entry {position} was changed"
            if table != "all_audit_tree":
                assert found[0].position == position

    for each in EDITS:
        edit((each, case.rng.randint(1, ENTRIES), case.rng.randrange(64)))
        case.tried()
    case.given(st.tuples(st.sampled_from(EDITS), st.integers(1, ENTRIES), st.integers(0, 63)), edit, examples=15)
    for name, (statements, position) in MOVES.items():
        with undone(store) as connection:
            connection.exec_driver_sql(DETACHED[connection.dialect.name])
            for statement in statements:
                connection.execute(text(statement))
            found = [fault.position for fault in faults(connection) if fault.tenant == "acme"]
            assert found and found[0] == position, name
            case.tried()


# Whoever owns the database is not held up by its foreign keys.
DETACHED = {
    "sqlite": "PRAGMA defer_foreign_keys=ON",
    "postgresql": "SET LOCAL session_replication_role = replica",
}


def _both(statement: str) -> list[str]:
    return [statement.format("all_audit_details"), statement.format("all_audit_entry")]


MOVES: dict[str, tuple[list[str], int]] = {
    "deleted": (_both("DELETE FROM {} WHERE tenant = 'acme' AND position = 4"), 4),
    "cut short": (_both("DELETE FROM {} WHERE tenant = 'acme' AND position > 6"), 7),
    "cut at the front": (_both("DELETE FROM {} WHERE tenant = 'acme' AND position < 3"), 1),
    "swapped": (
        [
            statement
            for place, old in ((99, 3), (3, 5), (5, 99))
            for statement in _both(f"UPDATE {{}} SET position = {place} WHERE tenant = 'acme' AND position = {old}")
        ],
        3,
    ),
    "emptied": (_both("DELETE FROM {} WHERE tenant = 'acme'"), 1),
    "details gone": (["DELETE FROM all_audit_details WHERE tenant = 'acme' AND position = 2"], 2),
    "slipped in": (
        [
            "INSERT INTO all_audit_entry SELECT tenant, 10, time_s, actor, action, object, reason, details_hash,"
            " leaf_hash FROM all_audit_entry WHERE tenant = 'acme' AND position = 9"
        ],
        10,
    ),
}


@mutant("U1", "a field left out of the hash", of=test_an_entry_is_edited_removed_or_moved)
def reason_not_hashed() -> AbstractContextManager[object]:
    whole = entry.leaf_bytes
    return patch("tenants.audit.entry.leaf_bytes", lambda each: whole(each._replace(reason="")))


@mutant("U1", "details are not held to their hash", of=test_an_entry_is_edited_removed_or_moved)
def details_not_opened() -> AbstractContextManager[object]:
    return patch("tenants.audit.check._opens", lambda *_: True)


@mutant("U1", "entries are not counted against the noted head", of=test_an_entry_is_edited_removed_or_moved)
def head_not_compared() -> AbstractContextManager[object]:
    return patch("tenants.audit.check._off_head", lambda *_: [])


# -- U2 ----------------------------------------------------------------------------------------------------------------


def rewritten(connection: Connection, count: int, liar: int) -> None:
    """Write acme's log anew with `count` entries, entry `liar` another one, as the product itself writes it."""
    for table in ("all_audit_details", "all_audit_entry", "all_audit_tree"):
        connection.execute(text(f"DELETE FROM {table} WHERE tenant = 'acme'"))
    for number in range(count):
        write(connection, "acme", number, "because it was due" if number + 1 != liar else "because I say so")


@attack("U2", on=BOTH)
def test_the_whole_log_is_written_anew(case: Case) -> None:
    store, file = filled(case), case.folder / "witness"
    witness.add_checkpoint(store, str(file), KEY, NOW_S)
    with writing(store) as connection:
        edge = connection.execute(text("SELECT size, frontier, root FROM all_audit_tree WHERE tenant = 'acme'")).one()
        write(connection, "acme", ENTRIES)
    witness.add_checkpoint(store, str(file), KEY, NOW_S + 60)
    seen = ENTRIES + 1
    with undone(store) as connection:  # only what came after the first checkpoint, and before the second
        for table in ("all_audit_details", "all_audit_entry"):
            connection.execute(text(f"DELETE FROM {table} WHERE tenant = 'acme' AND position > {ENTRIES}"))
        back = "UPDATE all_audit_tree SET size = :size, frontier = :frontier, root = :root WHERE tenant = 'acme'"
        connection.execute(text(back), dict(edge._mapping))
        write(connection, "acme", ENTRIES, "because I say so")
        assert faults(connection) == []
        assert [fault.position for fault in faults(connection, file) if fault.tenant == "acme"] == [seen]
        case.tried()
    for count, liar in ((seen, 4), (seen, seen), (seen + 5, 1), (seen - 1, 0), (3, 0), (0, 0)):
        with undone(store) as connection:
            rewritten(connection, count, liar)
            assert faults(connection) == [], "a log that is written anew is sound in itself"
            found = [fault for fault in faults(connection, file) if fault.tenant == "acme"]
            assert found, f"{count} entries, entry {liar} another one"
            assert found[0].position <= (liar or count + 1)
            case.tried()
    with writing(store) as connection:
        rewritten(connection, seen + 2, 4)
    before = file.read_bytes()
    with pytest.raises(AuditError, match="does not go on"):
        witness.add_checkpoint(store, str(file), KEY, NOW_S + 120)
    assert file.read_bytes() == before


@mutant("U2", "verify against the stored root only", of=test_the_whole_log_is_written_anew)
def witness_not_asked() -> AbstractContextManager[object]:
    return patch("tenants.audit.check._off_witness", lambda *_: [])


@mutant("U2", "only the first checkpoint is looked at", of=test_the_whole_log_is_written_anew)
def later_checkpoints_not_asked() -> AbstractContextManager[object]:
    off = check._off_witness
    return patch.object(check, "_off_witness", lambda tenant, trees, heads: off(tenant, trees, heads[:1]))


@mutant("U2", "a checkpoint signs whatever is there", of=test_the_whole_log_is_written_anew)
def any_past_is_signed() -> AbstractContextManager[object]:
    return patch("billing.store.witness._require_goes_on", lambda *_: None)


@attack("U2", on=("sqlite",))
def test_the_witness_file_is_written_anew(case: Case) -> None:
    store, file = filled(case), case.folder / "witness"
    for number in range(3):
        with writing(store) as connection:
            write(connection, "acme", ENTRIES + number)
        witness.add_checkpoint(store, str(file), KEY, NOW_S + number)
    one, two, three = witness.checkpoints_in(str(file))
    forged = checkpoint.make_checkpoint(three.heads, three.time_s, three.before, b"x" * 32)
    told = {
        "first line taken out": ([two, three], 1),
        "line taken out": ([one, three], 2),
        "lines swapped": ([two, one, three], 1),
        "line twice": ([one, two, two, three], 3),
        "other root": ([one, two._replace(root="0" * 64), three], 2),
        "other head": ([one, two._replace(heads=one.heads), three], 2),
        "signed by another": ([one, two, forged], 3),
        "made younger": ([one, two, three._replace(time_s=three.time_s + 9)], 3),
    }
    with reading(store) as connection:
        assert check_audit.check_audit(connection, [one, two, three], KEY)[1] == []
        for name, (seen, line) in told.items():
            found = check_audit.check_audit(connection, seen, KEY)[1]
            assert [fault.position for fault in found if fault.tenant is None][:1] == [line], name
            case.tried()
    text_ = file.read_text()
    for damaged in (text_.replace("[", "[ ", 1), text_[:-40], text_ + "{}\n", text_.replace(",10,", ",-10,")):
        with pytest.raises(AuditError, match="not a checkpoint"):
            read_witness(damaged, "witness")
        case.tried()


@mutant("U2", "signatures of checkpoints are not compared", of=test_the_witness_file_is_written_anew)
def any_signature() -> AbstractContextManager[object]:
    return patch("tenants.audit.checkpoint.hmac.compare_digest", lambda *_: True)


@mutant("U2", "lines of the witness file are not linked", of=test_the_witness_file_is_written_anew)
@contextmanager
def lines_not_linked() -> Iterator[None]:
    with patch("tenants.audit.checkpoint.line_hash", lambda _: ""), patch.object(witness, "line_hash", lambda _: ""):
        yield


# -- U3 ----------------------------------------------------------------------------------------------------------------


class Crash(Exception):
    """The process dies here."""


@contextmanager
def crash_at(store: Engine, statement: int) -> Iterator[None]:
    """Die before the statement of this number that changes something."""
    numbers = itertools.count(1)

    def before(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and next(numbers) == statement:
            raise Crash

    event.listen(store, "before_cursor_execute", before)
    try:
        yield
    finally:
        event.remove(store, "before_cursor_execute", before)


def state(store: Engine) -> tuple[dict[str, int], dict[str, int]]:
    """(what was done, what was noted), by action."""
    with reading(store) as connection:
        log = [row.action for row in connection.execute(select(tables_audit.entry.c.action))]
        terms = connection.execute(text("SELECT count(*) FROM event_terms")).scalar_one()
        events = connection.execute(text("SELECT count(*) FROM all_event")).scalar_one()
        invoices = invoices_in(connection)
        done = {
            "invoice.issue": len(invoices),
            "credit_note.issue": len(notes_of(connection)),
            "payment.note": len(payments_of(connection)),
            "invoice.void": sum(invoice.status == "void" for invoice in invoices),
            "terms.note": terms,
            "events.import": int(events > 0),
        }
    return done, {action: log.count(action) for action in done}


def deeds() -> dict[str, Callable[[Engine], object]]:
    """Every change of the books and the log that a command makes, in an order in which they can be made."""
    one, two = issued([cents(500)]), issued([cents(90)], Heading("acme", "2026-02"), ordinal=2)

    def within(do: Callable[[Connection], object]) -> Callable[[Engine], None]:
        def run(store: Engine) -> None:
            with engines.writing(store) as connection:
                do(connection)

        return run

    return {
        "terms": within(lambda c: ingest.note_terms(c, "sim", "terms")),
        "events": lambda store: ingest.ingest(store, chain()),
        "issue": within(lambda c: save_invoice(c, one)),
        "issue another": within(lambda c: save_invoice(c, two)),
        "void": within(lambda c: save_void(c, two.number, NOW_S + 5)),
        "credit": within(lambda c: save_credit_note(c, one.number, [Return(1, 1, 2)], "goodwill", "sorry", NOW_S + 6)),
        "pay": within(lambda c: save_payment(c, one.number, 100 * CENT, "w1", NOW_S + 7)),
    }


@attack("U3", on=BOTH)
def test_a_crash_parts_an_action_from_its_entry(case: Case) -> None:
    store = open_store(case.place)
    for name, do in deeds().items():
        for statement in itertools.count(1):
            done, _ = state(store)
            try:
                with crash_at(store, statement):
                    do(store)
            except Crash:
                assert state(store) == (done, done), f"{name}: died at statement {statement}"
                case.tried()
                continue
            break
        after, noted = state(store)
        assert after != done and noted == after, name
    with reading(store) as connection:
        assert faults(connection) == []


@mutant("U3", "audit written after commit", of=test_a_crash_parts_an_action_from_its_entry)
@contextmanager
def noted_after_commit() -> Iterator[None]:
    real, writing_ = audit.record, engines.writing
    later: list[tuple[Any, ...]] = []

    @contextmanager
    def in_two(store: Engine) -> Iterator[Connection]:
        with writing_(store) as connection:
            yield connection
        while later:
            with writing_(store) as connection:
                real(connection, *later.pop())

    def keep(_: Connection, *told: Any) -> None:
        later.append(told)

    books, log = (patch(f"billing.store.{room}.record", keep) for room in ("books", "ingest"))
    with patch.object(engines, "writing", in_two), books, log:
        yield


@mutant("U3", "a payment leaves no entry", of=test_a_crash_parts_an_action_from_its_entry)
def payment_not_noted() -> AbstractContextManager[object]:
    real = audit.record

    def forget(connection: Connection, *told: Any) -> object:
        return None if told[2] == "payment.note" else real(connection, *told)

    return patch("billing.store.books.record", forget)


# -- U4 ----------------------------------------------------------------------------------------------------------------


@attack("U4", on=BOTH)
def test_a_proof_tells_of_somebody_else(case: Case) -> None:
    """Two worlds that differ in globex alone: what acme is shown is the same to the byte, but for hashes of heads."""
    canary = f"canary{case.rng.randrange(10**9)}"
    shown_to_acme = []
    store, file = filled(case, others=()), case.folder / "witness"
    others: list[str] = []
    for reason in ("quiet", canary):
        with writing(store) as connection:
            for number in range(3):
                write(connection, "globex", number, reason)
        witness.add_checkpoint(store, str(file), KEY, NOW_S)
        seen = witness.checkpoints_in(str(file))[-1:]
        with reading(store) as connection:
            others += [
                value
                for row in connection.execute(select(tables_audit.entry).where(tables_audit.entry.c.tenant == "globex"))
                for value in (row.leaf_hash, row.details_hash)
            ]
            proofs = [audit.proof_of(connection, "acme", position, seen) for position in range(1, ENTRIES + 1)]
            entries = audit.entries_of(connection, "acme")
        told = "".join(proof.model_dump_json() for proof in proofs)
        assert canary not in told and "globex" not in told and not any(each in told for each in others)
        assert all(proof_faults(proof, KEY, seen) == [] for proof in proofs)
        shown_to_acme.append(json.dumps([entries, [proof.model_dump(exclude={"checkpoint"}) for proof in proofs]]))
        case.tried(len(proofs))
    assert shown_to_acme[0] == shown_to_acme[1]


@mutant("U4", "one shared tree", of=test_a_proof_tells_of_somebody_else, killed_by=(AuditError,))
def one_tree_for_all() -> AbstractContextManager[object]:
    def shared(connection: Connection, tenant: str) -> Any:
        columns = tables_audit.entry.c
        leaves = connection.execute(select(columns.leaf_hash).order_by(columns.tenant, columns.position)).scalars()
        return audit.Tree(bytes.fromhex(leaf) for leaf in leaves)

    return patch("billing.store.audit.tree_in", shared)


def member_of(tenant: str) -> Scope:
    return make_scope(Principal(f"m-{tenant}", "person", tenant, Role.MEMBER, ROLE_SCOPES[Role.MEMBER], "key-m"))


@contextmanager
def door_of(case: Case, store: Engine) -> Iterator[Door]:
    """The door of a store whose walls are made with what is planted."""
    make_walls(store, SECRETS)
    door = Door(store, SECRETS, case.rng.randbytes)
    try:
        if case.mutant is None:
            door.check()
        yield door
    finally:
        door.close()


@attack("U4", on=BOTH)
def test_a_tenant_reads_another_log_through_the_door(case: Case) -> None:
    store = filled(case)
    scope = member_of("acme")
    with door_of(case, store) as door:
        with door.reading(scope) as bound:
            mine = audit.entries_of(bound.connection, "acme")
            assert len(mine) == ENTRIES and len(audit.tree_in(bound.connection, "acme")) == ENTRIES
            assert [head.tenant for head in audit.heads_in(bound.connection)] == ["acme"]
            for other in ("globex", "", "nobody"):
                assert (
                    audit.entries_of(bound.connection, other) == [] and len(audit.tree_in(bound.connection, other)) == 0
                )
                with pytest.raises(AuditError, match="no such entry"):
                    audit.proof_of(bound.connection, other, 1)
                case.tried()
        for other in ("globex", ""):
            with pytest.raises((StoreError, AccessError)), door.writing(scope) as bound:
                write(bound.connection, other, 99)
            case.tried()
        with door.writing(scope) as bound:
            write(bound.connection, "acme", ENTRIES)
        with door.reading(scope) as bound:
            (checked,), found = check_audit.check_audit(bound.connection)
            assert (checked.tenant, len(checked.tree), found) == ("acme", ENTRIES + 1, [])
        for forbidden in ("UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry", "DELETE FROM audit_details"):
            with pytest.raises(StoreError), door.writing(scope) as bound:
                bound.connection.execute(text(forbidden))
            case.tried()
        with reading(store) as connection:
            assert faults(connection) == []


@attack("U4", on=BOTH)
def test_an_auditor_does_more_than_read(case: Case) -> None:
    """Reads and verifies every log, and changes none."""
    store = filled(case)
    anna = Principal("anna", "person", None, Role.AUDITOR, ROLE_SCOPES[Role.AUDITOR], "key-anna")
    with door_of(case, store) as door:
        with door.reading(make_scope(anna)) as bound:
            checked, found = check_audit.check_audit(bound.connection)
            assert [log.tenant for log in checked] == ["", "acme", "globex"] and found == []
        for statement in (
            "UPDATE audit_entry SET actor = 'x'",
            "DELETE FROM audit_details",
            "SELECT digest FROM api_key",
        ):
            with pytest.raises(StoreError), door.reading(make_scope(anna)) as bound:
                bound.connection.execute(text(statement))
            case.tried()
        with pytest.raises(AccessError), door.writing(make_scope(anna)) as bound:
            write(bound.connection, "acme", 99)


@mutant("U4", "auditors see what keys are compared with", of=test_an_auditor_does_more_than_read)
def digests_shown() -> AbstractContextManager[object]:
    return patch.dict(HIDDEN, {"api_key": ("pepper",)})


@mutant("U4", "the log's view shows the rows of all", of=test_a_tenant_reads_another_log_through_the_door)
@contextmanager
def view_of_all() -> Iterator[None]:
    wide = {noun: GRANTS[Wall.APP][noun]._replace(rows=Rows.ALL) for noun in ("audit_entry", "audit_tree")}
    with patch.dict(GRANTS, {Wall.APP: {**GRANTS[Wall.APP], **wide}}):
        yield


# -- U5 ----------------------------------------------------------------------------------------------------------------


def as_operator(name: str) -> Scope:
    return make_scope(
        Principal(name, "person", None, Role.OPERATOR, frozenset(ROLE_SCOPES[Role.OPERATOR]), f"key-{name}")
    )


@attack("U5", on=BOTH)
def test_an_operator_looks_without_being_seen(case: Case) -> None:
    store, mallory, olga = filled(case), as_operator("mallory"), as_operator("olga")
    reason = "invoice dispute, ticket 4711"
    for bad in ("", "   ", "x", "\n\n\n\n\n\n\n\n\n\n\n\n"):
        with pytest.raises(AccessError), writing(store) as connection:
            break_glass.open_break_glass(connection, mallory, "g0", "acme", bad, NOW_S, 600)
        case.tried()
    member = member_of("globex")
    with pytest.raises(AccessError), writing(store) as connection:
        break_glass.open_break_glass(connection, member, "g0", "acme", reason, NOW_S, 600)
    with writing(store) as connection:
        grant = break_glass.open_break_glass(connection, olga, "g1", "acme", reason, NOW_S, 600)
    refusals: list[tuple[Scope, str, str, int]] = [
        (mallory, "g1", "acme", NOW_S + 1),
        (olga, "g1", "globex", NOW_S + 1),
        (olga, "g2", "acme", NOW_S + 1),
        (olga, "g1", "acme", NOW_S - 1),
        (olga, "g1", "acme", grant.expires_s),
        (member, "g1", "acme", NOW_S + 1),
    ]
    for who, id_, tenant, at_s in refusals:
        with pytest.raises((AccessError, AuditError)), writing(store) as connection:
            break_glass.read_under(connection, who, id_, tenant, "invoices", at_s)
        case.tried()
    for number in range(1, 4):
        with writing(store) as connection:
            opened = break_glass.read_under(connection, olga, "g1", "acme", "invoices", NOW_S + number)
        assert opened.tenant == "acme" and opened.reason == reason
    with writing(store) as connection:
        break_glass.close_break_glass(connection, olga, "g1", "acme", NOW_S + 9)
    with pytest.raises(AccessError), writing(store) as connection:
        break_glass.read_under(connection, olga, "g1", "acme", "invoices", NOW_S + 10)
    with reading(store) as connection:
        seen = [written.entry for written in audit.entries_of(connection, "acme", after=ENTRIES)]
        assert faults(connection) == []
    actions = [each.action for each in seen]
    assert actions == ["break_glass.open", *["break_glass.read"] * 3, "break_glass.close"]
    assert {(each.actor, each.reason) for each in seen} == {("olga", reason)}


@attack("U5", on=BOTH)
def test_an_operator_looks_through_the_door(case: Case) -> None:
    store = filled(case)
    with writing(store) as connection:
        save_invoice(connection, issued([cents(500)]))
    olga, reason = as_operator("olga"), "invoice dispute, ticket 4711"
    with door_of(case, store) as door:
        look(store, door, olga, reason, case)


def look(store: Engine, door: Door, olga: Scope, reason: str, case: Case) -> None:
    """What an operator sees before, under and after a grant."""

    def invoices(scope: Scope) -> int:
        with door.reading(scope) as bound:
            return int(bound.connection.execute(text("SELECT count(*) FROM invoice")).scalar_one())

    def entries(scope: Scope) -> int:
        with door.reading(scope) as bound:
            return len(audit.entries_of(bound.connection, "acme"))

    def refused() -> None:
        for ask in (invoices, entries):
            with pytest.raises(StoreError):
                ask(olga)

    refused()
    with door.writing(olga) as bound:
        break_glass.open_break_glass(bound.connection, olga, "g1", "acme", reason, NOW_S, 600)
    refused()
    for number in range(1, 3):
        with door.writing(olga) as bound:
            opened = break_glass.read_under(bound.connection, olga, "g1", "acme", "invoices", NOW_S + number)
        assert (invoices(opened), entries(opened)) == (1, ENTRIES + 2 + number)
        with pytest.raises(AccessError), door.writing(opened):
            pass
        case.tried()
    with door.reading(member_of("acme")) as bound:
        told = [written.entry for written in audit.entries_of(bound.connection, "acme", after=ENTRIES + 1)]
    assert [(each.actor, each.action, each.reason) for each in told] == [
        ("olga", f"break_glass.{word}", reason) for word in ("open", "read", "read")
    ]
    with door.writing(olga) as bound:
        break_glass.close_break_glass(bound.connection, olga, "g1", "acme", NOW_S + 9)
    with pytest.raises(AccessError):
        invoices(opened)
    with reading(store) as connection:
        assert faults(connection) == []


@mutant("U5", "the door asks for no grant", of=test_an_operator_looks_through_the_door)
def no_grant_needed() -> AbstractContextManager[object]:
    return patch("billing.store.door._require_grant", lambda *_: None)


@mutant("U5", "operators may read bills", of=test_an_operator_looks_through_the_door)
@contextmanager
def operators_read_bills() -> Iterator[None]:
    seen = {noun: GRANTS[Wall.OPERATOR][noun]._replace(select=True) for noun in ("audit_entry", "audit_details")}
    wide = {**GRANTS[Wall.OPERATOR], **seen, "invoice": Verbs(Rows.ALL)}
    with patch.dict(GRANTS, {Wall.OPERATOR: wide}):
        yield


@mutant("U5", "reason optional", of=test_an_operator_looks_without_being_seen)
def no_reason_needed() -> AbstractContextManager[object]:
    return patch.object(scopes, "require_reason", lambda reason: reason)


@mutant("U5", "a read under break-glass is not noted", of=test_an_operator_looks_without_being_seen)
def reads_not_noted() -> AbstractContextManager[object]:
    real = audit.record

    def forget(connection: Connection, *told: Any) -> object:
        return None if told[2] == "break_glass.read" else real(connection, *told)

    return patch("billing.store.break_glass.record", forget)


# -- U6 ----------------------------------------------------------------------------------------------------------------

HOSTILE = [
    "acme\n2026-01-01T00:00:00Z root invoice.void acme-000001",
    "\x1b[2K\x1b[1Aall is well",
    "\r\x08\x08\x08fine",
    '","action":"key.revoke","actor":"root',
    "\u202eelif\u2028next\u0085line\x00end\ud800",
]
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(), max_size=12))


@attack("U6", on=BOTH)
def test_a_name_writes_a_line_of_its_own(case: Case) -> None:
    from sim.cli.audit_tables import entries_table
    from sim.cli.output import to_csv, to_text

    store = open_store(case.place)

    def inject(texts: tuple[str, str, str, str]) -> None:
        actor, action, object_, reason = texts
        with undone(store) as connection:
            made = audit.record(connection, "acme", actor, action, object_, reason, {"told": reason}, NOW_S)
            write(connection, "acme", 1)
            log = audit.entries_of(connection, "acme")
            assert log[0].entry == made and faults(connection) == []
        assert all(str(value).isprintable() for each in log for value in (*each.entry, each.details))
        assert list(json.loads(entry.leaf_bytes(made))) == sorted(AuditEntry._fields)
        assert json.loads(log[0].details or "") == {"told": reason}
        for written in (to_text(entries_table("acme", log), color=False), to_csv(entries_table("acme", log))):
            assert all(line.isprintable() for line in written.split("\n"))
        assert to_text(entries_table("acme", log), color=False).count("\n") == len(log) + 2

    for each in HOSTILE[:1]:
        inject((each,) * 4)
    case.given(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), inject, examples=25)
    assert shown("written\nby hand\x1b[2K") == r"written\nby hand\x1b[2K"


@mutant("U6", "raw string concatenated", of=test_a_name_writes_a_line_of_its_own, killed_by=(StoreError, UnicodeError))
def not_escaped() -> AbstractContextManager[object]:
    return patch.object(entry, "escaped", lambda text: text)


# -- X4 ----------------------------------------------------------------------------------------------------------------


@attack("X4", on=BOTH)
def test_erasing_a_person_breaks_or_leaves_something(case: Case) -> None:
    store, file = open_store(case.place), case.folder / "witness"
    name = f"Jane Canary {case.rng.randrange(10**9)}"
    about: list[int] = []
    with writing(store) as connection:
        for number in range(12):
            mine = case.rng.random() < 0.5 or number in (3, 4)
            told: Mapping[str, object] = {"name": name if mine else "somebody"}
            made = audit.record(connection, "acme", "acct-7", "account.add", f"acct-{number}", "", told, NOW_S + number)
            about += [made.position] * mine
    witness.add_checkpoint(store, str(file), KEY, NOW_S)
    seen = witness.checkpoints_in(str(file))
    with reading(store) as connection:
        hashes = [written.entry.details_hash for written in audit.entries_of(connection, "acme")]
        proofs = [audit.proof_of(connection, "acme", position, seen).model_dump_json() for position in range(1, 13)]
    assert len(set(hashes)) == 12, "equal details would show as equal hashes"
    with writing(store) as connection:
        audit.erase(connection, "acme", about, "acct-1", "asked to be forgotten", NOW_S + 99)
    with reading(store) as connection:
        assert faults(connection, file) == []
        kept = {written.entry.position for written in audit.entries_of(connection, "acme") if written.details}
        assert kept == {*range(1, 14)} - set(about)
        for table in (tables_audit.entry, tables_audit.details, tables_audit.tree):
            assert name not in repr(connection.execute(select(table)).all())
        again = [audit.proof_of(connection, "acme", position, seen).model_dump_json() for position in range(1, 13)]
    assert again == proofs
    for each in proofs:
        proof = read_proof(each, "proof.json")
        assert isinstance(proof, Proof) and proof_faults(proof, KEY, seen) == []
    salts = (bytes(32), entry.details_text({"name": name}).encode()[:32])
    guesses = {entry.commitment(salt, entry.details_text({"name": name})) for salt in salts}
    assert not guesses & set(hashes)
    with undone(store) as connection:  # what nobody erased may not be gone
        connection.execute(text("DELETE FROM all_audit_details WHERE tenant = 'acme' AND position = 13"))
        assert [fault.position for fault in faults(connection)] == [13]
    with undone(store) as connection:  # nor where another deed, on an object of such a name, seems to say so
        audit.record(connection, "acme", "acct-7", "account.add", "13", "", {}, NOW_S + 100)
        connection.execute(text("DELETE FROM all_audit_details WHERE tenant = 'acme' AND position = 13"))
        assert [fault.position for fault in faults(connection)] == [13], "any deed can hide that details are gone"
    case.tried(len(about))


@mutant("X4", "leaf removed", of=test_erasing_a_person_breaks_or_leaves_something, killed_by=(AuditError,))
def leaf_goes_too() -> AbstractContextManager[object]:
    real = audit.erase

    def remove(connection: Connection, tenant: str, positions: Sequence[int], *told: Any) -> object:
        done = real(connection, tenant, positions, *told)  # type: ignore[arg-type]
        for position in positions:
            connection.execute(text(f"DELETE FROM all_audit_entry WHERE tenant = '{tenant}' AND position = {position}"))
        return done

    return patch.object(audit, "erase", remove)


@mutant("X4", "any deed on a number counts as an erasure", of=test_erasing_a_person_breaks_or_leaves_something)
def every_object_erases() -> AbstractContextManager[object]:
    class Any_(str):
        __hash__ = str.__hash__

        def __eq__(self, _: object) -> bool:
            return True

    return patch.object(check, "ERASED", Any_())


@mutant("X4", "details are hashed without their salt", of=test_erasing_a_person_breaks_or_leaves_something)
@contextmanager
def no_salt() -> Iterator[None]:
    bare = lambda _salt, details: entry.sha256(details.encode()).hexdigest()  # noqa: E731
    with patch.object(audit, "commitment", bare), patch.object(check, "commitment", bare):
        yield
