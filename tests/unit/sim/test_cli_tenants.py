"""`spillway tenants` and `keys` with what a hand gets wrong: each is one line, code 2, and nothing written."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from billing.log.event import OPERATOR, chained
from billing.log.known import EVERYBODY
from billing.store.audit import heads_in
from billing.store.engine import open_store, place_of, reading, writing
from billing.store.writer import append
from sim.cli import app


def spillway(*words: object) -> Result:
    return CliRunner(env={"SPILLWAY_DB": None, "SPILLWAY_WITNESS": None}).invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a tenant that is active, one that is suspended and one that is deleted."""
    path = tmp_path_factory.mktemp("tenants") / "books.db"
    for words in (
        ("db", "init"),
        *(("tenants", "create", name.title(), "--id", name) for name in ("acme", "bolt", "gone")),
        ("tenants", "suspend", "bolt"),
        ("tenants", "delete", "gone"),
    ):
        done = spillway(*words, "--db", path)
        assert done.exit_code == 0, done.output
    with writing(open_store(str(path))) as connection:
        append(connection, list(chained("s", [("a", "t", 0, OPERATOR, {}), ("b", "t", 0, EVERYBODY, {})])))
    return path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("tenants", "create", ""), "name: malformed (found ''; allowed 1 to 200 characters on one line)"),
        (("tenants", "create", "A", "--id", "a b"), "id: malformed (found 'a b'; allowed 1 to 100 letters"),
        (("tenants", "create", "A", "--region", "eu 1"), "region[0]: malformed (found 'eu 1'"),
        (("tenants", "create", "A", "--id", OPERATOR), "id: the log calls by it what no tenant causes"),
        (("tenants", "suspend", "bolt"), "tenant bolt is suspended already"),
        (("tenants", "resume", "acme"), "tenant acme is active already"),
        (("tenants", "delete", "gone"), "tenant gone was deleted"),
        (("tenants", "delete", "acme", "--at", "2020-01-01T00:00:00Z"), "--at: lies too far back (found 2020-01"),
        (("tenants", "purge", "--at", "2999-01-01T00:00:00Z"), "--at: lies in the future"),
        (("keys", "create", "--tenant", OPERATOR), "unknown tenant"),
        (("keys", "create", "--tenant", EVERYBODY), "unknown tenant"),
        (("keys", "list", "--tenant", "acmee"), "unknown tenant, did you mean 'acme'?"),
        (("audit", "show", "--tenant", "acmee"), "unknown tenant, did you mean 'acme'?"),
        (("audit", "show", "--tenant", "acme", "--limit", -1), "--limit"),
        (("audit", "verify", "--witness", "absent"), "absent: no such file"),
    ],
)
def test_a_slip_of_the_hand_is_told_and_changes_nothing(
    made: Path, tmp_path: Path, words: tuple[object, ...], says: str
) -> None:
    db = Path(shutil.copy(made, tmp_path))
    done = spillway(*words, "--db", db)
    assert done.exit_code == 2, done.output
    assert says in " ".join(done.stderr.split())
    stores = [open_store(str(each)) for each in (made, db)]
    heads = []
    for store in stores:
        with reading(store) as connection:
            heads.append(heads_in(connection))
    assert heads[0] == heads[1]


def test_a_place_is_told_as_it_was_named_without_its_password() -> None:
    pytest.importorskip("psycopg")
    assert place_of(open_store("postgresql://spillway:hunter2@db/books")) == "postgresql://spillway:***@db/books"
