"""U5 over the API: an auditor who looks into a tenant's data is in the tenant's log, or sees nothing."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from unittest.mock import patch

from api_house import ApiHouse, api_house
from billing.api.policy import POLICIES
from billing.errors import StoreError
from billing.store import door
from billing.store.door import Door
from isolation import BOTH, Case, attack, mutant
from tenants.audit.entry import HOUSE

LOOK = "auditor.read"
LOOKS = sorted(path for method, path in POLICIES if method == "GET" and "/auditor/tenants/{tenant}/" in path)


def looks_of(house: ApiHouse) -> dict[str, list[tuple[str, str]]]:
    """Who looked at what, by whose log it stands in."""
    found: dict[str, list[tuple[str, str]]] = {"acme": [], "bolt": [], HOUSE: []}
    for row in sorted(house.rows("all_audit_entry"), key=lambda row: int(row["position"])):
        if row["action"] == LOOK:
            found[row["tenant"]].append((row["actor"], row["object"]))
    return found


@attack("U5", on=BOTH)
def test_an_auditor_looks_without_being_seen(case: Case) -> None:
    with api_house(case.place, seed=case.seed) as house:
        auditor, seen = house.accounts["auditor"], looks_of(house)
        for path in LOOKS:
            case.tried()
            assert house.get("auditor", path.format(tenant="acme")).status_code == 200
            seen["acme"].append((auditor, path.rpartition("/")[2]))
            assert looks_of(house) == seen, path
        real = door.record

        def full(*told: Any) -> Any:
            if LOOK in told:
                raise StoreError("no room for the entry")
            return real(*told)

        with patch.object(door, "record", full):
            for path in LOOKS:
                case.tried()
                answer = house.get("auditor", path.format(tenant="acme"))
                assert answer.status_code >= 500 and "items" not in answer.json(), f"{path} was read, and nobody knows"


@mutant("U5", "an auditor's look leaves no entry", of=test_an_auditor_looks_without_being_seen)
def look_unseen() -> AbstractContextManager[object]:
    return patch.object(Door, "note_look", lambda *_: None)


@mutant("U5", "a look is noted in the log of the house", of=test_an_auditor_looks_without_being_seen, on=("sqlite",))
def noted_elsewhere() -> AbstractContextManager[object]:
    real = door.record
    return patch.object(door, "record", lambda connection, _, *told: real(connection, HOUSE, *told))


@mutant("U5", "who cannot be noted looks all the same", of=test_an_auditor_looks_without_being_seen, on=("sqlite",))
@contextmanager
def looks_all_the_same() -> Iterator[None]:
    real = Door.note_look

    def tried(*told: Any) -> None:
        with suppress(StoreError):
            real(*told)

    with patch.object(Door, "note_look", tried):
        yield
