"""A cursor opens the list that it was given for, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.api.idempotency import asked, require_same, without_secrets
from billing.api.paging import Binding, seal, unseal
from billing.api.problems import Problem

SECRET = b"s" * 32
HERE = Binding("acme", "/v1/invoices", {"period": "2026-11", "limit": "5"})
KEYS = st.tuples(st.integers(-(2**63), 2**63 - 1), st.text())


@given(KEYS)
def test_a_cursor_comes_back_whatever_the_size_of_the_page(key: tuple[int, str]) -> None:
    cursor = seal(SECRET, HERE, key)
    assert unseal(SECRET, HERE._replace(query={"period": "2026-11", "cursor": cursor}), cursor, (int, str)) == key


@pytest.mark.parametrize(
    "there",
    [
        HERE._replace(tenant="bolt"),
        HERE._replace(tenant=""),
        HERE._replace(path="/v1/credit-notes"),
        HERE._replace(query={"period": "2026-12"}),
        HERE._replace(query={}),
        Binding("acm", "e/v1/invoices", HERE.query),
    ],
)
def test_a_cursor_opens_nothing_else(there: Binding) -> None:
    with pytest.raises(Problem):
        unseal(SECRET, there, seal(SECRET, HERE, (1, "a")), (int, str))


@given(st.text(max_size=60), st.integers(0, 200), st.integers(1, 255))
def test_a_made_up_or_changed_cursor_is_refused(text: str, place: int, change: int) -> None:
    good = seal(SECRET, HERE, (1_700_000_000, "acme-000001"))
    changed = bytearray(good.encode())
    changed[place % len(changed)] ^= change
    for cursor in (text, changed.decode("latin-1"), good[:-1], good[1:]):
        try:
            assert unseal(SECRET, HERE, cursor, (int, str)) == (1_700_000_000, "acme-000001")
        except Problem as refused:
            assert refused.slug == "invalid_request"


def test_a_cursor_of_another_secret_or_order_is_refused() -> None:
    for secret, shape in ((b"t" * 32, (int, str)), (SECRET, (str, int)), (SECRET, (int, str, str))):
        with pytest.raises(Problem):
            unseal(secret, HERE, seal(SECRET, HERE, (1, "a")), shape)


@pytest.mark.parametrize("values", [[""], ["a", "a"], ["a b"], ["a\n"], ["ä"], ["x" * 256]])
def test_a_malformed_idempotency_key_is_refused(values: list[str]) -> None:
    with pytest.raises(Problem):
        asked(values, "POST", "/v1/keys", b"{}")


def test_an_idempotency_key_stands_for_one_request() -> None:
    first = asked(["k"], "POST", "/v1/keys", b"{}")
    assert first is not None and asked([], "POST", "/v1/keys", b"{}") is None
    require_same(first, first)
    for other in (("POST", "/v1/keys", b"{ }"), ("POST", "/v1/tokens", b"{}"), ("DELETE", "/v1/keys", b"{}")):
        again = asked(["k"], *other)
        assert again is not None
        with pytest.raises(Problem) as refused:
            require_same(again, first)
        assert refused.value.slug == "idempotency_mismatch"


def test_what_is_shown_once_is_not_kept() -> None:
    assert without_secrets({"id": "a", "text": "spw_live_x"}) == {"id": "a", "text": None}
