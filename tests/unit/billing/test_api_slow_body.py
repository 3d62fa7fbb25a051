"""A request whose body is slow to come: what its key may do is asked when the body is there, not when it was begun."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api_house import NOW_S, ApiHouse, api_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    """A house of its own: its keys end."""
    with api_house(str(tmp_path / "slow.db")) as made:
        yield made


def _after(happens: Callable[[], object], body: bytes) -> Iterator[bytes]:
    """A body whose second half comes after something has happened."""
    yield body[:1]
    happens()
    yield body[1:]


def _revoked(house: ApiHouse) -> None:
    done = house.ask("operator", "DELETE", f"/v1/operator/keys/{house.keys['acme'].split('_')[2]}")
    assert done.status_code == 200, done.text


def _suspended(house: ApiHouse) -> None:
    done = house.post("operator", "/v1/operator/tenants/acme/suspend", {"reason": "unpaid"})
    assert done.status_code == 200, done.text


def _ended(house: ApiHouse) -> None:
    house.now_s = NOW_S + 400 * 86_400


@pytest.mark.parametrize(
    ("happens", "status"), [(_revoked, 401), (_suspended, 403), (_ended, 401)], ids=["revoked", "suspended", "ended"]
)
def test_a_key_that_ends_while_a_body_is_held_back_changes_nothing(
    house: ApiHouse, happens: Callable[[ApiHouse], None], status: int
) -> None:
    """Whoever is about to lose a key could else keep requests open, and mint a new one once it is gone."""
    body = _after(lambda: happens(house), b'{"kind": "service", "name": "back door", "role": "tenant_admin"}')
    headers = {"Content-Type": "application/json"}
    answer = house.ask("acme", "POST", "/v1/accounts", headers=headers, content=body)
    assert answer.status_code == status, answer.text
    assert "back door" not in {row["name"] for row in house.rows("all_account")}
