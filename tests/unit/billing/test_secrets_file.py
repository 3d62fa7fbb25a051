"""The file of secrets: made once, readable by its owner alone, and silent about what is in it."""

from pathlib import Path

import pytest

from billing.errors import StoreError
from billing.store.secrets_file import load_secrets, make_secrets, secrets_path, turn_pepper
from sim.cli.edge import entropy, now_s, now_us


def test_secrets_come_back_as_they_were_made(tmp_path: Path) -> None:
    path = tmp_path / "books.db.secrets"
    made = make_secrets(path, entropy)
    assert load_secrets(path) == made and path.stat().st_mode & 0o777 == 0o600
    turned = turn_pepper(path, entropy)
    assert load_secrets(path) == turned and turned.pepper == 2 and turned.peppers[1] == made.peppers[1]
    assert path.stat().st_mode & 0o777 == 0o600 and list(tmp_path.iterdir()) == [path]
    with pytest.raises(StoreError, match="there is a file of secrets"):
        make_secrets(path, entropy)
    assert load_secrets(path) == turned


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    made = make_secrets(path, entropy)
    path.chmod(0o640)
    with pytest.raises(StoreError, match=r"others may use it \(found 'mode 0640'") as refused:
        load_secrets(path)
    assert made.cursor.hex() not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"pepper": 1, "peppers": {"1": "00ff"}}', "\udcff"])
def test_what_is_no_file_of_secrets_is_refused_and_not_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "s"
    path.write_bytes(text.encode(errors="surrogateescape"))
    path.chmod(0o600)
    with pytest.raises(StoreError, match="not a file of secrets") as refused:
        load_secrets(path)
    assert "00ff" not in str(refused.value)


def test_secrets_lie_beside_the_database() -> None:
    assert secrets_path("a/books.db") == Path("a/books.db.secrets")
    assert secrets_path("postgresql://x@h/db") == Path("spillway.secrets")
    assert secrets_path("books.db", "/etc/s") == Path("/etc/s")
    assert now_s() <= now_us() // 1_000_000
