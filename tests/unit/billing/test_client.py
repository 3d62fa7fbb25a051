"""The typed client: a method for every operation, calls that are made again and happen once, errors with a name."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api_house import ApiHouse, api_house
from billing.client import ApiError, Client, NoAnswer
from billing.client.errors import Forbidden, InConflict, Invalid, Missing, NotReady, TooFast, Unauthenticated
from billing.client.transport import PACKED_FROM_BYTES
from client_source import ROOT, described, formatted, written

KEY = "spw_test_secret"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path / "spillway.db")) as made:
        yield made


def at(house: ApiHouse, who: str) -> Client:
    return Client("http://testserver", house.keys[who], house.app.state.house.entropy, http=house.client)


def against(answers: list[Any], **more: Any) -> tuple[Client, list[httpx2.Request], list[int]]:
    """A client whose requests are answered in turn, the requests that it sends, and its waits."""
    asked: list[httpx2.Request] = []
    waits: list[int] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        answer = answers[min(len(asked), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = httpx2.Client(transport=httpx2.MockTransport(handle))
    chance: Callable[[int], bytes] = lambda n: bytes(range(n))  # noqa: E731
    return Client("http://api.test/", KEY, chance, pause=waits.append, http=http, **more), asked, waits


def ok(document: Any) -> httpx2.Response:
    return httpx2.Response(200, json=document)


def refusal(status: int, **headers: str) -> httpx2.Response:
    told = {"type": "urn:spillway:problem:word", "title": "No", "status": status}
    return httpx2.Response(status, json=told, headers=headers)


def test_the_client_is_as_the_api_describes_itself() -> None:
    hint = "the API has changed: run python tests/support/client_source.py"
    document = described()
    for path, text in written(document).items():
        assert (ROOT / path).read_text(encoding="utf-8") == formatted(text, path), hint
    operations = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(operations) == len(set(operations))
    assert [name for name in operations if not callable(getattr(Client, name, None))] == []


def test_it_reads_writes_and_goes_through_lists(house: ApiHouse) -> None:
    client = at(house, "acme")
    assert client.read_me()["tenant"] == "acme"
    numbers = [row["number"] for row in client.every(client.list_invoices, limit=1)]
    assert numbers == ["acme-000001", "acme-000002", "acme-000003"]
    assert client.read_invoice(numbers[0])["total"]["amount"] == "1.00"
    made = client.create_account({"kind": "service", "name": "robot", "role": "member"})
    assert made["id"] in [row["id"] for row in client.every(client.list_accounts)]
    client.disable_account(made["id"])


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda client: client.read_invoice("nobody/1?x=y#z"), Missing),
        (lambda client: client.list_tenants(), Forbidden),
        (lambda client: client.list_invoices(period="soon"), Invalid),
        (lambda client: client.create_account({"kind": "god"}), Invalid),
    ],
)
def test_a_refusal_has_a_name(house: ApiHouse, call: Callable[[Client], Any], kind: type[ApiError]) -> None:
    with pytest.raises(kind) as refused:
        call(at(house, "acme"))
    assert refused.value.request_id.startswith("req_") and refused.value.kind


def test_a_key_that_does_not_hold(house: ApiHouse) -> None:
    with pytest.raises(Unauthenticated):
        Client("http://testserver", KEY, bytes, http=house.client).read_me()


def test_what_fails_on_the_way_is_asked_again_and_happens_once() -> None:
    lost = httpx2.ReadError("connection reset")
    client, asked, waits = against([lost, refusal(503), refusal(502), ok({"items": []})])
    client.create_account({"kind": "service", "name": "robot", "role": "member"})
    assert len(asked) == 4 and waits == [1, 2, 4]
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1
    assert {request.content for request in asked} == {asked[0].content}


def test_it_waits_as_long_as_it_is_told_and_gives_up_in_the_end() -> None:
    client, asked, waits = against([refusal(429, **{"Retry-After": "7"})], attempts=3)
    with pytest.raises(TooFast):
        client.read_me()
    assert len(asked) == 3 and waits == [7, 7]
    client, _, waits = against([refusal(503, **{"Retry-After": "9" * 30})], attempts=8)
    with pytest.raises(NotReady):
        client.read_me()
    assert max(waits) == 30
    client, asked, _ = against([refusal(409)])
    with pytest.raises(InConflict):
        client.read_me()
    assert len(asked) == 1


def test_nobody_there() -> None:
    client, asked, _ = against([httpx2.ConnectError(f"refused with {KEY}")])
    with pytest.raises(NoAnswer) as failed:
        client.read_me()
    assert len(asked) == 5
    assert KEY not in f"{failed.value!r} {failed.value} {client!r}" and failed.value.__cause__ is None


def test_large_bodies_are_packed() -> None:
    client, asked, _ = against([ok({"results": []})])
    beat: Any = {"id": "a", "source": "s", "type": "source.beat", "time": "t", "subject": "x", "seq": 1, "data": {}}
    client.post_house_events({"events": [beat]})
    client.post_house_events({"events": [beat] * PACKED_FROM_BYTES})
    plain, packed = asked
    assert "Content-Encoding" not in plain.headers and packed.headers["Content-Encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(packed.content))["events"]) == PACKED_FROM_BYTES


def test_an_answer_that_is_no_document_is_an_error_with_its_status() -> None:
    client, _, _ = against([httpx2.Response(418, text="<html>")])
    with pytest.raises(ApiError) as failed:
        client.read_me()
    assert (failed.value.status, failed.value.kind) == (418, "")
