"""What every answer promises: its tag, its id, its packing, the methods of a path, and when a route goes."""

import gzip
import re
from collections.abc import Iterator
from unittest.mock import patch

import pytest

from api_house import ApiHouse, api_house
from billing.api import packing, policy
from billing.api.conditional import holds, packed_tag, require_match, tag_of
from billing.api.idempotency import SECRET_FIELDS
from billing.api.policy import POLICIES, Deprecated
from billing.api.problems import Problem
from billing.api.routes.every import every_route


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiHouse]:
    with api_house(str(tmp_path_factory.mktemp("manners") / "spillway.db")) as made:
        yield made


def test_what_a_client_holds_is_not_sent_again(house: ApiHouse) -> None:
    first = house.get("acme", "/v1/invoices")
    tag = first.headers["ETag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*", packed_tag(tag)):
        again = house.get("acme", "/v1/invoices", headers={"If-None-Match": held})
        assert again.status_code == 304 and not again.content and again.headers["ETag"] == tag
    assert house.get("acme", "/v1/invoices", headers={"If-None-Match": '"other"'}).content == first.content
    assert house.get("bolt", "/v1/invoices", headers={"If-None-Match": tag}).status_code == 200
    assert house.get("acme", "/v1/invoices/none", headers={"If-None-Match": "*"}).status_code == 404
    assert house.get("", "/v1/invoices", headers={"If-None-Match": tag}).status_code == 401


def test_each_form_and_page_has_a_tag_of_its_own(house: ApiHouse) -> None:
    asked = [("/v1/invoices", "*/*"), ("/v1/invoices", "text/csv"), ("/v1/invoices?limit=1", "*/*")]
    tags = [house.get("acme", path, headers={"Accept": form}).headers["ETag"] for path, form in asked]
    assert len({*tags}) == 3


@pytest.mark.parametrize(
    ("values", "slug"),
    [([], "precondition_required"), (['"v2"'], "precondition_failed"), (['W/"v1"'], "precondition_failed")],
)
def test_a_change_to_something_unseen_is_refused(values: list[str], slug: str) -> None:
    with pytest.raises(Problem) as refused:
        require_match(values, '"v1"')
    assert refused.value.slug == slug


@pytest.mark.parametrize("values", [['"v1"'], ['"v0", "v1"'], ['"v0"', '"v1"'], ["*"], ['"v1-gzip"']])
def test_a_change_to_what_was_seen_passes(values: list[str]) -> None:
    require_match(values, '"v1"')
    assert holds(values, '"v1"')


def test_long_answers_are_packed_for_whoever_takes_them(house: ApiHouse) -> None:
    path = "/v1/ledger?limit=200"
    plain = house.get("acme", path, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers and len(plain.content) >= packing.SMALLEST_BYTES
    packed = house.get("acme", path, headers={"Accept-Encoding": "br;q=1, gzip;q=0.5"})
    assert packed.headers["Content-Encoding"] == "gzip" and packed.content == plain.content
    assert int(packed.headers["Content-Length"]) < len(plain.content)
    assert packed.headers["ETag"] == packed_tag(plain.headers["ETag"]) != tag_of(plain.content)
    assert "Accept-Encoding" in packed.headers["Vary"]
    again = house.get("acme", path, headers={"If-None-Match": packed.headers["ETag"]})
    assert again.status_code == 304
    for refused in ("gzip;q=0", "br", "", "gzip;q=0.000"):
        assert "Content-Encoding" not in house.get("acme", path, headers={"Accept-Encoding": refused}).headers


def test_answers_with_secrets_are_never_packed(house: ApiHouse) -> None:
    """Their lengths would tell of the secret (BREACH): they are in answers to changes alone."""
    for entry in every_route():
        if entry.method == "GET":
            assert not set(SECRET_FIELDS) & set(entry.answer.model_fields), entry.path
    with patch.object(packing, "SMALLEST_BYTES", 1):
        account = house.get("acme", "/v1/accounts").json()["items"][0]["id"]
        wish = {"account": account, "scopes": ["usage:read"]}
        made = house.post("acme", "/v1/keys", wish, headers={"Accept-Encoding": "gzip"})
        assert made.status_code == 201 and "Content-Encoding" not in made.headers
        assert "Content-Encoding" in house.get("acme", "/v1/me", headers={"Accept-Encoding": "gzip"}).headers


def test_a_packed_body_is_the_body() -> None:
    body = b"x" * 300_000
    assert gzip.decompress(packing._gzip(body)) == body == gzip.decompress(packing._gzip(body))


def test_head_is_get_without_what_it_says(house: ApiHouse) -> None:
    for path in ("/v1/invoices", "/healthz", "/v1/invoices/none"):
        told, whole = house.ask("acme", "HEAD", path), house.get("acme", path)
        assert (told.status_code, told.content) == (whole.status_code, b"")
        assert told.headers["Content-Length"] == whole.headers["Content-Length"]
        assert told.headers.get("ETag") == whole.headers.get("ETag")
    assert house.ask("", "HEAD", "/v1/invoices").status_code == 401


def test_a_path_says_which_methods_it_takes(house: ApiHouse) -> None:
    refused = house.ask("acme", "PATCH", "/v1/webhooks")
    assert refused.status_code == 405 and refused.headers["Allow"] == "GET, HEAD, OPTIONS, POST"
    told = house.ask("", "OPTIONS", "/v1/webhooks")
    assert told.status_code == 204 and told.headers["Allow"] == "GET, HEAD, OPTIONS, POST" and not told.content
    assert house.ask("", "OPTIONS", "/v1/nowhere").status_code == 404
    assert house.ask("acme", "TRACE", "/v1/webhooks").status_code == 405


def test_a_request_keeps_the_id_that_it_came_with(house: ApiHouse) -> None:
    given = "0f8c1c9e-1fd4-4c7b-a4a4-5c8a1f2f9d11"
    assert house.get("acme", "/v1/me", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given
    refused = house.get("", "/v1/me", headers={"X-Request-Id": given})
    assert refused.headers["X-Request-Id"] == given and given not in refused.text
    key = house.keys["acme"]
    for odd in ("short", "x" * 65, "has a space", f"a.{key}", key, 'quote"quote"'):
        own = house.get("acme", "/v1/me", headers={"X-Request-Id": odd}).headers["X-Request-Id"]
        assert re.fullmatch("req_[0-9a-f]{32}", own), odd


def test_a_route_that_goes_says_when(house: ApiHouse) -> None:
    route = ("GET", "/v1/quota")
    going = POLICIES[route]._replace(deprecated=Deprecated(1_800_000_000, 1_815_000_000))
    assert "Deprecation" not in house.get("acme", "/v1/quota").headers
    with patch.object(policy, "POLICIES", {**POLICIES, route: going}):
        told = house.get("acme", "/v1/quota").headers
        assert told["Deprecation"] == "@1800000000" and told["Sunset"] == "Wed, 07 Jul 2027 22:40:00 GMT"


def test_a_cursor_in_a_link_is_the_cursor_of_the_body(house: ApiHouse) -> None:
    told = house.get("acme", "/v1/invoices?limit=1&period=2026-02")
    assert told.json()["next"] is None and "Link" not in told.headers
    told = house.get("acme", "/v1/ledger?limit=2")
    assert told.headers["Link"] == f'</v1/ledger?limit=2&cursor={told.json()["next"]}>; rel="next"'
