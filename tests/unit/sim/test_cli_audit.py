"""`spillway audit`: from a change of the books to a proof in somebody else's hands, and what damage is told of it."""

import json
import re
import shutil
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from billing.store.books import save_invoice
from billing.store.engine import open_store, writing
from invoice_facts import cents, issued
from run_folders import write_small
from sim.cli import app
from tenants.audit.checkpoint import read_witness

NOON = "2026-02-01T12:00:00Z"


def spillway(*words: object) -> Result:
    return CliRunner(env={"SPILLWAY_DB": None, "NO_COLOR": None}).invoke(app, [str(word) for word in words])


def told(*words: object) -> dict[str, object]:
    done = spillway(*words, "--json")
    assert done.exit_code == 0, done.output
    document: dict[str, object] = json.loads(done.stdout)
    return document


@pytest.fixture(scope="module")
def paid_db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an invoice of acme's that was paid."""
    path = tmp_path_factory.mktemp("paid") / "books.db"
    assert spillway("db", "init", "--db", path).exit_code == 0
    with writing(open_store(str(path))) as connection:
        save_invoice(connection, issued([cents(500)]))
    paid = spillway("bill", "pay", "acme-000001", "5", "--reference", "wire-7", "--at", NOON, "--db", path)
    assert paid.exit_code == 0
    return path


@pytest.fixture
def db(paid_db: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copy(paid_db, tmp_path))


def test_what_was_done_is_shown_with_who_and_when(db: Path) -> None:
    logs = told("audit", "show", "--db", db)["logs"]
    assert [(log["tenant"], log["size"]) for log in logs] == [("", 1), ("acme", 2)]  # type: ignore[attr-defined]
    entries = told("audit", "show", "--tenant", "acme", "--db", db)["entries"]
    (first, second) = entries  # type: ignore[misc]
    assert (first["action"], second["action"]) == ("invoice.issue", "payment.note")
    assert second["actor"] == "local" and second["object"] == "acme-000001"
    assert second["details"] == {"amount_micro": 5_000_000, "currency": "USD", "reference": "wire-7"}
    assert (
        "payment.note" in spillway("audit", "show", "--tenant", "acme", "--after", 1, "--limit", 1, "--db", db).stdout
    )
    nobody = spillway("audit", "show", "--tenant", "nobody", "--db", db)
    assert nobody.exit_code == 2 and "did you mean" not in nobody.stderr and "acme" in nobody.stderr


def test_a_proof_holds_without_the_database(db: Path, tmp_path: Path) -> None:
    early = spillway("audit", "prove", 1, "--tenant", "acme", "--db", db)
    assert json.loads(early.stdout)["checkpoint"] is None and "audit checkpoint" in early.stderr
    assert told("audit", "checkpoint", "--at", NOON, "--db", db)["new"] is True
    assert told("audit", "checkpoint", "--db", db)["new"] is False
    witness, secrets, proof = f"{db}.witness", f"{db}.secrets", tmp_path / "proof.json"
    proof.write_text(spillway("audit", "prove", 2, "--tenant", "acme", "--db", db).stdout)
    db.unlink()
    ask = ("audit", "verify", "--proof", proof, "--witness", witness, "--secrets", secrets)
    good = spillway(*ask)
    assert good.exit_code == 0 and "entry 2 of acme, payment.note acme-000001" in good.stdout and NOON in good.stdout
    Path(witness).write_text("")
    assert spillway(*ask).exit_code == 1
    for damaged in (proof.read_text().replace("wire", "w"), proof.read_text().replace("payment.note", "payment.void")):
        proof.write_text(damaged)
    bad = spillway("audit", "verify", "--proof", proof, "--json")
    assert bad.exit_code == 1 and json.loads(bad.stdout)["faults"] == ["the entry is not in the tree of this root"]


def test_growth_is_proven_too(db: Path, tmp_path: Path) -> None:
    told("audit", "checkpoint", "--at", NOON, "--db", db)
    proof = tmp_path / "growth.json"
    proof.write_text(spillway("audit", "prove", "--since", 1, "--tenant", "acme", "--db", db).stdout)
    ask = ("audit", "verify", "--proof", proof, "--witness", f"{db}.witness")
    assert "2 entries go on from 1: proven" in spillway(*ask).stdout
    changed = json.loads(proof.read_text())
    changed["second"]["root"] = "0" * 64
    proof.write_text(json.dumps(changed))
    assert json.loads(spillway(*ask, "--json").stdout)["faults"] == [
        "the second tree does not begin with the first",
        "the witness file has another root of that size",
    ]


