"""What operators do to tenants' books over the API: as the house, once, and told to the tenant."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection

from api_house import ApiHouse
from billing.closing.of_log import LogBasis
from billing.store import api_basis
from billing.store.api_terms import TermsSource
from billing.store.engine import open_store, writing
from billing.store.log_basis import basis_at
from billing.store.purge import purge
from billing.terms import Terms
from settled_house import settle, settled_house
from told_events import terms, told

WHY = {"cause": "goodwill", "reason": "a slow GPU"}


@pytest.fixture
def either(store_place: str) -> Iterator[ApiHouse]:
    """On each engine: the worker's rights are the engine's."""
    with settled_house(store_place) as made:
        inner = made.app.state.house
        made.app.state.house = inner._replace(terms=TermsSource(given=terms()))
        yield made


def test_a_month_is_issued_once_and_its_tenants_are_told(either: ApiHouse) -> None:
    # January and February have invoices in this house already; acme's and birch's use is not on those.
    body = {"period": "2026-02"}
    done = either.post("operator", "/v1/operator/invoices/finalise", body)
    assert done.status_code == 200, done.text
    rows = {row["tenant"]: row for row in done.json()["tenants"]}
    assert rows["acme"]["outcome"] == "stood" and rows["acme"]["number"] == "acme-000002"
    assert rows["birch"]["outcome"] == "issued" and rows["birch"]["number"] == "birch-000001"
    assert set(rows["birch"]) == {"tenant", "outcome", "number", "total", "reason"}
    again = either.post("operator", "/v1/operator/invoices/finalise", body | {"tenant": "birch"}).json()
    assert [row["outcome"] for row in again["tenants"]] == ["stood"]
    told = [row for row in either.rows("all_notice") if row["tenant"] == "birch"]
    assert [(row["type"], row["object"]) for row in told] == [("invoice.issued", "birch-000001")]
    (issued,) = [row for row in either.rows("all_audit_entry") if row["tenant"] == "birch"]
    assert (issued["action"], issued["actor"]) == ("invoice.issue", either.accounts["operator"])


def test_a_log_is_folded_once_for_all_tenants_and_for_one_caller_at_a_time(
    either: ApiHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded: list[int] = []
    busy: list[int] = []

    def counting(connection: Connection, agreed: Terms, position: int) -> tuple[LogBasis, int]:
        folded.append(position)
        busy.append(either.post("operator", "/v1/operator/invoices/finalise", {"period": "2026-02"}).status_code)
        return basis_at(connection, agreed, position)

    monkeypatch.setattr(api_basis, "basis_at", counting)
    for tenant in ("birch", "acme", "nobody"):
        body = {"period": "2026-02", "tenant": tenant}
        assert either.post("operator", "/v1/operator/invoices/finalise", body).status_code == 200
    assert len(folded) == 1 and busy == [503]
    settle(either.place, told([("source.beat", 6 * 3_600, "operator", {})], "late"))
    assert either.post("operator", "/v1/operator/invoices/finalise", {"period": "2026-01"}).status_code in (200, 409)
    assert len(folded) == 2 and folded[1] > folded[0], "it is folded anew once it has grown"


def test_a_month_that_is_open_says_why(either: ApiHouse) -> None:
    inner = either.app.state.house
    either.app.state.house = inner._replace(terms=TermsSource())
    told = either.post("operator", "/v1/operator/invoices/finalise", {"period": "2026-02"})
    assert told.status_code == 409 and told.json()["type"].endswith("month_open") and told.json()["errors"]


def test_a_month_that_has_not_begun_is_open_though_nothing_will_follow(either: ApiHouse) -> None:
    """All sources have ended; what came late for earlier months must not be billed in the year 9999."""
    before = either.rows("all_invoice")
    for period in ("2027-02", "9999-12"):
        told = either.post("operator", "/v1/operator/invoices/finalise", {"period": period})
        assert told.status_code == 409 and told.json()["errors"][0]["at"] == period
    assert either.rows("all_invoice") == before


def test_something_is_given_back_once(either: ApiHouse) -> None:
    body = {"number": "acme-000002", "lines": [{"line": 1, "part": "1/2"}], **WHY}
    headers = {"Idempotency-Key": "k1"}
    first = either.post("operator", "/v1/operator/credit-notes", body, headers=headers)
    assert first.status_code == 201 and first.json()["total"] == {"currency": "USD", "amount": "1.00", "minor": "100"}
    second = either.post("operator", "/v1/operator/credit-notes", body, headers=headers)
    assert second.json() == first.json() and second.headers["Idempotency-Replayed"] == "true"
    other = either.post("operator", "/v1/operator/credit-notes", {**body, "cause": "sla"}, headers=headers)
    assert other.status_code == 422
    rest = either.post("operator", "/v1/operator/credit-notes", {"number": "acme-000002", **WHY})
    assert rest.json()["total"]["amount"] == "1.00"
    more = either.post("operator", "/v1/operator/credit-notes", {"number": "acme-000002", **WHY})
    assert more.status_code == 422 and more.json()["errors"][0]["at"] == "body"
    numbers = [row["number"] for row in either.get("acme", "/v1/credit-notes").json()["items"]]
    assert {first.json()["number"], rest.json()["number"]} < set(numbers)
    assert either.actions("acme")[-1] == "credit_note.issue"
    assert "credit_note.issued" in {row["type"] for row in either.rows("all_notice")}


def test_a_payment_is_noted_once(either: ApiHouse) -> None:
    body = {"number": "acme-000003", "amount": {"currency": "USD", "amount": "2.00"}, "reference": "r1"}
    path = "/v1/operator/payments"
    noted = either.post("operator", path, body).json()
    assert noted == {
        "number": "acme-000003", "status": "issued",
        "open": {"currency": "USD", "amount": "1.00", "minor": "100"}, "new": True,
    }  # fmt: skip
    again = {**body, "time": "2027-01-15T08:00:00Z"}
    assert either.post("operator", path, again).json()["new"] is False
    other = {"currency": "USD", "amount": "1.50", "minor": "150"}
    assert either.post("operator", path, {**body, "amount": other}).status_code == 409
    assert either.post("operator", path, {**body, "number": "acme-000009"}).status_code == 404
    euros = {"amount": {"currency": "EUR", "amount": "1.00"}, "reference": "r2"}
    assert either.post("operator", path, {**body, **euros}).status_code == 422
    before = {"time": "2001-01-01T00:00:00Z", "reference": "r3"}
    assert either.post("operator", path, {**body, **before}).status_code == 422
    last = {"amount": {"currency": "USD", "amount": "1.00"}, "reference": "r4"}
    assert either.post("operator", path, {**body, **last}).json()["status"] == "paid"
    (paid,) = [row for row in either.rows("all_notice") if row["type"] == "invoice.paid"]  # and none of the first part
    assert paid["object"] == "acme-000003" and "r4" not in paid["body"]


def test_a_tenant_is_made(either: ApiHouse) -> None:
    body = {"name": "Zeta", "id": "zeta", "regions": ["eu"]}
    made = either.post("operator", "/v1/operator/tenants", body)
    assert made.status_code == 201 and (made.json()["id"], made.json()["status"]) == ("zeta", "active")
    assert either.post("operator", "/v1/operator/tenants", body).status_code == 409
    assert either.post("operator", "/v1/operator/tenants", {"name": "Zeta", "id": "operator"}).status_code == 422
    assert either.actions("zeta") == ["tenant.create"] and made.json()["key"] is None
    assert either.post("acme", "/v1/operator/tenants", body).status_code == 403


def test_a_new_tenant_may_have_its_first_key_at_once(either: ApiHouse) -> None:
    path, body, once = "/v1/operator/tenants", {"name": "Ypsi", "id": "ypsi", "first_key": True}, "made-once"
    made = either.post("operator", path, body, headers={"Idempotency-Key": once})
    assert made.status_code == 201, made.text
    key = made.json()["key"]
    mine = {"Authorization": f"Bearer {key['text']}"}
    me = either.client.get("/v1/me", headers=mine).json()
    assert (me["tenant"], me["role"], me["key"]) == ("ypsi", "tenant_admin", key["id"])
    again = either.post("operator", path, body, headers={"Idempotency-Key": once}).json()
    assert again["key"] == {**key, "text": None}  # shown once, and made once
    log = [row for row in either.rows("all_audit_entry") if row["tenant"] == "ypsi"]
    assert [row["action"] for row in log] == ["tenant.create", "account.create", "key.create"]
    assert {row["actor"] for row in log} == {either.accounts["operator"]}
    # It may do what an admin may: make another, and end itself.
    other = {"account": key["account"], "scopes": ["bills:read"]}
    assert either.client.post("/v1/keys", headers=mine, json=other).status_code == 201
    assert either.client.delete(f"/v1/keys/{key['id']}", headers=mine).status_code == 200
    assert either.client.get("/v1/me", headers=mine).status_code == 401
    gone = either.post("operator", path, body, headers={"Idempotency-Key": "another"})
    assert gone.status_code == 409 and "key" not in gone.json()  # nobody gets a key to a tenant that is there


def test_the_first_key_of_a_tenant_that_was_deleted_is_not_made_again(either: ApiHouse) -> None:
    path, body = "/v1/operator/tenants", {"name": "Xi", "id": "xi", "first_key": True}
    once = {"Idempotency-Key": "made-and-deleted"}
    assert either.post("operator", path, body, headers=once).status_code == 201
    assert either.post("operator", f"{path}/xi/delete", {"reason": "ends"}).status_code == 200
    store = open_store(either.place)
    with writing(store) as connection:
        purge(connection, either.now_s)
    store.dispose()
    again = either.post("operator", path, body, headers=once)  # its keys are gone: as if there never had been one
    assert again.status_code == 409 and "key" not in again.json(), again.text
    assert not [row for row in either.rows("all_api_key") if row["tenant"] == "xi"]
    assert len([row for row in either.rows("all_account") if row["tenant"] == "xi"]) == 1