def test_verify_names_the_first_bad_position(db: Path) -> None:
    told("audit", "checkpoint", "--at", NOON, "--db", db)
    assert spillway("audit", "verify", "--db", db).exit_code == 0
    raw = sqlite3.connect(db)
    raw.execute("UPDATE all_audit_entry SET actor = 'mallory' WHERE tenant = 'acme' AND position = 2")
    raw.commit()
    raw.close()
    bad = spillway("audit", "verify", "--db", db)
    assert bad.exit_code == 1 and "the first is entry 2 of acme: is not the entry that was hashed" in bad.stdout
    assert spillway("audit", "verify", "--tenant", "other", "--db", db).exit_code == 0
    assert spillway("db", "check", "--db", db).exit_code == 1


def test_details_are_erased_and_the_log_says_so(db: Path) -> None:
    told("audit", "checkpoint", "--at", NOON, "--db", db)
    done = told(
        "audit", "erase", 1, 2, "--tenant", "acme", "--reason", "asked to be forgotten", "--at", NOON, "--db", db
    )
    assert done == {"erased": "1-2", "position": 3}
    told("audit", "verify", "--db", db)
    shown = spillway("audit", "show", "--tenant", "acme", "--db", db).stdout
    assert len(re.findall(r"\(erased\)", shown)) == 2 and "wire-7" not in shown
    assert not any(b'"reference":"wire-7"' in file.read_bytes() for file in db.parent.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("prove", 9, "--tenant", "acme"), "no such entry"),
        (("prove", 1), "name a tenant"),
        (("prove", "--tenant", "acme"), "--since"),
        (("prove", "--since", 99, "--tenant", "acme"), "no such sizes"),
        (("prove", 1, "--tenant", "acme", "--house"), "one log at a time"),
        (("erase", 9, "--tenant", "acme", "--reason", "x"), "no such entry"),
        (("verify", "--proof", "nothing.json"), "nothing.json"),
        (("checkpoint", "--at", "noon"), "noon"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(db: Path, words: tuple[object, ...], says: str) -> None:
    done = spillway("audit", *words, "--db", db)
    assert done.exit_code == 2 and says in done.stderr and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_a_line_that_was_never_finished_is_written_again(db: Path) -> None:
    told("audit", "checkpoint", "--at", NOON, "--db", db)
    witness = Path(f"{db}.witness")
    whole = witness.read_text()
    told("audit", "erase", 1, "--tenant", "acme", "--reason", "asked", "--at", NOON, "--db", db)
    told("audit", "checkpoint", "--at", NOON, "--db", db)
    both = witness.read_text()
    witness.write_text(both[:-20])
    assert told("audit", "verify", "--db", db)["checkpoints"] == 1
    told("audit", "checkpoint", "--at", NOON, "--db", db)
    assert witness.read_text() == both and both.startswith(whole)


def test_a_damaged_witness_file_or_proof_is_refused(db: Path, tmp_path: Path) -> None:
    Path(f"{db}.witness").write_bytes(b'{"a": 1}\n\xff\xfe\n')
    for words in (("verify",), ("checkpoint",)):
        done = spillway("audit", *words, "--db", db)
        assert done.exit_code == 2 and "line 1: not a checkpoint" in done.stderr
    Path(f"{db}.witness").unlink()
    proof = tmp_path / "proof.json"
    good = spillway("audit", "prove", 1, "--tenant", "acme", "--db", db).stdout
    late = good.replace('"time_s": 1769904000', f'"time_s": {10**30}')
    assert late != good
    for text in ("", "[]", '{"entry": 1}', "\x00", '{"first": {}}', late):
        proof.write_text(text)
        assert spillway("audit", "verify", "--proof", proof, "--db", db).exit_code == 2


def test_closing_a_month_ends_with_a_checkpoint(tmp_path: Path) -> None:
    db, run = tmp_path / "month.db", write_small(tmp_path / "runs" / "small")
    for words in (("db", "init"), ("db", "import", run), ("audit", "checkpoint", "--at", NOON), ("bill", "issue")):
        assert spillway(*words, "--db", db).exit_code == 0
    one, two = read_witness(Path(f"{db}.witness").read_text(), "")
    assert {head.tenant for head in one.heads} == {""} < {head.tenant for head in two.heads}
    lines = told("audit", "show", "--house", "--db", db)["entries"]
    assert [line["action"] for line in lines] == ["store.upgrade", "terms.note", "events.import"]  # type: ignore[attr-defined]
